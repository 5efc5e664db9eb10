//! From a request to an answer: which target, which key, one deadline, one retry loop.

use super::answer::AnswerBody;
use super::attempt::{Asked, Attempt, Meter};
use super::error::GatewayError;
use super::exchange::{Exchange, Missed, failed};
use super::routes::{Backend, Limits, Route, Target};
use super::slots::InFlight;
use super::table::Table;
use crate::provider::mock::{self, Mock, Named};
use crate::provider::wire::Endpoint;
use crate::provider::{Client, Envelope, Failure};
use crate::store::Outcome;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, Uri};
use std::sync::Arc;

/// So many attempts a request at most, refused keys not counted.
const ATTEMPTS: u32 = 3;

/// Routes, keys and connections: what turns a request into an answer.
#[derive(Debug)]
pub(crate) struct Gateway {
    table: ArcSwap<Table>,
    client: Option<Client>,
    pub(super) meter: Arc<dyn Meter>,
    /// What answers in mode mock.
    pub(super) mock: Arc<Mock>,
    /// Names this instance in [`crate::provider::headers::HOP`].
    instance: HeaderValue,
}

/// A request of a client, read and admitted.
#[derive(Debug)]
pub(crate) struct Call {
    /// The endpoint that was asked.
    pub(crate) endpoint: Endpoint,
    /// What is known of the body.
    pub(crate) envelope: Envelope,
    /// The body.
    pub(crate) body: Bytes,
    /// The client's headers.
    pub(crate) headers: HeaderMap,
    /// The request, as it is metered.
    pub(crate) asked: Arc<Asked>,
}

impl Gateway {
    /// A gateway. `client` may be left out in mode mock only.
    pub(crate) fn new(
        table: Table,
        client: Option<Client>,
        meter: Arc<dyn Meter>,
        instance: HeaderValue,
    ) -> Self {
        let table = ArcSwap::from_pointee(table);
        Self { table, client, meter, mock: Arc::default(), instance }
    }

    /// The routes and providers in use.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// What the mock has counted.
    pub(crate) fn billed(&self) -> mock::Billed {
        self.mock.ledger.billed()
    }

