//! The state directory: where it may stand, whether it can be used, and making it.

use super::root::RootSource;
use super::workspace::Workspace;
use crate::base::file;
use crate::report::{Fault, Problem};
use std::path::Path;

impl Workspace {
    /// Makes the state directory (0700, ignored by git) if it is missing.
    ///
    /// # Errors
    /// It would come to stand in `/` or the home directory and nobody said so (2), or cannot be
    /// made or written (5).
    pub(crate) fn prepare_state_dir(&self) -> Result<&Path, Fault> {
        self.state_dir_allowed()?;
        let failed = |e: std::io::Error| Fault::unreachable(self.no_state_dir(&e));
        let fresh = !self.state_dir.is_dir();
        file::private_dir(&self.state_dir).map_err(failed)?;
        let ignore = self.state_dir.join(".gitignore");
        if fresh || !ignore.exists() {
            file::write_atomic(&ignore, b"*\n", 0o644).map_err(failed)?;
        }
        Ok(&self.state_dir)
    }

    /// Shuts an existing state directory of the default place that others can look into, and says
    /// so. One that was named may be shared on purpose and is left as it is.
    pub(crate) fn shut_state_dir(&self) -> Option<String> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
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
        .at(crate::report::Place::file(shown))
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
