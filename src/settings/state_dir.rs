//! The state directory: where it may stand, whose it is, whether it can be used, and making it.

use super::git::{self, NoAnswer};
use super::root::RootSource;
use super::workspace::Workspace;
use crate::base::file::{self, Missing};
use crate::base::state_mark::Mark;
use crate::base::words::argument;
use crate::base::{leftover, state_mark};
use crate::exit::ExitStatus;
use crate::report::{Fault, Place, Problem};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

/// The folders that we make in a state directory.
const FOLDERS: &[&str] = &["data", "history", "journal", "published", "rotation", "servers"];

/// How to have the state directory elsewhere.
const ELSEWHERE: &str = "name another: export ULTRA_STATE_DIR=\"$HOME/.local/state/ultra\"";

/// Refuses a state directory, at the place that nobody named, that came with the project instead of
/// being made by this user: a link, somebody else's, one with files that git tracks, or one with
/// anything in it that was not made where it stands, as from an archive. What stands in one is
/// believed (which switch to finish, which keys to let in), so it must not be another's. Root, who
/// named the root, writes for the owner of that ([`crate::base::owner`]) and takes what is his.
///
/// Git writes its index after the files of a clone, a merge or a checkout. It is asked only if its
/// index is not older than the mark in the state directory, which is then made as old as the
/// question.
///
/// # Errors
/// Exit 6, with the ways out; 5 if git does not say.
pub(super) fn came_with_the_project(
    root: &Path,
    source: RootSource,
    state_dir: &Path,
) -> Result<(), Fault> {
    let Ok(meta) = state_dir.symlink_metadata() else { return Ok(()) };
    let refused = |what: &str, why: String, hint: &str| {
        let problem = Problem::error("foreign-state-dir", what);
        Err(Fault::refused(problem.at(Place::file(state_dir)).why(why).hint(hint)))
    };
    if meta.is_symlink() {
        let why = "it is a symbolic link, and whoever made it chose where we would write";
        let hint = format!("remove the link, or {ELSEWHERE}");
        return refused("the state directory leads elsewhere", why.to_owned(), &hint);
    }
    if !meta.is_dir() {
        return Ok(());
    }
    if !is_ours(&meta, root, source) {
        let why = "what stands in it is believed, such as keys that may use a server";
        return refused("the state directory belongs to another user", why.to_owned(), ELSEWHERE);
    }
    tracked(root, state_dir, &refused)?;
    let mark = state_mark::made_here(state_dir);
    if mark == Mark::Fits || holds_nothing(state_dir) {
        return Ok(());
    }
    // Whoever makes it at this moment writes the mark before anything else: it may have come between
    // the two looks.
    let mark = state_mark::made_here(state_dir);
    if mark == Mark::Fits {
        return Ok(());
    }
    let yours = format!(
        "if it is your own: ULTRA_STATE_DIR={} ultra env current; or {ELSEWHERE}",
        argument(state_dir)
    );
    if mark == Mark::Missing {
        let why = format!(
            "its mark `{}` is missing, by which its owner knows it",
            state_mark::STATE_MARK
        );
        return refused("the state directory does not say that it was made here", why, &yours);
    }
    let why = "it was not made here, as if it had been unpacked or copied with the project";
    refused("the state directory came with the project", why.to_owned(), &yours)
}

/// Whether a directory is this user's, or this is root in a root that he named, and it is that of
/// the root's owner.
fn is_ours(meta: &Metadata, root: &Path, source: RootSource) -> bool {
    let us = rustix::process::geteuid();
    let named = matches!(source, RootSource::Flag | RootSource::Environment);
    let owners = || root.metadata().is_ok_and(|root| root.uid() == meta.uid());
    meta.uid() == us.as_raw() || (us.is_root() && named && owners())
}

/// Whether `named`, links followed, is the directory at `usual`, which itself must be no link.
pub(super) fn is_same(named: &Path, usual: &Path) -> bool {
    let (Ok(named), Ok(usual)) = (named.metadata(), usual.symlink_metadata()) else { return false };
    (named.dev(), named.ino()) == (usual.dev(), usual.ino())
}

/// Whether there is nothing in the state directory but its mark and what is being written, as where
/// somebody is about to make it or was killed while he did, or what a new file system brings.
fn holds_nothing(state_dir: &Path) -> bool {
    let Ok(mut entries) = std::fs::read_dir(state_dir) else { return false };
    entries.all(|entry| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name();
            name == state_mark::STATE_MARK
                || leftover::is_temporary(&name.to_string_lossy())
                || (name == "lost+found" && entry.file_type().is_ok_and(|kind| kind.is_dir()))
        })
    })
}

