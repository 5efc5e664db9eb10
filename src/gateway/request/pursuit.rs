//! The way of one request: which target, which key, one deadline, one loop.
//!
//! What is tried again, and after how long, is said in [`crate::gateway::resilience::retry`].

use super::answer::AnswerBody;
use super::crossing::{Crossing, Meant};
use super::exchange::{Exchange, Kind, Missed, Told, failed};
use super::forward::{Call, Gateway};
use crate::gateway::error::GatewayError;
use crate::gateway::resilience::breaker::{Permit, Refused};
use crate::gateway::resilience::retry::{ATTEMPTS, PATIENCE, backoff};
use crate::gateway::routes::{Backend, Route, Target};
use crate::gateway::slots::InFlight;
use crate::provider::Failure;
use crate::provider::translation::Untranslatable;
use crate::provider::wire::Uris;
use crate::settings::profile::StreamCommit;
use http::{HeaderName, HeaderValue, Response, Uri};
use std::borrow::Cow;
use std::time::{Duration, Instant};
use url::Url;

/// Who answered.
const PROVIDER: HeaderName = HeaderName::from_static("x-ultra-provider");

/// The model's name there.
const MODEL: HeaderName = HeaderName::from_static("x-ultra-model");

/// How often providers were asked for the answer.
const TRIED: HeaderName = HeaderName::from_static("x-ultra-attempts");

/// Another request finds out whether a target works again; it may take this long.
const PROBING: Duration = Duration::from_secs(1);

/// How it goes on after a target was asked.
enum Next {
    /// With this answer, or nothing else.
    End(Result<Response<AnswerBody>, GatewayError>),
    /// With another target; this one may do better after a while.
    Elsewhere(Option<Duration>),
}

/// What happened at one target.
#[derive(Default)]
struct Round {
    /// The slots whose key was refused.
    refused: Vec<InFlight>,
    /// The slots whose key has used up its rate.
    limited: Vec<InFlight>,
    /// Whether it was asked once more because it broke.
    repeated: bool,
    /// When the first of its keys may be used again.
    wait: Option<Duration>,
}

/// How a target is asked.
struct Way<'a> {
    uri: Cow<'a, Uri>,
    /// What is put to it instead of the call, if it is of another family.
    crossing: Option<&'a Crossing>,
}

