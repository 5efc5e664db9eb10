//! What `keys disable` and `keys remove` have in common: versions of a key that end before their
//! time.

use super::names::{self, Key};
use super::times::{Spans, Times};
use super::{Desk, set};
use crate::report::{Fault, Problem};
use crate::rotation::{Aim, Ended, Kind, Rotation};
use crate::secrets::EntryFacts;
use crate::secrets::index::VersionFacts;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The name, a variable or its alias.
    pub(crate) name: String,
    /// The version; `None` leaves it to the command.
    pub(crate) version: Option<u32>,
    /// How long the servers are waited for.
    pub(crate) spans: Spans,
}

/// The key that is meant.
pub(super) struct Found {
    /// How long things take.
    pub(super) times: Times,
    /// The key.
    pub(super) key: Key,
    /// What is known of its versions.
    pub(super) entry: EntryFacts,
}

impl Ending {
    /// Looks the key up.
    ///
    /// # Errors
    /// A span that is none, an unknown name, or no entry of it (2); the index cannot be read (5);
    /// an end or a rotation was cut short (6), also where what it was to end is gone by now.
    pub(super) fn find(&self, desk: &Desk<'_>) -> Result<Found, Fault> {
        let times = self.spans.read()?;
        let key = names::find(desk, &self.name)?;
        drop(set::no_rotation(desk, &key)?);
        let overview = desk.vault.overview()?;
        let entry = overview.entry(desk.profile(), &key.name).cloned();
        let entry = entry.ok_or_else(|| desk.no_entry(&key))?;
        Ok(Found { times, key, entry })
    }
}

/// Ends one version, with nothing else under way.
pub(super) fn end(
    desk: &Desk<'_>,
    key: &Key,
    version: &VersionFacts,
    aim: Aim,
    times: Times,
) -> Result<Ended, Fault> {
    let plan = times.plan(desk, key, Kind::Retire, false)?;
    let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    if let Some(journal) = rotation.unfinished()? {
        return Err(rotation.pending(&journal));
    }
    desk.with_world(key, times.wait, |world| {
        rotation.end_version(&plan, version.number, aim, world)
    })
}

/// The fault of a version that is not there.
pub(super) fn nothing(desk: &Desk<'_>, key: &Key, version: Option<u32>) -> Fault {
    let what = match version {
        Some(number) => format!("`{}` has no version {number}", key.name),
        None => format!("`{}` has no old version", key.name),
    };
    Fault::usage(Problem::error("no-such-version", what).hint(desk.command("show", key)))
}