/// Refuses a state directory in which git tracks a file.
fn tracked(
    root: &Path,
    state_dir: &Path,
    refused: &dyn Fn(&str, String, &str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some(index) = git::git_dir(root).map(|dir| dir.join("index")) else { return Ok(()) };
    let changed = |path: &Path| path.symlink_metadata().and_then(|meta| meta.modified()).ok();
    let Some(written) = changed(&index) else { return Ok(()) };
    let mark = state_dir.join(state_mark::STATE_MARK);
    let marked = changed(&mark);
    if marked.is_some_and(|marked| marked > written) {
        return Ok(());
    }
    let asked = SystemTime::now();
    match git::listed(root, &[state_dir.to_owned()]) {
        Ok(listed) => match listed.first() {
            None => {
                // On a disk that cannot be written git is asked each time.
                let _ =
                    file::open_own(&mark, Missing::Fail).and_then(|mark| mark.set_modified(asked));
                Ok(())
            }
            Some(first) => refused(
                "the state directory came with the project",
                format!("git tracks `{}`", first.display()),
                &format!(
                    "remove what its author put there: git rm -r -f {dir}; if you added it \
                     yourself: git rm -r --cached {dir}; or {ELSEWHERE}",
                    dir = argument(state_dir)
                ),
            ),
        },
        Err(why) => Err(nobody_knows(root, state_dir, &why)),
    }
}

/// Git, which alone knows whose files these are, does not say.
fn nobody_knows(root: &Path, state_dir: &Path, why: &NoAnswer) -> Fault {
    let way = match why {
        NoAnswer::NotStarted(_) => "install git, for this is a checkout of it".to_owned(),
        NoAnswer::Late => "see why `git ls-files` takes so long here".to_owned(),
        NoAnswer::Failed { said: Some(said), .. } if said.contains(git::UNTRUSTED) => {
            let top = root.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(root);
            format!(
                "if you trust its owner: git config --global --add safe.directory {}",
                argument(top)
            )
        }
        NoAnswer::Endless | NoAnswer::Ended | NoAnswer::Failed { .. } => {
            "see to it that `git ls-files` works here".to_owned()
        }
    };
    let what = "nobody knows whether the state directory came with the project";
    Fault::unreachable(
        Problem::error("unknown-state-dir", what)
            .at(Place::file(state_dir))
            .why(why)
            .hint(format!("{way}, or {ELSEWHERE}")),
    )
}

impl Workspace {
    /// Makes the state directory (0700, ignored by git) if it is missing.
    ///
    /// # Errors
    /// It would come to stand in `/` or the home directory and nobody said so (2), or cannot be
    /// made or written (5).
    pub(crate) fn prepare_state_dir(&self) -> Result<&Path, Fault> {
        self.state_dir_allowed()?;
        state_mark::state_dir(&self.state_dir)
            .map_err(|e| Fault::unreachable(self.no_state_dir(&e)))?;
        self.folders_are_ours()?;
        Ok(&self.state_dir)
    }

    /// Refuses folders of the state directory that are links: whoever put one there would choose
    /// where databases, journals and records are written. One who wants them elsewhere names that.
    fn folders_are_ours(&self) -> Result<(), Fault> {
        let link = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        let links = FOLDERS.iter().map(|name| self.state_dir.join(name)).filter(|path| link(path));
        let problems: Vec<Problem> = links
            .map(|path| {
                let shown = self.shown(&path);
                let what = format!("`{}` leads elsewhere", shown.display());
                Problem::error("foreign-state-dir", what)
                    .why("it is a symbolic link, and whoever made it chose where we would write")
                    .hint(format!("remove it: rm {}; or {ELSEWHERE}", argument(&shown)))
                    .at(Place::file(shown))
            })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(Fault::new(ExitStatus::Refused, problems)) }
    }

    /// Shuts an existing state directory of the default place that others can look into, and says
    /// so. One that was named may be shared on purpose and is left as it is.
    pub(crate) fn shut_state_dir(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        if self.state_dir_named || self.state_dir_allowed().is_err() {
            return None;
        }
        let meta = std::fs::symlink_metadata(&self.state_dir).ok()?;
        let ours = meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw();
        if !ours || meta.mode() & 0o077 == 0 {
            return None;
        }
        // On a read-only disk it stays as it is.
        std::fs::set_permissions(&self.state_dir, std::fs::Permissions::from_mode(0o700)).ok()?;
        Some(format!(
            "`{}` was open to others (mode {:o}) and is now 0700",
            self.shown(&self.state_dir).display(),
            meta.mode() & 0o777
        ))
    }

    /// Whether the state directory is there and can be written, or could be made. Nothing is
    /// written: this is for judging what [`Workspace::prepare_state_dir`] and the store would run
    /// into.
    ///
    /// # Errors
    /// As [`Workspace::prepare_state_dir`].
    pub(crate) fn state_dir_usable(&self) -> Result<(), Fault> {
        use rustix::fs::{Access, AtFlags, CWD, accessat};
        self.state_dir_allowed()?;
        // What is not there is made in the nearest directory above it; a dangling link is there.
        let found = self.state_dir.ancestors().find(|path| path.symlink_metadata().is_ok());
        let dir = found.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let usable = match dir.is_dir() {
            false => Err(std::io::ErrorKind::NotADirectory.into()),
            true => {
                let access = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
                accessat(CWD, dir, access, AtFlags::EACCESS).map_err(std::io::Error::from)
            }
        };
        usable.map_err(|e| Fault::unreachable(self.no_state_dir(&e)))
    }

    /// Why there can be no state directory, and how to have it elsewhere.
    fn no_state_dir(&self, error: &std::io::Error) -> Problem {
        let shown = self.shown(&self.state_dir);
        Problem::error(
            "state-dir",
            format!("cannot write the state directory `{}`", shown.display()),
        )
        .at(Place::file(shown))
        .why(error.kind())
        .hint("name one that can be written: export ULTRA_STATE_DIR=\"$HOME/.local/state/ultra\"")
    }

    fn state_dir_allowed(&self) -> Result<(), Fault> {
        let implicit = !self.state_dir_named
            && !matches!(self.root_source, RootSource::Flag | RootSource::Environment);
        let above = self.state_dir.parent().unwrap_or(&self.state_dir);
        let home = self.environment.get("HOME").map(Path::new);
        if implicit && (above.parent().is_none() || home == Some(above)) {
            return Err(Fault::usage(
                Problem::error(
                    "state-dir",
                    format!("no state directory: `{}` is not made into one", above.display()),
                )
                .why("`/` and the home directory hold more than one project")
                .hint("run it in the project's directory, pass `--dir`, or set `ULTRA_STATE_DIR`"),
            ));
        }
        Ok(())
    }
}
