//! The typed settings, one file a group.

mod auth;
mod bootstrap;
mod cache;
mod database;
mod limits;
mod providers;
mod server;
mod telemetry;

pub(crate) use auth::AuthSettings;
pub(crate) use bootstrap::BootstrapSettings;
pub(crate) use cache::{CacheKind, CacheSettings};
pub(crate) use database::{DatabaseSettings, MigrateMode};
pub(crate) use limits::LimitSettings;
pub(crate) use providers::{KNOWN as KNOWN_PROVIDERS, KnownProvider, ProviderSettings};
pub(crate) use server::ServerSettings;
pub(crate) use telemetry::{LogFormat, TelemetrySettings};

use super::catalogue::VarSpec;
use super::profile::Profile;
use super::resolution::Resolution;
use crate::report::Problem;

/// All groups: name, what it is about, its variables.
pub(crate) const GROUPS: &[(&str, &str, &[VarSpec])] = &[
    ("bootstrap", BootstrapSettings::DOC, BootstrapSettings::VARS),
    ("server", ServerSettings::DOC, ServerSettings::VARS),
    ("auth", AuthSettings::DOC, AuthSettings::VARS),
    ("database", DatabaseSettings::DOC, DatabaseSettings::VARS),
    ("cache", CacheSettings::DOC, CacheSettings::VARS),
    ("providers", ProviderSettings::DOC, ProviderSettings::VARS),
    ("limits", LimitSettings::DOC, LimitSettings::VARS),
    ("telemetry", TelemetrySettings::DOC, TelemetrySettings::VARS),
];

/// Everything the server and the commands are told: the profile and the typed groups.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The profile, with providers, routes and policy.
    pub(crate) profile: Profile,
    /// Address, mode, limits of requests, origins.
    pub(crate) server: ServerSettings,
    /// Keys and times of identity.
    pub(crate) auth: AuthSettings,
    /// The store.
    pub(crate) database: DatabaseSettings,
    /// The cache.
    pub(crate) cache: CacheSettings,
    /// Keys and addresses of providers.
    pub(crate) providers: ProviderSettings,
    /// Rates and concurrency.
    pub(crate) limits: LimitSettings,
    /// Logs and metrics.
    pub(crate) telemetry: TelemetrySettings,
}

impl Settings {
    /// Parses what won into the typed groups. Every problem of every group is reported.
    pub(crate) fn read(resolution: &Resolution, problems: &mut Vec<Problem>) -> Option<Self> {
        let server = ServerSettings::read(resolution, problems);
        let auth = AuthSettings::read(resolution, problems);
        let database = DatabaseSettings::read(resolution, problems);
        let cache = CacheSettings::read(resolution, problems);
        let providers = ProviderSettings::read(resolution, problems);
        let limits = LimitSettings::read(resolution, problems);
        let telemetry = TelemetrySettings::read(resolution, problems);
        Some(Self {
            profile: resolution.profile.clone(),
            server: server?,
            auth: auth?,
            database: database?,
            cache: cache?,
            providers: providers?,
            limits: limits?,
            telemetry: telemetry?,
        })
    }
}
