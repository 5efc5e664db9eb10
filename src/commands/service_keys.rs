//! Service keys as commands tell of them: how each stands, how old it may become, who is meant by
//! a name.

use super::keys::Policy;
use crate::base::{Timestamp, near, time};
use crate::report::{Fault, Problem};
use crate::settings::key_age::ServiceKeyAge;
use crate::settings::profile::Profile;
use crate::settings::secretish::named;
use crate::store::{Scopes, ServiceKey, Store, StoreError};
use serde::Serialize;

/// How a service key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    /// It is accepted.
    Current,
    /// It is accepted until it ends: another takes its place.
    Ending,
    /// It has ended by itself.
    Expired,
    /// It was taken back.
    Revoked,
}

impl Standing {
    /// How the key stands at a time.
    pub(super) fn of(key: &ServiceKey, now: Timestamp) -> Self {
        match (key.revoked_at, key.expires_at, &key.replaced_by) {
            (Some(_), ..) => Self::Revoked,
            (None, Some(end), _) if end <= now => Self::Expired,
            (None, _, Some(_)) => Self::Ending,
            (None, _, None) => Self::Current,
        }
    }

    /// Whether servers accept the key.
    pub(super) fn accepted(self) -> bool {
        matches!(self, Self::Current | Self::Ending)
    }
}

/// A service key as it is shown: never its hash.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// Its public part.
    pub(super) id: String,
    /// What people call it.
    pub(super) name: String,
    /// What it may do.
    pub(super) scopes: Scopes,
    /// How it stands.
    pub(super) state: Standing,
    /// When it was made.
    pub(super) created_at: Timestamp,
    /// How old it is.
    pub(super) age_seconds: i64,
    /// How old it may become; `None` if nobody minds.
    pub(super) max_age_seconds: Option<u64>,
    /// Whether it is within its greatest age.
    pub(super) policy: Policy,
    /// When it ends by itself.
    pub(super) expires_at: Option<Timestamp>,
    /// When it was last used, as far as usage was recorded.
    pub(super) last_used_at: Option<Timestamp>,
    /// Requests per minute, if it has a limit of its own.
    pub(super) requests_per_minute: Option<u32>,
    /// When it was revoked.
    pub(super) revoked_at: Option<Timestamp>,
    /// The key that takes its place.
    pub(super) replaced_by: Option<String>,
}

impl Row {
    /// The row of a key of the profile. Only one that is to go on being used can be too old.
    pub(super) fn of(key: &ServiceKey, profile: &Profile, now: Timestamp) -> Self {
        let state = Standing::of(key, now);
        let age = now.as_second() - key.created_at.as_second();
        let max = ServiceKeyAge::of(profile).limit(&key.name).map(|max| max.as_secs());
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            scopes: key.scopes,
            state,
            created_at: key.created_at,
            age_seconds: age,
            max_age_seconds: max,
            policy: match state {
                Standing::Current => Policy::of(age, max),
                _ => Policy::None,
            },
            expires_at: key.expires_at,
            last_used_at: None,
            requests_per_minute: key.rate,
            revoked_at: key.revoked_at,
            replaced_by: key.replaced_by.clone(),
        }
    }

    /// How it stands, for people.
    pub(super) fn standing(&self, now: Timestamp) -> String {
        match (self.state, self.expires_at) {
            (Standing::Current, _) => "current".to_owned(),
            (Standing::Ending, Some(end)) => format!("ending in {}", span(now, end)),
            (Standing::Ending, None) => "ending".to_owned(),
            (Standing::Expired, _) => "expired".to_owned(),
            (Standing::Revoked, _) => "revoked".to_owned(),
        }
    }

    /// When it ends by itself, for people.
    pub(super) fn end(&self, now: Timestamp) -> String {
        match (self.state, self.expires_at) {
            (Standing::Current | Standing::Ending, Some(end)) => format!("in {}", span(now, end)),
            (Standing::Current | Standing::Ending, None) => "never".to_owned(),
            (Standing::Expired, Some(end)) => format!("{} ago", span(end, now)),
            _ => "-".to_owned(),
        }
    }

    /// When it was last used, for people.
    pub(super) fn last_use(&self, now: Timestamp) -> String {
        match self.last_used_at {
            Some(at) => format!("{} ago", span(at, now)),
            None => "-".to_owned(),
        }
    }
}

fn span(from: Timestamp, to: Timestamp) -> String {
    time::human(to.as_second() - from.as_second())
}

