//! The journal of one rotation: which step it has come to. One file per name, replaced whole and
//! durably before and after each step; no values.

use crate::base::{Timestamp, file};
use crate::report::{Fault, Place, Problem};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The schema that this program reads and writes.
const SCHEMA: &str = "ultra.rotation/1";

/// The size limit of a journal.
const LIMIT: u64 = 64 << 10;

/// The folder in the state directory.
const FOLDER: &str = "rotation";

/// How far a rotation has come. The order is the order of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// The new version is about to be in the vault, or is; nobody uses it.
    Created,
    /// The provider accepted the new version, or there is none to ask.
    Tested,
    /// The new version is about to be the current one, or is.
    Published,
}

impl Step {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Tested => "tested",
            Self::Published => "published",
        }
    }
}

/// Why a new version is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A new value.
    Rotate,
    /// An old value again.
    Rollback,
}

impl Kind {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Rollback => "rollback",
        }
    }

    /// The thing it is, in a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Rotate => "rotation",
            Self::Rollback => "rollback",
        }
    }
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
    /// Why.
    pub(crate) kind: Kind,
    /// How far it has come.
    pub(crate) step: Step,
    /// The version it began from.
    pub(crate) from: u32,
    /// The version it makes.
    pub(crate) to: u32,
    /// The keyed fingerprint of the new value.
    pub(crate) fingerprint: String,
    /// The destination it is tested against; `None` if nothing can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
    /// When it began.
    pub(crate) started_at: Timestamp,
    /// When it last came further.
    pub(crate) updated_at: Timestamp,
    /// Why it stopped, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<String>,
}

impl Journal {
    /// A rotation that is about to begin.
    pub(crate) fn new(
        profile: &str,
        name: &str,
        kind: Kind,
        versions: (u32, u32),
        fingerprint: String,
        now: Timestamp,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            profile: profile.to_owned(),
            name: name.to_owned(),
            kind,
            step: Step::Created,
            from: versions.0,
            to: versions.1,
            fingerprint,
            destination: None,
            started_at: now,
            updated_at: now,
            stopped: None,
        }
    }

    /// The file of a rotation. Profiles and names are file-name safe: lower-case letters, digits,
    /// `-` and `_`.
    fn path(state_dir: &Path, profile: &str, name: &str) -> PathBuf {
        state_dir.join(FOLDER).join(format!("{profile}.{name}.json"))
    }

    /// The rotation of a name that is under way, if one is.
    ///
    /// # Errors
    /// The journal cannot be read or is of another version (5).
    pub(crate) fn read(state_dir: &Path, profile: &str, name: &str) -> Result<Option<Self>, Fault> {
        Self::read_file(&Self::path(state_dir, profile, name))
    }

    /// All rotations under way, by profile and name.
    ///
    /// # Errors
    /// As [`Journal::read`].
    pub(crate) fn all(state_dir: &Path) -> Result<Vec<Self>, Fault> {
        let path = state_dir.join(FOLDER);
        let folder = match std::fs::read_dir(&path) {
            Ok(folder) => folder,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => {
                return Err(Fault::unreachable(
                    Problem::error("rotation-journal", "cannot read the journals of rotations")
                        .at(Place::file(&path))
                        .why(e),
                ));
            }
        };
        let mut paths: Vec<PathBuf> = folder
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        paths.sort();
        paths.iter().filter_map(|path| Self::read_file(path).transpose()).collect()
    }

    fn read_file(path: &Path) -> Result<Option<Self>, Fault> {
        let problem = |why: String| {
            Fault::unreachable(
                Problem::error("rotation-journal", "cannot read the journal of a rotation")
                    .at(Place::file(path))
                    .why(why),
            )
        };
        let Some(bytes) = file::read_bounded(path, LIMIT).map_err(|e| problem(e.to_string()))?
        else {
            return Ok(None);
        };
        let journal: Self =
            serde_json::from_slice(&bytes).map_err(|e| problem(format!("malformed: {e}")))?;
        if journal.schema != SCHEMA {
            return Err(problem("its format is unknown to this version of ultra".to_owned()));
        }
        Ok(Some(journal))
    }

    /// Writes the journal durably.
    ///
    /// # Errors
    /// The file system refuses (5).
    pub(crate) fn write(&self, state_dir: &Path) -> Result<(), Fault> {
        let path = Self::path(state_dir, &self.profile, &self.name);
        let failed = |e: std::io::Error| {
            Fault::unreachable(
                Problem::error("rotation-journal", "cannot write the journal of the rotation")
                    .at(Place::file(&path))
                    .why(e),
            )
        };
        file::private_folder(&state_dir.join(FOLDER)).map_err(failed)?;
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|e| Fault::bug(format!("a journal cannot be written as JSON: {e}")))?;
        bytes.push(b'\n');
        file::write_atomic(&path, &bytes, file::PRIVATE).map_err(failed)
    }

    /// Ends the rotation: nothing is under way any more.
    ///
    /// # Errors
    /// The file system refuses (5).
    pub(crate) fn end(&self, state_dir: &Path) -> Result<(), Fault> {
        let path = Self::path(state_dir, &self.profile, &self.name);
        file::remove(&path).map_err(|e| {
            Fault::unreachable(
                Problem::error("rotation-journal", "cannot remove the journal of the rotation")
                    .at(Place::file(&path))
                    .why(e),
            )
        })
    }
}
