//! What is stored, as types of the domain.

use crate::base::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// What a service key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Read models, usage and state.
    Read,
    /// Send requests to models.
    Write,
    /// Change the server's state.
    Admin,
    /// Probe: see details of health, have tokens minted that must be refused.
    Check,
    /// Read `/metrics`.
    Metrics,
}

impl Scope {
    /// All scopes, in the order in which they are listed.
    pub(crate) const ALL: [Self; 5] =
        [Self::Read, Self::Write, Self::Admin, Self::Check, Self::Metrics];

    /// Its name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Check => "check",
            Self::Metrics => "metrics",
        }
    }

    /// The scope with this name.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// A set of scopes; as text their names separated by one space, as OAuth 2 writes them
/// (RFC 6749 §3.3).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scopes(u8);

impl Scopes {
    /// These scopes.
    pub(crate) fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u8))
    }

    /// Whether `scope` is among them. `admin` does not imply the others: a key says all it may do.
    pub(crate) fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// The scopes, in the order of [`Scope::ALL`].
    pub(crate) fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// The set that a text names. Unknown names are left out: an older binary must not grant what
    /// it does not know, nor fail on it.
    pub(crate) fn parse(text: &str) -> Self {
        Self::of(text.split_ascii_whitespace().filter_map(Scope::parse))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.word())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(Self::of(words.iter().filter_map(|word| Scope::parse(word))))
    }
}

/// A service key as it is kept: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceKey {
    /// The public part of the key, by which it is looked up.
    pub(crate) id: String,
    /// SHA-256 of the secret part, as text in the key. The secret has 256 random bits, so a slow
    /// hash would cost time on every request and protect nothing.
    pub(crate) hash: [u8; 32],
    /// What people call it; unique among the keys that are neither revoked nor being replaced.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it ends by itself.
    pub(crate) expires_at: Option<Timestamp>,
    /// Requests per minute, if it has a limit of its own.
    pub(crate) rate: Option<u32>,
    /// When it was revoked.
    pub(crate) revoked_at: Option<Timestamp>,
    /// The id of the key that takes its place; it has an end since then, which is never put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaced_by: Option<String>,
}

/// How an upstream attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A whole answer.
    Ok,
    /// The provider or the caller's request failed; the status says how.
    Error,
    /// A time limit ended it.
    Timeout,
    /// An answer began and never came to its end, or is none; the provider may bill for it.
    Truncated,
    /// The client went away.
    ClientClosed,
    /// Refused here, before any provider was asked.
    Refused,
}

impl Outcome {
    /// All outcomes.
    pub(crate) const ALL: [Self; 6] =
        [Self::Ok, Self::Error, Self::Timeout, Self::Truncated, Self::ClientClosed, Self::Refused];

    /// Its name, in the store and in reports.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::ClientClosed => "client_closed",
            Self::Refused => "refused",
        }
    }

    /// The outcome with this name; an unknown one counts as an error.
    pub(crate) fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word).unwrap_or(Self::Error)
    }
}

/// One upstream attempt, as it is metered. Numbers are exact; what is not known is `None`, never 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UsageRow {
    /// UUIDv7 made when the attempt began: the same row never counts twice.
    pub(crate) id: Uuid,
    /// When the attempt ended.
    pub(crate) at: Timestamp,
    /// The request that it belongs to.
    pub(crate) request_id: Arc<str>,
    /// The service key or the subject of the token.
    pub(crate) key_id: Arc<str>,
    /// The family of the API that was asked: `openai` or `anthropic`.
    pub(crate) api: Cow<'static, str>,
    /// The model that the client asked for.
    pub(crate) model: Arc<str>,
    /// The provider that was asked; `None` if the request was refused before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<Arc<str>>,
    /// The model's name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_model: Option<Arc<str>>,
    /// `mock` or `real`.
    pub(crate) mode: Cow<'static, str>,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// The HTTP status of the answer.
    pub(crate) status: u16,
    /// Which attempt of the request it was, from 1.
    pub(crate) attempt: u32,
    /// Whether the answer was streamed.
    pub(crate) streamed: bool,
    /// The user on whose behalf it was, if the credentials name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<Arc<str>>,
    /// Input tokens that were neither read from a cache nor written to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<u64>,
    /// Input tokens that the provider had cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cached_tokens: Option<u64>,
    /// Input tokens that were written to a cache that keeps them for five minutes, or as long as it
    /// likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write_5m_tokens: Option<u64>,
    /// Input tokens that were written to a cache that keeps them for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write_1h_tokens: Option<u64>,
    /// Output tokens, reasoning included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<u64>,
    /// Output tokens spent on reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_tokens: Option<u64>,
    /// From the request's arrival to the end of the answer, milliseconds.
    pub(crate) latency_ms: u64,
    /// The price in nano-dollars; `None` is unpriced, which is not free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cost_nano_usd: Option<i64>,
    /// The version of the price list that made the price, or had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) price_version: Option<Arc<str>>,
}

/// A sign of life of a running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Heartbeat {
    /// The instance.
    pub(crate) instance: String,
    /// When it was written, by the clock of the server.
    pub(crate) at: Timestamp,
    /// The version of the binary.
    pub(crate) version: String,
    /// The profile it serves.
    pub(crate) profile: String,
    /// The digest of its configuration.
    pub(crate) config_hash: String,
    /// Its slots (generation, fingerprint, state), as a JSON document.
    pub(crate) slots: serde_json::Value,
    /// The generation of the vault that it works with; `None` if no key is from a vault.
    pub(crate) vault_generation: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_survive_their_text_and_ignore_what_is_unknown() {
        let scopes = Scopes::of([Scope::Metrics, Scope::Read]);
        assert_eq!(scopes.to_string(), "read metrics");
        assert_eq!(Scopes::parse("metrics read future"), scopes);
        assert!(!scopes.has(Scope::Admin));
        let json = serde_json::to_string(&scopes).unwrap();
        assert_eq!(json, r#"["read","metrics"]"#);
        assert_eq!(serde_json::from_str::<Scopes>(r#"["read","metrics","x"]"#).unwrap(), scopes);
    }

    #[test]
    fn every_outcome_has_its_word() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.word()), outcome);
        }
        assert_eq!(Outcome::parse("?"), Outcome::Error);
    }
}
