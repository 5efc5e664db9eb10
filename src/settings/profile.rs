//! A profile's own structure, typed: mode, protection, providers, routes, policy.

use crate::report::Place;
use crate::settings::dotenv;
use crate::settings::value::{Value as _, choice};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

choice! {
    /// Whether answers come from the mock or from real providers. There is no fallback between
    /// the two, in either direction.
    Mode {
        /// Deterministic answers made here.
        Mock = "mock",
        /// Answers of real providers.
        Real = "real",
    }
}

choice! {
    /// The wire protocol of a provider.
    ProviderKind {
        /// The OpenAI API or a server compatible with it.
        OpenAi = "openai",
        /// The Anthropic API.
        Anthropic = "anthropic",
        /// The OpenAI API at Azure, which has its own addresses and header for the key.
        Azure = "azure",
        /// The Gemini API of Google.
        Google = "google",
        /// The Cohere API, version 2.
        Cohere = "cohere",
        /// The API of Ollama.
        Ollama = "ollama",
    }
}

choice! {
    /// When the answer to a request for a stream begins.
    StreamCommit {
        /// With the first event that says something: it flows from then on, and a provider that
        /// breaks off later can only be reported.
        FirstEvent = "first-event",
        /// When all of it is there: a provider that breaks off is made up for by the next one.
        Complete = "complete",
    }
}

choice! {
    /// What a failing check blocks.
    Gate {
        /// Blocks every release.
        P0 = "P0",
        /// Blocks a production release.
        P1 = "P1",
        /// Blocks nothing, is tracked.
        P2 = "P2",
    }
}

/// A named environment, after `extends` has been followed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Profile {
    /// Its name, never an alias.
    pub(crate) name: String,
    /// The profiles it extends, nearest first.
    pub(crate) extends: Vec<String>,
    /// Whether changes to, into, out of or under it need a confirmation.
    pub(crate) protected: bool,
    /// Where it stands; `None` for a built-in profile.
    pub(crate) place: Option<Place>,
    /// Where its secrets are, by variable, as its own structure says.
    pub(crate) secrets: BTreeMap<String, SecretSpec>,
    /// Providers by name, those of its own structure and those that variables alone define.
    pub(crate) providers: BTreeMap<String, ProviderSpec>,
    /// Routes by the model name that a client asks for.
    pub(crate) routes: BTreeMap<String, RouteSpec>,
    /// Ages, gates, quotas.
    pub(crate) policy: Policy,
}

/// Where a profile says that a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SecretSpec {
    /// The reference.
    pub(crate) reference: SecretReference,
    /// Where it is written.
    pub(crate) place: Place,
}

/// A reference to a secret, as profiles write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretReference {
    /// `vault:NAME`, or `vault:PROFILE/NAME` for an entry of another profile.
    Vault {
        /// The other profile.
        profile: Option<String>,
        /// The name in the vault.
        name: String,
    },
    /// `file:PATH`, relative to the root.
    File(PathBuf),
    /// `env:NAME`: a variable of the process environment.
    Env(String),
}

