//! What changes while the server runs: keys, routes, providers, prices, rates, origins, signing
//! keys. Asked for by SIGHUP, by the admin route, by the control socket, and by a
//! [watch](super::watch) on the files that it comes from; all go one way. What a start would refuse
//! changes nothing.

use super::auth::Seals;
use super::rings::{self, Aging, Rings};
use super::routing::{self, Plan};
use super::standing::Standing;
use super::state::{App, Live};
use super::watch::{Before, Watched, stamp};
use crate::gateway::Table;
use crate::gateway::keys::{self, Reloaded};
use crate::provider::prices::Prices;
use crate::report::{Fault, Problem};
use crate::secrets::Followed;
use crate::settings::compare::{Described, needs_restart};
use crate::settings::secret::{SecretSource, ValueRef};
use crate::settings::{self, Resolution, Settings, Workspace, key_age};
use arc_swap::ArcSwap;
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// How values are loaded again.
#[derive(Debug)]
pub(crate) struct Reloader {
    workspace: Workspace,
    vault: Arc<Followed>,
    /// Where the server listens.
    addr: SocketAddr,
    /// One reload at a time.
    turn: Mutex<()>,
    /// What routes and prices were made of.
    plan: Mutex<Plan>,
    /// What models cost, as the meter reads it.
    prices: Arc<ArcSwap<Prices>>,
    /// Whether the user had agreed to the files that were loaded last.
    agreed: AtomicBool,
    /// Whether the files say what the server runs with.
    pub(crate) standing: Standing,
    /// Holds the files whose change calls for the next, as they were before
    /// anything was read.
    pub(super) files: Mutex<Vec<Watched>>,
    /// What the server started with, and what was loaded last.
    loaded: Mutex<Option<(Arc<Resolution>, Arc<Resolution>)>>,
    /// The keys that sign, verify and seal.
    pub(super) rings: Rings,
    /// The keys that may only become so old.
    aging: Mutex<Arc<Vec<Aging>>>,
    /// The generation of the vault that was loaded last.
    generation: Mutex<Option<u64>>,
    /// Names the key that fingerprints were made with when values were loaded last.
    fingerprint_key: Mutex<Option<String>>,
    /// Told when something was loaded: others want to know soon.
    pub(super) applied: Notify,
    /// Told when other files are to be watched.
    pub(super) watched: Notify,
    /// Whether a key could not be read the last time: a locked vault opens without a file
    /// changing.
    pub(super) wanting: AtomicBool,
}

/// What requests are routed by when the server starts.
#[derive(Debug)]
pub(super) struct Routed {
    /// Where the server listens.
    pub(super) addr: SocketAddr,
    /// What routes and prices were made of.
    pub(super) plan: Plan,
    /// What models cost, as the meter reads it.
    pub(super) prices: Arc<ArcSwap<Prices>>,
    /// Whether the user has agreed to the files.
    pub(super) agreed: bool,
}

impl Reloader {
    /// A reloader for the profile of `workspace`.
    pub(super) fn new(
        workspace: Workspace,
        vault: Arc<Followed>,
        sealing: Option<Seals>,
        routed: Routed,
    ) -> Self {
        let Routed { addr, plan, prices, agreed } = routed;
        Self {
            workspace,
            vault,
            addr,
            turn: Mutex::default(),
            plan: Mutex::new(plan),
            prices,
            agreed: AtomicBool::new(agreed),
            standing: Standing::default(),
            files: Mutex::default(),
            loaded: Mutex::default(),
            rings: Rings::new(sealing),
            aging: Mutex::default(),
            generation: Mutex::default(),
            fingerprint_key: Mutex::default(),
            applied: Notify::new(),
            watched: Notify::new(),
            wanting: AtomicBool::new(false),
        }
    }

    /// What models cost.
    pub(super) fn prices(&self) -> Arc<Prices> {
        self.prices.load_full()
    }

