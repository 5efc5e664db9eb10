//! When the answer to a request for a stream begins: with the first event that says something, or
//! when all of it is there. Until then nothing has been told to the client, and whatever goes wrong
//! may be made up for by another target.

use super::answer::AnswerBody;
use super::attempt::Attempt;
use super::crossing::Crossing;
use super::exchange::{Exchange, Held, answer};
use super::missed::{Kind, Missed, failed};
use super::passed::{Beginning, Unwell};
use crate::base::Joined;
use crate::gateway::slots::InFlight;
use crate::provider::client::root_cause;
use crate::provider::failure::Phase;
use crate::provider::translation::{Refused, StreamOpening};
use crate::provider::{
    Endpoint, Failure, Opening, OpeningScanner, Received, Refusal, Tokens, UsageScanner,
};
use crate::settings::profile::StreamCommit;
use crate::store::Outcome;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt as _;
use std::time::{Duration, Instant};
use tokio::time::{timeout, timeout_at};

/// The largest stream that is kept back until all of it is there.
const LARGEST: usize = 64 << 20;

/// How long more is waited for when the end of a stream has come.
const LEFTOVERS: Duration = Duration::from_millis(50);

/// What the beginning of a stream says.
enum Opened<'a> {
    /// There is an answer.
    Answer,
    /// There is none: the provider's error, as a client of its family reads it.
    Refusal(Refusal),
    /// There is none: the provider's error, for a client of another family.
    Refused(&'a Crossing, Refused),
}

/// Reads the beginning of a stream.
enum Scanner<'a> {
    Passing(OpeningScanner),
    Crossing(&'a Crossing, Box<StreamOpening>),
}

impl<'a> Scanner<'a> {
    /// Takes the next piece; `None` if it says nothing yet, an error if it says nothing at all.
    fn push(&mut self, piece: &[u8]) -> Option<Result<Opened<'a>, Failure>> {
        Some(Ok(match self {
            Self::Passing(scanner) => match scanner.push(piece)? {
                Opening::Answer => Opened::Answer,
                Opening::Nothing => return Some(Err(silent())),
                Opening::Refusal(refusal) => Opened::Refusal(refusal),
            },
            Self::Crossing(crossing, opening) => match opening.push(piece)? {
                Ok(()) => Opened::Answer,
                Err(refused) => Opened::Refused(crossing, refused),
            },
        }))
    }

    /// What the provider has counted in `pieces`, which are all that there were.
    fn tokens(&self, endpoint: Endpoint, pieces: &[Bytes]) -> Tokens {
        match self {
            Self::Passing(_) => {
                let mut counted = UsageScanner::new(endpoint);
                pieces.iter().for_each(|piece| counted.push(piece));
                counted.tokens()
            }
            Self::Crossing(_, opening) => opening.tokens(),
        }
    }
}

/// On an answer that is whole now: events of its stream could not be read and were left out, so it
/// does not stand for the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gaps;

