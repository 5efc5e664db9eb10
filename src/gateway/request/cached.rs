//! A request that may be answered from the cache: who is asked, and what is kept of the answer.

use super::answer::AnswerBody;
use super::commit::Gaps;
use super::forward::{Call, Gateway};
use super::recorded::{Recorded, Tape};
use super::tried::Unanswered;
use crate::base::apart::{HEAVY, LARGE, apart};
use crate::gateway::answers::{
    Answers, CACHE, Entry, Found, LARGEST, Lead, Served, Terms, Wish, is_deterministic, is_whole,
    key,
};
use crate::gateway::error::GatewayError;
use crate::gateway::routes::Route;
use crate::settings::profile::StreamCommit;
use bytes::Bytes;
use http::header::{AGE, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use std::sync::Arc;

/// So often an answer that is too old for a request is met before it asks for itself.
const TOO_OLD: u32 = 3;

impl Gateway {
    /// Answers a call of which the route or the request says something about the cache.
    pub(super) async fn answer_or_hit(
        &self,
        answers: &Arc<Answers>,
        route: &Route,
        call: Call,
        commit: StreamCommit,
    ) -> Result<Response<AnswerBody>, Unanswered> {
        let wish = Wish::of(&call.headers).map_err(GatewayError::Malformed)?;
        let Some(terms) = wish.terms(route.cache) else {
            return self.asked(answers, route, &call, commit, Served::Bypass).await;
        };
        let (endpoint, body, once) = (call.endpoint, call.body.clone(), call.envelope.once);
        let fits = apart(body.len(), move || is_deterministic(endpoint, &body, once)).await;
        if !fits {
            return self.asked(answers, route, &call, commit, Served::Bypass).await;
        }
        let Some(key) = key(route, &call).await else {
            return self.asked(answers, route, &call, commit, Served::Bypass).await;
        };
        // Whoever has waited in vain must have the time to ask.
        let until = call.asked.started + route.limits.total / 2;
        let mut too_old = 0;
        let lead = loop {
            if terms.refresh || too_old >= TOO_OLD {
                break answers.begin(&key);
            }
            match answers.join(&key, until).await {
                Found::Lead(lead) => match answers.find(&key).await {
                    Some(entry) if entry.age() <= terms.max_age => {
                        let entry = Arc::new(entry);
                        lead.land(Arc::clone(&entry), false);
                        return Ok(hit(answers, &entry, Served::Hit));
                    }
                    _ => break lead,
                },
                Found::Landed(entry, fresh) if entry.age() <= terms.max_age => {
                    let served = if fresh { Served::Joined } else { Served::Hit };
                    return Ok(hit(answers, &entry, served));
                }
                Found::Landed(..) => {
                    too_old += 1;
                    tokio::task::yield_now().await;
                }
                Found::Apart => {
                    return self.asked(answers, route, &call, commit, Served::Miss).await;
                }
            }
        };
        // Without an answer the lead goes to the next.
        let answer = self.asked(answers, route, &call, commit, Served::Miss).await?;
        Ok(kept(answers, &call, &terms, answer, lead))
    }

    /// Has a provider answer.
    async fn asked(
        &self,
        answers: &Answers,
        route: &Route,
        call: &Call,
        commit: StreamCommit,
        served: Served,
    ) -> Result<Response<AnswerBody>, Unanswered> {
        answers.metrics.count(served);
        let mut answer = self.ask(route, call, commit).await?;
        mark(&mut answer, served);
        Ok(answer)
    }
}

/// Says on an answer, and for the log, where it is from.
fn mark(answer: &mut Response<AnswerBody>, served: Served) {
    answer.headers_mut().insert(CACHE, HeaderValue::from_static(served.header()));
    answer.extensions_mut().insert(served);
}

/// An answer for which nobody was asked.
fn hit(answers: &Answers, entry: &Entry, served: Served) -> Response<AnswerBody> {
    answers.metrics.count(served);
    let mut answer = Response::new(AnswerBody::Whole(Some(entry.body.clone())));
    mark(&mut answer, served);
    let headers = answer.headers_mut();
    entry.dress(headers);
    headers.insert(AGE, HeaderValue::from(entry.age().as_secs()));
    for name in ["x-ultra-attempts", "x-ultra-cost"] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("0"));
    }
    answer
}

/// Keeps an answer of a provider if it may stand for the next, at once or when its stream has ended
/// well.
fn kept(
    answers: &Arc<Answers>,
    call: &Call,
    terms: &Terms,
    mut answer: Response<AnswerBody>,
    lead: Lead,
) -> Response<AnswerBody> {
    if answer.status() != StatusCode::OK {
        // The next may fare better.
        return answer;
    }
    let headers = answer.headers();
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let streamed = kind.starts_with(b"text/event-stream");
    let has_gaps = answer.extensions().get::<Gaps>().is_some();
    if headers.contains_key(CONTENT_ENCODING) || streamed != call.envelope.stream || has_gaps {
        lead.part();
        return answer;
    }
    let tape = Tape {
        answers: Arc::clone(answers),
        lead,
        head: headers.clone(),
        endpoint: call.endpoint,
        streamed,
        lifetime: terms.lifetime,
    };
    match answer.body_mut() {
        AnswerBody::Whole(body) => tape.keep(body.clone().unwrap_or_default()),
        body => {
            let inner = std::mem::replace(body, AnswerBody::Whole(None));
            *body = AnswerBody::Recorded(Box::new(Recorded::new(inner, tape)));
        }
    }
    answer
}

impl Tape {
    /// Keeps the whole of an answer that has ended well, if it may stand for the next; else those
    /// who wait for it ask for themselves. A large one is looked at apart: until that is done, who
    /// asks the same waits.
    pub(super) fn keep(self, body: Bytes) {
        // It is read to a tree, copied and sealed.
        let size = body.len().saturating_mul(HEAVY);
        if size < LARGE || body.len() > LARGEST {
            self.keep_here(body);
        } else {
            drop(tokio::spawn(apart(size, move || self.keep_here(body))));
        }
    }

    fn keep_here(self, body: Bytes) {
        if body.len() <= LARGEST
            && is_whole(self.endpoint, self.streamed, &body)
            && let Some(entry) = Entry::of(&self.head, body)
        {
            self.answers.keep(self.lead, entry, self.lifetime);
        } else {
            self.lead.part();
        }
    }
}
