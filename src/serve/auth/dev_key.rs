//! The service key of a developer's own server: made once, kept in a file, never shown.

use super::key::{self, KeyRequest};
use crate::base::file::{self, PRIVATE};
use crate::base::lock::Lock;
use crate::base::{Secret, Timestamp};
use crate::report::{Place, Problem};
use crate::settings::service_key;
use crate::store::{Scope, Scopes, ServiceKey, Store, StoreError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the key is called in the store.
const NAME: &str = "dev-key";

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
/// new one if there is none, it was revoked, or anybody but the owner could read it. Not for
/// protected profiles.
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
    let kept = kept
        .filter(|_| !exposed)
        .and_then(|(bytes, _)| String::from_utf8(bytes).ok())
        .map(Secret::from_line);
    if let Some(text) = kept
        && let Some((id, secret)) = key::parse(text.expose())
    {
        let hash = key::hash(secret);
        let found = known.iter().find(|key| key.id == id);
        let usable = found.is_none_or(|key| key.revoked_at.is_none() && key.hash == hash);
        if usable {
            let id = id.to_owned();
            if found.is_none() {
                let key = ServiceKey { id: id.clone(), hash, ..fresh(now).key };
                register(store, &known, &key, now).await.map_err(|e| e.problem())?;
            }
            return Ok(DevKey { path, id, created: false, exposed: false });
        }
    }
    let new = fresh(now);
    // The file first: a key in the file that the store lacks is registered at the next start, one
    // in the store whose text nobody has would be in the way.
    file::write_atomic(&path, format!("{}\n", new.text.expose()).as_bytes(), PRIVATE)
        .map_err(|e| problem(e.kind().to_string()))?;
    register(store, &known, &new.key, now).await.map_err(|e| e.problem())?;
    Ok(DevKey { path, id: new.key.id, created: true, exposed })
}

fn fresh(now: Timestamp) -> key::NewKey {
    let scopes = Scopes::of(Scope::ALL);
    key::generate(KeyRequest { name: NAME.to_owned(), scopes, expires_at: None, rate: None }, now)
}

/// Adds the key; an earlier one of the name, whose text is lost, is revoked.
async fn register(
    store: &dyn Store,
    known: &[ServiceKey],
    key: &ServiceKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    for lost in known.iter().filter(|k| k.name == NAME && k.revoked_at.is_none()) {
        store.revoke_service_key(&lost.id, now).await?;
    }
    store.create_service_key(key).await
}
