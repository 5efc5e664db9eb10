//! A switch under way: the lock, and the commit.

use super::files::Staged;
use super::present::dotenv;
use super::{follow, history};
use crate::base::lock::{Lock, LockError};
use crate::base::{file, leftover};
use crate::report::{Fault, Place, Problem};
use crate::settings::switch_record::{self, DotenvStep, SwitchRecord};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The lock file in the state directory: one switch at a time.
pub(super) const LOCK: &str = "switch.lock";

/// The last switch: by the record, or by the newest entry of the history where the record was
/// damaged or removed. Then it decides no more which profile is in use, but whoever switches still
/// leaves that profile, with its `.env` and its protection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Last<'a> {
    /// The switch.
    pub(crate) record: Option<&'a SwitchRecord>,
    /// Whether the record itself says so.
    pub(crate) stands: bool,
}

impl<'a> Last<'a> {
    /// The last switch by this record and this newest entry of the history.
    pub(crate) fn of(record: Option<&'a SwitchRecord>, newest: Option<&'a SwitchRecord>) -> Self {
        Self { record: record.or(newest), stands: record.is_some() }
    }
}

/// The right to switch: nobody else does as long as it lives.
#[derive(Debug)]
pub(crate) struct Session {
    root: PathBuf,
    state_dir: PathBuf,
    record: Option<SwitchRecord>,
    /// The newest entry of the history.
    newest: Option<SwitchRecord>,
    generation: u64,
    /// Entries of the history that go with the next commit.
    surplus: Vec<u64>,
    _lock: Lock,
}

impl Session {
    /// Takes the lock, waiting at most `patience`, and finishes what an interrupted switch left.
    /// `purpose` is what others read who wait. A record that cannot be read is moved aside if
    /// `anew`. The state directory must exist.
    ///
    /// # Errors
    /// Exit 5: somebody holds the lock, the state directory cannot be written, the record or the
    /// history is damaged.
    pub(crate) fn begin(
        root: &Path,
        state_dir: &Path,
        purpose: &str,
        patience: Duration,
        anew: bool,
    ) -> Result<Self, Fault> {
        let lock = Lock::take(&state_dir.join(LOCK), purpose, patience).map_err(|e| match e {
            LockError::Held { .. } => Fault::unreachable(
                Problem::error("switch-under-way", "another switch is under way")
                    .why(e)
                    .hint("try again once it has ended, or wait longer with `--wait 1m`"),
            ),
            LockError::Io(e) => unwritable(state_dir, &e),
        })?;
        if anew {
            switch_record::set_aside(state_dir).map_err(|e| {
                Fault::unreachable(
                    Problem::error("switch-record", "cannot move the switch record aside").why(e),
                )
            })?;
        }
        leftover::sweep(root);
        leftover::sweep_state(state_dir);
        if let Some(record) = follow::unfinished(state_dir) {
            follow::follow(root, state_dir, &record, None, None)
                .map_err(|e| unwritable(state_dir, &e))?;
        }
        let record = switch_record::read(state_dir).map_err(Fault::unreachable)?;
        let entries = history::read(state_dir).map_err(Fault::unreachable)?;
        let last = entries.last().map(|r| r.generation);
        // The record may have been removed by hand; generations are never used twice.
        let latest = record.as_ref().map(|r| r.generation).max(last).unwrap_or(0);
        let generation = latest.checked_add(1).ok_or_else(|| {
            Fault::unreachable(
                Problem::error(
                    "damaged-record",
                    "no generation can follow that of the last switch",
                )
                .at(Place::file(switch_record::path(state_dir)))
                .why(format!("it says {latest}, which no switch has made"))
                .hint("remove the record and what `history` beside it says of that generation"),
            )
        })?;
        Ok(Self {
            root: root.to_owned(),
            state_dir: state_dir.to_owned(),
            record,
            newest: entries.last().cloned(),
            generation,
            // One is about to come.
            surplus: history::surplus(&entries, history::KEPT - 1),
            _lock: lock,
        })
    }

    /// The record of the last switch, as [`Last`] has it.
    pub(crate) fn last(&self) -> Last<'_> {
        Last::of(self.record.as_ref(), self.newest.as_ref())
    }

    /// The generation that a commit in this session has.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Commits `record`: everything is written and synced beside its place first, then one rename
    /// counts, then the rest follows. The answer is a warning where something of the rest could
    /// not be done yet.
    ///
    /// # Errors
    /// Exit 5 before the commit: the old state stands.
    pub(crate) fn commit(self, record: &SwitchRecord) -> Result<Option<Problem>, Fault> {
        let state_dir = &self.state_dir;
        let staged_env = match (&record.dotenv, &record.env_after) {
            (DotenvStep::Write | DotenvStep::Adopt, Some(after)) => Some(
                Staged::write_in(state_dir, &dotenv(&self.root), after, follow::DOTENV_MODE)
                    .map_err(|e| unwritable(&self.root, &e))?,
            ),
            _ => None,
        };
        let entry = history::stage(state_dir, record).map_err(|e| unwritable(state_dir, &e))?;
        let commit = record
            .to_bytes()
            .and_then(|bytes| Staged::write(&switch_record::path(state_dir), &bytes, file::PRIVATE))
            .map_err(|e| unwritable(state_dir, &e))?;
        if let Err(e) = commit.publish() {
            // A rename that happened counts, even if making it durable failed.
            let counts = switch_record::read(state_dir).is_ok_and(|r| r.as_ref() == Some(record));
            return if counts {
                Ok(Some(follow::undone(record, &e)))
            } else {
                Err(unwritable(state_dir, &e))
            };
        }
        match follow::follow(&self.root, state_dir, record, staged_env, Some(entry)) {
            Ok(warning) => {
                history::remove(state_dir, &self.surplus);
                Ok(warning)
            }
            Err(e) => Ok(Some(follow::undone(record, &e))),
        }
    }
}

