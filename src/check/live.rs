//! The answers of a running server to one batch of probes, and where the server comes from.
//!
//! With `--url` it is the server that was named; without, `ultra serve --probe` is started on a
//! free port of the loopback with a state directory of its own, and ends when we do.

use super::model::NoJudgement;
use crate::smoke::Exchange;
use serde_json::Value;
use std::collections::BTreeMap;

/// The answers of one server.
#[derive(Debug, Default)]
pub(crate) struct LiveFacts {
    /// Where it is, in words.
    pub(crate) target: String,
    /// Whether it was started for these checks.
    pub(crate) spawned: bool,
    /// Why it cannot be reached, if so.
    pub(crate) unreachable: Option<String>,
    /// Whether there is a service key to speak with.
    pub(crate) has_key: bool,
    /// Why completions were not asked for, if so.
    pub(crate) unasked: Option<String>,
    /// Why there are no probe tokens, if so.
    pub(crate) no_tokens: Option<NoJudgement>,
    /// The origin that the server's settings allow, if one was tried.
    pub(crate) allowed_origin: Option<String>,
    /// Answers by probe, or why there is none.
    pub(crate) answers: BTreeMap<Probe, Result<Exchange, String>>,
}

/// The request id that is sent, to see whether it is taken over.
pub(crate) const REQUEST_ID: &str = "ultra-check-echo";

/// The requests that are sent, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Probe {
    /// `GET /api/health/live`.
    Live,
    /// `GET /api/health/ready`.
    Ready,
    /// `GET /api/health?detail=true` with the key.
    Detail,
    /// The same without the key.
    DetailAnonymous,
    /// `GET /v1/models` with the key: the positive control of all refusals.
    Models,
    /// The same without the key.
    ModelsAnonymous,
    /// The same with a key that nobody was given.
    ModelsGarbage,
    /// The same with the key in the query string.
    ModelsQuery,
    /// `POST /v1/chat/completions` with the key.
    Chat,
    /// The same without the key.
    ChatAnonymous,
    /// The same with a body that is no JSON.
    ChatMalformed,
    /// The same for a model that nobody serves.
    ChatUnknownModel,
    /// The same with the header `X-Test-Mode`.
    ChatTestMode,
    /// The same with `X-Test-Mode` and without the key.
    AnonymousTestMode,
    /// `POST /v1/messages` without the key.
    MessagesAnonymous,
    /// `POST /api/admin/keys/reload` without the key.
    AdminAnonymous,
    /// `GET /metrics` without the key.
    MetricsAnonymous,
    /// `GET /metrics` with the key.
    Metrics,
    /// A path that does not exist.
    NotFound,
    /// A preflight from an origin that nobody allows.
    CorsForeign,
    /// A request with the key from an origin that nobody allows.
    CorsForeignActual,
    /// A preflight from the origin `null`.
    CorsNull,
    /// A preflight from an allowed origin.
    CorsAllowed,
    /// A token that is valid.
    TokenValid,
    /// A token that has expired.
    TokenExpired,
    /// A token that is not valid yet.
    TokenFuture,
    /// A token for another audience.
    TokenAudience,
    /// A token of another issuer.
    TokenIssuer,
    /// A token with a changed payload.
    TokenTampered,
    /// A token with `alg` `none`.
    TokenAlgNone,
    /// A token without rights at a route for admins.
    TokenUserOnAdmin,
}

impl LiveFacts {
    /// The answer to a probe.
    ///
    /// # Errors
    /// It was not asked, or there was no answer.
    pub(crate) fn answer(&self, probe: Probe) -> Result<&Exchange, NoJudgement> {
        match self.answers.get(&probe) {
            Some(Ok(exchange)) => Ok(exchange),
            Some(Err(why)) => Err(NoJudgement::Unknown(why.clone())),
            None => Err(NoJudgement::Unknown(format!("`{probe:?}` was not asked"))),
        }
    }

    /// The answer to a probe with a token, once a valid token has been seen to pass.
    ///
    /// # Errors
    /// There are no tokens, or even the valid one is refused.
    pub(crate) fn token(&self, probe: Probe) -> Result<&Exchange, NoJudgement> {
        if let Some(why) = &self.no_tokens {
            return Err(why.clone());
        }
        let valid = self.answer(Probe::TokenValid)?;
        if !valid.ok() {
            return Err(NoJudgement::Unknown(format!(
                "no positive control: a valid token is answered {}",
                valid.summary()
            )));
        }
        self.answer(probe)
    }

    /// Ends the judgement unless the key has been seen to open `GET /v1/models`.
    ///
    /// # Errors
    /// There is no key, or it does not.
    pub(crate) fn control(&self) -> Result<(), NoJudgement> {
        if !self.has_key {
            return Err(NoJudgement::Unknown(
                "no positive control: there is no service key (set `ULTRA_SERVICE_KEY`)".to_owned(),
            ));
        }
        let control = self.answer(Probe::Models)?;
        if control.ok() {
            return Ok(());
        }
        Err(NoJudgement::Unknown(format!(
            "no positive control: `GET /v1/models` with the key is answered {}",
            control.summary()
        )))
    }

    /// The detailed health document.
    ///
    /// # Errors
    /// It was refused, or is no JSON.
    pub(crate) fn detail(&self) -> Result<Value, NoJudgement> {
        let exchange = self.answer(Probe::Detail)?;
        exchange.json().filter(Value::is_object).ok_or_else(|| {
            NoJudgement::Unknown(format!(
                "`/api/health?detail=true` is answered {} without a JSON document",
                exchange.summary()
            ))
        })
    }
}
