//! What follows from a committed record: `.env`, then the entry of the history, whose presence
//! says that the record is finished. Every step may be repeated.

use super::files::{Staged, move_over, move_to_free};
use super::history;
use super::present::{Present, dotenv, dotenv_local};
use crate::base::file;
use crate::base::lock::{Lock, LockError};
use crate::report::{Place, Problem};
use crate::settings::switch_record::{self, DotenvStep, SwitchRecord};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long a command that only wants to finish somebody's switch waits for the lock.
const PATIENCE: Duration = Duration::from_secs(2);

/// Mode of the generated `.env`. It holds no secret, but it is nobody else's business either.
pub(super) const DOTENV_MODE: u32 = file::PRIVATE;

/// Finishes a switch that was committed and then interrupted. Costs two look-ups when there is
/// none. A disk that cannot be written is no problem: the record already counts.
///
/// The answer is a warning where something was left undone or is worth knowing.
pub(crate) fn complete(root: &Path, state_dir: &Path) -> Option<Problem> {
    let record = unfinished(state_dir)?;
    let lock = state_dir.join(super::session::LOCK);
    let purpose = format!("finishing the switch to generation {}", record.generation);
    let _lock = match Lock::take(&lock, &purpose, PATIENCE) {
        Ok(lock) => lock,
        // Whoever holds the lock finishes it; a read-only disk answers from the record.
        Err(LockError::Held { .. }) => return None,
        Err(LockError::Io(e)) => return (!read_only(&e)).then(|| undone(&record, &e)),
    };
    // Somebody may have finished it while we waited.
    let record = unfinished(state_dir)?;
    match follow(root, state_dir, &record, None, None) {
        Ok(warning) => warning,
        Err(e) if read_only(&e) => None,
        Err(e) => Some(undone(&record, &e)),
    }
}

/// The record, if it is not finished yet. A record that cannot be read is for those to report who
/// need it.
pub(super) fn unfinished(state_dir: &Path) -> Option<SwitchRecord> {
    let record = switch_record::read(state_dir).ok()??;
    (!history::path(state_dir, record.generation).exists()).then_some(record)
}

/// The warning that a committed switch could not be finished yet.
pub(super) fn undone(record: &SwitchRecord, error: &io::Error) -> Problem {
    Problem::warning(
        "unfinished-switch",
        format!("the switch to generation {} counts, but is not finished", record.generation),
    )
    .why(format!("cannot write what follows from it: {error}"))
    .hint("the next command tries again")
}

fn read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

/// Brings `.env` and the history to what `record` says. `staged` are the files that the switch
/// made ready before its commit; without them they are written now.
pub(super) fn follow(
    root: &Path,
    state_dir: &Path,
    record: &SwitchRecord,
    staged_env: Option<Staged>,
    staged_entry: Option<Staged>,
) -> io::Result<Option<Problem>> {
    let warning = bring_dotenv(root, state_dir, record, staged_env)?;
    match staged_entry {
        Some(staged) => staged.publish()?,
        None => history::stage(state_dir, record)?.publish()?,
    }
    Ok(warning)
}

fn bring_dotenv(
    root: &Path,
    state_dir: &Path,
    record: &SwitchRecord,
    staged: Option<Staged>,
) -> io::Result<Option<Problem>> {
    let (env, local) = (dotenv(root), dotenv_local(root));
    let mut present = Present::read(root)?;
    match record.dotenv {
        DotenvStep::Leave => return Ok(None),
        DotenvStep::Restore => {
            // Moved back already, or replaced by its owner since.
            if !present.is_ours() {
                return Ok(None);
            }
            if local.symlink_metadata().is_ok() {
                move_over(&local, &env)?;
            } else {
                file::remove(&env)?;
            }
            return Ok(None);
        }
        DotenvStep::Adopt if !present.is_ours() => match move_to_free(&env, &local) {
            Ok(()) => present = Present::Absent,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        },
        DotenvStep::Adopt | DotenvStep::Write => {}
    }
    if !present.is_ours() {
        return Ok(Some(
            Problem::warning("dotenv-kept", "`.env` was changed meanwhile and is left as it is")
                .at(Place::file(".env"))
                .hint("ultra env switch PROFILE --adopt"),
        ));
    }
    match &record.env_after {
        Some(after) if present.bytes() == Some(after) => {}
        Some(after) => match staged {
            Some(staged) => staged.publish()?,
            None => Staged::write_in(state_dir, &env, after, DOTENV_MODE)?.publish()?,
        },
        None => file::remove(&env)?,
    }
    Ok(None)
}