impl SecretReference {
    /// The reference that `text` is, if it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let entry = |name: &str| {
            !name.is_empty()
                && name.len() <= 128
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        match scheme {
            "vault" => match rest.split_once('/') {
                Some((profile, name)) => (entry(profile) && entry(name)).then(|| Self::Vault {
                    profile: Some(canonical(profile).to_owned()),
                    name: name.to_owned(),
                }),
                None => entry(rest).then(|| Self::Vault { profile: None, name: rest.to_owned() }),
            },
            "file" => PathBuf::parse(rest).map(Self::File),
            "env" => dotenv::is_name(rest).then(|| Self::Env(rest.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault { profile: Some(profile), name } => write!(f, "vault:{profile}/{name}"),
            Self::Vault { profile: None, name } => write!(f, "vault:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
        }
    }
}

impl Serialize for SecretReference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a provider without a key is sent: stands in the place of the keys of the others where the
/// files of a root say where something goes. No variable can have this name.
pub(crate) const PROMPTS: &str = "prompts, without a key";

/// A provider as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProviderSpec {
    /// Its wire protocol.
    pub(crate) kind: ProviderKind,
    /// Base URL as the vendor's SDK writes it: with `/v1` for OpenAI, without a version for all
    /// others. One of Azure says in its query which version of the API is meant, if any.
    pub(crate) base_url: Url,
    /// The variables that hold its keys, such as `OPENAI_API_KEY`; each becomes a slot. Without any
    /// it is asked without a key.
    pub(crate) keys: Vec<String>,
    /// Models it serves, for routes that nobody declared.
    pub(crate) models: Vec<String>,
    /// Whether it may be asked to count the tokens of a stream (`stream_options`).
    #[serde(skip_serializing_if = "Clone::clone")]
    pub(crate) stream_usage: bool,
    /// Whether it has `/v1/responses`, where a file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) responses: Option<bool>,
    /// Requests that it is asked at a time, over all its models, if bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_in_flight: Option<u64>,
    /// Where it is declared, if in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

/// A route: what answers for a model name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RouteSpec {
    /// Targets in order of preference.
    pub(crate) targets: Vec<TargetSpec>,
    /// Time-outs that differ from the server's.
    pub(crate) timeouts: Timeouts,
    /// When the answer to a request for a stream begins, unless the request says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_commit: Option<StreamCommit>,
    /// Whether answers are kept for the next who asks the same, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache: Option<RouteCache>,
    /// Requests per minute over all clients, if limited.
    pub(crate) requests_per_minute: Option<u64>,
    /// Where it is declared, if in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

impl RouteSpec {
    /// A route of which nothing but its targets is said.
    pub(crate) fn to(targets: Vec<TargetSpec>) -> Self {
        Self {
            targets,
            timeouts: Timeouts::default(),
            stream_commit: None,
            cache: None,
            requests_per_minute: None,
            place: None,
        }
    }
}

/// How answers of a route are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RouteCache {
    /// For how long.
    pub(crate) ttl: Duration,
}

impl RouteCache {
    /// The shortest and the longest time.
    pub(crate) const BOUNDS: (Duration, Duration) =
        (Duration::from_secs(1), Duration::from_secs(30 * DAY));
}

/// One target of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TargetSpec {
    /// The provider, by name.
    pub(crate) provider: String,
    /// The model's name there.
    pub(crate) model: String,
    /// Share among targets of the same route, at least 1. Where any target of a route has one, the
    /// first to be asked is drawn by them; where none has, targets are asked in their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<u64>,
    /// Tokens of a conversation that it takes: one that is too long for another target of the route
    /// is asked only of those that take more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<u64>,
    /// Requests that it is asked at a time, if bounded; fewer while it has too much to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_in_flight: Option<u64>,
}

impl TargetSpec {
    /// A target of which no more is said.
    pub(crate) fn of(provider: &str, model: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            weight: None,
            context: None,
            max_in_flight: None,
        }
    }
}

/// Time-outs of a route; what is unset is the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Timeouts {
    /// Until a connection stands.
    pub(crate) connect: Option<Duration>,
    /// Until the response head is there.
    pub(crate) headers: Option<Duration>,
    /// Until the first event of a stream that says something.
    pub(crate) first_event: Option<Duration>,
    /// Between two chunks of a stream.
    pub(crate) stall: Option<Duration>,
    /// For the whole request.
    pub(crate) total: Option<Duration>,
}

/// What a profile demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Policy {
    /// Whether SQLite is an error.
    pub(crate) require_postgres: bool,
    /// The gates at which a failing check means `not-ready`.
    pub(crate) gates: Vec<Gate>,
    /// Greatest age of keys, by kind.
    pub(crate) key_max_age: KeyAges,
    /// Requests per minute and service key, where the key has no limit of its own.
    pub(crate) requests_per_minute: Option<u64>,
}

/// Greatest ages of keys; a warning is due at 80 % of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct KeyAges {
    /// JWT signing keys.
    pub(crate) jwt: Duration,
    /// Encryption keys.
    pub(crate) encryption: Duration,
    /// Provider keys.
    pub(crate) provider: Duration,
    /// Service keys.
    pub(crate) service: Duration,
}

const DAY: u64 = 86_400;

impl Default for KeyAges {
    fn default() -> Self {
        Self {
            jwt: Duration::from_secs(90 * DAY),
            encryption: Duration::from_secs(180 * DAY),
            provider: Duration::from_secs(30 * DAY),
            service: Duration::from_secs(60 * DAY),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            require_postgres: false,
            gates: vec![Gate::P0],
            key_max_age: KeyAges::default(),
            requests_per_minute: None,
        }
    }
}

/// The longest name of a model that is asked for, in bytes. It goes into usage rows and error texts,
/// and unknown ones are compared with all that are known.
pub(crate) const LONGEST_MODEL: usize = 256;

/// Whether a model may be asked for by this name.
pub(crate) fn is_model_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_MODEL && !name.chars().any(char::is_control)
}

/// The aliases of the profile names: what people type, and what it means.
pub(crate) const ALIASES: &[(&str, &str)] =
    &[("development", "dev"), ("testing", "test"), ("production", "prod")];

/// The name that an alias stands for; any other name is itself.
pub(crate) fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, canonical)| canonical)
}
