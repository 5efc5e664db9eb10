//! `serve --probe`: the server of a profile, only there to be looked at.
//!
//! It keeps its state in a directory that goes with it, so that nothing of the profile is written:
//! no migration, no journal, no record of a running server. It knows one service key, which comes
//! over standard input because arguments and environment can be read by others, and it ends when
//! that input does, so that it never outlives the process that started it.

use crate::base::Secret;
use crate::report::{Fault, Problem};
use crate::serve::auth::{KeyRequest, stored};
use crate::settings::groups::MigrateMode;
use crate::settings::{Settings, Workspace};
use crate::store::{self, DatabaseOptions, Scope, Scopes};
use std::io::{BufRead as _, Read as _};

/// The longest key that is read.
const LONGEST: u64 = 1 << 10;

/// A server to be looked at.
pub(super) struct Probe {
    key: Secret,
    /// Removed with its content when the server has ended.
    _state: tempfile::TempDir,
}

impl Probe {
    /// Reads the key and moves the state of `workspace` to a directory of its own.
    ///
    /// # Errors
    /// There is no key (2), or the directory cannot be made (1).
    pub(super) fn begin(workspace: &mut Workspace) -> Result<Self, Fault> {
        let mut line = String::new();
        let read = std::io::stdin().lock().take(LONGEST).read_line(&mut line);
        let key = Secret::from_line(line);
        if read.is_err() || key.is_empty() {
            return Err(Fault::usage(
                Problem::error("no-probe-key", "`--probe` needs a service key on stdin")
                    .hint("ultra check readiness"),
            ));
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

/// Stops this process as SIGTERM does, once standard input ends.
fn end_with_input() {
    std::thread::spawn(|| {
        let mut rest = [0_u8; 64];
        while matches!(std::io::stdin().lock().read(&mut rest), Ok(n) if n > 0) {}
        let this = rustix::process::getpid();
        let _ = rustix::process::kill_process(this, rustix::process::Signal::TERM);
    });
}
