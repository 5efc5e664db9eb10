//! The identity file: a file that only its owner may read, outside the root, as the stock `age`
//! program takes it with `-i`.

use super::super::crypto::Identity;
use super::for_its_owner;
use crate::base::{file, leftover};
use crate::report::{Fault, Place, Problem};
use std::path::{Path, PathBuf};

/// The size limit of the file.
const LIMIT: u64 = 64 << 10;

/// The identity in the file; `None` if there is no such file.
///
/// # Errors
/// Others may read it, it lies inside one of the directories `outside` (exit 6), it cannot be read
/// or holds no identity (exit 5).
pub(crate) fn load(path: &Path, outside: &[PathBuf]) -> Result<Option<Identity>, Fault> {
    is_outside(path, outside)?;
    let problem = |why: String| {
        Fault::unreachable(
            Problem::error("identity-file", "cannot read the vault's identity file")
                .at(Place::file(path))
                .why(why),
        )
    };
    let read = file::read_with_mode(path, LIMIT).map_err(|e| problem(e.to_string()))?;
    let Some((bytes, mode)) = read else { return Ok(None) };
    let bytes = zeroize::Zeroizing::new(bytes);
    for_its_owner("identity-file-open", "the vault's identity file", path, mode)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| problem("it is not UTF-8".to_owned()))?;
    Identity::parse(text).map(Some).map_err(|why| problem(why.to_owned()))
}

/// Makes the file with a new identity.
pub(crate) fn create(path: &Path, outside: &[PathBuf]) -> Result<Identity, Fault> {
    let identity = Identity::generate();
    keep(path, outside, &identity)?;
    Ok(identity)
}

/// Makes the file with this identity.
pub(crate) fn keep(path: &Path, outside: &[PathBuf], identity: &Identity) -> Result<(), Fault> {
    is_outside(path, outside)?;
    let failed = |e: std::io::Error| {
        Fault::unreachable(
            Problem::error("identity-file", "cannot make the vault's identity file")
                .at(Place::file(path))
                .hint(Problem::room(path, &e))
                .why(e),
        )
    };
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.exists()) {
        file::private_dir(dir).map_err(|e| {
            let mut fault = failed(e);
            let hint = format!("mkdir -p -m 700 {}", dir.display());
            fault.problems.iter_mut().for_each(|problem| problem.hint = Some(hint.clone()));
            fault
        })?;
        // Only now is it known where a link above it leads.
        is_outside(path, outside)?;
    }
    // What a killed attempt left is an identity too, if one of nothing.
    if let Some(dir) = path.parent() {
        leftover::sweep(dir);
    }
    file::create_for_us(path, identity.file().expose().as_bytes(), file::PRIVATE).map_err(failed)
}

/// Whether the file is one that [`keep`] made for the identity with this public half, and nothing
/// else is in it; `None` if there is no such file.
///
/// # Errors
/// What the file system says.
pub(crate) fn is_only(path: &Path, recipient: &str) -> std::io::Result<Option<bool>> {
    let Some(bytes) = file::read_bounded(path, LIMIT)? else { return Ok(None) };
    let bytes = zeroize::Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let made = Identity::parse(text).is_ok_and(|identity| {
        identity.recipient() == recipient && identity.file().expose() == text
    });
    Ok(Some(made))
}

/// Where the file lies, whether others may read it, and whether it is there; without reading it.
///
/// # Errors
/// It lies beside the vault (6).
pub(crate) fn look(path: &Path, outside: &[PathBuf]) -> Result<(), Fault> {
    is_outside(path, outside)
}

/// A key beside the lock it opens is no lock: whoever copies the directory has both.
fn is_outside(path: &Path, outside: &[PathBuf]) -> Result<(), Fault> {
    let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
    // The file may not exist yet; its directory does.
    let place = match (path.parent(), path.file_name()) {
        (Some(dir), Some(name)) if !path.exists() => real(dir).join(name),
        _ => real(path),
    };
    match outside.iter().find(|dir| place.starts_with(real(dir))) {
        None => Ok(()),
        Some(dir) => Err(Fault::refused(
            Problem::error("identity-inside", "the vault's identity file lies beside the vault")
                .at(Place::file(path))
                .why(format!(
                    "it is inside `{}`, so whoever copies that directory can open the vault",
                    dir.display()
                ))
                .hint("keep it elsewhere: ULTRA_VAULT_IDENTITY_FILE=FILE"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::ExitStatus;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_made_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity");
        assert!(load(&path, &[]).unwrap().is_none());
        let made = create(&path, &[]).unwrap();
        assert_eq!(load(&path, &[]).unwrap().unwrap().recipient(), made.recipient());
        assert_eq!(create(&path, &[]).unwrap_err().status, ExitStatus::Unreachable);
    }

    #[test]
    fn open_files_and_files_beside_the_vault_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity");
        create(&path, &[]).unwrap();
        let inside = load(&path, &[dir.path().to_path_buf()]).unwrap_err();
        assert_eq!(inside.status, ExitStatus::Refused);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let open = load(&path, &[]).unwrap_err();
        assert_eq!(open.status, ExitStatus::Refused);
        assert!(open.problems[0].hint.as_ref().unwrap().starts_with("chmod 600"));
    }

    #[test]
    fn a_file_without_an_identity_is_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity");
        file::write_atomic(&path, b"canary", file::PRIVATE).unwrap();
        let fault = load(&path, &[]).unwrap_err();
        assert!(!format!("{fault:?}").contains("canary"));
    }
}
