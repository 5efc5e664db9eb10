//! From a request to an answer: the route of its model, and what is needed on the way.

use super::answer::AnswerBody;
use super::attempt::{Asked, Attempt, Meter};
use super::pursuit::Pursuit;
use super::tried::Unanswered;
use crate::base::apart::{HEAVY, LARGE, apart};
use crate::gateway::answers::{Answers, CACHE};
use crate::gateway::error::GatewayError;
use crate::gateway::resilience::retry::Budget;
use crate::gateway::routes::{Limits, Route, Target};
use crate::gateway::table::Table;
use crate::provider::mock::{self, Mock, Named};
use crate::provider::wire::Endpoint;
use crate::provider::{Client, Envelope, Malformed};
use crate::settings::profile::StreamCommit;
use crate::settings::value::Value as _;
use crate::store::Outcome;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use std::sync::Arc;

/// Says when the stream is to begin, instead of the route.
const STREAM_COMMIT: HeaderName = HeaderName::from_static("x-ultra-stream-commit");

/// Routes, keys and connections: what turns a request into an answer.
#[derive(Debug)]
pub(crate) struct Gateway {
    table: ArcSwap<Table>,
    pub(super) client: Option<Client>,
    pub(super) meter: Arc<dyn Meter>,
    /// What answers in mode mock.
    pub(super) mock: Arc<Mock>,
    /// What repeats at the same target come out of.
    pub(super) budget: Budget,
    /// Names this instance in [`crate::provider::headers::HOP`].
    pub(super) instance: HeaderValue,
    /// Answers that were given before, if any are kept.
    answers: Option<Arc<Answers>>,
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
        let budget = Budget::default();
        Self { table, client, meter, mock: Arc::default(), budget, instance, answers: None }
    }

    /// The same with a cache of answers.
    pub(crate) fn with_answers(self, answers: Answers) -> Self {
        Self { answers: Some(Arc::new(answers)), ..self }
    }

    /// The routes and providers in use.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Puts another table to use. Requests under way end on the one they began with.
    pub(crate) fn route_by(&self, table: Arc<Table>) {
        self.table.store(table);
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

    /// Answers a call by the first target of `route` that can, or from the cache where that is
    /// wanted. An error of a provider is passed on where no other target does better.
    ///
    /// # Errors
    /// There is no answer of a provider, not even an error of its own.
    pub(crate) async fn answer(
        &self,
        route: &Route,
        call: Call,
    ) -> Result<Response<AnswerBody>, Unanswered> {
        let commit = call.commit()?.unwrap_or(route.stream_commit);
        if let Some(answers) = &self.answers
            && (route.cache.is_some() || call.headers.contains_key(CACHE))
        {
            return Box::pin(self.answer_or_hit(answers, route, call, commit)).await;
        }
        self.ask(route, &call, commit).await
    }

    /// Has the first target answer that can.
    pub(super) async fn ask(
        &self,
        route: &Route,
        call: &Call,
        commit: StreamCommit,
    ) -> Result<Response<AnswerBody>, Unanswered> {
        self.meter.ready().map_err(GatewayError::Unmetered)?;
        self.budget.request();
        Pursuit::of(self, route, call, commit).run().await
    }

    /// What the mock does. Nobody else is asked after it.
    pub(super) async fn mocked(
        &self,
        target: &Target,
        limits: &Limits,
        call: &Call,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        match mock::named(&target.provider.name, &target.model) {
            Named::Plain => self.mock(target, call).await,
            Named::Acts(behaviour) => Box::pin(self.play(behaviour, target, limits, call)).await,
            Named::Unknown => Err(self.table.load().unknown(&target.model)),
        }
    }

    async fn mock(
        &self,
        target: &Target,
        call: &Call,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let size = call.body.len().saturating_mul(HEAVY);
        let answer = if size < LARGE {
            mock::answer(call.endpoint, &call.envelope, &call.body)
        } else {
            let (endpoint, envelope, body) =
                (call.endpoint, call.envelope.clone(), call.body.clone());
            apart(size, move || mock::answer(endpoint, &envelope, &body)).await
        };
        let answer = answer.map_err(GatewayError::Malformed)?;
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
}

impl Call {
    /// When the stream is to begin, if the request says.
    fn commit(&self) -> Result<Option<StreamCommit>, GatewayError> {
        let Some(value) = self.headers.get(STREAM_COMMIT) else { return Ok(None) };
        let parsed = value.to_str().ok().and_then(StreamCommit::parse);
        parsed.map(Some).ok_or_else(|| {
            GatewayError::Malformed(Malformed {
                param: Some("x-ultra-stream-commit"),
                message: "the header is `first-event` or `complete`".to_owned(),
            })
        })
    }
}
