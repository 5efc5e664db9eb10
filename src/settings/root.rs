//! The root: the directory with `profiles/` or `.ultra/`.

use super::environment::Environment;
use crate::report::{Fault, Place, Problem};
use serde::Serialize;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Who named the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RootSource {
    /// `--dir`.
    Flag,
    /// `ULTRA_DIR`.
    Environment,
    /// It was found, in the current directory or above.
    Found,
    /// There is none.
    None,
}

/// The root, as an absolute path without symbolic links, and who named it.
///
/// The walk upward ends at the home directory, at `/` and at the border of a file system; none of
/// the first two is a root unless it is named: they hold more than one project.
///
/// # Errors
/// A named directory that is none (2); a found one that belongs to another user (6), because its
/// profiles say where secrets are sent.
pub(crate) fn find(
    current_dir: &Path,
    environment: &Environment,
    flag: Option<&Path>,
) -> Result<(Option<PathBuf>, RootSource), Fault> {
    if let Some(dir) = flag {
        return named(current_dir, dir, "--dir").map(|root| (Some(root), RootSource::Flag));
    }
    if let Some(dir) = environment.get("ULTRA_DIR").filter(|v| !v.is_empty()) {
        return named(current_dir, Path::new(dir), "ULTRA_DIR")
            .map(|root| (Some(root), RootSource::Environment));
    }
    // The current directory is told without symbolic links, so the home directory must be too.
    let home = environment.get("HOME").map(Path::new).filter(|home| home.is_absolute());
    let home = home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned()));
    match walk(current_dir, home.as_deref()) {
        None => Ok((None, RootSource::None)),
        Some(root) if is_mine(&root) => Ok((Some(root), RootSource::Found)),
        Some(root) => Err(Fault::refused(
            Problem::error("foreign-root", "the root belongs to another user")
                .at(Place::file(&root))
                .why("profiles say where secrets are sent")
                .hint(format!("if you trust it, pass `--dir {}`", root.display())),
        )),
    }
}

fn named(current_dir: &Path, dir: &Path, by: &str) -> Result<PathBuf, Fault> {
    let problem = |why: &str| {
        Fault::usage(
            Problem::error("no-such-root", format!("`{by}` names no directory"))
                .at(Place::file(dir))
                .why(why),
        )
    };
    let path = current_dir.join(dir).canonicalize().map_err(|e| problem(&e.to_string()))?;
    if path.is_dir() { Ok(path) } else { Err(problem("it is not a directory")) }
}

fn walk(current_dir: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let device = current_dir.metadata().ok()?.dev();
    for dir in current_dir.ancestors() {
        let above = dir.parent()?;
        if home == Some(dir) || dir.metadata().ok()?.dev() != device {
            return None;
        }
        if dir.join("profiles").is_dir() || dir.join(".ultra").is_dir() {
            return Some(dir.to_owned());
        }
        if home == Some(above) {
            return None;
        }
    }
    None
}

/// Whether `dir` belongs to the user of this process.
pub(crate) fn is_mine(dir: &Path) -> bool {
    dir.metadata().is_ok_and(|meta| meta.uid() == rustix::process::geteuid().as_raw())
}
