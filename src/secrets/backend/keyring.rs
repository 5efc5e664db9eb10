//! The OS keyring: one item, service `ultra`, user = the vault's id.
//!
//! On Linux that is the Secret Service (<https://specifications.freedesktop.org/secret-service>),
//! which may wait for a person at a screen for ever: every call runs on a thread of its own, with
//! a deadline.

use crate::base::Secret;
use crate::report::{Fault, Problem};
use ::keyring::{Entry, Error};
use std::sync::mpsc;
use std::time::Duration;

/// The service that our items are filed under.
pub(crate) const SERVICE: &str = "ultra";

/// How long a call may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why the keyring did not do what was asked. Four different things, with four remedies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeyringError {
    /// The keyring answers, and has no such item.
    NotFound,
    /// The keyring is locked and nobody unlocked it, or it does not answer in time.
    Locked(String),
    /// There is no keyring service to talk to.
    NoBackend(String),
    /// The keyring is there and refuses.
    Denied(String),
}

impl KeyringError {
    /// The fault for people: what, why and the way out (exit 5).
    pub(crate) fn fault(self, vault: &str) -> Fault {
        Fault::unreachable(match self {
            Self::NotFound => Problem::error(
                "keyring-item-missing",
                format!("the keyring has no identity for vault `{vault}`"),
            )
            .why(format!("no item with service `{SERVICE}` and user `{vault}`"))
            .hint(
                "sign in as the user who made the vault, or restore the identity from your \
                 backup and name its file: ULTRA_VAULT_IDENTITY_FILE=FILE",
            ),
            other => other.unusable(),
        })
    }

    /// What is wrong with the keyring as such, and the way out.
    pub(crate) fn unusable(self) -> Problem {
        match self {
            Self::NotFound => {
                Problem::error("keyring-forgets", "the keyring does not keep what is written to it")
                    .why("what was just stored is not found")
                    .hint("set up a default collection in the keyring, or keep the identity in a file: ULTRA_VAULT_IDENTITY_FILE=FILE")
            }
            Self::Locked(why) => Problem::error("keyring-locked", "the keyring is locked")
                .why(why)
                .hint("unlock it (sign in on the desktop, or `gnome-keyring-daemon --unlock`) and run the command again"),
            Self::NoBackend(why) => Problem::error("no-keyring", "there is no keyring here")
                .why(why)
                .hint("run the command in a session with a Secret Service (`dbus-run-session`), or keep the identity in a file: ULTRA_VAULT_IDENTITY_FILE=FILE"),
            Self::Denied(why) => Problem::error("keyring-denied", "the keyring denies access")
                .why(why)
                .hint("allow `ultra` to use the keyring, or ask who administers it"),
        }
    }

    /// One line of why, for a list of ways that failed.
    pub(crate) fn brief(&self) -> String {
        match self {
            Self::NotFound => "the keyring does not keep what is written to it".to_owned(),
            Self::Locked(why) => format!("the keyring is locked ({why})"),
            Self::NoBackend(why) => format!("there is no keyring here ({why})"),
            Self::Denied(why) => format!("the keyring denies access ({why})"),
        }
    }
}

/// The identity of `vault`.
pub(crate) fn load(vault: &str) -> Result<Secret, KeyringError> {
    let vault = vault.to_owned();
    in_time(move || {
        let bytes = entry(&vault)?.get_secret().map_err(|e| explain(&e))?;
        String::from_utf8(bytes)
            .map(Secret::new)
            .map_err(|_| KeyringError::Denied("the item is not a text".to_owned()))
    })
}

/// Stores the identity of `vault` and reads it back.
pub(crate) fn store(vault: &str, identity: &Secret) -> Result<(), KeyringError> {
    let (user, value) = (vault.to_owned(), identity.clone());
    in_time(move || entry(&user)?.set_secret(value.expose().as_bytes()).map_err(|e| explain(&e)))?;
    if load(vault)?.same_as(identity) { Ok(()) } else { Err(KeyringError::NotFound) }
}

/// Removes the identity of `vault`; that there is none is fine.
pub(crate) fn delete(vault: &str) -> Result<(), KeyringError> {
    let vault = vault.to_owned();
    match in_time(move || entry(&vault)?.delete_credential().map_err(|e| explain(&e))) {
        Err(KeyringError::NotFound) => Ok(()),
        other => other,
    }
}

