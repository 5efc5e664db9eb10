//! Looking at what is there, and writing what is not.

use super::files::{self, Choices, GITIGNORE};
use super::{Deed, Request, Row};
use crate::base::file;
use crate::report::{Fault, Place, Problem};
use std::io;
use std::path::{Path, PathBuf};

/// The longest `.gitignore` that is read.
const LIMIT: u64 = 1 << 20;

/// What would become of each file.
///
/// # Errors
/// Something stands in the way (5).
pub(super) fn look(request: &Request) -> Result<Vec<Row>, Fault> {
    let mut problems = Vec::new();
    for dir in [request.dir.clone(), request.dir.join("profiles")] {
        if dir.symlink_metadata().is_ok() && !dir.is_dir() {
            problems.push(
                Problem::error("in-the-way", format!("`{}` is no directory", dir.display()))
                    .at(Place::file(&dir))
                    .hint("move it away"),
            );
        }
    }
    let profiles = request.dir.join("profiles");
    if let (Ok(dir), Ok(real)) = (request.dir.canonicalize(), profiles.canonicalize())
        && !real.starts_with(&dir)
    {
        problems.push(link(&profiles, "what is written there would leave the project"));
    }
    let ignore = request.dir.join(GITIGNORE);
    if ignore.is_symlink() {
        problems.push(link(&ignore, "git does not read it through a link"));
    }
    if !problems.is_empty() {
        return Err(Fault::new(crate::exit::ExitStatus::Unreachable, problems));
    }
    let mut rows = Vec::new();
    for path in files::paths(request.profile_set) {
        let full = request.dir.join(path);
        // Whatever it is, even a link to nothing: it is somebody's and stays.
        let (deed, lines) = match full.symlink_metadata() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => (Deed::Write, Vec::new()),
            _ if *path == GITIGNORE => {
                let lines = files::missing_lines(&gitignore(&full)?);
                (if lines.is_empty() { Deed::Keep } else { Deed::Extend }, lines)
            }
            _ => (Deed::Keep, Vec::new()),
        };
        rows.push(Row { path, deed, lines });
    }
    Ok(rows)
}

fn link(path: &Path, why: &str) -> Problem {
    Problem::error("in-the-way", format!("`{}` is a link to elsewhere", path.display()))
        .at(Place::file(path))
        .why(why)
        .hint("move it away")
}

fn gitignore(path: &Path) -> Result<String, Fault> {
    let unreadable = |why: String| {
        Fault::unreachable(
            Problem::error("unreadable-file", "cannot read `.gitignore`")
                .at(Place::file(path))
                .why(why),
        )
    };
    let bytes = file::read_bounded(path, LIMIT).map_err(|e| unreadable(e.to_string()))?;
    String::from_utf8(bytes.unwrap_or_default()).map_err(|_| unreadable("not UTF-8".to_owned()))
}

/// Writes what is missing. If one file cannot be written, those of this run are taken back.
///
/// # Errors
/// The file system refuses (5).
pub(super) fn write(request: &Request, choices: &Choices, rows: &mut [Row]) -> Result<(), Fault> {
    let mut made = Made::default();
    match write_all(request, choices, rows, &mut made) {
        Ok(()) => Ok(()),
        Err((path, e)) => {
            made.take_back();
            // Without a `.` at its end.
            let path: PathBuf = path.components().collect();
            Err(Fault::unreachable(
                Problem::error("unwritable-file", format!("cannot write `{}`", path.display()))
                    .at(Place::file(path))
                    .why(e)
                    .hint(
                        "nothing was written; make room or give the right to write, then try again",
                    ),
            ))
        }
    }
}

/// What this run made, to be taken back.
#[derive(Default)]
struct Made {
    files: Vec<PathBuf>,
    dirs: Vec<PathBuf>,
    /// A file that was there, with what it said.
    before: Option<(PathBuf, Vec<u8>, u32)>,
}

impl Made {
    fn take_back(&self) {
        if let Some((path, bytes, mode)) = &self.before {
            let _ = file::write_atomic(path, bytes, *mode);
        }
        for path in &self.files {
            let _ = file::remove(path);
        }
        for dir in self.dirs.iter().rev() {
            // Only if nothing else came into it.
            let _ = std::fs::remove_dir(dir);
        }
    }

    /// Makes `dir` and what is missing above it.
    fn dir(&mut self, dir: &Path) -> io::Result<()> {
        let missing: Vec<PathBuf> =
            dir.ancestors().take_while(|up| !up.exists()).map(Path::to_owned).collect();
        for dir in missing.into_iter().rev() {
            match std::fs::create_dir(&dir) {
                Ok(()) => self.dirs.push(dir),
                // Another run was faster.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

fn write_all(
    request: &Request,
    choices: &Choices,
    rows: &mut [Row],
    made: &mut Made,
) -> Result<(), (PathBuf, io::Error)> {
    made.dir(&request.dir.join("profiles")).map_err(|e| (request.dir.clone(), e))?;
    for row in rows {
        let path = request.dir.join(row.path);
        match row.deed {
            Deed::Keep => {}
            Deed::Write => {
                let text = files::content(row.path, choices);
                match file::create_new(&path, text.as_bytes(), 0o644) {
                    Ok(()) => made.files.push(path),
                    // Another run was faster: it is there now, and kept.
                    Err(e) if e.kind() == io::ErrorKind::AlreadyExists => row.deed = Deed::Keep,
                    Err(e) => return Err((path, e)),
                }
            }
            Deed::Extend => extend(&path, made).map_err(|e| (path, e))?,
        }
    }
    Ok(())
}

/// Adds the missing lines to a `.gitignore`, which keeps its mode.
fn extend(path: &Path, made: &mut Made) -> io::Result<()> {
    let (before, mode) = file::read_with_mode(path, LIMIT)?.unwrap_or((Vec::new(), 0o644));
    let text = String::from_utf8_lossy(&before).into_owned();
    let lines = files::missing_lines(&text);
    file::write_atomic(path, files::extended(&text, &lines).as_bytes(), mode)?;
    made.before = Some((path.to_owned(), before, mode));
    Ok(())
}
