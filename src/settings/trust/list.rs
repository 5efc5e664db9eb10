//! The list of roots that this user trusts.

use super::claims::Claims;
use super::parts::Parts;
use crate::base::lock::Lock;
use crate::base::{Timestamp, file, leftover};
use crate::report::{Place, Problem};
use crate::settings::environment::Environment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest list of trusted roots that is read.
const LIMIT: u64 = 4 << 20;

/// Whether the user has agreed to what the profiles of a root ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TrustStatus {
    /// They reference no secret, send no key anywhere and set no variable that is known to make a
    /// command run code or send elsewhere what it sends.
    NotNeeded,
    /// The user has agreed to exactly this.
    Trusted,
    /// The user was never asked.
    Unknown,
    /// References, addresses or variables that run code have changed since the user agreed.
    Changed,
}

impl TrustStatus {
    /// Whether references may be followed.
    pub(crate) fn may_resolve(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Trusted)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Store {
    schema: String,
    #[serde(default)]
    roots: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    digest: String,
    at: Timestamp,
    /// What may be taken away again; older versions wrote the digest alone.
    #[serde(default)]
    parts: Option<Parts>,
}

pub(super) const SCHEMA: &str = "ultra.trust/1";

/// Where this user's list stands; `None` if the environment names no home.
pub(crate) fn store_path(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name: &str| {
        environment.get(name).map(Path::new).filter(|path| path.is_absolute()).map(Path::to_owned)
    };
    let config = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(config.join("ultra/trust.json"))
}

/// Whether the user has agreed to `claims` of `root`, according to the list at `store`.
///
/// # Errors
/// The list cannot be read or is damaged.
pub(crate) fn status(
    store: Option<&Path>,
    root: &Path,
    claims: &Claims,
) -> Result<TrustStatus, Problem> {
    if claims.harmless() {
        return Ok(TrustStatus::NotNeeded);
    }
    agreed(store, root, claims)
}

/// Whether the user has agreed to `claims` of `root`, also where there is nothing to take in now.
///
/// # Errors
/// As [`status`].
pub(crate) fn agreed(
    store: Option<&Path>,
    root: &Path,
    claims: &Claims,
) -> Result<TrustStatus, Problem> {
    let Some(store) = store else { return Ok(TrustStatus::Unknown) };
    Ok(match read(store)?.roots.get(&key(root)) {
        None => TrustStatus::Unknown,
        Some(entry) if entry.digest == claims.digest() => TrustStatus::Trusted,
        Some(Entry { parts: Some(parts), .. }) if parts.cover(&Parts::of(claims)) => {
            TrustStatus::Trusted
        }
        Some(_) => TrustStatus::Changed,
    })
}

/// Writes down that the user agrees to `claims` of `root`.
///
/// # Errors
/// The list cannot be read, locked or written.
pub(crate) fn grant(
    store: &Path,
    root: &Path,
    claims: &Claims,
    at: Timestamp,
) -> Result<(), Problem> {
    let unwritable = |e: io::Error| {
        Problem::error("trust-list", "cannot write the list of trusted roots")
            .at(Place::file(store))
            .why(e)
    };
    let folder = store.parent().unwrap_or(store);
    file::private_dir(folder).map_err(unwritable)?;
    let lock = folder.join("trust.lock");
    let _lock = Lock::take(&lock, "env trust", Duration::from_secs(5)).map_err(|e| {
        Problem::error("trust-list", "cannot write the list of trusted roots")
            .at(Place::file(store))
            .why(e)
    })?;
    leftover::sweep(folder);
    let mut list = read(store)?;
    list.schema = SCHEMA.to_owned();
    let entry = Entry { digest: claims.digest(), at, parts: Some(Parts::of(claims)) };
    list.roots.insert(key(root), entry);
    let mut bytes = serde_json::to_vec_pretty(&list).map_err(|e| unwritable(e.into()))?;
    bytes.push(b'\n');
    file::write_atomic(store, &bytes, file::PRIVATE).map_err(unwritable)
}

fn read(store: &Path) -> Result<Store, Problem> {
    let unreadable = |why: String| {
        Problem::error("trust-list", "cannot read the list of trusted roots")
            .at(Place::file(store))
            .why(why)
            .hint("put the file back from a backup, or remove it and run `ultra env trust` again")
    };
    match file::read_bounded(store, LIMIT).map_err(|e| unreadable(e.to_string()))? {
        None => Ok(Store::default()),
        Some(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| unreadable(format!("it is damaged at line {}", e.line()))),
    }
}

/// The root as a key: its real path, so that a link to it is the same root.
pub(super) fn key(root: &Path) -> String {
    root.canonicalize().unwrap_or_else(|_| root.to_owned()).to_string_lossy().into_owned()
}