/// Writes, reads and deletes a canary: the only way to know that a keyring works.
pub(crate) fn probe() -> Result<(), KeyringError> {
    let user = format!("probe-{}", uuid::Uuid::new_v4());
    let canary = super::super::crypto::random_key();
    in_time(move || {
        let entry = entry(&user)?;
        entry.set_secret(canary.expose().as_bytes()).map_err(|e| explain(&e))?;
        let read = entry.get_secret().map_err(|e| explain(&e));
        let deleted = entry.delete_credential().map_err(|e| explain(&e));
        if read? != canary.expose().as_bytes() {
            return Err(KeyringError::NotFound);
        }
        deleted
    })
}

fn entry(user: &str) -> Result<Entry, KeyringError> {
    // The cause of a missing store is only told here.
    if let Err(e) = Entry::store_status() {
        let why = chain(e);
        // A bus may be there, and let nobody talk to the service.
        return Err(match refuses(&why.to_lowercase()) {
            true => KeyringError::Denied(why),
            false => KeyringError::NoBackend(why),
        });
    }
    Entry::new(SERVICE, user).map_err(|e| explain(&e))
}

/// Whether a cause, in small letters, says that somebody is there and says no.
fn refuses(lower: &str) -> bool {
    ["accessdenied", "access denied", "not allowed"].iter().any(|sign| lower.contains(sign))
}

fn explain(error: &Error) -> KeyringError {
    match error {
        Error::NoEntry => KeyringError::NotFound,
        Error::NoDefaultStore => KeyringError::NoBackend(chain(error)),
        Error::NoStorageAccess(_) => KeyringError::Locked(chain(error)),
        Error::PlatformFailure(_) => {
            let why = chain(error);
            let lower = why.to_lowercase();
            if refuses(&lower) {
                KeyringError::Denied(why)
            } else if lower.contains("locked") {
                KeyringError::Locked(why)
            } else if [
                "serviceunknown",
                "namehasnoowner",
                "not provided",
                "connection",
                "disconnected",
                "i/o error",
                "broken pipe",
                "no such object",
                "unavailable",
            ]
            .iter()
            .any(|sign| lower.contains(sign))
            {
                KeyringError::NoBackend(why)
            } else {
                KeyringError::Denied(why)
            }
        }
        other => KeyringError::Denied(chain(other)),
    }
}

/// The error with its causes. The variants that hold bytes of an item do not print them, and an
/// ambiguous item prints only where it is filed.
fn chain(error: &Error) -> String {
    let mut text = match error {
        Error::BadDataFormat(..) | Error::BadEncoding(_) => {
            return "the item is malformed".to_owned();
        }
        Error::Ambiguous(entries) => {
            return format!("{} items match, and there may be only one", entries.len());
        }
        other => other.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = e.source();
    }
    text
}

/// Runs `call` on a thread; after the deadline the thread is left behind, waiting for whatever it
/// waits for, and ends with the process.
fn in_time<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    within(DEADLINE, call)
}

fn within<T: Send + 'static>(
    deadline: Duration,
    call: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(move || {
            let _ = tell.send(call());
        })
        .map_err(|e| KeyringError::NoBackend(format!("cannot start a thread: {e}")))?;
    match told.recv_timeout(deadline) {
        Ok(answer) => answer,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyringError::Locked(format!(
            "no answer within {} s; it may be waiting for somebody to unlock it",
            deadline.as_secs()
        ))),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(KeyringError::NoBackend("the keyring client failed".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(text: &str) -> Box<dyn std::error::Error + Send + Sync> {
        text.into()
    }

    #[test]
    fn the_four_failures_are_told_apart() {
        assert_eq!(explain(&Error::NoEntry), KeyringError::NotFound);
        assert!(matches!(explain(&Error::NoDefaultStore), KeyringError::NoBackend(_)));
        assert!(matches!(
            explain(&Error::NoStorageAccess(boxed("SS Error: prompt dismissed"))),
            KeyringError::Locked(_)
        ));
        assert!(matches!(
            explain(&Error::PlatformFailure(boxed("org.freedesktop.DBus.Error.ServiceUnknown"))),
            KeyringError::NoBackend(_)
        ));
        assert!(matches!(
            explain(&Error::PlatformFailure(boxed("org.freedesktop.DBus.Error.AccessDenied"))),
            KeyringError::Denied(_)
        ));
    }

    #[test]
    fn bytes_of_an_item_are_not_printed() {
        let error = Error::BadDataFormat(b"canary".to_vec(), boxed("canary"));
        assert!(!format!("{:?}", explain(&error)).contains("canary"));
        assert!(!explain(&error).brief().contains("canary"));
    }

    #[test]
    fn a_call_that_hangs_is_left_behind() {
        let (_keep, never) = mpsc::channel::<()>();
        let answer = within(Duration::from_millis(30), move || {
            let _ = never.recv();
            Ok(())
        });
        assert!(matches!(answer, Err(KeyringError::Locked(_))));
    }
}
