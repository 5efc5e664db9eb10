//! How attempts fail: classes that decide what is tried next and what the client is told.

use http::StatusCode;
use std::fmt;
use std::time::Duration;

/// What the status of a provider's answer means for the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// An answer.
    Success,
    /// The provider does not take our key: 401, 403, or 402 for want of credit.
    KeyRefused,
    /// Too many requests with this key.
    RateLimited,
    /// The provider has too much to do: 503, or Anthropic's 529.
    Overloaded,
    /// The provider broke.
    ServerError,
    /// The request is at fault; the same request fails anywhere.
    ClientError,
    /// A redirect, or a status outside HTTP's meaning: never followed.
    Unusable,
}

impl Class {
    /// The class of a status.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Success,
            401..=403 => Self::KeyRefused,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::ClientError,
            500..=599 => Self::ServerError,
            _ => Self::Unusable,
        }
    }
}

/// What was waited for when the time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A connection.
    Connect,
    /// The head of the answer.
    Headers,
    /// The next piece of the answer.
    Stall,
    /// The whole answer.
    Total,
}

/// Why there is no answer of a provider to pass on. Texts name no secret and quote no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection was had; no byte of the request has left.
    Connect(String),
    /// The connection broke.
    Transport(String),
    /// The time ran out.
    Timeout(Phase, Duration),
    /// An answer that is none: a redirect, something else than promised, too large.
    Malformed(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "cannot connect: {why}"),
            Self::Transport(why) => write!(f, "the connection broke: {why}"),
            Self::Timeout(phase, after) => {
                let what = match phase {
                    Phase::Connect => "no connection",
                    Phase::Headers => "no answer",
                    Phase::Stall => "the answer stalled",
                    Phase::Total => "no complete answer",
                };
                write!(f, "{what} within {} ms", after.as_millis())
            }
            Self::Malformed(why) => write!(f, "unusable answer: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_their_classes() {
        let class = |status: u16| Class::of(StatusCode::from_u16(status).unwrap());
        assert_eq!(class(200), Class::Success);
        assert_eq!(class(401), Class::KeyRefused);
        assert_eq!(class(403), Class::KeyRefused);
        assert_eq!(class(404), Class::ClientError);
        assert_eq!(class(429), Class::RateLimited);
        assert_eq!(class(529), Class::Overloaded);
        assert_eq!(class(502), Class::ServerError);
        assert_eq!(class(302), Class::Unusable);
    }
}
