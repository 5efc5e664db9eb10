//! Everything that a server works with, opened before it listens to anybody.

use super::auth::{self, AuthOptions, Authenticator, DevKey, LastGood, Seal, Seals, TokenKeys};
use super::health::{self, Health};
use super::listing::Listing;
use super::logging::AccessLog;
use super::metrics::HttpMetrics;
use super::overload::Overload;
use super::reload::{self, Reloader, Routed};
use super::routing::Plan;
use super::state::{App, Live};
use super::watch::Before;
use crate::base::Timestamp;
use crate::cache::{self, Cache, CacheOptions};
use crate::gateway::Gateway;
use crate::gateway::answers::{AnswerMetrics, Answers};
use crate::gateway::journal::{self, Journal, JournalOptions};
use crate::gateway::limits::LocalLimiter;
use crate::gateway::metering::JournalMeter;
use crate::gateway::metrics::GatewayMetrics;
use crate::provider::Client;
use crate::report::{Console, Fault, Place, Problem};
use crate::secrets::Followed;
use crate::settings::groups::CacheKind;
use crate::settings::profile::Mode;
use crate::settings::secret::SecretSource;
use crate::settings::{self, Resolution, Settings, Workspace};
use crate::store::{self, DatabaseOptions, Store};
use arc_swap::ArcSwap;
use http::HeaderValue;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection to a provider may take.
const CONNECT: Duration = Duration::from_secs(3);

/// What a server is started with.
pub(crate) struct Start {
    /// Root, profile and state directory, for loading again.
    pub(crate) workspace: Workspace,
    /// The settings.
    pub(crate) settings: Settings,
    /// Where they come from.
    pub(crate) resolution: Resolution,
    /// Who opens secrets: the vault, which is watched.
    pub(crate) vault: Arc<Followed>,
    /// How the vault stood before they were loaded.
    pub(crate) before: Before,
    /// What loading them warned of.
    pub(crate) warnings: Vec<Problem>,
    /// Whether the server is only there to be looked at: it asks no provider for anything.
    pub(crate) probe: bool,
}

/// Everything that the server works with.
pub(super) struct Opened {
    /// What every request looks at.
    pub(super) app: Arc<App>,
    /// Where the last good snapshot of identities is kept.
    pub(super) last_good: Option<LastGood>,
    /// The service key of a developer's own server.
    pub(super) dev_key: Option<DevKey>,
    /// Who takes usage rows from the journal to the store.
    pub(super) journal: journal::Tasks,
}

/// Opens it. What is told on the way and hinders nothing goes to `console`.
///
/// # Errors
/// The configuration does not hold (3), the store or the journal is unusable (5).
pub(super) async fn open(
    start: Start,
    addr: SocketAddr,
    access: AccessLog,
    console: &dyn Console,
) -> Result<Opened, Fault> {
    let Start { workspace, settings, resolution, vault, before, warnings, probe: _ } = start;
    let agreed = reload::agreed(&warnings);
    let secrets: &dyn SecretSource = &*vault;
    let clock = Arc::clone(&workspace.clock);
    let state_dir = workspace.prepare_state_dir()?.to_path_buf();
    let mode = settings.server.mode;
    let profile = settings.profile.name.clone();

    let (plan, prices) =
        Plan::read(&workspace, &settings, &resolution, &warnings).map_err(Fault::does_not_hold)?;
    let prices = Arc::new(ArcSwap::from_pointee(prices));
    let table = plan.table(&settings, mode, addr, None).map_err(Fault::does_not_hold)?;
    let client = client(mode)?;

    let cache = open_cache(&settings, secrets)?;
    let options =
        DatabaseOptions::from_settings(&settings.database, &settings.profile, &state_dir, secrets)
            .map_err(|problem| no_address("DATABASE_URL", problem))?;
    let store = store::open(&options).await.map_err(|e| e.fault())?;
    let journal = Journal::open(JournalOptions::of_profile(&state_dir, &profile))
        .map_err(|e| Fault::unreachable(e.problem()))?;

    let mut registry = Registry::with_prefix("ultra");
    let gateway_metrics = Arc::new(GatewayMetrics::register(&mut registry));
    let metrics = HttpMetrics::register(&mut registry);
    let overload = Overload::of(&settings.server, &mut registry);
    let meter = Arc::new(JournalMeter::new(
        Arc::clone(&journal),
        gateway_metrics,
        Arc::clone(&prices),
        Arc::clone(&clock),
    ));
    let instance = uuid::Uuid::now_v7().to_string();
    let hop = HeaderValue::from_str(&instance)
        .map_err(|_| Fault::bug("the id of the instance is no header"))?;

    let auth = Arc::new(Authenticator::new(
        AuthOptions { max_stale: settings.auth.max_stale, refresh: settings.auth.refresh },
        own_signing_key(&settings, &state_dir, secrets)?,
    ));
    let last_good = sealed_copy(&settings, &state_dir, secrets, console);
    let answers = answers(&cache, last_good.as_ref(), &mut registry)?;
    let dev_key = own_key(&settings, &state_dir, &*store, clock.now(), console).await;
    auth::start_up(&auth, &*store, last_good.as_ref(), &*clock).await;

    let app = Arc::new(App {
        mode,
        profile,
        instance,
        started_at: clock.now(),
        started: Instant::now(),
        compression: settings.server.compression,
        body_limit: settings.server.body_limit.0,
        body_timeout: settings.server.body_timeout,
        auth,
        gateway: Gateway::new(table, client, meter, hop).with_answers(answers),
        limiter: Arc::new(LocalLimiter::default()),
        overload: Arc::new(overload),
        journal: Arc::clone(&journal),
        store: Arc::clone(&store),
        cache,
        listing: Listing::default(),
        access,
        metrics,
        registry,
        health: Health::default(),
        live: ArcSwap::from_pointee(Live::of(&settings, mode, reload::config_hash(&resolution))),
        reloader: Reloader::new(
            workspace,
            vault,
            last_good.as_ref().map(LastGood::seals),
            Routed { addr, plan, prices, agreed },
        ),
        clock,
    });
    first_keys(&app, settings, resolution, before, console).await?;
    let tasks = journal::start(&journal, store);
    health::judge(&app).await;
    Ok(Opened { app, last_good, dev_key, journal: tasks })
}