fn unwritable(dir: &Path, error: &io::Error) -> Fault {
    Fault::unreachable(
        Problem::error("unwritable", format!("cannot write to `{}`", dir.display()))
            .at(Place::file(dir))
            .why(format!("{error}; nothing was changed"))
            .hint(format!("{}; then try again", Problem::room(dir, error))),
    )
}

#[cfg(test)]
mod tests {
    use super::super::present::Present;
    use super::super::{complete, generated};
    use super::*;
    use crate::settings::switch_record::SwitchKind;

    fn record(session: &Session, to: &str, before: &Present) -> SwitchRecord {
        SwitchRecord {
            generation: session.generation(),
            kind: SwitchKind::Switch,
            from: session.last().record.and_then(|r| r.to.clone()),
            to: Some(to.to_owned()),
            dotenv: DotenvStep::Write,
            env_before: before.bytes().map(<[u8]>::to_vec),
            env_after: Some(generated::seal(to, session.generation(), "A=1\n")),
            undoes: Vec::new(),
            at: None,
        }
    }

    fn begin(root: &Path, state: &Path) -> Session {
        Session::begin(root, state, "a test", Duration::from_secs(5), false).unwrap()
    }

    #[test]
    fn a_commit_writes_record_dotenv_and_history() {
        let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, state) = (root.path(), state.path());
        for (generation, to) in [(1, "dev"), (2, "test")] {
            let session = begin(root, state);
            let record = record(&session, to, &Present::read(root).unwrap());
            assert_eq!(session.commit(&record).unwrap(), None);
            assert_eq!(switch_record::read(state).unwrap().as_ref(), Some(&record));
            assert_eq!(Present::read(root).unwrap().bytes(), record.env_after.as_deref());
            assert_eq!(history::read(state).unwrap().len(), generation);
        }
        assert_eq!(std::fs::read_dir(root).unwrap().count(), 1);
    }

    #[test]
    fn an_unfinished_record_is_finished_by_whoever_comes_next() {
        let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, state) = (root.path(), state.path());
        let session = begin(root, state);
        let record = record(&session, "dev", &Present::Absent);
        drop(session);
        std::fs::write(switch_record::path(state), record.to_bytes().unwrap()).unwrap();
        assert_eq!(complete(root, state), None);
        assert_eq!(Present::read(root).unwrap().bytes(), record.env_after.as_deref());
        assert_eq!(history::read(state).unwrap(), [record]);
    }

    #[test]
    fn somebodys_file_is_not_overwritten_by_what_follows() {
        let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, state) = (root.path(), state.path());
        let session = begin(root, state);
        let record = record(&session, "dev", &Present::Absent);
        drop(session);
        std::fs::write(switch_record::path(state), record.to_bytes().unwrap()).unwrap();
        std::fs::write(dotenv(root), "MINE=1\n").unwrap();
        assert_eq!(complete(root, state).unwrap().code, "dotenv-kept");
        assert_eq!(std::fs::read(dotenv(root)).unwrap(), b"MINE=1\n");
        assert_eq!(complete(root, state), None);
    }

    #[test]
    fn an_adopted_file_is_moved_and_restored_whole() {
        let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, state) = (root.path(), state.path());
        std::fs::write(dotenv(root), "MINE=1\n").unwrap();
        let session = begin(root, state);
        let mut adopt = record(&session, "dev", &Present::HandWritten);
        adopt.dotenv = DotenvStep::Adopt;
        session.commit(&adopt).unwrap();
        let local = super::super::present::dotenv_local(root);
        assert_eq!(std::fs::read(&local).unwrap(), b"MINE=1\n");
        assert!(Present::read(root).unwrap().is_ours());

        let session = begin(root, state);
        let mut undo = record(&session, "dev", &Present::read(root).unwrap());
        undo.dotenv = DotenvStep::Restore;
        undo.env_after = None;
        session.commit(&undo).unwrap();
        assert_eq!(std::fs::read(dotenv(root)).unwrap(), b"MINE=1\n");
        assert!(!local.exists());
    }
}
