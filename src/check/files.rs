//! Gathers the files that may hold secrets: their permissions, and what git makes of them.

use super::facts::{FileFacts, GitSays, SensitiveFile};
use crate::base::file;
use crate::settings::secret::ValueRef;
use crate::settings::{Resolution, Workspace, git};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Files of the state directory that hold keys or data, and are 0600.
const PRIVATE: &[&str] = &[
    "vault.age",
    "vault-index.json",
    "fingerprint.key",
    "identity.age",
    "identity.sealed",
    "seal.key",
    "dev-key",
];

/// As many files git is asked about; nobody has more dotenv files.
const MOST: usize = 10_000;

/// The dotenv files at the root, and the state directory with its files.
pub(super) fn gather(workspace: &Workspace, resolution: Option<&Resolution>) -> FileFacts {
    let mut facts = FileFacts::default();
    let state = &workspace.state_dir;
    facts.files.extend(sensitive(workspace, state, true, true));
    let database = format!("data/{}.db", workspace.profile);
    for name in PRIVATE.iter().copied().chain([database.as_str()]) {
        facts.files.extend(sensitive(workspace, &state.join(name), false, true));
    }
    let Some(root) = workspace.dotenv_dir() else { return facts };
    let held = holders(workspace, resolution);
    let mut paths: BTreeSet<PathBuf> = held.clone();
    if let Ok(entries) = std::fs::read_dir(root) {
        paths.extend(
            entries
                .filter_map(Result::ok)
                .filter(|e| e.file_name().to_string_lossy().starts_with(".env"))
                .map(|e| e.path()),
        );
    }
    facts.files.extend(paths.iter().filter_map(|p| {
        let file = sensitive(workspace, p, false, held.contains(p))?;
        Some(SensitiveFile { mounted: !file::within(Some(root), p), ..file })
    }));
    facts.git = ask_git(root, &mut facts.files);
    facts
}

/// The files in which a secret variable has a literal value, and those that hold one secret each.
fn holders(workspace: &Workspace, resolution: Option<&Resolution>) -> BTreeSet<PathBuf> {
    let Some(resolution) = resolution else { return BTreeSet::new() };
    resolution
        .names()
        .flat_map(|name| resolution.candidates(name))
        .filter_map(|candidate| match &candidate.value {
            ValueRef::File(path) => Some(path.clone()),
            // Places are told as the operator would: from the current directory.
            _ if candidate.stands_in_file() => {
                let place = candidate.origin.place.as_ref()?;
                Some(workspace.current_dir.join(&place.file))
            }
            _ => None,
        })
        .collect()
}

fn sensitive(
    workspace: &Workspace,
    path: &Path,
    dir: bool,
    holds_secret: bool,
) -> Option<SensitiveFile> {
    let meta = std::fs::metadata(path).ok().filter(|m| m.is_dir() == dir)?;
    let real = if dir { path.canonicalize().ok()? } else { git::real(path)? };
    Some(SensitiveFile {
        path: workspace.shown(path),
        real,
        mode: meta.permissions().mode() & 0o7777,
        dir,
        tracked: false,
        ignored: true,
        holds_secret,
        mounted: false,
    })
}

/// Notes in `files` what git tracks and what it would not pass over. Each question is asked for
/// itself: one that git fails at must not hide the answer to another.
fn ask_git(root: &Path, files: &mut [SensitiveFile]) -> GitSays {
    let top = match git::top(root) {
        Ok(Some(top)) => top,
        Ok(None) => return GitSays::Outside,
        Err(why) => return GitSays::Unsure(why.to_string()),
    };
    if files.len() > MOST {
        return GitSays::Unsure(format!("there are {} dotenv files at the root", files.len()));
    }
    let mut unsure: Option<String> = None;
    let mut within: Vec<&mut SensitiveFile> =
        files.iter_mut().filter(|file| file.real.starts_with(&top)).collect();
    let paths: Vec<PathBuf> = within.iter().map(|file| file.real.clone()).collect();
    match git::tracked(&top, &paths) {
        Ok(tracked) => {
            for file in &mut within {
                file.tracked = tracked.contains(&file.real);
            }
        }
        Err(why) => unsure = Some(why.to_string()),
    }
    // What counts of a directory is what would stand in it: the state directory ignores its own
    // content.
    let asked = |file: &SensitiveFile| {
        if file.dir { file.real.join("any") } else { file.real.clone() }
    };
    let paths: Vec<PathBuf> = within.iter().map(|file| asked(file)).collect();
    match git::ignored(root, &paths) {
        Ok(ignored) => {
            for file in &mut within {
                file.ignored = ignored.contains(&asked(file));
            }
        }
        Err(why) => {
            unsure.get_or_insert(why.to_string());
        }
    }
    unsure.map_or(GitSays::Everything, GitSays::Unsure)
}
