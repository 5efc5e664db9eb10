//! Start and stop. Configuration that cannot work refuses to start; a dependency that is absent
//! never does.

use super::auth::{self, AuthOptions, Authenticator, DevKey, LastGood, Seal, TokenKeys};
use super::health::{self, Health};
use super::listing::{self, Listing};
use super::logging::AccessLog;
use super::metrics::HttpMetrics;
use super::reload::{self, Reloader};
use super::seats::Seats;
use super::signals::{self, Stops};
use super::state::{App, Live};
use super::{
    announce, background, connections, control, descriptors, holder, listen, logging,
    metrics_listener, middleware, published, router,
};
use crate::cache::{self, Cache, CacheOptions};
use crate::exit::ExitStatus;
use crate::gateway::journal::{self, Journal, JournalOptions};
use crate::gateway::limits::LocalLimiter;
use crate::gateway::metering::JournalMeter;
use crate::gateway::metrics::GatewayMetrics;
use crate::gateway::routes::Backend;
use crate::gateway::{Gateway, Table};
use crate::provider::Client;
use crate::report::{Console, Fault, Place, Problem, Report};
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
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long a connection to a provider may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the store has to take the last usage rows; the rest waits for the next start.
const FLUSH: Duration = Duration::from_secs(3);

/// How long the store has to forget this server; it does so by itself after a minute.
const LEAVE: Duration = Duration::from_secs(1);

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
    /// Whether the server is only there to be looked at: it asks no provider for anything.
    pub(crate) probe: bool,
}

fn failure(what: &str) -> impl Fn(std::io::Error) -> Fault + '_ {
    move |e| Fault::failure(Problem::error("start", what).why(e))
}

/// Serves until a signal stops it.
///
/// # Errors
/// The configuration does not hold (3), the port is taken or the store unusable (5), mock beyond
/// loopback (6), a second signal during the drain (130).
pub(crate) async fn run(start: Start, console: &dyn Console) -> Result<Report, Fault> {
    let server = start.settings.server.clone();
    listen::may_be_seen(&server, &start.resolution)?;
    let (logging, access) = logging::begin(&start.settings.telemetry)?;
    middleware::panic::log_panics();
    no_core_dumps();
    signals::outlive_file_limits().map_err(failure("cannot listen for signals"))?;
    let listening = || Stops::listen().map_err(failure("cannot listen for signals"));
    let probe = start.probe;
    // A probe has a directory to clear away, whenever it is told to stop.
    let early = if probe { Some(listening()?) } else { None };
    let seats = Seats::new(descriptors::connections(&server));
    let (listener, addr) = listen::bind(&server).await?;
    let scrapers = metrics_listener::bind(server.metrics_addr.as_deref()).await?;

    let asks = start.settings.server.mode == Mode::Real && !probe;
    let Opened { app, last_good, dev_key, journal } = open(start, addr, access, console).await?;
    // Not before: while a person is asked for the passphrase of the vault, a signal has to end the
    // process as usual.
    let mut stops = early.map_or_else(listening, Ok)?;
    let hangup = signals::hangup().map_err(failure("cannot listen for signals"))?;
    let stop = CancellationToken::new();
    let mut tasks = background::start(&app, last_good, hangup, &stop);
    if asks {
        tasks.spawn(listing::follow(Arc::clone(&app), stop.clone()));
    }
    if let Some(scrapers) = scrapers {
        tasks.spawn(metrics_listener::serve(scrapers, Arc::clone(&app), stop.clone()));
    }
    let drain_wanted = CancellationToken::new();
    if !probe {
        tasks.spawn(published::follow(Arc::clone(&app), stop.clone()));
        if let Some(control) = control_socket(app.reloader.state_dir()) {
            let (wanted, stop) = (drain_wanted.clone(), stop.clone());
            tasks.spawn(control::serve(control, Arc::clone(&app), wanted, stop));
        }
    }
    let registration = announce::register(&app, addr);
    console.event(&announce::announcement(&app, addr, dev_key.as_ref())?);
    tracing::info!(%addr, mode = app.mode.word(), profile = app.profile, "listening");

    let accepting = CancellationToken::new();
    let accepted = tokio::spawn(connections::accept(
        listener,
        Arc::clone(&app),
        router::router(&app),
        server.header_timeout,
        Arc::clone(&seats),
        accepting.clone(),
    ));
    let signal = tokio::select! {
        signal = stops.next() => signal,
        () = drain_wanted.cancelled() => "drain",
    };

    tracing::info!(signal, "stopping");
    app.health.drain();
    accepting.cancel();
    let interrupted = tokio::select! {
        drained = drain(accepted, &seats, server.drain_timeout) => {
            if !drained {
                tracing::warn!("requests broken off: they took longer than the drain time-out");
            }
            false
        }
        _ = stops.next() => true,
    };
    stop.cancel();
    drop(registration);
    if interrupted {
        if !probe {
            logging.end_now(ExitStatus::Interrupted);
        }
        return Err(Fault::interrupted());
    }
    drop(tasks);
    journal.stop(FLUSH).await;
    // Nobody has to wait for this server any more.
    if !probe {
        let _ = tokio::time::timeout(LEAVE, app.store.leave(&app.instance)).await;
    }
    app.store.close().await;
    tracing::info!("stopped");
    Report::new("ultra.serve.end/1", serde_json::json!({"signal": signal}), vec![])
}

/// Waits for the connections that are open; `false` if they took too long.
async fn drain(accepting: tokio::task::JoinHandle<()>, seats: &Seats, patience: Duration) -> bool {
    // The listener is closed once this has ended, and every connection has its seat.
    let _ = accepting.await;
    seats.end();
    tokio::time::timeout(patience, seats.empty()).await.is_ok()
}