/// One request on its way.
pub(super) struct Pursuit<'a> {
    gateway: &'a Gateway,
    route: &'a Route,
    call: &'a Call,
    commit: StreamCommit,
    /// How often providers were asked, and how often of these times the key was refused.
    asked: u32,
    refused: u32,
    /// How often was waited because providers said so.
    waits: u32,
    /// The first error of a provider's own.
    told: Option<Told>,
    /// The last error of ours.
    last: Option<GatewayError>,
    /// The conversation is too long for a model that takes so many tokens.
    too_long_for: Option<u64>,
    /// When the first of the targets that rest is asked again.
    rests: Option<Duration>,
    /// Whether a target with a key was passed over without being asked: others stand in for it.
    passed_over: bool,
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
            too_long_for: None,
            rests: None,
            passed_over: false,
            meant: None,
            untranslatable: None,
        }
    }

    /// Asks until there is an answer, or nothing that could help is left.
    pub(super) async fn run(mut self) -> Result<Response<AnswerBody>, GatewayError> {
        let targets: Vec<&Target> = self.route.in_turn(self.call.endpoint).collect();
        if self.left().is_zero() {
            return Err(GatewayError::TooLate);
        }
        // The one that is waited for, if others cannot help.
        let mut only = None;
        let mut insist = false;
        loop {
            let mut waiting: Option<(usize, Duration)> = None;
            let mut ramping = None;
            for (n, target) in targets.iter().enumerate() {
                if only.is_some_and(|only| only != n) || !self.fits(target) {
                    continue;
                }
                let (uris, base_url) = match &target.provider.backend {
                    Backend::Mock => {
                        return self.gateway.mocked(target, &self.route.limits, self.call).await;
                    }
                    Backend::Http { .. } if !target.provider.slots.usable() => continue,
                    Backend::Http { uris, base_url } => (uris, base_url),
                };
                if self.exhausted() {
                    break;
                }
                let mut crossing = None;
                let Some(way) = self.way(target, (uris, base_url), &mut crossing).await else {
                    continue;
                };
                let mut wait = None;
                match target.provider.slots.limited(&target.model).filter(|_| only.is_none()) {
                    // It has said for how long, and asking before would be in vain.
                    Some(limited) if limited.told => {
                        self.passed_over = true;
                        wait = Some(limited.rest);
                    }
                    Some(_) if !self.is_last(&targets, n) => {
                        self.passed_over = true;
                        wait = Some(Duration::ZERO);
                    }
                    _ => match self.permit(target, insist) {
                        Err(Refused::Ramp) => {
                            self.passed_over = true;
                            ramping = ramping.or(Some(n));
                        }
                        Err(refused) => self.rest(refused),
                        Ok(permit) => {
                            let last = self.is_last(&targets, n);
                            match self.ask(target, way, last, permit).await {
                                Next::End(outcome) => return outcome,
                                Next::Elsewhere(after) => wait = after,
                            }
                        }
                    },
                }
                let sooner = |wait: &Duration| waiting.is_none_or(|(_, least)| *wait < least);
                if let Some(wait) = wait.filter(sooner) {
                    waiting = Some((n, wait));
                }
            }
            if self.exhausted() {
                break;
            }
            if let (Some(n), false) = (ramping, insist) {
                only = Some(n);
                insist = true;
            } else if let Some((n, wait)) = waiting {
                if !self.can_wait(wait) {
                    self.rate_limited(targets.get(n).copied(), wait);
                    break;
                }
                tokio::time::sleep(wait).await;
                self.waits += u32::from(!wait.is_zero());
                only = Some(n);
            } else {
                break;
            }
        }
        self.outcome(!targets.is_empty())
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
        match self.cross(target, base).await {
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

    /// Asks one target, with one key after the other if keys are refused.
    async fn ask(&mut self, target: &Target, way: Way<'_>, last: bool, permit: Permit) -> Next {
        let Some(client) = &self.gateway.client else {
            let failure = Failure::Connect("this server has no client".to_owned());
            return Next::End(Err(failed(&target.provider, failure)));
        };
        let slots = &target.provider.slots;
        let mut permit = Some(permit);
        let mut round = Round::default();
        loop {
            let slot = slots.pick(&target.model, &round.refused, &round.limited);
            let Some(slot) = slot.filter(|_| !self.exhausted()) else {
                return Next::Elsewhere(round.wait);
            };
            let permit = match permit.take().map_or_else(|| self.permit(target, false), Ok) {
                Ok(permit) => permit,
                Err(refused) => {
                    self.rest(refused);
                    return Next::Elsewhere(round.wait);
                }
            };
            self.asked += 1;
            let exchange = Exchange {
                client,
                meter: &self.gateway.meter,
                instance: &self.gateway.instance,
                target,
                uri: &way.uri,
                endpoint: self.call.endpoint,
                crossing: way.crossing,
                limits: &self.route.limits,
                call: self.call,
                number: self.asked,
                last: last || self.spent() >= ATTEMPTS,
                commit: self.commit,
            };
            match exchange.run(&slot, permit).await {
                Ok(answer) => {
                    slots.accepted(&slot, &target.model);
                    return Next::End(Ok(self.dressed(answer, target)));
                }
                Err(missed) => {
                    if let Some(next) = self.missed(missed, slot, target, &mut round).await {
                        return next;
                    }
                }
            }
        }
    }

    /// What follows from an attempt without an answer; `None` if the target is asked again.
    async fn missed(
        &mut self,
        missed: Missed,
        slot: InFlight,
        target: &Target,
        round: &mut Round,
    ) -> Option<Next> {
        let slots = &target.provider.slots;
        let (kind, told_to_wait) = (missed.kind, missed.wait);
        match kind {
            Kind::Final | Kind::Filtered => return Some(Next::End(*missed.told)),
            // What it may have begun with is not begun once more, there or elsewhere.
            Kind::Unanswered | Kind::Broken | Kind::Useless if self.call.envelope.once => {
                return Some(Next::End(*missed.told));
            }
            // What a target that stands in says of the request never hides why it had to.
            Kind::Faulty if !self.stands_in() => return Some(Next::End(*missed.told)),
            Kind::Faulty => return Some(Next::Elsewhere(None)),
            _ => self.keep(missed),
        }
        match kind {
            Kind::KeyRefused => {
                self.refused += 1;
                let rejected = slots.refused(&slot);
                tracing::warn!(
                    request_id = %self.call.asked.request_id,
                    slot = %slot.slot().id,
                    generation = slot.slot().generation,
                    rejected,
                    "provider refuses the key"
                );
                round.refused.push(slot);
            }
            Kind::RateLimited => {
                slots.limit(&slot, &target.model, told_to_wait);
                let after = told_to_wait.unwrap_or_else(|| backoff(self.waits, rand::random()));
                round.wait = Some(round.wait.map_or(after, |least| least.min(after)));
                round.limited.push(slot);
            }
            Kind::Unreached | Kind::Unanswered | Kind::Broken | Kind::Overloaded => {
                let pause = backoff(0, rand::random());
                let again = !round.repeated
                    && told_to_wait.is_none()
                    && !self.exhausted()
                    && pause < self.left()
                    && self.gateway.budget.repeat();
                if !again {
                    return Some(Next::Elsewhere(told_to_wait));
                }
                round.repeated = true;
                tokio::time::sleep(pause).await;
            }
            Kind::TooLong => {
                self.too_long_for = Some(target.context.unwrap_or(0));
                return Some(Next::Elsewhere(None));
            }
            Kind::Useless | Kind::Faulty | Kind::Filtered | Kind::Final => {
                return Some(Next::Elsewhere(None));
            }
        }
        None
    }

    /// Whether whoever is asked now stands in for a target that failed, rests or is limited.
    fn stands_in(&self) -> bool {
        self.passed_over || self.told.is_some() || self.last.is_some()
    }

    fn permit(&self, target: &Target, insist: bool) -> Result<Permit, Refused> {
        if insist { target.breaker.insist() } else { target.breaker.admit() }
    }

    /// Attempts, refused keys not counted.
    fn spent(&self) -> u32 {
        self.asked - self.refused
    }

    /// What is left of the time.
    fn left(&self) -> Duration {
        self.route.limits.total.saturating_sub(self.call.asked.started.elapsed())
    }

    fn exhausted(&self) -> bool {
        self.spent() >= ATTEMPTS || self.left().is_zero()
    }

    /// Whether a wait is worth it; one that nobody asked for costs nothing.
    fn can_wait(&self, wait: Duration) -> bool {
        wait.is_zero() || (wait <= PATIENCE && wait < self.left() && self.gateway.budget.repeat())
    }

    /// Whether the conversation may be short enough for a target.
    fn fits(&self, target: &Target) -> bool {
        let Some(too_long_for) = self.too_long_for else { return true };
        target.context.is_some_and(|context| context > too_long_for)
    }

    /// Whether no target after `n` could be asked now.
    fn is_last(&self, targets: &[&Target], n: usize) -> bool {
        let ready = |t: &&&Target| {
            t.provider.unavailable().is_none()
                && self.fits(t)
                && !t.breaker.rests()
                && !t.provider.slots.limited(&t.model).is_some_and(|limited| limited.told)
        };
        !targets.iter().skip(n + 1).any(|t| ready(&t))
    }

    /// Keeps what the client is told if nobody does better.
    fn keep(&mut self, missed: Missed) {
        match *missed.told {
            Err(error) if !matches!(error, GatewayError::Upstream { .. }) => {
                self.last = Some(error);
            }
            told => {
                self.told.get_or_insert_with(|| Box::new(told));
            }
        }
    }

    /// A breaker does not let the request through.
    fn rest(&mut self, refused: Refused) {
        self.passed_over = true;
        let wait = match refused {
            Refused::Open(until) => until.saturating_duration_since(Instant::now()),
            Refused::Probing | Refused::Ramp => PROBING,
        };
        self.rests = Some(self.rests.map_or(wait, |least| least.min(wait)));
    }

    /// The wait is too long; if nobody was asked, that is what the client is told.
    fn rate_limited(&mut self, target: Option<&Target>, wait: Duration) {
        if let Some(target) = target
            && self.told.is_none()
        {
            let provider = target.provider.name.to_string();
            self.last = Some(GatewayError::RateLimited { provider, wait });
        }
    }

    /// The answer, with who gave it.
    fn dressed(&self, mut answer: Response<AnswerBody>, target: &Target) -> Response<AnswerBody> {
        let headers = answer.headers_mut();
        if let Some((provider, model)) = &target.names {
            headers.insert(PROVIDER, provider.clone());
            headers.insert(MODEL, model.clone());
        }
        headers.insert(TRIED, HeaderValue::from(self.asked));
        answer
    }

    /// What the client is told, as nobody has answered.
    fn outcome(self, fit: bool) -> Result<Response<AnswerBody>, GatewayError> {
        if let Some(told) = self.told {
            return *told;
        }
        if let Some(error) = self.last {
            return Err(error);
        }
        if let (Some(why), None) = (self.untranslatable, self.rests) {
            return Err(GatewayError::Untranslatable(why));
        }
        let model = self.route.model.to_string();
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
