//! A provider's stream, passing by.
//!
//! A stream that has begun can only be honest about how it ends. When the provider fails in the
//! middle, the client gets an error event in its family's shape and no end mark; half an event is
//! held back until its end is there, so that the error never runs into it.

use super::answer::{AnswerBody, BEGAN, unmetered};
use super::attempt::Attempt;
use super::whole_events::{LONGEST_EVENT, WholeEvents};
use crate::base::redact::Redactor;
use crate::gateway::resilience::breaker::Permit;
use crate::gateway::resilience::places::Place;
use crate::gateway::slots::InFlight;
use crate::provider::client::root_cause;
use crate::provider::failure::Phase;
use crate::provider::translation::{Refused, StreamTranslator};
use crate::provider::{Class, Endpoint, EventFilter, Failure, Received, Refusal, UsageScanner};
use crate::store::Outcome;
use bytes::Bytes;
use http_body::Body as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// How long more is waited for when the end of a stream has come.
const AFTER_END: Duration = Duration::from_secs(1);

/// How long more is waited for when the model has said why it stopped: the counts may come, and the
/// mark of the end, which some leave out.
const AFTER_REASON: Duration = Duration::from_secs(5);

/// Events that a provider sends.
#[derive(Debug)]
pub(crate) struct Passed {
    upstream: Received,
    scanner: UsageScanner,
    /// Leaves out what is not for the client.
    filter: EventFilter,
    /// Tells the events to a client of another family: nothing passes as it is then.
    translator: Option<Box<StreamTranslator>>,
    attempt: Attempt,
    events: WholeEvents,
    stall: Duration,
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the timer runs for the piece that is being waited for.
    armed: bool,
    over: bool,
    /// What came before it was clear that the stream has begun.
    begun: std::vec::IntoIter<Bytes>,
    /// How the stream ended, if not well.
    unwell: Option<Unwell>,
    /// The breaker hears how the stream ended.
    permit: Option<Permit>,
    /// The stream's place at the target, until it has ended.
    place: Option<Place>,
    /// It counts the stream for as long as it lasts.
    slot: InFlight,
}

/// How a provider's stream ended that did not end well.
#[derive(Clone, Debug)]
pub(super) enum Unwell {
    /// Without an error of the provider's own.
    Failed(Failure),
    /// With an error in the client's family's shape.
    Refusal(Refusal),
    /// With an error of another family, which the client was told.
    Refused(Refused),
}

impl Unwell {
    /// Whether it says something of how well the provider is, and not of the request or the key.
    fn is_failure(&self) -> bool {
        let class = match self {
            Self::Failed(_) => return true,
            Self::Refusal(refusal) => refusal.class,
            Self::Refused(refused) => refused.class,
        };
        matches!(class, Class::Overloaded | Class::ServerError | Class::Unusable | Class::Success)
    }
}

/// A stream that has begun.
#[derive(Debug)]
pub(super) struct Beginning {
    /// Its pieces so far.
    pub(super) held: Vec<Bytes>,
    /// The slot that it came with.
    pub(super) slot: InFlight,
    /// For the breaker, which hears how it ends.
    pub(super) permit: Option<Permit>,
    /// Its place at the target.
    pub(super) place: Option<Place>,
    /// How long it may pause.
    pub(super) stall: Duration,
    /// When the time of the request is over.
    pub(super) deadline: Instant,
    /// The endpoint whose events they are.
    pub(super) endpoint: Endpoint,
    /// Whether they may be of more than one choice.
    pub(super) several: bool,
    /// Whether the event with the counts is taken out, which was asked for in the client's place.
    pub(super) without_usage: bool,
    /// What tells it to a client of another family.
    pub(super) translator: Option<Box<StreamTranslator>>,
}

impl AnswerBody {
    /// A provider's events.
    pub(super) fn passed(upstream: Received, attempt: Attempt, beginning: Beginning) -> Self {
        let Beginning {
            held,
            slot,
            permit,
            place,
            stall,
            deadline,
            endpoint,
            several,
            without_usage,
            translator,
        } = beginning;
        Self::Passed(Box::new(Passed {
            upstream,
            scanner: UsageScanner::new(endpoint).of_several(several),
            filter: EventFilter::new(without_usage),
            translator,
            attempt,
            events: WholeEvents::default(),
            stall,
            deadline,
            timer: None,
            armed: false,
            over: false,
            begun: held.into_iter(),
            unwell: None,
            permit,
            place,
            slot,
        }))
    }

    /// Whether all of a provider's answer is there, though its connection may be open.
    pub(super) fn is_finished(&self) -> bool {
        let finished = |passed: &Passed| match &passed.translator {
            Some(translator) => translator.finished(),
            None => passed.scanner.finished(),
        };
        matches!(self, Self::Passed(passed) if finished(passed))
    }