    /// The state directory of the server.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.workspace.state_dir
    }

    /// What the server runs with, without secrets; `None` before anything was loaded. Reads the
    /// files of secrets.
    pub(crate) fn described(&self) -> Option<Described> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (start, now) = loaded?;
        Some(Described::of(&start, &now, &*self.vault))
    }

    /// The vault that keys come from.
    pub(super) fn vault(&self) -> &Arc<Followed> {
        &self.vault
    }

    /// The generation of the vault that was loaded last; `None` if there was no vault.
    pub(super) fn generation(&self) -> Option<u64> {
        *self.generation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names the key that fingerprints were made with, so that others can tell whether theirs may
    /// be compared; `None` if there was no key.
    pub(super) fn fingerprint_key(&self) -> Option<String> {
        self.fingerprint_key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys that may only become so old.
    pub(super) fn aging(&self) -> Arc<Vec<Aging>> {
        Arc::clone(&self.aging.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Loads everything again that can change. Blocks on files and the vault.
///
/// # Errors
/// Why the configuration cannot be used; nothing has changed then, but that health and metrics tell
/// of it.
pub(crate) fn reload(app: &App) -> Result<Reloaded, Vec<Problem>> {
    let reloader = &app.reloader;
    let _turn = reloader.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let outcome = attempt(app);
    match &outcome {
        Ok(reloaded) if reloaded.change.added > 0 => app.listing.ask_now(),
        Ok(_) => {}
        Err(problems) => {
            withdraw(app);
            reloader.standing.refused(problems, app.clock.now());
        }
    }
    outcome
}

fn attempt(app: &App) -> Result<Reloaded, Vec<Problem>> {
    let reloader = &app.reloader;
    let known = reloader.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let before = Before::with(
        &reloader.vault,
        known.into_iter().map(|(file, _)| file).chain(routing::files(&reloader.workspace, None)),
    );
    let secrets: &dyn SecretSource = &*reloader.vault;
    let load = |load: fn(&Workspace, &str, &dyn SecretSource) -> settings::Loaded| {
        let loaded = load(&reloader.workspace, &app.profile, secrets);
        let (settings, resolution, warnings) = loaded.usable().map_err(reasons)?;
        let (plan, prices) = Plan::read(&reloader.workspace, &settings, &resolution, &warnings)?;
        Ok::<_, Vec<Problem>>((settings, resolution, warnings, plan, prices))
    };
    let mut found = load(settings::load)?;
    let in_force = reloader.plan.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let moves = found.3 != in_force;
    if moves {
        // Other routes are judged as if the server started with them; values of secrets that are
        // wrong leave the others as they are.
        found = load(settings::start)?;
        let lost = in_force.lost_by(&found.3);
        if !lost.is_empty() {
            return Err(lost);
        }
    }
    let (settings, resolution, warnings, plan, prices) = found;
    // Whoever changes the files can neither take the keys away nor send them elsewhere.
    let agreed = agreed(&warnings);
    if !agreed && reloader.agreed.load(Ordering::Relaxed) {
        return Err(warnings.into_iter().filter(not_agreed).collect());
    }
    let now = app.gateway.table();
    let table = if moves {
        Arc::new(plan.table(&settings, app.mode, reloader.addr, Some(&now))?)
    } else {
        now
    };
    reloader.agreed.store(agreed, Ordering::Relaxed);
    let reloaded = apply(app, &settings, &resolution, before, &table);
    if moves {
        // With its keys in place.
        app.gateway.route_by(table);
        reloader.prices.store(Arc::new(prices));
        *reloader.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        app.listing.ask_now();
        reloader.applied.notify_one();
        tracing::info!("routes, providers and prices taken over");
    }
    Ok(reloaded)
}

/// Why nothing is changed: what is wrong, and not what was only worth a warning.
fn reasons(fault: Fault) -> Vec<Problem> {
    fault.problems.into_iter().filter(Problem::is_error).collect()
}

/// Whether the user has agreed to what the files of the root ask for, by what loading them told.
pub(super) fn agreed(warnings: &[Problem]) -> bool {
    !warnings.iter().any(not_agreed)
}

fn not_agreed(problem: &Problem) -> bool {
    problem.code == "untrusted-root"
}

/// What was taken out of the vault is not used any more, although what is left does not hold: a
/// profile that needs the key, say.
fn withdraw(app: &App) {
    let reloader = &app.reloader;
    let _one = reloader.files.lock().unwrap_or_else(PoisonError::into_inner);
    let secrets: &dyn SecretSource = &*reloader.vault;
    let count = keys::withdraw(&app.gateway.table(), secrets) + rings::withdraw(app, secrets);
    if count > 0 {
        tracing::warn!(
            count,
            "keys were taken out of the vault or have ended, and are not used any more"
        );
        reloader.applied.notify_one();
    }
}

/// Puts loaded values to use, the keys in `table`; `before` is how things stood before they were
/// loaded.
pub(super) fn apply(
    app: &App,
    settings: &Settings,
    resolution: &Resolution,
    before: Before,
    table: &Table,
) -> Reloaded {
    let reloader = &app.reloader;
    let mut known = reloader.files.lock().unwrap_or_else(PoisonError::into_inner);
    let secrets: &dyn SecretSource = &*reloader.vault;
    let Before { generation, files } = before;
    // Those that are new are looked at before they are read, too.
    let mut wanted = keys::files(table, settings, resolution, &reloader.vault.own().vault_path());
    wanted.extend(routing::files(&reloader.workspace, Some(settings)));
    wanted.sort();
    wanted.dedup();
    let watched = wanted
        .into_iter()
        .map(|file| match files.iter().find(|(known, _)| *known == file) {
            Some(known) => known.clone(),
            None => {
                let now = stamp(&file);
                (file, now)
            }
        })
        .collect();
    let mut reloaded = keys::load(table, resolution, secrets, Instant::now());
    reloaded.problems.extend(rings::load(app, settings, secrets));
    *known = watched;
    let aging = Arc::new(aging(settings, resolution, secrets));
    *reloader.aging.lock().unwrap_or_else(PoisonError::into_inner) = aging;
    *reloader.generation.lock().unwrap_or_else(PoisonError::into_inner) = generation;
    // After everything was read: the first fingerprint makes the key.
    *reloader.fingerprint_key.lock().unwrap_or_else(PoisonError::into_inner) =
        secrets.fingerprint_key_id().ok().flatten();
    drop(known);
    let now = Arc::new(resolution.clone());
    let mut loaded = reloader.loaded.lock().unwrap_or_else(PoisonError::into_inner);
    let start = loaded.take().map_or_else(|| Arc::clone(&now), |(start, _)| start);
    let waiting = needs_restart(&start, &now, secrets);
    *loaded = Some((start, now));
    drop(loaded);
    if reloader.standing.taken(waiting.clone()) && !waiting.is_empty() {
        tracing::warn!(names = waiting.join(", "), "needs a restart to count");
    }
    reloader.watched.notify_one();
    app.live.store(Arc::new(Live::of(settings, app.mode, config_hash(resolution))));
    reloader.wanting.store(!reloaded.problems.is_empty(), Ordering::Relaxed);
    reloader.applied.notify_one();
    reloaded
}

/// Which keys of the vault are in use and may only become so old.
fn aging(settings: &Settings, resolution: &Resolution, secrets: &dyn SecretSource) -> Vec<Aging> {
    let one = |variable: &str| {
        let ValueRef::Vault { profile, name } = &resolution.winner(variable)?.value else {
            return None;
        };
        Some(Aging {
            variable: variable.to_owned(),
            limit: key_age::limit(&settings.profile, variable)?,
            made_at: secrets.facts(profile, name).ok()??.created_at,
            entry: (profile.clone(), name.clone()),
        })
    };
    resolution.names().filter_map(one).collect()
}

/// Reloads, and logs what came of it.
pub(crate) async fn reload_and_tell(app: &Arc<App>, why: &'static str) {
    let worker = Arc::clone(app);
    let outcome = tokio::task::spawn_blocking(move || reload(&worker)).await;
    match outcome {
        Ok(Ok(reloaded)) => {
            tracing::info!(
                why,
                added = reloaded.change.added,
                drained = reloaded.change.drained,
                withdrawn = reloaded.change.withdrawn,
                "values loaded again"
            );
            for problem in &reloaded.problems {
                tracing::warn!(code = problem.code, error = %problem, "key not usable");
            }
        }
        Ok(Err(problems)) => {
            for problem in problems {
                tracing::error!(why, code = problem.code, error = %problem, "values not loaded");
            }
        }
        Err(error) => tracing::error!(why, %error, "values not loaded"),
    }
}

/// Tells one configuration from another: SHA-256 over all values that are no secret and the names
/// of those that are. Flags are left out: they say where, not what.
pub(crate) fn config_hash(resolution: &Resolution) -> String {
    let mut hash = Sha256::new();
    for name in resolution.names() {
        let Some(winner) = resolution.winner(name) else { continue };
        if winner.origin.layer == settings::Layer::Flag {
            continue;
        }
        hash.update(name);
        match resolution.text(name) {
            Some((text, _)) => {
                hash.update("=");
                hash.update(text);
            }
            None => hash.update("=[secret]"),
        }
        hash.update([0]);
    }
    let profile = serde_json::to_string(&resolution.profile).unwrap_or_default();
    hash.update(profile);
    let digest: [u8; 32] = hash.finalize().into();
    data_encoding::HEXLOWER.encode(digest.get(..8).unwrap_or(&digest))
}