    /// The route for a model.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn route(&self, model: &str) -> Result<Arc<Route>, GatewayError> {
        let table = self.table.load();
        table.find(model).ok_or_else(|| table.unknown(model))
    }

    /// Answers a call by the first target of `route` that can. An error of a provider is passed
    /// on where no other target does better.
    ///
    /// # Errors
    /// There is no answer of a provider, not even an error of its own.
    pub(crate) async fn answer(
        &self,
        route: &Route,
        call: Call,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        self.meter.ready().map_err(GatewayError::Unmetered)?;
        let mut tally = Tally::default();
        let mut told = None;
        let mut last = None;
        let mut fit = false;
        for target in route.in_turn(call.endpoint.family()) {
            fit = true;
            let (chat, provider) = match &target.provider.backend {
                Backend::Mock => {
                    return match mock::named(&target.provider.name, &target.model) {
                        Named::Plain => self.mock(target, &call),
                        Named::Acts(behaviour) => {
                            Box::pin(self.play(behaviour, target, &route.limits, &call)).await
                        }
                        Named::Unknown => Err(self.table.load().unknown(&target.model)),
                    };
                }
                Backend::Http { .. } if !target.provider.slots.usable() => continue,
                Backend::Http { chat, .. } => (chat, &target.provider),
            };
            if tally.spent() >= ATTEMPTS || call.asked.started.elapsed() >= route.limits.total {
                break;
            }
            match self.ask(target, chat, &route.limits, &call, &mut tally).await {
                Ok(answer) => return Ok(answer),
                Err(Missed::Final(error)) => return Err(error),
                Err(Missed::RateLimited(error) | Missed::Broken(error)) => {
                    told.get_or_insert(error);
                }
                Err(Missed::KeyRefused) => {
                    let provider = provider.name.to_string();
                    last = Some(GatewayError::CredentialsExhausted { provider });
                }
                Err(Missed::Unsent(failure)) => last = Some(failed(provider, failure)),
            }
        }
        if let Some(told) = told {
            return *told;
        }
        if let Some(error) = last {
            return Err(error);
        }
        let model = route.model.to_string();
        Err(if fit {
            let reason = route.unavailable().unwrap_or_else(|| "no usable target".to_owned());
            GatewayError::Unavailable { model, reason }
        } else {
            GatewayError::WrongEndpoint { model, endpoints: route.endpoints() }
        })
    }

    fn mock(&self, target: &Target, call: &Call) -> Result<Response<AnswerBody>, GatewayError> {
        let answer = mock::answer(call.endpoint.family(), &call.envelope, &call.body)
            .map_err(GatewayError::Malformed)?;
        let mut attempt =
            Attempt::begin(&call.asked, &target.provider.name, &target.model, 1, &self.meter);
        attempt.count(answer.tokens);
        let tokens = |count: Option<u64>| count.unwrap_or(0);
        let (input, output) = (tokens(answer.tokens.input), tokens(answer.tokens.output));
        self.mock.ledger.bill(&target.model, 1, input, output);
        let mut response = Response::new(AnswerBody::Whole(None));
        let kind = if call.envelope.stream {
            *response.body_mut() = AnswerBody::made(answer.pieces, attempt);
            "text/event-stream; charset=utf-8"
        } else {
            attempt.end(Outcome::Ok, 200).map_err(GatewayError::Unmetered)?;
            attempt.tell_cost(response.headers_mut());
            *response.body_mut() =
                AnswerBody::Whole(answer.pieces.into_iter().next().map(|p| p.bytes));
            "application/json"
        };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(response)
    }

    /// Asks one target, with one key after the other if keys are refused.
    async fn ask(
        &self,
        target: &Target,
        uri: &Uri,
        limits: &Limits,
        call: &Call,
        tally: &mut Tally,
    ) -> Result<Response<AnswerBody>, Missed> {
        let Some(client) = &self.client else {
            let failure = Failure::Connect("this server has no client".to_owned());
            return Err(Missed::Final(failed(&target.provider, failure)));
        };
        let slots = &target.provider.slots;
        let mut tried: Vec<InFlight> = Vec::new();
        let mut again = true;
        let mut limited = None;
        loop {
            let next = if limited.is_some() && tally.spent() >= ATTEMPTS {
                None
            } else {
                slots.pick(&tried)
            };
            let Some(slot) = next else {
                return Err(limited.map_or(Missed::KeyRefused, Missed::RateLimited));
            };
            tally.asked += 1;
            let (meter, instance, number) = (&self.meter, &self.instance, tally.asked);
            let asked = Exchange { client, meter, instance, target, uri, limits, call, number };
            match asked.run(&slot).await {
                Ok(answer) => {
                    slots.accepted(&slot);
                    return Ok(answer);
                }
                Err(Missed::KeyRefused) => {
                    tally.refused += 1;
                    let rejected = slots.refused(&slot);
                    tracing::warn!(
                        request_id = %call.asked.request_id,
                        slot = %slot.slot().id,
                        generation = slot.slot().generation,
                        rejected,
                        "provider refuses the key"
                    );
                    tried.push(slot);
                }
                Err(Missed::RateLimited(told)) => {
                    limited = Some(told);
                    tried.push(slot);
                }
                Err(Missed::Unsent(failure)) => {
                    if !again || tally.spent() >= ATTEMPTS {
                        return Err(Missed::Unsent(failure));
                    }
                    again = false;
                }
                Err(missed @ (Missed::Broken(_) | Missed::Final(_))) => return Err(missed),
            }
        }
    }
}

/// How often providers were asked for one request.
#[derive(Default)]
struct Tally {
    asked: u32,
    /// So many of these times the key was refused.
    refused: u32,
}

impl Tally {
    fn spent(&self) -> u32 {
        self.asked - self.refused
    }
}
