//! One attempt at a provider, and its one usage row.

use crate::provider::Tokens;
use crate::provider::prices::usd;
use crate::provider::wire::Endpoint;
use crate::settings::profile::Mode;
use crate::store::Outcome;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// What all attempts of a request have in common.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The request's id.
    pub(crate) request_id: Arc<str>,
    /// The service key, or the subject of the token.
    pub(crate) key_id: Arc<str>,
    /// The user on whose behalf it is, if the credentials name one.
    pub(crate) user_id: Option<Arc<str>>,
    /// The endpoint that was asked.
    pub(crate) endpoint: Endpoint,
    /// The model that was asked for.
    pub(crate) model: Arc<str>,
    /// Whether a stream was asked for.
    pub(crate) stream: bool,
    /// What answers come from.
    pub(crate) mode: Mode,
    /// When the request came.
    pub(crate) started: Instant,
}

/// An attempt that has ended, as it is metered.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    /// Made when the attempt began.
    pub(crate) id: Uuid,
    /// The request.
    pub(crate) asked: &'a Asked,
    /// The provider.
    pub(crate) provider: &'a Arc<str>,
    /// The model's name there.
    pub(crate) upstream_model: &'a Arc<str>,
    /// Which attempt of the request, from 1.
    pub(crate) number: u32,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// The status of the answer.
    pub(crate) status: u16,
    /// What the provider counted.
    pub(crate) tokens: Tokens,
    /// When the attempt began.
    pub(crate) began: Instant,
    /// Whether nothing of it has left for the provider.
    pub(crate) unsent: bool,
}

impl Ended<'_> {
    /// Whether it may have cost something: a provider bills what it answered, not what it refused.
    pub(crate) fn is_billable(&self) -> bool {
        let counted = self.tokens.input.is_some() || self.tokens.output.is_some();
        counted || !matches!(self.outcome, Outcome::Error | Outcome::Refused)
    }
}

/// Who keeps usage.
pub(crate) trait Meter: Debug + Send + Sync {
    /// Whether a row could be kept now: a request that cannot be metered is not begun.
    ///
    /// # Errors
    /// Why not.
    fn ready(&self) -> Result<(), String>;

    /// Keeps the row of an attempt, durably enough that the death of the process loses nothing.
    /// Returns what it cost, in nano-dollars, if that is known.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn keep(&self, ended: &Ended<'_>) -> Result<Option<i64>, String>;

    /// Takes the row of an attempt, to keep it together with those of others; returns its turn as
    /// well, which must be settled, unless it is kept already.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn hand_over(&self, ended: &Ended<'_>) -> Result<(Option<i64>, Option<u64>), String> {
        self.keep(ended).map(|cost| (cost, None))
    }

    /// Keeps the row of a turn as [`Meter::keep`] does, if nobody has done so yet.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn settle(&self, _turn: u64) -> Result<(), String> {
        Ok(())
    }
}

/// A row that was handed over. Dropped, because nobody waits for the answer any more, it is settled.
struct HandedOver<'a> {
    meter: &'a dyn Meter,
    asked: &'a Asked,
    turn: Option<u64>,
}

impl HandedOver<'_> {
    fn settle(mut self) -> Result<(), String> {
        self.turn.take().map_or(Ok(()), |turn| self.meter.settle(turn))
    }
}

impl Drop for HandedOver<'_> {
    fn drop(&mut self) {
        if let Some(Err(why)) = self.turn.take().map(|turn| self.meter.settle(turn)) {
            tracing::error!(request_id = %self.asked.request_id, %why, "usage row lost");
        }
    }
}

/// An attempt under way. It leaves exactly one row: dropped without an end it was the client who
/// went away.
#[derive(Debug)]
pub(crate) struct Attempt {
    id: Uuid,
    asked: Arc<Asked>,
    provider: Arc<str>,
    upstream_model: Arc<str>,
    number: u32,
    began: Instant,
    meter: Arc<dyn Meter>,
    /// Whether some of it may have left for the provider.
    sent: bool,
    /// What is known so far, for the row of an attempt that nobody ends.
    status: u16,
    tokens: Tokens,
    /// Whether the provider gave counts that nobody can believe.
    absurd: bool,
    kept: bool,
    /// Whether its row is kept, and says that nothing went wrong.
    well: bool,
    cost: Option<i64>,
}

/// What a plain answer cost, in US dollars; exact, with at most nine digits after the point.
const COST: HeaderName = HeaderName::from_static("x-ultra-cost");

