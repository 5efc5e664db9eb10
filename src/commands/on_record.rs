//! What the audit is told of acts that change nothing in the vault. An audit that cannot be written
//! keeps nobody from taking back a key: that is a warning.

use crate::exit::ExitStatus;
use crate::report::{Console, Fault, Level, Problem};
use crate::secrets::VaultSource;
use crate::secrets::audit::Event;
use crate::settings::Workspace;

/// Something that is done with service keys or values, by whom the audit notes itself. No values.
pub(super) struct Act {
    /// The kind, such as `service-key.revoke`.
    pub(super) kind: &'static str,
    /// The name it is about, in the form that the audit shows.
    pub(super) name: String,
    /// What else is worth knowing.
    pub(super) detail: String,
}

impl Act {
    /// Of a service key.
    pub(super) fn of_service_key(kind: &'static str, name: &str, detail: String) -> Self {
        Self { kind, name: format!("service-key/{name}"), detail }
    }

    /// Does `work` with the act on record before, and on record as failed if it was refused. One
    /// that could not be asked to the end may have been done: nobody knows.
    pub(super) fn around<T>(
        &self,
        vault: &VaultSource,
        workspace: &Workspace,
        console: &dyn Console,
        work: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.tell(self.kind.to_owned(), vault, workspace, console);
        work().inspect_err(|fault| match fault.status {
            ExitStatus::Unreachable | ExitStatus::Interrupted => {
                self.tell(format!("{}.unsure", self.kind), vault, workspace, console);
            }
            _ => self.failed(vault, workspace, console),
        })
    }

    /// Puts on record that nothing came of it.
    pub(super) fn failed(&self, vault: &VaultSource, workspace: &Workspace, console: &dyn Console) {
        self.tell(format!("{}.failed", self.kind), vault, workspace, console);
    }

    /// Puts it on record.
    pub(super) fn note(&self, vault: &VaultSource, workspace: &Workspace, console: &dyn Console) {
        self.tell(self.kind.to_owned(), vault, workspace, console);
    }

    fn tell(
        &self,
        event: String,
        vault: &VaultSource,
        workspace: &Workspace,
        console: &dyn Console,
    ) {
        let event = Event {
            event,
            profile: workspace.profile.clone(),
            name: self.name.clone(),
            version: 0,
            fingerprint: None,
            detail: Some(self.detail.clone()),
        };
        let told = workspace.prepare_state_dir();
        let told = told.and_then(|_| vault.note_in_passing(self.kind, event));
        for problem in told.err().into_iter().flat_map(|fault| fault.problems) {
            let what = format!("the audit does not know of this: {}", problem.what);
            console.warn(&Problem { what, level: Level::Warning, ..problem });
        }
    }
}
