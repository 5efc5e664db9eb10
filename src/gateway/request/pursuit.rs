//! The way of one request: which target in which turn, one deadline, one loop.

use super::answer::AnswerBody;
use super::crossing::{Crossing, Meant};
use super::exchange::Held;
use super::forward::{Call, Gateway};
use super::later::{self, Later};
use super::missed::{Missed, Told};
use super::round::{Next, Way};
use super::tried::{Names, Tried, Unanswered};
use crate::gateway::error::GatewayError;
use crate::gateway::resilience::breaker::Refused;
use crate::gateway::resilience::retry::{ATTEMPTS, PATIENCE};
use crate::gateway::routes::{Backend, Route, Target};
use crate::provider::translation::Untranslatable;
use crate::provider::wire::Uris;
use crate::settings::profile::StreamCommit;
use http::Response;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Another request finds out whether a target works again; it may take this long.
const PROBING: Duration = Duration::from_secs(1);

/// Why a target is not asked now.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// Its breaker says no.
    Refused(Refused),
    /// It is asked as much as it bears.
    Full,
}

/// What came of a target whose turn it is.
enum Turn {
    /// It was asked.
    Asked(Next),
    /// It may be asked after so long.
    Limited(Duration),
    /// It has just recovered, and others are asked first.
    Ramping,
    /// It is not asked now.
    Kept,
}

/// One request on its way.
pub(super) struct Pursuit<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) route: &'a Route,
    pub(super) call: &'a Call,
    pub(super) commit: StreamCommit,
    /// How often providers were asked, and how often of these times the key was refused.
    pub(super) asked: u32,
    pub(super) refused: u32,
    /// How often was waited because providers said so.
    pub(super) waits: u32,
    /// The first error of a provider's own, and whose.
    told: Option<(Told, Names)>,
    /// The last error of ours, and who was asked.
    last: Option<(GatewayError, Names)>,
    /// Who is named for what is told.
    pub(super) names: Names,
    /// The conversation is too long for a model that takes so many tokens.
    pub(super) too_long_for: Option<u64>,
    /// When the first of the targets that rest is asked again.
    rests: Option<Duration>,
    /// Whether one is asked as much as it bears.
    full: bool,
    /// Whether a target with a key was passed over without being asked: others stand in for it.
    passed_over: bool,
    /// The first target that was asked and had no answer, by provider and model.
    first: Option<(Arc<str>, Arc<str>)>,
    /// What one that stands in says of the request, told only if there is nothing else to tell.
    objection: Option<(Told, Names)>,
    /// Whether the target that is asked has had its turn already.
    pub(super) again: bool,
    /// What the call asks, once a target of another family has been met.
    meant: Option<Result<Meant, Untranslatable>>,
    /// Why the first of them cannot be asked it, if so.
    untranslatable: Option<Untranslatable>,
}

impl<'a> Pursuit<'a> {
    pub(super) fn of(
        gateway: &'a Gateway,
        route: &'a Route,
        call: &'a Call,
        commit: StreamCommit,
    ) -> Self {
        Self {
            gateway,
            route,
            call,
            commit,
            asked: 0,
            refused: 0,
            waits: 0,
            told: None,
            last: None,
            names: None,
            too_long_for: None,
            rests: None,
            full: false,
            passed_over: false,
            first: None,
            objection: None,
            again: false,
            meant: None,
            untranslatable: None,
        }
    }

    /// Asks until there is an answer, or nothing that could help is left.
    pub(super) async fn run(mut self) -> Result<Response<AnswerBody>, Unanswered> {
        let outcome = self.pursue().await;
        let tried = Tried { names: self.names, attempts: self.asked };
        match outcome {
            Ok(mut answer) => {
                tried.tell(answer.headers_mut());
                Ok(answer)
            }
            Err(error) => Err(Unanswered { error, tried }),
        }
    }

