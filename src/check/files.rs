//! Gathers the files that may hold secrets: their permissions, and what git makes of them.

use super::facts::{FileFacts, SensitiveFile};
use crate::settings::secret::ValueRef;
use crate::settings::{Resolution, Workspace};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The dotenv files at the root, the state directory and the vault.
pub(super) fn gather(workspace: &Workspace, resolution: Option<&Resolution>) -> FileFacts {
    let mut facts = FileFacts::default();
    let state = &workspace.state_dir;
    for (path, dir) in [(state.clone(), true), (state.join("vault.age"), false)] {
        facts.files.extend(sensitive(workspace, &path, dir, true));
    }
    let Some(root) = workspace.dotenv_dir() else { return facts };
    let held = holders(root, resolution);
    let mut paths: BTreeSet<PathBuf> = held.clone();
    if let Ok(entries) = std::fs::read_dir(root) {
        paths.extend(
            entries
                .filter_map(Result::ok)
                .filter(|e| e.file_name().to_string_lossy().starts_with(".env"))
                .map(|e| e.path()),
        );
    }
    facts
        .files
        .extend(paths.iter().filter_map(|p| sensitive(workspace, p, false, held.contains(p))));
    // What counts of a directory is what would stand in it: the state directory ignores its own
    // content.
    let within = |file: &SensitiveFile| {
        let path = root.join(&file.path);
        let name = path.strip_prefix(root).ok()?.to_path_buf();
        Some(if file.dir { name.join("any") } else { name })
    };
    let names: Vec<PathBuf> = facts.files.iter().filter_map(within).collect();
    if let Some(ignored) = git(root, &["check-ignore", "-z", "--stdin"], &names) {
        facts.git = true;
        let tracked = git(root, &["ls-files", "-z"], &[]).unwrap_or_default();
        for file in &mut facts.files {
            let Some(name) = within(file) else { continue };
            file.ignored = ignored.contains(&name);
            let folder = name.parent().filter(|_| file.dir);
            file.tracked = match folder {
                Some(folder) => tracked.iter().any(|path| path.starts_with(folder)),
                None => tracked.contains(&name),
            };
        }
    }
    facts
}

/// The files in which a secret variable has a literal value.
fn holders(root: &Path, resolution: Option<&Resolution>) -> BTreeSet<PathBuf> {
    let Some(resolution) = resolution else { return BTreeSet::new() };
    resolution
        .names()
        .flat_map(|name| resolution.candidates(name))
        .filter(|c| matches!(&c.value, ValueRef::Literal(secret) if !secret.is_empty()))
        .filter_map(|c| c.origin.place.as_ref())
        .map(|place| root.join(&place.file))
        .collect()
}

fn sensitive(
    workspace: &Workspace,
    path: &Path,
    dir: bool,
    holds_secret: bool,
) -> Option<SensitiveFile> {
    let meta = std::fs::metadata(path).ok().filter(|m| m.is_dir() == dir)?;
    Some(SensitiveFile {
        path: workspace.shown(path),
        mode: meta.permissions().mode() & 0o7777,
        dir,
        tracked: false,
        ignored: false,
        holds_secret,
    })
}

/// The paths that git names, of those it is asked about on standard input; `None` if this is no
/// work tree or there is no git.
fn git(root: &Path, command: &[&str], paths: &[PathBuf]) -> Option<BTreeSet<PathBuf>> {
    let mut child = Command::new("git")
        // A file monitor is a program that the repository names: it is not ours to start.
        .args(["-c", "core.fsmonitor=false", "-C"])
        .arg(root)
        .args(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut asked = Vec::new();
    for path in paths {
        asked.extend_from_slice(path.as_os_str().as_bytes());
        asked.push(0);
    }
    // A git that ends before it has read everything tells so by its status.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(&asked));
    let output = child.wait_with_output().ok()?;
    // `check-ignore` ends with 1 when it names nothing.
    let fine = output.status.success() || output.status.code() == Some(1);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    fine.then(|| text.split('\0').filter(|s| !s.is_empty()).map(PathBuf::from).collect())
}
