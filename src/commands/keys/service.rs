//! Service keys beside the keys of the vault: they are in the store, which has no values of them.

use super::Desk;
use super::rows::Policy;
use crate::base::{Timestamp, time};
use crate::commands::backing::with_store;
use crate::report::{Block, Fault, Problem, Table, Tone};
use crate::settings::groups::MigrateMode;
use crate::settings::secret::ValueRef;
use crate::store::{DatabaseOptions, Scopes, ServiceKey};
use serde::Serialize;

/// A service key that is in use.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// Its public part.
    id: String,
    /// What people call it.
    name: String,
    /// What it may do.
    scopes: Scopes,
    /// When it was made.
    created_at: Timestamp,
    /// How old it is.
    age_seconds: i64,
    /// How old it may become.
    max_age_seconds: u64,
    /// Whether it is within its greatest age.
    policy: Policy,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
}

/// The service keys of the profile that are accepted; `None` if the store's address is in the vault,
/// which is not opened unless that is wanted (`open`). A store that is not there yet is not made, and none is migrated.
pub(super) fn rows(desk: &Desk<'_>, open: bool) -> Option<Result<Vec<Row>, Fault>> {
    let settings = desk.settings?;
    let url = settings.database.url.as_ref();
    if !open && url.is_some_and(|url| matches!(url.value, ValueRef::Vault { .. })) {
        return None;
    }
    let profile = &desk.resolution.profile;
    let options =
        DatabaseOptions::from_settings(&settings.database, profile, desk.state_dir, desk.vault);
    let keys = options.map_err(Fault::unreachable).and_then(|options| {
        if options.is_absent() {
            return Ok(Vec::new());
        }
        let mode = Some(MigrateMode::Check);
        with_store(&options, mode, async |store| store.service_keys().await)
    });
    let (now, max) = (desk.vault.clock().now(), profile.policy.key_max_age.service.as_secs());
    Some(keys.map(|keys| keys.into_iter().filter_map(|key| row(key, max, now)).collect()))
}

fn row(key: ServiceKey, max: u64, now: Timestamp) -> Option<Row> {
    if key.revoked_at.is_some() || key.expires_at.is_some_and(|end| end <= now) {
        return None;
    }
    let age = now.as_second() - key.created_at.as_second();
    Some(Row {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        created_at: key.created_at,
        age_seconds: age,
        max_age_seconds: max,
        policy: Policy::of(age, Some(max)),
        expires_at: key.expires_at,
    })
}

/// The service keys for people; nothing if there are none.
pub(super) fn table(rows: &[Row], now: Timestamp) -> Option<Block> {
    let mut table = Table::new(&["service key", "id", "scopes", "age", "policy", "expires"]);
    for row in rows {
        let (policy, tone) = row.policy.shown(row.max_age_seconds);
        let left = |end: Timestamp| time::human(end.as_second() - now.as_second());
        table.rows.push(vec![
            (row.name.clone(), Tone::Strong),
            (row.id.clone(), Tone::Plain),
            (row.scopes.to_string(), Tone::Plain),
            (time::human(row.age_seconds), Tone::Plain),
            (policy, tone),
            (
                row.expires_at.map_or("never".to_owned(), |end| format!("in {}", left(end))),
                Tone::Plain,
            ),
        ]);
    }
    (!table.rows.is_empty()).then_some(Block::Table(table))
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
                .hint(format!(
                    "make another with `ultra auth service-key create NAME --profile {profile}`, give \
                     it to who uses this one, then `ultra auth service-key revoke {} --profile {profile}`",
                    row.id
                )),
        )
    };
    rows.iter().filter_map(due).collect()
}
