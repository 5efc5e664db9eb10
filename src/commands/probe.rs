//! `serve --probe`: the server of a profile, only there to be looked at.
//!
//! It keeps its state in a directory that goes with it, so that nothing of the profile is written:
//! no migration, no journal, no record of a running server. Two lines come over standard input,
//! because arguments and environment can be read by others: the one service key that it knows, and
//! the identity of the vault, which is empty unless only a person could open it. It ends when that
//! input does, so that it never outlives the process that started it.

use crate::base::Secret;
use crate::report::{Fault, Problem};
use crate::secrets::VaultSource;
use crate::serve::auth::{KeyRequest, stored};
use crate::settings::groups::MigrateMode;
use crate::settings::{Settings, Workspace};
use crate::store::{self, DatabaseOptions, Scope, Scopes};
use std::io::{BufRead as _, Read as _};

/// The longest line that is read.
const LONGEST: u64 = 1 << 10;

/// A server to be looked at, and what it was handed.
pub(super) struct Probe {
    key: Secret,
    /// Removed with its content when the server has ended.
    _state: tempfile::TempDir,
}

impl Probe {
    /// Reads what it is handed, opens `vault` with it, and moves the state of `workspace` to a
    /// directory of its own.
    ///
    /// # Errors
    /// There is no key, or no identity where something stands for one (2); the directory cannot be
    /// made (1).
    pub(super) fn begin(workspace: &mut Workspace, vault: &VaultSource) -> Result<Self, Fault> {
        let usage =
            |what| Fault::usage(Problem::error("no-probe-key", what).hint("ultra check readiness"));
        let key = line();
        if key.is_empty() {
            return Err(usage("`--probe` needs a service key on stdin"));
        }
        let identity = line();
        if !identity.is_empty() && vault.told(&identity).is_err() {
            return Err(usage("the second line of stdin is no identity of a vault"));
        }
        let state = tempfile::Builder::new().prefix("ultra-probe-").tempdir().map_err(|e| {
            Fault::failure(Problem::error("probe-state", "cannot make a directory").why(e))
        })?;
        workspace.state_dir = state.path().join("state");
        workspace.state_dir_named = true;
        Ok(Self { key, _state: state })
    }

    /// Turns the settings to the embedded store of that directory, lets the key in, and sees to it
    /// that the server ends with standard input.
    ///
    /// # Errors
    /// The key has not the form of one (2), or the store cannot be made (5).
    pub(super) async fn prepare(
        &self,
        settings: &mut Settings,
        workspace: &Workspace,
    ) -> Result<(), Fault> {
        settings.database.url = None;
        settings.database.migrate = Some(MigrateMode::Auto);
        settings.server.metrics_addr = None;
        let state_dir = workspace.prepare_state_dir()?;
        let request = KeyRequest {
            name: "probe".to_owned(),
            scopes: Scopes::of(Scope::ALL),
            expires_at: None,
            rate: None,
        };
        let key = stored(&self.key, request, workspace.clock.now()).ok_or_else(|| {
            Fault::usage(Problem::error("no-probe-key", "stdin holds no service key"))
        })?;
        let options = DatabaseOptions {
            url: None,
            url_by_root: false,
            sqlite_path: DatabaseOptions::embedded(state_dir, &settings.profile.name),
            pool_size: 1,
            timeout: settings.database.timeout,
            migrate: Some(MigrateMode::Auto),
            protected: settings.profile.protected,
        };
        let store = store::open(&options).await.map_err(|e| e.fault())?;
        store.migrate().await.map_err(|e| e.fault())?;
        store.create_service_key(&key).await.map_err(|e| e.fault())?;
        store.close().await;
        end_with_input();
        Ok(())
    }
}

/// The next line of standard input; empty at its end, and if it is no text.
fn line() -> Secret {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_line(&mut line);
    let line = Secret::from_line(line);
    if read.is_ok() { line } else { Secret::new(String::new()) }
}

/// Stops this process as SIGTERM does, once standard input ends.
fn end_with_input() {
    std::thread::spawn(|| {
        let mut rest = [0_u8; 64];
        while matches!(std::io::stdin().lock().read(&mut rest), Ok(n) if n > 0) {}
        let this = rustix::process::getpid();
        let _ = rustix::process::kill_process(this, rustix::process::Signal::TERM);
    });
}
