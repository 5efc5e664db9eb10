//! How the backend and the files of the vault stand, without opening anything.

use super::backend::{BackendKind, identity_file, keyring};
use super::source::VaultSource;
use crate::base::words;
use crate::report::{Fault, Place, Problem};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What may be done with a file by others than its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Nothing may be.
    Private,
    /// It is only read.
    Readable,
}

impl VaultSource {
    /// Whether the recorded backend works, in words. A keyring is written to, read and cleaned with
    /// a canary, within a deadline; the identity itself is not asked for.
    ///
    /// # Errors
    /// What is wrong, with the remedy.
    pub(crate) fn backend_stands(&self, backend: BackendKind) -> Result<String, Problem> {
        match backend {
            BackendKind::Keyring => keyring::probe()
                .map(|()| "the keyring keeps a canary, gives it back and forgets it".to_owned())
                .map_err(keyring::KeyringError::unusable),
            BackendKind::IdentityFile => {
                let Some(path) = &self.options.identity_file else {
                    return Err(Problem::error(
                        "no-identity",
                        "nothing says where the identity is",
                    )
                    .why("it is in a file")
                    .hint("ULTRA_VAULT_IDENTITY_FILE=FILE"));
                };
                identity_file::look(path, &self.outside()).map_err(single)?;
                identity_stands(path)
            }
            BackendKind::Passphrase => identity_stands(&self.path("identity.age")),
        }
    }

    /// Whether a keyring works here at all, and if not, why.
    pub(crate) fn keyring_stands(&self) -> Result<(), String> {
        keyring::probe().map_err(|e| e.brief())
    }

    /// The files of the vault that are there and not as they should be.
    pub(crate) fn files_stand(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let dir = &self.state_dir;
        problems.extend(mode(dir, Sharing::Readable));
        let names = ["vault.age", "vault-index.json", "fingerprint.key", "audit.jsonl"];
        let more = ["identity.age", "migration.json"];
        let mut paths: Vec<PathBuf> =
            names.iter().chain(&more).map(|name| dir.join(name)).collect();
        let journals = std::fs::read_dir(dir.join("rotation")).into_iter().flatten().flatten();
        paths.extend(journals.map(|entry| entry.path()));
        paths.sort();
        problems.extend(paths.iter().filter_map(|path| mode(path, Sharing::Private)));
        problems
    }
}

fn single(fault: Fault) -> Problem {
    let text = fault.to_string();
    fault.problems.into_iter().next().unwrap_or_else(|| Problem::error("vault", text))
}

fn identity_stands(path: &Path) -> Result<String, Problem> {
    match path.metadata() {
        Ok(meta) if meta.is_file() => match mode(path, Sharing::Private) {
            Some(problem) => Err(problem),
            None => Ok(format!("{} is there, for its owner only", path.display())),
        },
        Ok(_) => Err(Problem::error("identity-missing", "the identity is no file")
            .at(Place::file(path))
            .hint("restore it from a backup")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(Problem::error("identity-missing", "the identity of the vault is gone")
                .at(Place::file(path))
                .hint("restore it from a backup: without it nobody can open the vault"))
        }
        Err(e) => Err(Problem::error("identity-file", "cannot look at the identity of the vault")
            .at(Place::file(path))
            .why(e)),
    }
}

/// Whose a file should be: this user's; for root, who may look after the files of others, that of
/// the directory it lies in.
fn rightful(path: &Path) -> u32 {
    let us = rustix::process::geteuid().as_raw();
    let dir = if path.is_dir() { Some(path) } else { path.parent() };
    match dir.filter(|_| us == 0).map(Path::metadata) {
        Some(Ok(dir)) => dir.uid(),
        _ => us,
    }
}

/// What is wrong with the owner or the mode of a file, if it is there.
fn mode(path: &Path, sharing: Sharing) -> Option<Problem> {
    let link = path.symlink_metadata().ok()?;
    let meta = path.metadata().ok()?;
    let us = rightful(path);
    let shown = words::argument(path);
    if link.is_symlink() && sharing == Sharing::Private && !meta.is_dir() {
        return Some(
            Problem::warning("link", "a link stands where a file of ours belongs")
                .at(Place::file(path))
                .hint(format!("put the file itself there: `cp --remove-destination \"$(readlink -f {shown})\" {shown}`")),
        );
    }
    if meta.uid() != us {
        return Some(
            Problem::error("foreign-owner", "it belongs to another user")
                .at(Place::file(path))
                .why(format!("to {}, and should to {}", user(meta.uid()), user(us)))
                .hint(format!("chown {us} {shown}")),
        );
    }
    let others = match sharing {
        Sharing::Private => 0o077,
        Sharing::Readable => 0o022,
    };
    let bits = meta.mode() & 0o7777;
    (bits & others != 0).then(|| {
        let right = if meta.is_dir() { "700" } else { "600" };
        Problem::error("open-to-others", "others may read or write it")
            .at(Place::file(path))
            .why(format!("its mode is {bits:04o}"))
            .hint(format!("chmod {right} {shown}"))
    })
}

fn user(uid: u32) -> String {
    crate::base::process::user(uid)
}
