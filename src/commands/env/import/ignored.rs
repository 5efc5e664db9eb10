//! Whether git would take the file that values go into: it is one of a person and a machine, and may
//! hold secrets.

use super::{Outcome, Request};
use crate::base::words;
use crate::commands::keys::Desk;
use crate::report::{Place, Problem};
use crate::settings::{Workspace, git};
use std::path::Path;

/// Warns of a file that git neither ignores nor tracks yet, or tracks, with the way out of it.
/// Where git does not answer, nobody knows, and nothing is said.
pub(super) fn warn(request: &Request, workspace: &Workspace, desk: &Desk<'_>, outcome: &Outcome) {
    if !outcome.merge.says_anything() {
        return;
    }
    let Some(dir) = outcome.into.parent().filter(|dir| git::git_dir(dir).is_some()) else { return };
    let Some(name) = outcome.into.file_name().map(Path::new) else { return };
    let Ok(answer) = git::ask(dir, ["check-ignore", "-q", "--stdin", "-z"], &[name.to_owned()])
    else {
        return;
    };
    // 0 is ignored, 1 is not; everything else is no answer. What git tracks it never ignores.
    if answer.code != 1 {
        return;
    }
    let shown = workspace.shown(&outcome.into);
    let would = if request.dry_run { "would not be" } else { "is not" };
    let line = if outcome.by_default { ".env.*.local".into() } else { name.to_string_lossy() };
    let tracked = git::listed(dir, std::slice::from_ref(&outcome.into))
        .is_ok_and(|listed| !listed.is_empty());
    let gitignore = workspace.shown(&dir.join(".gitignore"));
    let mut hint = format!("echo '{line}' >> {}", words::argument(&gitignore));
    if tracked {
        hint = format!("git rm --cached {} && {hint}", words::argument(&shown));
    }
    desk.console.warn(
        &Problem::warning("not-ignored", format!("`{}` {would} ignored by git", shown.display()))
            .at(Place::file(&shown))
            .why("the next `git add` takes what it holds into the history")
            .hint(hint),
    );
}
