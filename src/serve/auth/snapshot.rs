//! All that is known of callers at one time.

use crate::base::Timestamp;
use crate::settings::key_age::{KeyAge, ServiceKeyAge};
use crate::store::{Scopes, ServiceKey};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Where a snapshot is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SnapshotSource {
    /// Read from the store by this process.
    Store,
    /// The sealed copy that an earlier process left.
    Sealed,
}

/// What is known of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: Arc<str>,
    pub(super) hash: [u8; 32],
    pub(super) name: Arc<str>,
    pub(super) scopes: Scopes,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) rate: Option<u32>,
    pub(super) revoked: bool,
    /// When it was made; `None` if another takes its place already.
    aging_since: Option<Timestamp>,
}

/// All service keys as of one time, revoked ones too.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(super) keys: Arc<HashMap<String, Known>>,
    taken_at: Timestamp,
    source: SnapshotSource,
}

/// The form in which a snapshot is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    taken_at: Timestamp,
    keys: Vec<ServiceKey>,
}

impl Snapshot {
    /// A snapshot of `keys` that were read beginning at `taken_at`.
    pub(crate) fn new(keys: &[ServiceKey], taken_at: Timestamp, source: SnapshotSource) -> Self {
        let known = |key: &ServiceKey| {
            let known = Known {
                id: key.id.as_str().into(),
                hash: key.hash,
                name: key.name.as_str().into(),
                scopes: key.scopes,
                expires_at: key.expires_at,
                rate: key.rate,
                revoked: key.revoked_at.is_some(),
                aging_since: key.replaced_by.is_none().then_some(key.created_at),
            };
            (key.id.clone(), known)
        };
        Self { keys: Arc::new(keys.iter().map(known).collect()), taken_at, source }
    }

    /// The same keys, seen again at `taken_at`.
    pub(super) fn seen_again(&self, taken_at: Timestamp) -> Self {
        Self { keys: Arc::clone(&self.keys), taken_at, source: SnapshotSource::Store }
    }

    /// When it was taken.
    pub(crate) fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// Where it is from.
    pub(crate) fn source(&self) -> SnapshotSource {
        self.source
    }

    /// How old it is. A clock that was set back does not make it younger than zero.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.taken_at)).unwrap_or(Duration::ZERO)
    }

    /// The ids and names of accepted keys that are older than they may be, and that nobody
    /// replaces yet; in the order of their names.
    pub(crate) fn over_age(
        &self,
        ages: ServiceKeyAge,
        now: Timestamp,
    ) -> Vec<(Arc<str>, Arc<str>)> {
        let over = |known: &&Known| {
            let accepted = !known.revoked && known.expires_at.is_none_or(|end| end > now);
            let (Some(since), Some(limit)) = (known.aging_since, ages.limit(&known.name)) else {
                return false;
            };
            let age = now.as_second() - since.as_second();
            accepted && KeyAge::of(age, limit.as_secs()) == KeyAge::Over
        };
        let told = |known: &Known| (Arc::clone(&known.id), Arc::clone(&known.name));
        let mut found: Vec<_> = self.keys.values().filter(over).map(told).collect();
        found.sort_by(|(one, a), (other, b)| (a, one).cmp(&(b, other)));
        found
    }

    /// How many keys it knows, revoked ones too.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// What is sealed: keys and time as JSON.
    pub(super) fn to_bytes(keys: &[ServiceKey], taken_at: Timestamp) -> Vec<u8> {
        let sealed = Sealed { taken_at, keys: keys.to_vec() };
        // Times, texts and numbers always have a JSON form.
        serde_json::to_vec(&sealed).unwrap_or_default()
    }

    /// The snapshot of a sealed copy.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sealed: Sealed = serde_json::from_slice(bytes).ok()?;
        Some(Self::new(&sealed.keys, sealed.taken_at, SnapshotSource::Sealed))
    }
}
