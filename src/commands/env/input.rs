//! A dotenv file that somebody names, or standard input.

use crate::base::file;
use crate::report::{Fault, Place, Problem};
use crate::settings::{Workspace, dotenv};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What was read. It has no `Debug`: it may hold secrets.
pub(super) struct Input {
    /// How it is called in messages.
    pub(super) shown: PathBuf,
    /// Where it stands; `None` for standard input.
    pub(super) path: Option<PathBuf>,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Whether a file named so is standard input.
pub(super) fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Reads `file`, or standard input for `-`; `what` says what cannot be done if it cannot be read.
///
/// # Errors
/// There is no such file (2), or it cannot be read (5).
pub(super) fn read(file: &Path, what: &str, workspace: &Workspace) -> Result<Input, Fault> {
    if is_stdin(file) {
        return standard_input(what);
    }
    let path = workspace.current_dir.join(file);
    let shown = workspace.shown(&path);
    match file::read_bounded(&path, dotenv::LIMIT) {
        Ok(Some(bytes)) => Ok(Input { shown, path: Some(path), bytes }),
        Ok(None) => Err(Fault::usage(
            Problem::error("no-file", format!("there is no file `{}`", shown.display()))
                .hint("name a dotenv file, such as `.env.local`"),
        )),
        Err(e) => Err(Fault::unreachable(Problem::unreadable_named(what, &shown, &e))),
    }
}

fn standard_input(what: &str) -> Result<Input, Fault> {
    let shown = PathBuf::from("stdin");
    let unreadable = |why: String| {
        let place = Place::file(&shown);
        Fault::unreachable(Problem::error("unreadable-file", what).at(place).why(why))
    };
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(dotenv::LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|e| unreadable(e.to_string()))?;
    if bytes.len() as u64 > dotenv::LIMIT {
        return Err(unreadable(format!("larger than the limit of {} bytes", dotenv::LIMIT)));
    }
    Ok(Input { shown, path: None, bytes })
}
