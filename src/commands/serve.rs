//! `serve`: loads the profile, refuses what does not hold, and runs the server.

use super::backing;
use super::probe::Probe;
use crate::report::{Console, Fault, Problem, Report};
use crate::secrets::Followed;
use crate::serve::{self, Start};
use crate::settings::{self, Workspace};
use crate::store;
use std::sync::Arc;
use std::time::Duration;

/// What is to be served.
pub(crate) struct Request {
    /// Root, profile and state directory, with the flags.
    pub(crate) workspace: Workspace,
    /// The vault.
    pub(crate) vault: Arc<Followed>,
    /// Whether the server is only there to be looked at (see [`super::probe`]).
    pub(crate) probe: bool,
}

/// How long blocking work may go on when everything else has ended.
const LEFTOVERS: Duration = Duration::from_millis(500);

/// Serves until a signal stops it.
///
/// # Errors
/// As [`crate::serve::run`]; every problem of the configuration at once (3).
pub(crate) fn run(request: Request, console: &dyn Console) -> Result<Report, Fault> {
    let Request { mut workspace, vault, probe } = request;
    let probe = if probe { Some(Probe::begin(&mut workspace, vault.own())?) } else { None };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("serve")
        .build()
        .map_err(|e| Fault::failure(Problem::error("runtime", "cannot start threads").why(e)))?;
    if probe.is_none() {
        runtime.block_on(first_vault(&workspace, &vault, console));
    }
    let before = serve::Before::of(&vault, &workspace);
    let loaded = settings::start(&workspace, &workspace.profile, &*vault).usable();
    let (mut settings, resolution, warnings) = match (loaded, workspace.state_dir_usable()) {
        (Ok(loaded), Ok(())) => loaded,
        (Ok(_), Err(fault)) => return Err(fault),
        (Err(mut fault), state) => {
            fault.problems.extend(state.err().into_iter().flat_map(|fault| fault.problems));
            return Err(fault);
        }
    };
    for warning in &warnings {
        console.warn(warning);
    }
    if let Some(probe) = &probe {
        runtime.block_on(probe.prepare(&mut settings, &workspace))?;
    }
    let probe = probe.is_some();
    let start = Start { workspace, settings, resolution, vault, before, warnings, probe };
    let outcome = runtime.block_on(serve::run(start, console));
    runtime.shutdown_timeout(LEFTOVERS);
    outcome
}

/// A server that has no vault yet takes the published one before it looks for keys. Whatever stands
/// in the way is told, and comes right by itself once the server runs.
async fn first_vault(workspace: &Workspace, vault: &Arc<Followed>, console: &dyn Console) {
    if !matches!(vault.generation(), Ok(None)) {
        return;
    }
    let Ok((_, options)) = backing::options(workspace, &**vault) else { return };
    if options.is_absent() {
        return;
    }
    // What is wrong with the store is told when it is opened for good.
    let Ok(store) = store::open(&options).await else { return };
    if let Err(fault) = serve::take_published(&*store, vault).await {
        fault.problems.iter().for_each(|problem| console.warn(problem));
    }
    store.close().await;
}
