//! One target, asked with one key after the other: what follows from every attempt there.
//!
//! What is tried again, and after how long, is said in [`crate::gateway::resilience::retry`].

use super::answer::AnswerBody;
use super::crossing::Crossing;
use super::exchange::{Exchange, Held};
use super::later::Later;
use super::missed::{Kind, Missed, failed};
use super::pursuit::Pursuit;
use crate::gateway::error::GatewayError;
use crate::gateway::resilience::retry::{ATTEMPTS, backoff};
use crate::gateway::routes::Target;
use crate::gateway::slots::InFlight;
use crate::provider::Failure;
use http::{Response, Uri};
use std::borrow::Cow;
use std::time::Duration;

/// How it goes on after a target was asked.
pub(super) enum Next {
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
    /// Whether it was asked.
    begun: bool,
    /// Whether it was asked once more because it broke.
    repeated: bool,
    /// When the first of its keys may be used again.
    wait: Option<Duration>,
}

/// How a target is asked.
pub(super) struct Way<'a> {
    pub(super) uri: Cow<'a, Uri>,
    /// What is put to it instead of the call, if it is of another family.
    pub(super) crossing: Option<&'a Crossing>,
}

impl Pursuit<'_> {
    /// Asks one target, with one key after the other if keys are refused.
    pub(super) async fn ask(
        &mut self,
        target: &Target,
        way: Way<'_>,
        later: &Later<'_>,
        held: Held,
    ) -> Next {
        let Some(client) = &self.gateway.client else {
            let failure = Failure::Connect("this server has no client".to_owned());
            return Next::End(Err(failed(&target.provider, failure)));
        };
        let slots = &target.provider.slots;
        let mut held = Some(held);
        let mut round = Round::default();
        loop {
            let may = match round.begun || self.again {
                true => !self.exhausted(),
                // It is its turn.
                false => !self.left().is_zero(),
            };
            round.begun = true;
            // A key that is due to be asked again is picked only by who asks it.
            let pick = || slots.pick(&target.model, &round.refused, &round.limited);
            let Some(slot) = may.then(pick).flatten() else {
                return Next::Elsewhere(round.wait);
            };
            let own = match held.take().map_or_else(|| self.admit(target, false), Ok) {
                Ok(own) => own,
                Err(kept) => {
                    self.pass_over(&kept);
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
                // Nobody is asked after one that may be asked only once.
                later: (!self.call.envelope.once && (!self.again || self.spent() < ATTEMPTS))
                    .then_some(later),
                commit: self.commit,
            };
            match exchange.run(&slot, own, &mut held).await {
                Ok(answer) => {
                    if slots.accepted(&slot, &target.model) {
                        let slot = slot.slot();
                        tracing::info!(slot = %slot.id, "provider takes the key again");
                    }
                    self.names.clone_from(&target.names);
                    return Next::End(Ok(answer));
                }
                Err(missed) => {
                    if let Some(next) =
                        Box::pin(self.missed(missed, slot, target, &mut round)).await
                    {
                        return next;
                    }
                }
            }
        }
    }

    /// Nobody else is asked after this.
    fn ends_with(&mut self, missed: Missed, target: &Target) -> Next {
        self.names.clone_from(&target.names);
        Next::End(*missed.told)
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
            Kind::Final | Kind::Filtered => return Some(self.ends_with(missed, target)),
            // What it may have begun with is not begun once more, there or elsewhere.
            Kind::Unanswered | Kind::Broken | Kind::Useless | Kind::Page
                if self.call.envelope.once =>
            {
                return Some(self.ends_with(missed, target));
            }
            // What a target that stands in says of the request never hides why it had to.
            Kind::Faulty if !self.stands_in(target) => return Some(self.ends_with(missed, target)),
            Kind::Faulty => {
                self.objected(missed, target);
                return Some(Next::Elsewhere(None));
            }
            _ => self.keep(missed, target),
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
            Kind::Forbidden => {
                self.refused += 1;
                tracing::warn!(
                    request_id = %self.call.asked.request_id,
                    slot = %slot.slot().id,
                    model = %target.model,
                    "provider does not let the key do this"
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
                // Where too much is asked already, another target does better.
                let room = kind != Kind::Overloaded || target.has_room();
                let again = !round.repeated
                    && room
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
            Kind::Useless | Kind::Page | Kind::Faulty | Kind::Filtered | Kind::Final => {
                return Some(Next::Elsewhere(None));
            }
        }
        None
    }
}
