//! Start and stop. Configuration that cannot work refuses to start; a dependency that is absent
//! never does.

use super::open::{Opened, Start, open};
use super::seats::Seats;
use super::signals::{self, Stops};
use super::{
    announce, background, connections, control, descriptors, listen, listing, logging,
    metrics_listener, middleware, published, router,
};
use crate::exit::ExitStatus;
use crate::report::{Console, Fault, Problem, Report};
use crate::settings::profile::Mode;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the store has to take the last usage rows; the rest waits for the next start.
const FLUSH: Duration = Duration::from_secs(3);

/// How long the store has to forget this server; it does so by itself after a minute.
const LEAVE: Duration = Duration::from_secs(1);

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
    let listening = || Stops::listen().map_err(failure("cannot listen for signals"));
    let probe = start.probe;
    // A probe has a directory to clear away, whenever it is told to stop.
    let early = if probe { Some(listening()?) } else { None };
    let seats = Seats::new(descriptors::connections(&server));
    let (listener, addr) = listen::bind(&server).await?;
    let scrapers = metrics_listener::bind(server.metrics_addr.as_deref()).await?;

    let asks = start.settings.server.mode == Mode::Real && !probe;
    let wants_dev_key = !start.settings.profile.protected && !probe;
    let Opened { app, last_good, dev_key, journal } = open(start, addr, access, console).await?;
    // Not before: while a person is asked for the passphrase of the vault, a signal has to end the
    // process as usual.
    let mut stops = early.map_or_else(listening, Ok)?;
    let hangup = signals::hangup().map_err(failure("cannot listen for signals"))?;
    let stop = CancellationToken::new();
    let lacks_key = wants_dev_key && dev_key.is_none();
    let mut tasks = background::start(&app, last_good, lacks_key, hangup, &stop);
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
fn control_socket(state_dir: &Path) -> Option<control::Control> {
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