    /// Gives a provider's stream up.
    pub(super) fn abandon(&mut self, failure: Failure) {
        if let Self::Passed(passed) = self {
            passed.over = true;
            passed.fail(Outcome::Truncated, Unwell::Failed(failure));
        }
    }

    /// How a provider's stream ended, if not well.
    pub(super) fn unwell(&self) -> Option<&Unwell> {
        match self {
            Self::Passed(passed) => passed.unwell.as_ref(),
            Self::Whole(_) | Self::Made(_) | Self::Played(_) | Self::Recorded(_) => None,
        }
    }
}

impl Passed {
    /// Whether all of it has come as the provider said it, and its usage row is kept.
    pub(super) fn ended_well(&self) -> bool {
        let malformed = match &self.translator {
            Some(translator) => translator.malformed(),
            None => self.filter.malformed(),
        };
        malformed == 0 && self.unwell.is_none() && self.attempt.ended_well()
    }

    /// The answer is whole: its row is kept before its last byte goes out.
    fn succeed(&mut self) -> Result<(), String> {
        if let Some(permit) = self.permit.take() {
            permit.succeeded();
        }
        self.place = None;
        self.attempt.end(Outcome::Ok, BEGAN)
    }

    /// The provider did not do its part.
    fn fail(&mut self, outcome: Outcome, unwell: Unwell) {
        let permit = self.permit.take();
        if unwell.is_failure()
            && let Some(permit) = permit
        {
            permit.failed();
        }
        self.unwell = Some(unwell);
        self.place = None;
        self.attempt.fail(outcome, BEGAN);
    }

    /// Ends the stream with an error event.
    fn break_off(&mut self, outcome: Outcome, failure: &Failure) -> Bytes {
        self.over = true;
        self.fail(outcome, Unwell::Failed(failure.clone()));
        let asked = self.attempt.asked();
        let kind = match failure {
            Failure::Timeout(..) => "upstream_timeout",
            Failure::Connect(_) | Failure::Transport(_) | Failure::Malformed(_) => {
                "upstream_stream_broken"
            }
        };
        let message = format!("the stream of the provider ended early: {failure}");
        tracing::warn!(request_id = %asked.request_id, error = %failure, "stream broken off");
        let sequence = self.sequence();
        Bytes::from(asked.endpoint.stream_error(kind, &message, &asked.request_id, sequence))
    }

    /// The number of the client's next event, where events are numbered.
    fn sequence(&self) -> u64 {
        match &self.translator {
            Some(translator) => translator.sequence(),
            None => self.scanner.next_sequence(),
        }
    }

    /// Takes a piece; gives back what the client gets of it.
    fn pass(&mut self, piece: Bytes) -> Bytes {
        let Some(translator) = &mut self.translator else {
            let out = self.take(piece);
            return self.filtered(out);
        };
        let before = translator.malformed();
        let out = translator.push(&piece);
        if before == 0 && translator.malformed() > 0 {
            self.warn_of_malformed();
        }
        self.told(out)
    }

    /// What follows from what the client has been told.
    fn told(&mut self, out: Bytes) -> Bytes {
        let Some(translator) = &self.translator else { return out };
        self.attempt.count(translator.tokens());
        let (refused, finished) = (translator.refusal().cloned(), translator.finished());
        if let Some(why) = translator.broken() {
            let event = self.break_off(Outcome::Truncated, &Failure::Malformed(why));
            return Bytes::from([out, event].concat());
        }
        if let Some(refused) = refused
            && !self.attempt.is_kept()
        {
            // The client has been told so in the words of its family.
            self.over = true;
            self.fail(Outcome::Truncated, Unwell::Refused(refused));
        }
        if finished && let Err(why) = self.succeed() {
            self.over = true;
            return unmetered(&self.attempt, &why, self.sequence());
        }
        out
    }

    /// Takes a piece; gives back what may go out, whole events only.
    fn take(&mut self, piece: Bytes) -> Bytes {
        self.scanner.push(&piece);
        self.attempt.count(self.scanner.tokens());
        if !self.attempt.is_kept()
            && let Some(refusal) = self.scanner.refusal().cloned()
        {
            // The provider says itself that it failed, in its own words.
            self.fail(Outcome::Truncated, Unwell::Refusal(refusal));
        }
        if self.scanner.finished()
            && let Err(why) = self.succeed()
        {
            self.over = true;
            return unmetered(&self.attempt, &why, self.scanner.next_sequence());
        }
        // Nothing comes after the end of an answer, or after an error, that it could run into.
        let out = match (self.attempt.is_kept(), &self.unwell) {
            (false, _) => self.events.push(piece),
            (true, None) => self.events.all_with(piece),
            (true, Some(_)) => {
                let events = self.events.push(piece);
                self.cleaned(events)
            }
        };
        if self.events.is_too_long() {
            let why = format!("an event has more than {LONGEST_EVENT} bytes");
            let event = self.break_off(Outcome::Truncated, &Failure::Malformed(why));
            return Bytes::from([out, event].concat());
        }
        out
    }

