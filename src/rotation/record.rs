//! Files that say how far something has come: one per name, replaced whole and durably, no values.

use crate::base::file;
use crate::report::{Fault, Place, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The size limit of such a file.
const LIMIT: u64 = 64 << 10;

/// The file of a name. Profiles and names are file-name safe: lower-case letters, digits, `-` and
/// `_`.
pub(super) fn path(folder: &Path, profile: &str, name: &str) -> PathBuf {
    folder.join(format!("{profile}.{name}.json"))
}

/// Reads one; `None` if there is none.
///
/// # Errors
/// It cannot be read or is of another version (5).
pub(super) fn read<T: DeserializeOwned>(path: &Path, schema: &str) -> Result<Option<T>, Fault> {
    let problem = |why: String| {
        Fault::unreachable(
            Problem::error("rotation-journal", "cannot read the journal of a rotation")
                .at(Place::file(path))
                .why(why),
        )
    };
    let Some(bytes) = file::read_bounded(path, LIMIT).map_err(|e| problem(e.to_string()))? else {
        return Ok(None);
    };
    let malformed = |e: serde_json::Error| problem(format!("malformed: {e}"));
    let any: serde_json::Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    if any.get("schema").and_then(|s| s.as_str()).is_some_and(|found| found != schema) {
        return Err(problem("its format is unknown to this version of ultra".to_owned()));
    }
    serde_json::from_value(any).map(Some).map_err(malformed)
}

/// Reads all of a folder, by profile and name.
///
/// # Errors
/// As [`read`].
pub(super) fn all<T: DeserializeOwned>(folder: &Path, schema: &str) -> Result<Vec<T>, Fault> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            return Err(Fault::unreachable(
                Problem::error("rotation-journal", "cannot read the journals of rotations")
                    .at(Place::file(folder))
                    .why(e),
            ));
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| read(path, schema).transpose()).collect()
}

/// Writes one durably.
///
/// # Errors
/// The file system refuses (5).
pub(super) fn write(path: &Path, record: &impl Serialize) -> Result<(), Fault> {
    let failed = |e: std::io::Error| {
        Fault::unreachable(
            Problem::error("rotation-journal", "cannot write the journal of the rotation")
                .at(Place::file(path))
                .hint(Problem::room(path, &e))
                .why(e),
        )
    };
    if let Some(folder) = path.parent() {
        file::private_folder(folder).map_err(failed)?;
    }
    let mut bytes = serde_json::to_vec_pretty(record)
        .map_err(|e| Fault::bug(format!("a journal cannot be written as JSON: {e}")))?;
    bytes.push(b'\n');
    file::write_atomic(path, &bytes, file::PRIVATE).map_err(failed)
}

/// Removes one: nothing is under way any more.
///
/// # Errors
/// The file system refuses (5).
pub(super) fn remove(path: &Path) -> Result<(), Fault> {
    file::remove(path).map_err(|e| {
        Fault::unreachable(
            Problem::error("rotation-journal", "cannot remove the journal of the rotation")
                .at(Place::file(path))
                .why(e),
        )
    })
}

/// Keeps one beside the others under a name by which it is not found any more.
///
/// # Errors
/// The file system refuses (5).
pub(super) fn set_aside(path: &Path) -> Result<(), Fault> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".aside");
    let moved = std::fs::rename(path, file::free(Path::new(&aside)))
        .and_then(|()| path.parent().map_or(Ok(()), file::sync_dir));
    moved.map_err(|e| {
        Fault::unreachable(
            Problem::error("rotation-journal", "cannot set the journal of the rotation aside")
                .at(Place::file(path))
                .why(e),
        )
    })
}