impl Exchange<'_> {
    /// Passes a stream on once it has begun.
    pub(super) async fn stream(
        &self,
        parts: Parts,
        mut upstream: Received,
        mut attempt: Attempt,
        slot: &InFlight,
        held: &mut Held,
        deadline: Instant,
    ) -> Result<Response<AnswerBody>, Missed> {
        let mut scanner = match self.crossing {
            Some(crossing) => Scanner::Crossing(crossing, Box::new(crossing.opening())),
            None => Scanner::Passing(OpeningScanner::new(self.endpoint)),
        };
        let mut pieces = Vec::new();
        let opening = self.opening(&mut upstream, &mut scanner, &mut pieces, deadline).await;
        if !matches!(opening, Ok(Opened::Answer)) {
            // There is no answer, but what it took to find out may be billed.
            attempt.count(scanner.tokens(self.endpoint, &pieces));
        }
        match opening {
            Ok(Opened::Answer) => {}
            Err((kind, failure)) => return Err(self.unusable(&mut attempt, kind, failure)),
            Ok(Opened::Refusal(Refusal { status, class, body })) => {
                attempt.fail(Outcome::Error, status.as_u16());
                return Err(self.refusal(class, status, &parts.headers, body, slot).await);
            }
            Ok(Opened::Refused(crossing, refused)) => {
                attempt.fail(Outcome::Error, refused.status.as_u16());
                return Err(self.refused(crossing, &refused, &parts.headers, slot));
            }
        }
        if let Some(permit) = &mut held.permit {
            permit.began();
        }
        if let Some(place) = &held.place {
            place.answered();
        }
        let beginning = Beginning {
            held: pieces,
            slot: slot.again(),
            permit: held.permit.take(),
            place: held.place.take(),
            stall: self.limits.stall,
            deadline,
            endpoint: self.endpoint,
            several: self.call.envelope.several,
            without_usage: self.call.envelope.adds_usage() && self.target.provider.stream_usage,
            translator: self.crossing.map(|crossing| {
                let request_id = &self.call.asked.request_id;
                Box::new(crossing.translator(self.target, request_id, slot))
            }),
        };
        let body = AnswerBody::passed(upstream, attempt, beginning);
        let (body, gaps) = match self.commit {
            StreamCommit::FirstEvent => (body, None),
            StreamCommit::Complete => Box::pin(self.complete(body, &parts.headers, slot)).await?,
        };
        let mut answer = answer(&parts, body);
        if let Some(gaps) = gaps {
            answer.extensions_mut().insert(gaps);
        }
        if self.crossing.is_some() {
            let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
            answer.headers_mut().insert(CONTENT_TYPE, kind);
        }
        Ok(answer)
    }

    /// Reads until the stream says something: keeps the pieces so far, and says what they say.
    async fn opening<'a>(
        &self,
        upstream: &mut Received,
        scanner: &mut Scanner<'a>,
        held: &mut Vec<Bytes>,
        deadline: Instant,
    ) -> Result<Opened<'a>, (Kind, Failure)> {
        let mut first = match self.later {
            None => deadline,
            Some(_) => (Instant::now() + self.limits.first_event).min(deadline),
        };
        loop {
            match timeout_at(first.into(), upstream.frame()).await {
                Ok(Some(Ok(frame))) => {
                    let Ok(piece) = frame.into_data() else { continue };
                    let opening = scanner.push(&piece);
                    held.push(piece);
                    match opening {
                        Some(Ok(opening)) => return Ok(opening),
                        Some(Err(silent)) => return Err((Kind::Useless, silent)),
                        None => {}
                    }
                }
                Ok(Some(Err(e))) => {
                    return Err((Kind::Useless, Failure::Transport(root_cause(&e))));
                }
                Ok(None) => return Err((Kind::Useless, silent())),
                Err(_) if first == deadline => {
                    return Err((Kind::Final, Failure::Timeout(Phase::Total, self.limits.total)));
                }
                Err(_) if !Box::pin(self.has_others()).await => first = deadline,
                Err(_) => {
                    let limit = self.limits.first_event;
                    return Err((Kind::Useless, Failure::Timeout(Phase::FirstEvent, limit)));
                }
            }
        }
    }

    /// Whether another target can be asked.
    async fn has_others(&self) -> bool {
        match self.later {
            Some(later) => later.any().await,
            None => false,
        }
    }

    /// Keeps the stream back until all of it is there, and says whether something had to be left
    /// out of it.
    async fn complete(
        &self,
        mut body: AnswerBody,
        headers: &HeaderMap,
        slot: &InFlight,
    ) -> Result<(AnswerBody, Option<Gaps>), Missed> {
        let mut whole = Joined::default();
        loop {
            // Once its end is there, a provider only leaves its connection open.
            let rest = if body.is_finished() { LEFTOVERS } else { self.limits.total };
            let Ok(Some(Ok(frame))) = timeout(rest, body.frame()).await else { break };
            let Ok(piece) = frame.into_data() else { continue };
            if whole.len() + piece.len() > LARGEST {
                body.abandon(Failure::Malformed(format!("it has more than {LARGEST} bytes")));
                break;
            }
            whole.push(piece);
            if body.unwell().is_some() {
                break;
            }
        }
        let mut missed = match (body.unwell().cloned(), self.crossing) {
            (None, _) => {
                let gaps = (!body.ended_well()).then_some(Gaps);
                return Ok((AnswerBody::Whole(Some(whole.whole())), gaps));
            }
            (Some(Unwell::Refusal(Refusal { status, class, body })), _) => {
                self.refusal(class, status, headers, body, slot).await
            }
            (Some(Unwell::Refused(refused)), Some(crossing)) => {
                self.refused(crossing, &refused, headers, slot)
            }
            (Some(Unwell::Refused(_)), None) => {
                let why = "the provider ended its stream with an error".to_owned();
                self.incomplete(Failure::Malformed(why))
            }
            (Some(Unwell::Failed(failure)), _) => self.incomplete(failure),
        };
        // It was heard for a while already: the same is not asked of it once more.
        if matches!(missed.kind, Kind::Broken | Kind::Overloaded) {
            missed.kind = Kind::Useless;
        }
        Err(missed)
    }

    /// What was kept back is no answer; its usage row is written.
    fn incomplete(&self, failure: Failure) -> Missed {
        let kind = match failure {
            Failure::Timeout(Phase::Total, _) => Kind::Final,
            _ => Kind::Useless,
        };
        Missed { kind, told: Box::new(Err(failed(&self.target.provider, failure))), wait: None }
    }
}

fn silent() -> Failure {
    Failure::Malformed("the stream ended before it said anything".to_owned())
}
