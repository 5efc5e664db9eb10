//! The journal of one rotation: which step it has come to. One file per name, replaced whole and
//! durably before and after each step; no values.

use super::record;
use crate::base::Timestamp;
use crate::report::Fault;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The schema that this program reads and writes.
const SCHEMA: &str = "ultra.rotation/1";

/// The folder in the state directory.
const FOLDER: &str = "rotation";

/// How far a rotation has come. The order is the order of the steps; each is on record before what
/// it does is done, so that a step on record may have been taken or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// The new version is issued and put into the vault; nobody uses it.
    Created,
    /// The provider accepted the new version, or there is none to ask.
    Tested,
    /// The new version is given to the servers: to use at once, or to verify with.
    Published,
    /// Every server has the new version.
    Acknowledged,
    /// The new version is in use, and the grace of the old one runs.
    Current,
    /// Nobody accepts the old version any more.
    OldDisabled,
    /// The old version is deleted with its issuer and gone from the vault.
    OldRemoved,
}

impl Step {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Tested => "tested",
            Self::Published => "published",
            Self::Acknowledged => "acknowledged",
            Self::Current => "current",
            Self::OldDisabled => "old disabled",
            Self::OldRemoved => "old removed",
        }
    }
}

/// What a journal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A new value.
    Rotate,
    /// An old value again.
    Rollback,
    /// The end of an old version.
    Retire,
}

impl Kind {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Rollback => "rollback",
            Self::Retire => "retire",
        }
    }

    /// The thing it is, in a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Rotate => "rotation",
            Self::Rollback => "rollback",
            Self::Retire => "end of an old version",
        }
    }
}

/// When servers begin to use a new version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// As soon as they have it: somebody else verifies it, who knows it already.
    #[default]
    AtOnce,
    /// When all of them have it: they verify for each other what it signs.
    Ahead,
}

/// How far an old version is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aim {
    /// Nobody accepts it; it stays in the vault.
    Disable,
    /// The end of its grace: as far as its issuer can, and out of the vault if it is of no use.
    Retire,
    /// Out of the vault, whatever becomes of it elsewhere.
    Remove,
    /// The same although it is the one in use.
    RemoveCurrent,
}

impl Aim {
    /// Whether it goes out of the vault in any case.
    pub(crate) fn erases(self) -> bool {
        matches!(self, Self::Remove | Self::RemoveCurrent)
    }
}

/// What a rotation is to be.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Why a new version is made.
    pub(crate) kind: Kind,
    /// When servers begin to use it.
    pub(crate) order: Order,
    /// The variable that servers know it by; `None` if none uses it.
    pub(crate) variable: Option<String>,
    /// The destination it is tested against; `None` if nothing can be asked.
    pub(crate) destination: Option<String>,
    /// How long the old version is accepted after the cut-over; `None` if nobody can end it.
    pub(crate) grace: Option<Duration>,
    /// How long servers let the old version stand by; `None` for the usual time.
    pub(crate) drain: Option<Duration>,
    /// Whether others may know the old version.
    pub(crate) compromised: bool,
}