    /// The provider has closed the stream.
    fn close(&mut self) -> Option<Bytes> {
        if self.translator.is_some() {
            return self.close_told();
        }
        if !self.attempt.is_kept() {
            if !self.scanner.whole() {
                let failure = Failure::Transport("the end of the answer is missing".to_owned());
                return Some(self.break_off(Outcome::Truncated, &failure));
            }
            if let Err(why) = self.succeed() {
                self.over = true;
                return Some(unmetered(&self.attempt, &why, self.scanner.next_sequence()));
            }
        }
        self.over = true;
        let mut rest = self.events.all_with(Bytes::new());
        if self.unwell.is_some() {
            rest = self.cleaned(rest);
        }
        Some(self.filtered(rest)).filter(|rest| !rest.is_empty())
    }

    /// The provider has closed a stream of another family than the client's.
    fn close_told(&mut self) -> Option<Bytes> {
        let mut out = Bytes::new();
        if !self.attempt.is_kept() {
            let rest = self.translator.as_mut().map(|translator| translator.finish());
            out = self.told(rest.unwrap_or_default());
            if !self.attempt.is_kept() && !self.over {
                let failure = Failure::Transport("the end of the answer is missing".to_owned());
                let event = self.break_off(Outcome::Truncated, &failure);
                out = Bytes::from([out, event].concat());
            }
        }
        self.over = true;
        Some(out).filter(|out| !out.is_empty())
    }

    /// What a provider says when it ends its stream with an error, without our key if it quotes
    /// that.
    fn cleaned(&self, events: Bytes) -> Bytes {
        let secrets = Redactor::new([self.slot.slot().secret.clone()]);
        secrets.clean_json(&String::from_utf8_lossy(&events)).map_or(events, Bytes::from)
    }

    /// Whether all of the answer is there, marked as its end or not.
    fn is_whole(&self) -> bool {
        match &self.translator {
            Some(translator) => translator.is_whole(),
            None => self.scanner.whole(),
        }
    }

    fn warn_of_malformed(&self) {
        let request_id = &self.attempt.asked().request_id;
        tracing::warn!(%request_id, "events of the provider that cannot be read are left out");
    }

    /// What of whole events is for the client.
    fn filtered(&mut self, events: Bytes) -> Bytes {
        let before = self.filter.malformed();
        let left = self.filter.pass(events);
        if before == 0 && self.filter.malformed() > 0 {
            self.warn_of_malformed();
        }
        left
    }

    /// Whether the time is up for the piece that is being waited for.
    fn late(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.armed {
            let rest = match self.attempt.is_kept() {
                true => AFTER_END.min(self.stall),
                false if self.is_whole() => AFTER_REASON.min(self.stall),
                false => self.stall,
            };
            let due = (Instant::now() + rest).min(self.deadline).into();
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(due),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(due))),
            }
            self.armed = true;
        }
        self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready())
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if self.over {
                return Poll::Ready(None);
            }
            if let Some(piece) = self.begun.next() {
                let out = self.pass(piece);
                if !out.is_empty() {
                    return Poll::Ready(Some(out));
                }
                continue;
            }
            match Pin::new(&mut self.upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.armed = false;
                    if Instant::now() >= self.deadline {
                        return Poll::Ready(self.out_of_time());
                    }
                    // Trailers say nothing that a client of these APIs would read.
                    let Ok(piece) = frame.into_data() else { continue };
                    let out = self.pass(piece);
                    if !out.is_empty() {
                        return Poll::Ready(Some(out));
                    }
                }
                Poll::Ready(Some(Err(e))) => {
                    if self.attempt.is_kept() {
                        // The answer was whole; how its connection ended does not matter.
                        self.over = true;
                        continue;
                    }
                    if self.is_whole() {
                        return Poll::Ready(self.close());
                    }
                    let failure = Failure::Transport(root_cause(&e));
                    return Poll::Ready(Some(self.break_off(Outcome::Truncated, &failure)));
                }
                Poll::Ready(None) => return Poll::Ready(self.close()),
                Poll::Pending if self.late(cx) => return Poll::Ready(self.out_of_time()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn out_of_time(&mut self) -> Option<Bytes> {
        if self.attempt.is_kept() || self.is_whole() {
            // The provider only leaves its connection open.
            return self.close();
        }
        let failure = if Instant::now() >= self.deadline {
            // Whether it was the provider that was slow, or the client, nobody can tell.
            drop(self.permit.take());
            let began = self.attempt.asked().started;
            Failure::Timeout(Phase::Total, self.deadline.saturating_duration_since(began))
        } else {
            Failure::Timeout(Phase::Stall, self.stall)
        };
        Some(self.break_off(Outcome::Timeout, &failure))
    }
}
