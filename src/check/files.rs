//! Gathers the files that may hold secrets: their permissions, and what git makes of them.

use super::facts::{FileFacts, GitSays, SensitiveFile};
use crate::base::file;
use crate::settings::secret::ValueRef;
use crate::settings::{Resolution, Workspace, git};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
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
    // A link in git is a path like any other; what it lies in is where it really lies.
    let real = match (path.parent(), path.file_name()) {
        (Some(above), Some(name)) if !dir => above.canonicalize().ok()?.join(name),
        _ => path.canonicalize().ok()?,
    };
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
    let words = ["rev-parse", "--is-inside-work-tree", "--show-toplevel"];
    let place = git::ask(root, words, &[]);
    let told = place.as_ref().ok().filter(|answer| answer.code == 0).map(|answer| &answer.stdout);
    let top = told.and_then(|text| text.strip_prefix(b"true\n")).map(<[u8]>::trim_ascii_end);
    let Some(top) = top.map(|top| PathBuf::from(OsStr::from_bytes(top))) else {
        if git::git_dir(root).is_none() || told.is_some() {
            return GitSays::Outside;
        }
        let code = |answer: git::Answer| format!("`git rev-parse` ended with {}", answer.code);
        return GitSays::Unsure(place.map_or_else(|why| why, code));
    };
    if files.len() > MOST {
        return GitSays::Unsure(format!("there are {} dotenv files at the root", files.len()));
    }
    let mut unsure = None;
    let mut within: Vec<&mut SensitiveFile> =
        files.iter_mut().filter(|file| file.real.starts_with(&top)).collect();
    let paths: Vec<PathBuf> = within.iter().map(|file| file.real.clone()).collect();
    match git::listed(root, &paths) {
        Ok(listed) => {
            let listed: Vec<PathBuf> = listed.iter().map(|name| top.join(name)).collect();
            for file in &mut within {
                file.tracked = listed.iter().any(|path| path.starts_with(&file.real));
            }
        }
        Err(why) => unsure = Some(why),
    }
    // What counts of a directory is what would stand in it: the state directory ignores its own
    // content.
    let asked = |file: &SensitiveFile| {
        if file.dir { file.real.join("any") } else { file.real.clone() }
    };
    let paths: Vec<PathBuf> = within.iter().map(|file| asked(file)).collect();
    match git::ask(root, ["check-ignore", "-z", "--stdin"], &paths) {
        // It ends with 1 when it names nothing.
        Ok(answer) if matches!(answer.code, 0 | 1) => {
            let ignored: BTreeSet<PathBuf> = answer.paths().collect();
            for file in &mut within {
                file.ignored = ignored.contains(&asked(file));
            }
        }
        Ok(answer) => {
            unsure.get_or_insert(format!("`git check-ignore` ended with {}", answer.code));
        }
        Err(why) => {
            unsure.get_or_insert(why);
        }
    }
    unsure.map_or(GitSays::Everything, GitSays::Unsure)
}