/// What asks providers; mode mock asks none.
fn client(mode: Mode) -> Result<Option<Client>, Fault> {
    match mode {
        Mode::Mock => Ok(None),
        Mode::Real => Client::new(CONNECT).map(Some).map_err(|e| Fault::does_not_hold(vec![e])),
    }
}

/// An address that cannot be learned. A store that is away is waited for, one that nobody can name
/// is not: a server without it could neither tell its callers apart nor even say what it waits for.
/// Whoever starts servers tries again, until the keyring is there.
fn no_address(variable: &str, problem: Problem) -> Fault {
    if !settings::out_of_reach(&problem) {
        return Fault::does_not_hold(vec![problem]);
    }
    let what =
        format!("cannot start without `{variable}`, which is in the vault: {}", problem.what);
    Fault::unreachable(Problem { what, ..problem })
}

/// The cache of the profile. Replicas of a profile share it; a Redis that is away is waited for by
/// nobody.
fn open_cache(settings: &Settings, secrets: &dyn SecretSource) -> Result<Arc<dyn Cache>, Fault> {
    let url = settings.cache.redis_url.as_ref().filter(|_| settings.cache.kind == CacheKind::Redis);
    let redis_url = url
        .map(|reference| reference.reveal(secrets))
        .transpose()
        .map_err(|problem| no_address("REDIS_URL", problem))?;
    cache::open(&CacheOptions {
        kind: settings.cache.kind,
        redis_url,
        max_bytes: settings.cache.max_bytes.0,
        namespace: format!("ultra:{}", settings.profile.name),
    })
    .map_err(|error| Fault::does_not_hold(vec![error.problem()]))
}

/// Opens the keys for the first time. What is wrong with one is told; a key that would leak is an
/// error.
async fn first_keys(
    app: &Arc<App>,
    settings: Settings,
    resolution: Resolution,
    before: Before,
    console: &dyn Console,
) -> Result<(), Fault> {
    let worker = Arc::clone(app);
    let reloaded = tokio::task::spawn_blocking(move || {
        let table = worker.gateway.table();
        reload::apply(&worker, &settings, &resolution, before, &table)
    })
    .await
    .map_err(|_| Fault::bug("the keys could not be opened"))?;
    let (fatal, others): (Vec<Problem>, Vec<Problem>) = reloaded
        .problems
        .into_iter()
        .partition(|p| matches!(p.code, "own-key-for-provider" | "weak-jwt-key"));
    if !fatal.is_empty() {
        return Err(Fault::does_not_hold(fatal));
    }
    for problem in &others {
        console.warn(problem);
    }
    Ok(())
}

/// Where no signing key is configured, an unprotected profile signs with one of its state
/// directory, which `ultra auth token` signs with too. A configured one is opened with the other
/// keys.
fn own_signing_key(
    settings: &Settings,
    state_dir: &Path,
    secrets: &dyn SecretSource,
) -> Result<TokenKeys, Fault> {
    if settings.auth.jwt_key.is_some() || settings.profile.protected {
        return Ok(TokenKeys::none());
    }
    auth::token_keys(&settings.auth, &settings.profile, state_dir, secrets)
        .map_err(|problem| Fault::does_not_hold(vec![problem]))
}

/// Where answers are kept. Without a key that is kept they are sealed with one of this process.
fn answers(
    cache: &Arc<dyn Cache>,
    last_good: Option<&LastGood>,
    registry: &mut Registry,
) -> Result<Answers, Fault> {
    let seals = match last_good {
        Some(last_good) => last_good.seals(),
        None => {
            let seal = Seal::of_process();
            Seals::new(seal.ok_or_else(|| Fault::bug("no key can be derived to seal answers"))?)
        }
    };
    let metrics = AnswerMetrics::register(registry);
    Ok(Answers::new(Arc::clone(cache), Arc::new(seals), metrics))
}

/// Where the last good snapshot of identities is kept; without it a start needs the store.
fn sealed_copy(
    settings: &Settings,
    state_dir: &Path,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Option<LastGood> {
    let seal = match &settings.auth.encryption_key {
        Some(reference) => reference.reveal(secrets).map(|key| Seal::from_key(&key)),
        None => Seal::from_state_dir(state_dir).map(Some),
    };
    match seal {
        Ok(seal) => Some(LastGood::new(seal?, state_dir, &settings.profile.name)),
        Err(problem) => {
            console.warn(&problem);
            None
        }
    }
}

/// The service key of a developer's own server. Without it the server works, for those who have
/// another key.
async fn own_key(
    settings: &Settings,
    state_dir: &Path,
    store: &dyn Store,
    now: Timestamp,
    console: &dyn Console,
) -> Option<DevKey> {
    if settings.profile.protected {
        return None;
    }
    match auth::dev_key(state_dir, store, now).await {
        Ok(key) => {
            if key.exposed {
                let what = "others could read the service key for development; it is a new one now";
                console.warn(
                    &Problem::warning("dev-key-exposed", what)
                        .at(Place::file(&key.path))
                        .why("whoever knows the former one could use this server"),
                );
            }
            Some(key)
        }
        Err(problem) => {
            console.warn(&problem);
            None
        }
    }
}
