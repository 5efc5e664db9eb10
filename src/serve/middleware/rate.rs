//! Rates: who asks too often is told when to come back.

use crate::base::words;
use crate::gateway::limits::{Decision, Limited, Limiter};
use crate::provider::headers;
use crate::serve::error::Refusal;
use http::{HeaderMap, HeaderName, Response, StatusCode};

/// What a caller is told of its limit, with the header names of the OpenAI API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    limit: u32,
    remaining: u32,
    reset_seconds: u64,
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

impl Shown {
    fn of(decision: &Decision) -> Self {
        Self {
            limit: decision.limit,
            remaining: decision.remaining,
            reset_seconds: decision.reset.as_secs() + u64::from(decision.reset.subsec_nanos() > 0),
        }
    }

    /// Puts it on an answer of whatever status. A refusal for another limit has told of that one,
    /// which is the one to wait for.
    pub(crate) fn tell<B>(&self, response: &mut Response<B>) {
        let refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
        if !(refused && response.headers().contains_key(LIMIT)) {
            self.write(response.headers_mut());
        }
    }

    /// Puts it on an answer.
    pub(crate) fn write(&self, out: &mut HeaderMap) {
        out.insert(LIMIT, headers::number(u64::from(self.limit), ""));
        out.insert(REMAINING, headers::number(u64::from(self.remaining), ""));
        out.insert(RESET, headers::number(self.reset_seconds, "s"));
    }
}

/// Counts a request.
///
/// # Errors
/// 429 with `Retry-After`.
pub(crate) async fn check(
    limiter: &dyn Limiter,
    who: &Limited,
    per_minute: u32,
) -> Result<Shown, Refusal> {
    let decision = limiter.check(who, per_minute).await;
    let shown = Shown::of(&decision);
    if decision.allowed {
        return Ok(shown);
    }
    let seconds = decision.retry_after_seconds();
    let mut refusal = Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limit_exceeded",
        format!(
            "more than {} a minute, try again in {seconds} s",
            words::count(decision.limit, "request")
        ),
    )
    .retry_after(seconds);
    refusal.limits = Some(shown);
    Err(refusal)
}
