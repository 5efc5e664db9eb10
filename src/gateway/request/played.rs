//! The mock's models that do more than answer: their scripts, played to the client.
//!
//! The client meets the fault itself. The mock is the last target there is, so nothing here is
//! tried again or judged; only the time limit of the whole request holds.

use super::answer::{AnswerBody, unmetered};
use super::attempt::Attempt;
use super::forward::{Call, Gateway};
use super::missed::failed;
use crate::gateway::error::GatewayError;
use crate::gateway::routes::{Limits, Target};
use crate::provider::failure::Phase;
use crate::provider::mock::{self, Behaviour, Ending, Lead, Mock, Put, Script, Step};
use crate::provider::{Endpoint, Failure, Tokens, UsageScanner};
use crate::store::Outcome;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::SizeHint;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// In the extensions of an answer that must not be given: the connection is reset instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reset;

/// The status that is logged for a client that gets none, as nginx writes it.
const NO_ANSWER: u16 = 444;

/// The body ends here, in the middle: the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mock cuts the answer, as its model says")
    }
}

impl std::error::Error for Cut {}

/// A body that follows a script.
#[derive(Debug)]
pub(crate) struct Played {
    steps: std::vec::IntoIter<Step>,
    length: Option<u64>,
    status: u16,
    ending: Ending,
    tokens: Tokens,
    attempt: Attempt,
    mock: Arc<Mock>,
    /// The model's name at the mock.
    model: Arc<str>,
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the cut waits for what was said before to be sent.
    cutting: bool,
    over: bool,
    /// Numbers an error event at the end.
    said: UsageScanner,
}

impl Gateway {
    /// Plays what a model of the mock does.
    ///
    /// # Errors
    /// The request is malformed, or its time was over before the head came.
    pub(super) async fn play(
        &self,
        behaviour: Behaviour,
        target: &Target,
        limits: &Limits,
        call: &Call,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let put = Put {
            endpoint: call.endpoint,
            envelope: &call.envelope,
            body: &call.body,
            key_id: &call.asked.key_id,
            model: &target.model,
            run: call.headers.get(mock::RUN).map(HeaderValue::as_bytes),
            request_id: &call.asked.request_id,
        };
        let script = self.mock.script(behaviour, &put).map_err(GatewayError::Malformed)?;
        let provider = &target.provider;
        let mut attempt =
            Attempt::begin(&call.asked, &provider.name, &target.model, 1, &self.meter);
        self.mock.ledger.bill(&target.model, 1, 0, 0);

        let deadline = call.asked.started + limits.total;
        let due = match script.lead {
            Lead::Never => deadline,
            Lead::Head | Lead::Reset => (Instant::now() + script.before).min(deadline),
        };
        if script.lead == Lead::Never || !script.before.is_zero() {
            tokio::time::sleep_until(due.into()).await;
        }
        if due == deadline {
            attempt.fail(Outcome::Timeout, 504);
            return Err(failed(provider, Failure::Timeout(Phase::Total, limits.total)));
        }
        if script.lead == Lead::Reset {
            attempt.fail(Outcome::Error, 502);
            // It is never sent, and so never whole.
            let unsent = Some(Bytes::from_static(b"reset"));
            let mut reset = Response::new(AnswerBody::Whole(unsent));
            *reset.status_mut() =
                StatusCode::from_u16(NO_ANSWER).unwrap_or(StatusCode::BAD_GATEWAY);
            reset.extensions_mut().insert(Reset);
            return Ok(reset);
        }
        self.begin(script, target, attempt, deadline)
    }