    async fn pursue(&mut self) -> Result<Response<AnswerBody>, GatewayError> {
        let targets: Vec<&Target> = self.route.in_turn(self.call.endpoint).collect();
        if self.left().is_zero() {
            return Err(GatewayError::TooLate);
        }
        // The one that is waited for, if others cannot help.
        let mut only = None;
        let mut insist = false;
        // Who may be asked how long after a moment, should the one that is insisted on fail.
        let mut beside: Option<(usize, Duration, Instant)> = None;
        // Those that have had their turn, a bit for each.
        let mut had = 0_u64;
        // Those beyond share the last.
        let bit = |n: usize| 1_u64 << n.min(63);
        loop {
            let mut waiting: Option<(usize, Duration)> = None;
            let mut ramping = None;
            for (n, target) in targets.iter().enumerate() {
                let fits = later::fits(target, self.too_long_for);
                if only.is_some_and(|only| only != n) || !fits {
                    continue;
                }
                let (uris, base_url) = match &target.provider.backend {
                    Backend::Mock => {
                        let mocked = self.gateway.mocked(target, &self.route.limits, self.call);
                        return Box::pin(mocked).await;
                    }
                    Backend::Http { .. } if !target.provider.slots.usable() => continue,
                    Backend::Http { uris, base_url } => (uris, base_url),
                };
                // Each has its turn, however often others were asked.
                self.again = had & bit(n) != 0;
                if self.left().is_zero() || (self.again && self.exhausted()) {
                    break;
                }
                let mut crossing = None;
                let Some(way) = self.way(target, (uris, base_url), &mut crossing).await else {
                    continue;
                };
                let after = targets.get(n + 1..).unwrap_or_default();
                let later = Later::new(after, self.call, self.too_long_for);
                let wait = match self.turn(target, way, &later, (only.is_some(), insist)).await {
                    Turn::Asked(Next::End(outcome)) => return outcome,
                    Turn::Asked(Next::Elsewhere(after)) => {
                        had |= bit(n);
                        after
                    }
                    Turn::Limited(rest) => Some(rest),
                    Turn::Ramping => {
                        ramping = ramping.or(Some(n));
                        None
                    }
                    Turn::Kept => None,
                };
                let sooner = |wait: &Duration| waiting.is_none_or(|(_, least)| *wait < least);
                if let Some(wait) = wait.filter(sooner) {
                    waiting = Some((n, wait));
                }
            }
            if self.left().is_zero() {
                break;
            }
            if let (Some(n), false) = (ramping, insist) {
                beside = waiting.map(|(n, wait)| (n, wait, Instant::now()));
                only = Some(n);
                insist = true;
                continue;
            }
            let left = beside.map(|(n, wait, at)| (n, wait.saturating_sub(at.elapsed())));
            let exhausted = self.exhausted();
            let next = waiting.into_iter().chain(left);
            let next = next.filter(|(n, _)| had & bit(*n) == 0 || !exhausted);
            let Some((n, wait)) = next.min_by_key(|(_, wait)| *wait) else { break };
            beside = beside.filter(|(other, ..)| *other != n);
            if !self.can_wait(wait) {
                self.rate_limited(targets.get(n).copied(), wait);
                break;
            }
            Box::pin(tokio::time::sleep(wait)).await;
            self.waits += u32::from(!wait.is_zero());
            only = Some(n);
        }
        self.outcome(!targets.is_empty())
    }

    /// Asks a target, unless its keys have used up their rate, it rests or is full. One that was
    /// `waited` for is not limited any more.
    async fn turn(
        &mut self,
        target: &Target,
        way: Way<'_>,
        later: &Later<'_>,
        (waited, insist): (bool, bool),
    ) -> Turn {
        match target.provider.slots.limited(&target.model).filter(|_| !waited) {
            // It has said for how long, and asking before would be in vain.
            Some(limited) if limited.told => {
                self.passed_over = true;
                Turn::Limited(limited.rest)
            }
            Some(_) if later.any_ready() => {
                self.passed_over = true;
                Turn::Limited(Duration::ZERO)
            }
            _ => match self.admit(target, insist) {
                Err(Kept::Refused(Refused::Ramp)) => {
                    self.passed_over = true;
                    Turn::Ramping
                }
                Err(kept) => {
                    self.pass_over(&kept);
                    Turn::Kept
                }
                Ok(held) => Turn::Asked(self.ask(target, way, later, held).await),
            },
        }
    }

