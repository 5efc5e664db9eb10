//! What all requests share.

use super::auth::Authenticator;
use super::health::Health;
use super::listing::Listing;
use super::logging::AccessLog;
use super::metrics::HttpMetrics;
use super::middleware::cors::Origins;
use super::middleware::security::SecurityHeaders;
use super::overload::Overload;
use super::reload::Reloader;
use crate::base::{Clock, Timestamp};
use crate::cache::Cache;
use crate::gateway::Gateway;
use crate::gateway::journal::Journal;
use crate::gateway::limits::Limiter;
use crate::settings::Settings;
use crate::settings::key_age::ServiceKeyAge;
use crate::settings::profile::Mode;
use crate::store::Store;
use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The server as its handlers see it.
#[derive(Debug)]
pub(crate) struct App {
    /// What answers come from; never changes.
    pub(crate) mode: Mode,
    /// The profile that is served; never changes.
    pub(crate) profile: String,
    /// Names this process among others.
    pub(crate) instance: String,
    /// When it began to serve.
    pub(crate) started_at: Timestamp,
    /// The same for measuring.
    pub(crate) started: Instant,
    /// Whether answers are made smaller for clients that take it.
    pub(crate) compression: bool,
    /// The largest request body.
    pub(crate) body_limit: u64,
    /// The time a client has to send a body.
    pub(crate) body_timeout: Duration,
    /// Who is let in.
    pub(crate) auth: Arc<Authenticator>,
    /// From requests to answers.
    pub(crate) gateway: Gateway,
    /// Who asks too often.
    pub(crate) limiter: Arc<dyn Limiter>,
    /// What the process bears.
    pub(crate) overload: Arc<Overload>,
    /// Usage rows.
    pub(crate) journal: Arc<Journal>,
    /// What outlives the process.
    pub(crate) store: Arc<dyn Store>,
    /// What may be lost at any time, shared with other replicas.
    pub(crate) cache: Arc<dyn Cache>,
    /// Which models providers list by themselves.
    pub(crate) listing: Listing,
    /// The lines of requests.
    pub(crate) access: AccessLog,
    /// Counters of requests.
    pub(crate) metrics: HttpMetrics,
    /// All counters.
    pub(crate) registry: Registry,
    /// How everything is doing.
    pub(crate) health: Health,
    /// What can change while the server runs.
    pub(crate) live: ArcSwap<Live>,
    /// How it changes.
    pub(crate) reloader: Reloader,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What a reload replaces.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    /// Origins that browsers may call from.
    pub(crate) origins: Origins,
    /// Headers of every answer.
    pub(crate) security: SecurityHeaders,
    /// Requests per minute and key without a limit of its own.
    pub(crate) per_minute: u32,
    /// Requests per minute and address without credentials.
    pub(crate) anonymous_per_minute: u32,
    /// How old service keys may become.
    pub(crate) service_key_age: ServiceKeyAge,
    /// Tells one configuration from another.
    pub(crate) config_hash: String,
}

impl Live {
    /// What these settings say, for a server of this mode: that never changes.
    pub(crate) fn of(settings: &Settings, mode: Mode, config_hash: String) -> Self {
        let origins = Origins::of(&settings.server.cors_origins.0);
        let https = settings.server.public_url.as_ref().is_some_and(|u| u.scheme() == "https");
        let rate = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let own = settings.profile.policy.requests_per_minute;
        Self {
            security: SecurityHeaders::new(mode.word(), https, !origins.is_empty()),
            origins,
            per_minute: rate(own.unwrap_or(settings.limits.requests_per_minute.0)),
            anonymous_per_minute: rate(settings.limits.anonymous_per_minute.0),
            service_key_age: ServiceKeyAge::of(&settings.profile),
            config_hash,
        }
    }
}