    /// The head, and the body that follows. One that is said in one piece is over before it goes
    /// out, as that of a provider is.
    fn begin(
        &self,
        script: Script,
        target: &Target,
        mut attempt: Attempt,
        deadline: Instant,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let tokens =
            Tokens { input: (script.input > 0).then_some(script.input), ..Tokens::default() };
        attempt.count(tokens);
        self.mock.ledger.bill(&target.model, 0, script.input, 0);
        let endpoint = attempt.asked().endpoint;
        let status = StatusCode::from_u16(script.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = Response::new(AnswerBody::Whole(None));
        *response.body_mut() = match script.steps.as_slice() {
            [] => {
                attempt
                    .end(outcome(script.ending), script.status)
                    .map_err(GatewayError::Unmetered)?;
                AnswerBody::Whole(None)
            }
            [Step::Say(piece)] if script.length.is_some() => {
                self.mock.ledger.bill(&target.model, 0, 0, piece.output);
                let output = (piece.output > 0).then_some(piece.output);
                attempt.count(Tokens { output, ..tokens });
                attempt
                    .end(outcome(script.ending), script.status)
                    .map_err(GatewayError::Unmetered)?;
                attempt.tell_cost(response.headers_mut());
                AnswerBody::Whole(Some(piece.bytes.clone()))
            }
            _ => AnswerBody::Played(Box::new(Played {
                steps: script.steps.into_iter(),
                length: script.length,
                status: script.status,
                ending: script.ending,
                tokens,
                attempt,
                mock: Arc::clone(&self.mock),
                model: Arc::clone(&target.model),
                deadline,
                timer: None,
                cutting: false,
                over: false,
                said: UsageScanner::new(endpoint),
            })),
        };
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(script.kind));
        if let Some(after) = script.retry_after {
            let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
            let name = HeaderName::from_static("retry-after-ms");
            headers.insert(name, HeaderValue::from(millis));
        }
        Ok(response)
    }
}

fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Whole => Outcome::Ok,
        Ending::Error => Outcome::Error,
        Ending::Truncated => Outcome::Truncated,
    }
}

impl Played {
    /// Whether all of it was said, as it should be.
    pub(super) fn ended_well(&self) -> bool {
        self.attempt.ended_well()
    }

    /// How much there is, if the head has said so.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    /// The next piece.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        loop {
            if self.over {
                return Poll::Ready(None);
            }
            if let Some(timer) = &mut self.timer {
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.timer = None;
                if Instant::now() >= self.deadline {
                    return Poll::Ready(Some(self.out_of_time()));
                }
            }
            if self.cutting {
                self.over = true;
                self.attempt.fail(Outcome::Truncated, self.status);
                return Poll::Ready(Some(Err(Cut)));
            }
            match self.steps.next() {
                Some(Step::Say(piece)) => return Poll::Ready(Some(Ok(self.say(piece)))),
                Some(Step::Wait(time)) => self.wait(time),
                Some(Step::Silence) => self.wait(Duration::MAX),
                Some(Step::Cut) => {
                    // An answer that waits is sent as far as it goes; one that breaks is not.
                    self.cutting = true;
                    self.wait(FLUSHED);
                }
                None => self.over = true,
            }
        }
    }

    fn say(&mut self, piece: mock::Piece) -> Bytes {
        if piece.output > 0 {
            self.tokens.output = Some(self.tokens.output.unwrap_or(0) + piece.output);
            self.attempt.count(self.tokens);
            self.mock.ledger.bill(&self.model, 0, 0, piece.output);
        }
        if self.steps.len() == 0
            && let Err(why) = self.attempt.end(outcome(self.ending), self.status)
        {
            self.over = true;
            return unmetered(&self.attempt, &why, self.said.next_sequence());
        }
        if self.attempt.asked().endpoint == Endpoint::Responses {
            self.said.push(&piece.bytes);
        }
        piece.bytes
    }

    fn wait(&mut self, time: Duration) {
        let due = Instant::now().checked_add(time).unwrap_or(self.deadline).min(self.deadline);
        self.timer = Some(Box::pin(tokio::time::sleep_until(due.into())));
    }

    /// The time of the request is over: a stream says so, anything else can only be cut.
    fn out_of_time(&mut self) -> Result<Bytes, Cut> {
        self.over = true;
        self.attempt.fail(Outcome::Timeout, self.status);
        if self.length.is_some() {
            return Err(Cut);
        }
        let asked = self.attempt.asked();
        let limit = self.deadline.saturating_duration_since(asked.started);
        let failure = Failure::Timeout(Phase::Total, limit);
        let message = format!("the stream of the provider ended early: {failure}");
        let sequence = self.said.next_sequence();
        let id = &asked.request_id;
        let event = asked.endpoint.stream_error("upstream_timeout", &message, id, sequence);
        Ok(Bytes::from(format!("\n{event}")))
    }
}

/// The time that the bytes before a cut have to leave.
const FLUSHED: Duration = Duration::from_millis(5);