    /// How a target is asked; `None` if it cannot be asked this.
    async fn way<'w>(
        &mut self,
        target: &Target,
        (uris, base): (&'w Uris, &Url),
        own: &'w mut Option<Crossing>,
    ) -> Option<Way<'w>> {
        if let Some(uri) = uris.get(self.call.endpoint, &target.model) {
            return Some(Way { uri, crossing: None });
        }
        match Box::pin(self.cross(target, base)).await {
            Ok(crossing) => {
                let crossing: &Crossing = own.insert(crossing);
                Some(Way { uri: Cow::Borrowed(&crossing.uri), crossing: Some(crossing) })
            }
            Err(why) => {
                self.untranslatable.get_or_insert(why);
                None
            }
        }
    }

    /// The call as a target of another family is asked it.
    async fn cross(&mut self, target: &Target, base: &Url) -> Result<Crossing, Untranslatable> {
        let meant = match self.meant.take() {
            Some(meant) => meant,
            None => Meant::of(self.call).await,
        };
        let crossing = match &meant {
            Ok(meant) => meant.at(target, base.as_str(), self.call.body.len()).await,
            Err(why) => Err(why.clone()),
        };
        self.meant = Some(meant);
        crossing
    }

    /// Whether a target that is asked stands in for another that failed, rests or is limited. What
    /// it has failed at itself before does not matter.
    pub(super) fn stands_in(&self, target: &Target) -> bool {
        let is_other = |(provider, model): &(Arc<str>, Arc<str>)| {
            *provider != target.provider.name || *model != target.model
        };
        self.passed_over || self.first.as_ref().is_some_and(is_other)
    }

    /// What a target that stands in says of the request: it does not hide why it had to.
    pub(super) fn objected(&mut self, missed: Missed, target: &Target) {
        self.objection.get_or_insert_with(|| (missed.told, target.names.clone()));
    }

    /// Lets the request through to a target, or says why not. A target that is full has not
    /// failed: its breaker hears nothing of it.
    pub(super) fn admit(&self, target: &Target, insist: bool) -> Result<Held, Kept> {
        let breaker = &target.guard.breaker;
        let permit = if insist { breaker.insist() } else { breaker.admit() };
        let permit = permit.map_err(Kept::Refused)?;
        let place = target.enter().map_err(|_| Kept::Full)?;
        Ok(Held { permit: Some(permit), place: Some(place) })
    }

    /// Attempts, refused keys not counted.
    pub(super) fn spent(&self) -> u32 {
        self.asked - self.refused
    }

    /// What is left of the time.
    pub(super) fn left(&self) -> Duration {
        self.route.limits.total.saturating_sub(self.call.asked.started.elapsed())
    }

    pub(super) fn exhausted(&self) -> bool {
        self.spent() >= ATTEMPTS || self.left().is_zero()
    }

    /// Whether a wait is worth it; one that nobody asked for costs nothing.
    fn can_wait(&self, wait: Duration) -> bool {
        wait.is_zero() || (wait <= PATIENCE && wait < self.left() && self.gateway.budget.repeat())
    }

    /// Keeps what the client is told if nobody does better.
    pub(super) fn keep(&mut self, missed: Missed, target: &Target) {
        self.first
            .get_or_insert_with(|| (Arc::clone(&target.provider.name), Arc::clone(&target.model)));
        match *missed.told {
            Err(error) if !matches!(error, GatewayError::Upstream { .. }) => {
                self.last = Some((error, target.names.clone()));
            }
            told => {
                self.told.get_or_insert_with(|| (Box::new(told), target.names.clone()));
            }
        }
    }

    /// A target is not asked now.
    pub(super) fn pass_over(&mut self, kept: &Kept) {
        self.passed_over = true;
        let wait = match kept {
            Kept::Full => {
                self.full = true;
                return;
            }
            Kept::Refused(Refused::Open(until)) => until.saturating_duration_since(Instant::now()),
            Kept::Refused(Refused::Probing | Refused::Ramp) => PROBING,
        };
        self.rests = Some(self.rests.map_or(wait, |least| least.min(wait)));
    }

    /// The wait is too long; if nobody was asked, that is what the client is told.
    fn rate_limited(&mut self, target: Option<&Target>, wait: Duration) {
        if let Some(target) = target
            && self.told.is_none()
            && !self.full
        {
            let provider = target.provider.name.to_string();
            let error = GatewayError::RateLimited { provider, wait };
            self.last = Some((error, target.names.clone()));
        }
    }

    /// What the client is told, as nobody has answered.
    fn outcome(&mut self, fit: bool) -> Result<Response<AnswerBody>, GatewayError> {
        if let Some((told, names)) = self.told.take() {
            self.names = names;
            return *told;
        }
        if let Some((error, names)) = self.last.take() {
            self.names = names;
            return Err(error);
        }
        let model = self.route.model.to_string();
        if self.full {
            return Err(GatewayError::Overloaded { model });
        }
        if let (Some((told, names)), None) = (self.objection.take(), self.rests) {
            self.names = names;
            return *told;
        }
        if let (Some(why), None) = (self.untranslatable.take(), self.rests) {
            return Err(GatewayError::Untranslatable(why));
        }
        Err(match (fit, self.rests) {
            (true, Some(wait)) => GatewayError::Resting { model, wait },
            (true, None) => {
                let unavailable = self.route.unavailable();
                let reason = unavailable.unwrap_or_else(|| "no usable target".to_owned());
                GatewayError::Unavailable { model, reason }
            }
            (false, _) => GatewayError::WrongEndpoint { model, endpoints: self.route.endpoints() },
        })
    }
}