/// The control socket. A server without one works, and is controlled by signals and requests.
fn control_socket(state_dir: &std::path::Path) -> Option<control::Control> {
    match control::Control::listen(state_dir) {
        Ok(control) => {
            tracing::debug!(path = %control.path().display(), "control socket");
            Some(control)
        }
        Err(error) => {
            tracing::warn!(error = %error.kind(), "no control socket");
            None
        }
    }
}

/// A core dump would hold every key.
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_err() {
        tracing::warn!("core dumps cannot be turned off");
    }
}

/// Everything that the server works with.
struct Opened {
    app: Arc<App>,
    last_good: Option<LastGood>,
    dev_key: Option<DevKey>,
    journal: journal::Tasks,
}

async fn open(
    start: Start,
    addr: SocketAddr,
    access: AccessLog,
    console: &dyn Console,
) -> Result<Opened, Fault> {
    let Start { workspace, settings, resolution, vault, probe: _ } = start;
    let secrets: &dyn SecretSource = &*vault;
    let clock = Arc::clone(&workspace.clock);
    let state_dir = workspace.prepare_state_dir()?.to_path_buf();
    let mode = settings.server.mode;
    let profile = settings.profile.name.clone();
    let protected = settings.profile.protected;

    let table = Table::of(&settings.profile, mode, settings.server.request_timeout);
    not_ourselves(&table, addr, &settings)?;
    let client = match mode {
        Mode::Mock => None,
        Mode::Real => {
            Some(Client::new(CONNECT).map_err(|problem| Fault::does_not_hold(vec![problem]))?)
        }
    };

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
    let meter =
        Arc::new(JournalMeter::new(Arc::clone(&journal), gateway_metrics, Arc::clone(&clock)));
    let instance = uuid::Uuid::now_v7().to_string();
    let hop = HeaderValue::from_str(&instance)
        .map_err(|_| Fault::bug("the id of the instance is no header"))?;

    let auth = Arc::new(Authenticator::new(
        AuthOptions { max_stale: settings.auth.max_stale, refresh: settings.auth.refresh },
        own_signing_key(&settings, &state_dir, secrets)?,
    ));
    let last_good = sealed_copy(&settings, &state_dir, secrets, console);
    let dev_key =
        if protected { None } else { own_key(&state_dir, &*store, clock.now(), console).await };
    auth::start_up(&auth, &*store, last_good.as_ref(), &*clock).await;

    let hash = reload::config_hash(&resolution);
    let app = Arc::new(App {
        mode,
        profile,
        instance,
        started_at: clock.now(),
        started: Instant::now(),
        body_limit: settings.server.body_limit.0,
        body_timeout: settings.server.body_timeout,
        auth,
        gateway: Gateway::new(table, client, meter, hop),
        limiter: Arc::new(LocalLimiter::default()),
        places: Arc::new(Semaphore::new(
            usize::try_from(settings.server.max_concurrency.0).unwrap_or(Semaphore::MAX_PERMITS),
        )),
        journal: Arc::clone(&journal),
        store: Arc::clone(&store),
        cache,
        listing: Listing::default(),
        access,
        metrics,
        registry,
        health: Health::default(),
        live: ArcSwap::from_pointee(Live::of(&settings, hash)),
        reloader: Reloader::new(workspace, vault, last_good.as_ref().map(LastGood::seals)),
        clock,
    });
    first_keys(&app, settings, resolution, console).await?;
    let tasks = journal::start(&journal, store);
    health::judge(&app).await;
    Ok(Opened { app, last_good, dev_key, journal: tasks })
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
    console: &dyn Console,
) -> Result<(), Fault> {
    let worker = Arc::clone(app);
    let reloaded =
        tokio::task::spawn_blocking(move || reload::apply(&worker, &settings, &resolution))
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

/// A provider whose base URL is this server would only ever get its own errors.
fn not_ourselves(table: &Table, addr: SocketAddr, settings: &Settings) -> Result<(), Fault> {
    let public = settings.server.public_url.as_ref().map(url::Url::origin);
    let problems: Vec<Problem> = table
        .providers()
        .filter_map(|provider| {
            let Backend::Http { base_url, .. } = &provider.backend else { return None };
            let ours = base_url.port_or_known_default() == Some(addr.port())
                && base_url.host_str().is_some_and(|host| holder::is_here(host, addr.ip()));
            let named = public.as_ref().is_some_and(|p| *p == base_url.origin());
            (ours || named).then(|| {
                let shown = crate::base::redact::url(base_url.as_str());
                Problem::error(
                    "own-listener",
                    format!(
                        "the base URL `{shown}` of the provider `{}` is this server",
                        provider.name
                    ),
                )
                .why("every request would come back to it")
                .hint("ultra env explain OPENAI_BASE_URL")
            })
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Fault::does_not_hold(problems)) }
}

/// Where no signing key is configured, an unprotected profile signs with one of its state
/// directory, which `ultra auth token` signs with too. A configured one is opened with the other
/// keys.
fn own_signing_key(
    settings: &Settings,
    state_dir: &std::path::Path,
    secrets: &dyn SecretSource,
) -> Result<TokenKeys, Fault> {
    if settings.auth.jwt_key.is_some() || settings.profile.protected {
        return Ok(TokenKeys::none());
    }
    auth::token_keys(&settings.auth, &settings.profile, state_dir, secrets)
        .map_err(|problem| Fault::does_not_hold(vec![problem]))
}

/// Where the last good snapshot of identities is kept; without it a start needs the store.
fn sealed_copy(
    settings: &Settings,
    state_dir: &std::path::Path,
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
    state_dir: &std::path::Path,
    store: &dyn Store,
    now: crate::base::Timestamp,
    console: &dyn Console,
) -> Option<DevKey> {
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
