//! The audit of a vault against what index and vault know of it.
//!
//! The lines by themselves are read in [`chain`](super::chain).

use super::audit::Line;
use super::chain::{Chain, Known, read};
use super::source::VaultSource;
use crate::report::{Fault, Place, Problem};

impl VaultSource {
    /// Reads the audit, tells `each` of its lines, and compares it with what the index knows of it;
    /// with `open` also with what the vault itself knows, which nobody without its identity can
    /// forge. `None` if there is neither an audit nor a vault.
    ///
    /// # Errors
    /// The audit or the index cannot be read, or the vault cannot be opened (5).
    pub(crate) fn audited(
        &self,
        open: bool,
        each: impl FnMut(Line),
    ) -> Result<Option<Chain>, Fault> {
        let path = self.path("audit.jsonl");
        let known = || -> Result<(Vec<Known>, u64), Fault> {
            let overview = self.overview()?;
            let index = overview.index.iter();
            let snapshots = index.flat_map(|index| index.current.iter().chain(&index.next));
            // What a write that was cut short was going to say need not be there.
            let holding = snapshots.filter(|s| s.generation <= overview.generation);
            let anchors = holding.filter_map(|snapshot| snapshot.audit.clone());
            let mut known: Vec<Known> =
                anchors.map(|anchor| Known { by: "the index of the vault", anchor }).collect();
            let mut generation = overview.generation;
            if open && let Some(document) = self.document()? {
                generation = generation.max(document.generation);
                let anchor = document.audit.clone();
                known.extend(anchor.map(|anchor| Known { by: "the vault", anchor }));
            }
            Ok((known, generation))
        };
        // Of two readings of which the second saw a write that came between, the first is told: what
        // is remembered is read before the lines, which are only added to.
        let (known, generation) = known()?;
        let chain = read(&path, &known, each).map_err(|e| {
            Fault::unreachable(
                Problem::error("audit-unreadable", "cannot read the audit")
                    .at(Place::file(&path))
                    .why(e),
            )
        })?;
        match chain {
            Some(mut chain) => {
                chain.up_to(generation);
                Ok(Some(chain))
            }
            None if generation == 0 => Ok(None),
            None => {
                let mut chain = Chain::default();
                chain.end(&known);
                chain.up_to(generation);
                Ok(Some(chain))
            }
        }
    }
}
