//! The root: the directory with `profiles/` or `.ultra/`.

use super::environment::Environment;
use super::profile::canonical;
use super::profile_names;
use crate::base::words::argument;
use crate::report::{Fault, Place, Problem};
use serde::Serialize;
use std::ffi::OsStr;
use std::fs::Metadata;
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
/// A named directory that is none (2); a found one that belongs to another user, or whose profiles
/// or dotenv files do (6), because these say where secrets are sent.
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
        Some(root) => {
            let (what, place) = if !is_mine(&root) {
                ("the root belongs to another user", root.clone())
            } else if let Some(found) = foreign(&root) {
                ("a file of the root belongs to another user", found)
            } else {
                return Ok((Some(root), RootSource::Found));
            };
            Err(Fault::refused(
                Problem::error("foreign-root", what)
                    .at(Place::file(place))
                    .why("profiles and dotenv files say where secrets are sent")
                    .hint(format!("if you trust it, pass `--dir {}`", argument(&root))),
            ))
        }
    }
}

/// What of another user says something in a root of this one: `profiles/`, or in a directory that
/// others may write (`/tmp` is root's own) a profile or a dotenv file that is a layer. A link is
/// judged itself, not what it leads to. The state directory is judged elsewhere.
fn foreign(root: &Path) -> Option<PathBuf> {
    let profiles = root.join("profiles");
    let Ok(meta) = profiles.symlink_metadata() else { return foreign_layer(root) };
    if !mine(&meta) {
        return Some(profiles);
    }
    let shared = profiles.metadata().is_ok_and(|meta| open_to_others(&meta));
    let profile = || foreign_entry(&profiles, |_| true);
    shared.then(profile).flatten().or_else(|| foreign_layer(root))
}

fn foreign_layer(dir: &Path) -> Option<PathBuf> {
    let shared = dir.metadata().is_ok_and(|meta| open_to_others(&meta));
    shared.then(|| foreign_entry(dir, |name| is_layer(dir, name))).flatten()
}

fn foreign_entry(dir: &Path, wanted: impl Fn(&OsStr) -> bool) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?.flatten();
    let mut entries = entries.filter(|entry| wanted(&entry.file_name()));
    // The entry itself: a symbolic link is not followed.
    entries.find(|entry| entry.metadata().is_ok_and(|meta| !mine(&meta))).map(|e| e.path())
}

/// Whether a dotenv file of this name in `root` is a layer of some profile: `.env`, or
/// `.env.PROFILE` of a profile that there is, each with or without `.local`. Nothing says anything
/// by `.env.example`, whosever it is.
fn is_layer(root: &Path, name: &OsStr) -> bool {
    let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(".env")) else { return false };
    let rest = rest.strip_suffix(".local").unwrap_or(rest);
    let Some(profile) = rest.strip_prefix('.').map(canonical) else { return rest.is_empty() };
    profile_names::well_formed(profile)
        && (profile_names::built_in(profile).is_some()
            || profile_names::taken(&root.join("profiles").join(format!("{profile}.yaml"))))
}

fn open_to_others(meta: &Metadata) -> bool {
    meta.mode() & 0o022 != 0
}

fn mine(meta: &Metadata) -> bool {
    meta.uid() == rustix::process::geteuid().as_raw()
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
fn is_mine(dir: &Path) -> bool {
    dir.metadata().is_ok_and(|meta| mine(&meta))
}

/// What of another user keeps the dotenv files in `dir` from being read where nobody named it:
/// the directory itself, or a file in it that is a layer.
pub(crate) fn foreign_dotenv(dir: &Path) -> Option<PathBuf> {
    if is_mine(dir) { foreign_layer(dir) } else { Some(dir.to_owned()) }
}