/// All service keys of the store, oldest first, with their last use.
///
/// # Errors
/// The store's.
pub(super) async fn rows(
    store: &dyn Store,
    profile: &Profile,
    now: Timestamp,
) -> Result<Vec<Row>, StoreError> {
    let keys = store.service_keys().await?;
    let uses = store.service_key_uses().await?;
    let row = |key: &ServiceKey| {
        let used = uses.iter().find(|(id, _)| *id == key.id).map(|(_, at)| *at);
        Row { last_used_at: used, ..Row::of(key, profile, now) }
    };
    Ok(keys.iter().map(row).collect())
}

/// What is to be done about keys that are too old.
pub(super) fn problems(rows: &[Row], profile: &str) -> Vec<Problem> {
    let due = |row: &Row| {
        let how = match row.policy {
            Policy::Over => "is older than it may be",
            Policy::Due => "is due to be replaced",
            Policy::None | Policy::Ok => return None,
        };
        Some(
            Problem::warning("key-age", format!("the service key `{}` {how}", row.name))
                .why(format!("it is {} old", time::human(row.age_seconds)))
                .hint(format!("ultra auth service-key rotate {} --profile {profile}", row.id)),
        )
    };
    rows.iter().filter_map(due).collect()
}

/// The key that people mean. An id is always meant as such; of several keys of a name, the one that
/// is current, else one that is still accepted, else the latest.
pub(super) fn find<'a>(
    keys: &'a [ServiceKey],
    wanted: &str,
    now: Timestamp,
) -> Option<&'a ServiceKey> {
    let named = || keys.iter().filter(|key| key.name == wanted);
    let standing = |key: &&ServiceKey| Standing::of(key, now);
    keys.iter()
        .find(|key| key.id == wanted)
        .or_else(|| named().find(|key| standing(key) == Standing::Current))
        .or_else(|| named().rfind(|key| standing(key).accepted()))
        .or_else(|| named().rfind(|key| key.revoked_at.is_none()))
        .or_else(|| named().next_back())
}

/// The fault of a name that no key has (2).
pub(super) fn unknown(wanted: &str, keys: &[ServiceKey]) -> Fault {
    let names: Vec<&str> =
        keys.iter().filter(|k| k.revoked_at.is_none()).map(|k| k.name.as_str()).collect();
    let what = named("there is no service key", wanted);
    Fault::usage(
        Problem::error("unknown-service-key", what)
            .hint("ultra auth service-key list")
            .maybe_hint(near::hint(wanted, names.iter().copied())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, expires: Option<i64>, revoked: bool, by: Option<&str>) -> ServiceKey {
        let at = |second| Timestamp::from_second(second).unwrap();
        ServiceKey {
            id: id.to_owned(),
            hash: [0; 32],
            name: "ci".to_owned(),
            scopes: Scopes::default(),
            created_at: at(0),
            expires_at: expires.map(at),
            rate: None,
            revoked_at: revoked.then(|| at(1)),
            replaced_by: by.map(str::to_owned),
        }
    }

    #[test]
    fn a_key_ends_when_its_time_comes_and_not_before() {
        let now = Timestamp::from_second(100).unwrap();
        for (key, expected) in [
            (key("a", None, false, None), Standing::Current),
            (key("a", Some(101), false, None), Standing::Current),
            (key("a", Some(101), false, Some("b")), Standing::Ending),
            (key("a", Some(100), false, Some("b")), Standing::Expired),
            (key("a", Some(100), false, None), Standing::Expired),
            (key("a", Some(101), true, Some("b")), Standing::Revoked),
        ] {
            assert_eq!(Standing::of(&key, now), expected, "{key:?}");
        }
    }

    #[test]
    fn a_name_means_the_key_that_is_in_use() {
        let now = Timestamp::from_second(100).unwrap();
        let (gone, ending) = (key("a", None, true, None), key("b", Some(200), false, Some("c")));
        let (expired, current) =
            (key("x", Some(50), false, Some("b")), key("c", None, false, None));
        let found = |keys: &[ServiceKey], wanted| find(keys, wanted, now).map(|k| k.id.clone());
        let all = [gone, expired, ending, current];
        let [gone, expired, ending, _] = &all;
        assert_eq!(found(&all, "ci").as_deref(), Some("c"));
        assert_eq!(found(&all, "b").as_deref(), Some("b"));
        let some = [gone.clone(), expired.clone(), ending.clone()];
        assert_eq!(found(&some, "ci").as_deref(), Some("b"));
        assert_eq!(found(&[expired.clone(), gone.clone()], "ci").as_deref(), Some("x"));
        assert_eq!(found(std::slice::from_ref(gone), "ci").as_deref(), Some("a"));
        assert_eq!(found(&all, "cd"), None);
    }
}
