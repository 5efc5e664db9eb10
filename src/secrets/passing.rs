//! Telling the audit of acts that change nothing in the vault, such as taking back a service key:
//! none of them is kept waiting for long by whoever writes the vault.

use super::audit::Event;
use super::source::VaultSource;
use crate::base::lock::Lock;
use crate::report::{Fault, Place, Problem};
use std::time::Duration;

/// How long such an act waits for who writes the vault.
const PATIENCE: Duration = Duration::from_secs(1);

impl VaultSource {
    /// Tells the audit of an act that goes on whether the audit knows of it or not. Opens nothing.
    ///
    /// # Errors
    /// Another writer does not finish (5), or the file system refuses (5); no hint says to run the
    /// command again.
    pub(crate) fn note_in_passing(&self, purpose: &str, event: Event) -> Result<(), Fault> {
        let path = self.path("vault.lock");
        let noted = Lock::take(&path, purpose, PATIENCE)
            .map_err(|e| {
                Fault::unreachable(
                    Problem::error("vault-busy", "cannot lock the vault")
                        .at(Place::file(&path))
                        .why(e),
                )
            })
            .and_then(|_lock| self.record(event, |_| {}));
        noted.map_err(|mut fault| {
            let hint = "nothing is to be run again for this: the command goes on without it";
            fault.problems.iter_mut().for_each(|problem| problem.hint = Some(hint.to_owned()));
            fault
        })
    }
}