/// A rotation under way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    schema: String,
    /// The profile.
    pub(crate) profile: String,
    /// The name in the vault.
    pub(crate) name: String,
    /// What it is about.
    pub(crate) kind: Kind,
    /// How far it has come.
    pub(crate) step: Step,
    /// The version it began from; for [`Kind::Retire`] the one that is ended.
    pub(crate) from: u32,
    /// The version it makes; for [`Kind::Retire`] the one in use.
    pub(crate) to: u32,
    /// The keyed fingerprint of the new value; empty while it is being issued.
    pub(crate) fingerprint: String,
    /// Names the key that the fingerprint was made with; `None` where an earlier program did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint_key: Option<String>,
    /// When servers begin to use the new version.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) order: Order,
    /// The variable that servers know it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variable: Option<String>,
    /// The destination it is tested against; `None` if nothing can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
    /// Who issues the new value; `None` if it was pasted or made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    /// How many seconds the old version is accepted after the cut-over; `None` if nobody can end
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grace_seconds: Option<u64>,
    /// How many seconds servers let the old version stand by; `None` for the usual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drain_seconds: Option<u64>,
    /// Whether others may know the old version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) compromised: bool,
    /// For a rollback: the version that is gone back to, and when its grace would have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cancelled: Option<(u32, Timestamp)>,
    /// When the new version came into use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cut_at: Option<Timestamp>,
    /// For [`Kind::Retire`]: how far the old version is brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aim: Option<Aim>,
    /// Whether it is being given up: it is not gone on with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) aborting: bool,
    /// When it began.
    pub(crate) started_at: Timestamp,
    /// When it last came further.
    pub(crate) updated_at: Timestamp,
    /// Why it stopped, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Journal {
    /// A rotation that is about to begin.
    pub(crate) fn new(
        profile: &str,
        name: &str,
        plan: &Plan,
        versions: (u32, u32),
        fingerprint: String,
        now: Timestamp,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            profile: profile.to_owned(),
            name: name.to_owned(),
            kind: plan.kind,
            step: Step::Created,
            from: versions.0,
            to: versions.1,
            fingerprint,
            fingerprint_key: None,
            order: plan.order,
            variable: plan.variable.clone(),
            destination: plan.destination.clone(),
            issuer: None,
            grace_seconds: plan.grace.map(|grace| grace.as_secs()),
            drain_seconds: plan.drain.map(|drain| drain.as_secs()),
            compromised: plan.compromised,
            cancelled: None,
            cut_at: None,
            aim: None,
            aborting: false,
            started_at: now,
            updated_at: now,
            stopped: None,
        }
    }

    /// The end of version `old`, which is about to begin while version `current` is in use.
    pub(crate) fn retire(
        profile: &str,
        name: &str,
        plan: &Plan,
        (old, current): (u32, u32),
        aim: Aim,
        now: Timestamp,
    ) -> Self {
        let plan = Plan { kind: Kind::Retire, grace: None, ..plan.clone() };
        let fresh = Self::new(profile, name, &plan, (old, current), String::new(), now);
        Self { step: Step::Current, aim: Some(aim), ..fresh }
    }

    /// When the grace of the old version is over, if somebody can end it.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.grace_seconds?).unwrap_or(i64::MAX);
        let due = self.cut_at?.as_second().saturating_add(seconds);
        Some(Timestamp::from_second(due).unwrap_or(Timestamp::MAX))
    }

    fn path(state_dir: &Path, profile: &str, name: &str) -> PathBuf {
        record::path(&state_dir.join(FOLDER), profile, name)
    }

    /// The rotation of a name that is under way, if one is.
    ///
    /// # Errors
    /// The journal cannot be read or is of another version (5).
    pub(crate) fn read(state_dir: &Path, profile: &str, name: &str) -> Result<Option<Self>, Fault> {
        record::read(&Self::path(state_dir, profile, name), SCHEMA)
    }

    /// All rotations under way, by profile and name.
    ///
    /// # Errors
    /// As [`Journal::read`].
    pub(crate) fn all(state_dir: &Path) -> Result<Vec<Self>, Fault> {
        record::all(&state_dir.join(FOLDER), SCHEMA)
    }

    /// Writes the journal durably.
    ///
    /// # Errors
    /// The file system refuses (5).
    pub(crate) fn write(&self, state_dir: &Path) -> Result<(), Fault> {
        record::write(&Self::path(state_dir, &self.profile, &self.name), self)
    }

    /// Ends the rotation: nothing is under way any more.
    ///
    /// # Errors
    /// The file system refuses (5).
    pub(crate) fn end(&self, state_dir: &Path) -> Result<(), Fault> {
        record::remove(&Self::path(state_dir, &self.profile, &self.name))
    }

    /// Keeps the journal under another name: nothing is under way any more.
    ///
    /// # Errors
    /// The file system refuses (5).
    pub(super) fn set_aside(&self, state_dir: &Path) -> Result<(), Fault> {
        record::set_aside(&Self::path(state_dir, &self.profile, &self.name))
    }
}
