//! Service keys beside the keys of the vault: they are in the store, which has no values of them.

use super::Desk;
use crate::base::{Timestamp, time};
use crate::commands::backing::with_store;
use crate::commands::service_keys::{self, Row};
use crate::report::{Block, Fault, Table, Tone};
use crate::settings::groups::MigrateMode;
use crate::settings::secret::ValueRef;
use crate::store::DatabaseOptions;

/// The service keys of the profile that are accepted; `None` if the store's address is in the vault,
/// which is not opened unless that is wanted (`open`). A store that is not there yet is not made, and none is migrated.
pub(super) fn rows(desk: &Desk<'_>, open: bool) -> Option<Result<Vec<Row>, Fault>> {
    let settings = desk.settings?;
    let url = settings.database.url.as_ref();
    if !open && url.is_some_and(|url| matches!(url.value, ValueRef::Vault { .. })) {
        return None;
    }
    let profile = &desk.resolution.profile;
    let now = desk.vault.clock().now();
    let options =
        DatabaseOptions::from_settings(&settings.database, profile, desk.state_dir, desk.vault);
    let rows = options.map_err(Fault::unreachable).and_then(|options| {
        if options.is_absent() {
            return Ok(Vec::new());
        }
        let mode = Some(MigrateMode::Check);
        with_store(&options, mode, async |store| service_keys::rows(&*store, profile, now).await)
    });
    Some(rows.map(|rows| rows.into_iter().filter(|row| row.state.accepted()).collect()))
}

/// The service keys for people; nothing if there are none.
pub(super) fn table(rows: &[Row], now: Timestamp) -> Option<Block> {
    let mut table = Table::new(&[
        "service key",
        "id",
        "scopes",
        "state",
        "age",
        "policy",
        "last used",
        "expires",
    ]);
    for row in rows {
        let plain = |text: String| (text, Tone::Plain);
        table.rows.push(vec![
            (row.name.clone(), Tone::Strong),
            plain(row.id.clone()),
            plain(row.scopes.to_string()),
            plain(row.standing(now)),
            plain(time::human(row.age_seconds)),
            row.policy.shown(row.max_age_seconds.unwrap_or_default()),
            plain(row.last_use(now)),
            plain(row.end(now)),
        ]);
    }
    (!table.rows.is_empty()).then_some(Block::Table(table))
}
