//! The service key of a developer's own server: made once, kept in a file, never shown.

use super::key::{self, KeyRequest};
use crate::base::file::{self, PRIVATE};
use crate::base::lock::Lock;
use crate::base::{Secret, Timestamp};
use crate::report::{Place, Problem};
use crate::settings::service_key;
use crate::store::{Scope, Scopes, ServiceKey, Store, StoreError};
use sha2::{Digest as _, Sha256};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// As many of them are good at a time. A store may be shared by many checkouts, and one that is
/// deleted leaves its key: the oldest go.
const MOST: usize = 100;

/// The file that tells one machine from another (machine-id(5)); containers may have none.
const MACHINE: &str = "/etc/machine-id";

/// The key of a developer's own server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DevKey {
    /// The file that holds it (0600), for a command line that reads it.
    pub(crate) path: PathBuf,
    /// Its id, which may be shown.
    pub(crate) id: String,
    /// Whether it was made just now.
    pub(crate) created: bool,
    /// Whether that was because others could read or write the one before, or had put it there.
    pub(crate) exposed: bool,
}

/// The key in `dev-key` of the state directory, known to the store: the one that is there, or a
/// new one if there is none, it was revoked, or anybody but the owner could read it. Keys of other
/// state directories in the same store are left alone. Not for protected profiles.
///
/// # Errors
/// The file cannot be used, or the store's error.
pub(crate) async fn dev_key(
    state_dir: &Path,
    store: &dyn Store,
    now: Timestamp,
) -> Result<DevKey, Problem> {
    let path = service_key::kept_at(state_dir);
    let problem = |why: String| {
        Problem::error("dev-key", "cannot keep the service key for development")
            .at(Place::file(&path))
            .why(why)
    };
    file::private_dir(state_dir).map_err(|e| problem(e.kind().to_string()))?;
    // Two servers that start at once must end up with one key.
    let _lock = Lock::take(&state_dir.join("dev-key.lock"), "dev key", Duration::from_secs(5))
        .map_err(|e| problem(e.to_string()))?;
    let known = store.service_keys().await.map_err(|e| e.problem())?;
    let kept = file::read_with_mode(&path, 1 << 10).map_err(|e| problem(e.kind().to_string()))?;
    // Whoever could read it may use it, and one that came with a clone is known to its author.
    let exposed = kept.as_ref().is_some_and(|(_, mode)| mode & 0o077 != 0);
    let kept = kept.and_then(|(bytes, _)| String::from_utf8(bytes).ok()).map(Secret::from_line);
    let name = name_of(state_dir);
    let mut lost = None;
    if let Some(text) = kept
        && let Some((id, secret)) = key::parse(text.expose())
    {
        let hash = key::hash(secret);
        let found = known.iter().find(|key| key.id == id);
        let usable = found.is_none_or(|key| key.revoked_at.is_none() && key.hash == hash);
        if usable && !exposed {
            let id = id.to_owned();
            if found.is_none() {
                let key = ServiceKey { id: id.clone(), hash, ..fresh(&name, now).key };
                register(store, &known, &key, now).await.map_err(|e| e.problem())?;
            }
            return Ok(DevKey { path, id, created: false, exposed: false });
        }
        lost = found.filter(|_| usable).map(|key| key.id.clone());
    }
    let new = fresh(&name, now);
    // The file first: a key in the file that the store lacks is registered at the next start, one
    // in the store whose text nobody has would be in the way.
    file::write_atomic(&path, format!("{}\n", new.text.expose()).as_bytes(), PRIVATE)
        .map_err(|e| problem(e.kind().to_string()))?;
    // The one that others could read may have been made elsewhere, under another name.
    if let Some(id) = lost {
        store.revoke_service_key(&id, now).await.map_err(|e| e.problem())?;
    }
    register(store, &known, &new.key, now).await.map_err(|e| e.problem())?;
    Ok(DevKey { path, id: new.key.id, created: true, exposed })
}

/// What the key of this state directory is called in the store. The same place on the same machine
/// has the same name, so that a checkout that is made anew takes the place of the former one.
fn name_of(state_dir: &Path) -> String {
    let machine = file::read_bounded(Path::new(MACHINE), 1 << 10).ok().flatten();
    let place = state_dir.canonicalize().unwrap_or_else(|_| state_dir.to_owned());
    let system = rustix::system::uname();
    let mut text = Vec::new();
    for part in [
        machine.as_deref().unwrap_or_default(),
        system.nodename().to_bytes(),
        place.as_os_str().as_bytes(),
    ] {
        text.extend_from_slice(part);
        text.push(0);
    }
    let digest: [u8; 32] = Sha256::digest(&text).into();
    let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{short}", service_key::KEPT)
}

fn fresh(name: &str, now: Timestamp) -> key::NewKey {
    let scopes = Scopes::of(Scope::ALL);
    key::generate(KeyRequest { name: name.to_owned(), scopes, expires_at: None, rate: None }, now)
}

/// Adds the key. An earlier one of the name, whose text is lost, is revoked, and so is the oldest
/// where there are too many.
async fn register(
    store: &dyn Store,
    known: &[ServiceKey],
    key: &ServiceKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let alive = known.iter().filter(|k| k.revoked_at.is_none());
    let (lost, mut others): (Vec<_>, Vec<_>) =
        alive.filter(|k| service_key::is_kept(&k.name)).partition(|k| k.name == key.name);
    others.sort_by_key(|k| k.created_at);
    let too_many = (others.len() + 1).saturating_sub(MOST);
    for gone in lost.into_iter().chain(others.into_iter().take(too_many)) {
        store.revoke_service_key(&gone.id, now).await?;
    }
    store.create_service_key(key).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_one_place_and_known_again() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (name_of(dir.path()), name_of(&dir.path().join("other")));
        assert_ne!(one, other);
        assert_eq!(one, name_of(&dir.path().join(".")));
        assert!(service_key::is_kept(&one) && service_key::is_kept("dev-key"));
        for name in ["dev-key-", "dev-keys", "dev-key-mia", "dev-key-ABCDEF012345", "ci"] {
            assert!(!service_key::is_kept(name), "{name}");
        }
    }
}
