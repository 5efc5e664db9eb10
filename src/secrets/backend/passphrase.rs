//! The identity under a passphrase: `identity.age` in the state directory, an age file with the
//! scrypt recipient, which the stock `age` program takes with `-i` and asks the passphrase for.

use super::super::crypto::Identity;
use super::for_its_owner;
use crate::base::{Secret, file};
use crate::report::{Fault, Place, Problem};
use age::secrecy::SecretString;
use std::path::Path;
use zeroize::Zeroizing;

/// log2 of scrypt's N, the same on every machine, so that a fast one does not write what a slow
/// one refuses: 64 MiB and a fraction of a second.
const WORK_FACTOR: u8 = 16;

/// The greatest work that is done for a file of somebody else.
const GREATEST_WORK: u8 = 20;

/// The size limit of the wrapped identity.
const LIMIT: u64 = 64 << 10;

/// What to do about a wrong passphrase.
const WRONG: &str = "give the one that the vault was made with: at the prompt, or in the file that \
                     ULTRA_VAULT_PASSPHRASE_FILE names; a copy of the identity opens it, too: \
                     ULTRA_VAULT_IDENTITY_FILE=FILE";

/// The least length of a new passphrase, in characters.
const LEAST: usize = 8;

/// The identity in the wrapped file; `None` if there is no such file.
///
/// # Errors
/// The passphrase is wrong or the file is damaged (exit 5).
pub(crate) fn load(
    path: &Path,
    passphrase: impl FnOnce() -> Result<Secret, Fault>,
) -> Result<Option<Identity>, Fault> {
    let problem = |why: String| {
        Fault::unreachable(
            Problem::error("identity-locked", "cannot open the vault's identity")
                .at(Place::file(path))
                .why(why),
        )
    };
    let hinted = |why: &str, hint: &str| {
        let mut fault = problem(why.to_owned());
        fault.problems.iter_mut().for_each(|problem| problem.hint = Some(hint.to_owned()));
        fault
    };
    let damaged = || hinted("it is damaged", "restore the file from a backup");
    let Some(wrapped) = file::read_bounded(path, LIMIT).map_err(|e| problem(e.to_string()))? else {
        return Ok(None);
    };
    let mut key = age::scrypt::Identity::new(SecretString::from(passphrase()?.expose().to_owned()));
    key.set_max_work_factor(GREATEST_WORK);
    let text = age::decrypt(&key, &wrapped).map(Zeroizing::new).map_err(|e| match e {
        age::DecryptError::ExcessiveWork { required, .. } => {
            problem(format!("it asks for scrypt work 2^{required}, more than is done"))
        }
        age::DecryptError::DecryptionFailed
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::NoMatchingKeys => hinted("the passphrase is wrong", WRONG),
        _ => damaged(),
    })?;
    let text = std::str::from_utf8(&text).map_err(|_| damaged())?;
    Identity::parse(text).map(Some).map_err(|why| problem(why.to_owned()))
}

/// Makes the wrapped file with a new identity.
///
/// # Errors
/// The passphrase is too short (exit 3), the file cannot be written (exit 5).
pub(crate) fn create(path: &Path, passphrase: &Secret) -> Result<Identity, Fault> {
    let identity = Identity::generate();
    keep(path, passphrase, &identity)?;
    Ok(identity)
}

/// Makes the wrapped file with this identity.
///
/// # Errors
/// As [`create`].
pub(crate) fn keep(path: &Path, passphrase: &Secret, identity: &Identity) -> Result<(), Fault> {
    long_enough(passphrase)?;
    let mut recipient =
        age::scrypt::Recipient::new(SecretString::from(passphrase.expose().to_owned()));
    recipient.set_work_factor(WORK_FACTOR);
    let wrapped = age::encrypt(&recipient, identity.file().expose().as_bytes())
        .map_err(|e| Fault::bug(format!("the identity cannot be sealed: {e}")))?;
    file::create_new(path, &wrapped, file::PRIVATE).map_err(|e| {
        Fault::unreachable(
            Problem::error("identity-locked", "cannot write the vault's identity")
                .at(Place::file(path))
                .hint(Problem::room(path, &e))
                .why(e),
        )
    })
}

/// Whether a new passphrase is long enough.
///
/// # Errors
/// It is not (3).
pub(crate) fn long_enough(passphrase: &Secret) -> Result<(), Fault> {
    if passphrase.expose().chars().count() >= LEAST {
        return Ok(());
    }
    Err(Fault::does_not_hold(vec![
        Problem::error("passphrase-short", "the passphrase is too short")
            .why(format!("at least {LEAST} characters are needed")),
    ]))
}

/// The passphrase in a file, without one trailing newline.
///
/// # Errors
/// Others may read the file (exit 6); it is missing, unreadable or empty (exit 5).
pub(crate) fn from_file(path: &Path) -> Result<Secret, Fault> {
    let (secret, mode) = file::read_secret_with_mode(path).map_err(|why| {
        Fault::unreachable(
            Problem::error("passphrase-file", "cannot read the file with the vault's passphrase")
                .at(Place::file(path))
                .why(why)
                .hint("ULTRA_VAULT_PASSPHRASE_FILE names a file with one line"),
        )
    })?;
    for_its_owner("passphrase-file-open", "the file with the vault's passphrase", path, mode)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_passphrase_opens_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity.age");
        let right = || Ok(Secret::new("canary horse battery"));
        assert!(load(&path, right).unwrap().is_none());
        assert!(create(&path, &Secret::new("short")).is_err());
        let made = create(&path, &right().unwrap()).unwrap();
        assert_eq!(load(&path, right).unwrap().unwrap().recipient(), made.recipient());
        let fault = load(&path, || Ok(Secret::new("wrong horse"))).unwrap_err();
        assert_eq!(fault.problems[0].why.as_deref(), Some("the passphrase is wrong"));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(load(&path, right).is_err());
    }
}