/// The status that is kept for a client that did not wait, as nginx writes it.
const CLIENT_CLOSED: u16 = 499;

impl Attempt {
    /// Begins an attempt.
    pub(crate) fn begin(
        asked: &Arc<Asked>,
        provider: &Arc<str>,
        upstream_model: &Arc<str>,
        number: u32,
        meter: &Arc<dyn Meter>,
    ) -> Self {
        Self {
            id: crate::base::id::v7(),
            asked: Arc::clone(asked),
            provider: Arc::clone(provider),
            upstream_model: Arc::clone(upstream_model),
            number,
            began: Instant::now(),
            meter: Arc::clone(meter),
            sent: true,
            status: CLIENT_CLOSED,
            tokens: Tokens::default().at(asked.endpoint),
            absurd: false,
            kept: false,
            well: false,
            cost: None,
        }
    }

    /// The request it belongs to.
    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Notes that nothing has left for the provider yet; what is returned is set once that may have
    /// changed.
    pub(super) fn unsent(&mut self) -> &mut bool {
        self.sent = false;
        &mut self.sent
    }

    /// Takes note of the counts so far. Those that nobody can believe are none: one of them would
    /// spoil every sum that it is in.
    pub(crate) fn count(&mut self, tokens: Tokens) {
        if tokens.is_absurd() {
            if !std::mem::replace(&mut self.absurd, true) {
                let request_id = &self.asked.request_id;
                tracing::warn!(%request_id, "the provider's counts cannot be: left uncounted");
            }
            self.tokens = Tokens::default();
            return;
        }
        self.tokens = tokens.at(self.asked.endpoint);
    }

    /// Whether its row is kept, and says that nothing went wrong.
    pub(super) fn ended_well(&self) -> bool {
        self.well
    }

    /// Whether its row is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Says in `headers` what an attempt that has ended cost, if that is known.
    pub(super) fn tell_cost(&self, headers: &mut HeaderMap) {
        if let Some(cost) = self.cost
            && let Ok(value) = HeaderValue::from_str(&usd(i128::from(cost)))
        {
            headers.insert(COST, value);
        }
    }

    /// Ends the attempt; what comes after the first end is ignored.
    ///
    /// # Errors
    /// The row could not be kept.
    pub(crate) fn end(&mut self, outcome: Outcome, status: u16) -> Result<(), String> {
        if self.kept {
            return Ok(());
        }
        self.kept = true;
        self.cost = self.meter.keep(&self.ended(outcome, status))?;
        self.well = outcome == Outcome::Ok;
        Ok(())
    }

    /// The same, together with the attempts that end at the same moment: every other task that can
    /// go on has its turn before the rows are written.
    ///
    /// # Errors
    /// As [`Attempt::end`].
    pub(super) async fn end_with_others(
        &mut self,
        outcome: Outcome,
        status: u16,
    ) -> Result<(), String> {
        if self.kept {
            return Ok(());
        }
        self.kept = true;
        let (cost, turn) = self.meter.hand_over(&self.ended(outcome, status))?;
        if turn.is_some() {
            let row = HandedOver { meter: &*self.meter, asked: &self.asked, turn };
            tokio::task::yield_now().await;
            row.settle()?;
        }
        self.cost = cost;
        self.well = outcome == Outcome::Ok;
        Ok(())
    }

    fn ended(&self, outcome: Outcome, status: u16) -> Ended<'_> {
        // An outcome that leaves it open what a provider bills would do so of one that knows nothing.
        let unheard = !self.sent && matches!(outcome, Outcome::Timeout | Outcome::ClientClosed);
        let nothing = Tokens { input: Some(0), output: Some(0), ..Tokens::default() };
        Ended {
            id: self.id,
            asked: &self.asked,
            provider: &self.provider,
            upstream_model: &self.upstream_model,
            number: self.number,
            outcome,
            status,
            tokens: if unheard { nothing } else { self.tokens },
            began: self.began,
            unsent: !self.sent,
        }
    }

    /// Ends an attempt whose failure is told anyway: a row that cannot be kept is logged, and
    /// does not hide the failure.
    pub(crate) fn fail(&mut self, outcome: Outcome, status: u16) {
        if let Err(why) = self.end(outcome, status) {
            tracing::error!(request_id = %self.asked.request_id, %why, "usage row lost");
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.kept {
            self.fail(Outcome::ClientClosed, self.status);
        }
    }
}
