//! `ultra db`: the store's schema and state.

use super::backing::{confirm, options, with_store};
use crate::base::{Timestamp, words};
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::settings::groups::MigrateMode;
use crate::settings::{SecretSource, Workspace};
use crate::store::{AppliedMigration, Heartbeat, SchemaStatus, Store, StoreError, StoreKind};
use serde::Serialize;
use std::time::Duration;

/// Who has given no sign of life for so long is gone: servers give one every few seconds.
const SEEN: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct Migrated<'a> {
    profile: &'a str,
    kind: StoreKind,
    location: &'a str,
    applied: &'a [AppliedMigration],
}

#[derive(Serialize)]
struct Status<'a> {
    profile: &'a str,
    kind: StoreKind,
    location: &'a str,
    /// Whether the database is there at all.
    exists: bool,
    current: bool,
    /// Whether a server applies what is pending when it starts.
    automatic: bool,
    #[serde(flatten)]
    migrations: &'a SchemaStatus,
    /// What was metered; `null` while the schema is not there, or if counting takes too long.
    usage: Option<Usage>,
    /// The servers that were seen in the last minute; `null` while the schema is not there.
    servers: Option<Vec<Heartbeat>>,
}

/// What was metered.
#[derive(Serialize)]
struct Usage {
    /// How many rows.
    rows: u64,
    /// The time of the latest.
    latest_at: Option<Timestamp>,
}

/// Applies what is pending, all or none.
///
/// # Errors
/// A protected profile without confirmation (6); the store's errors.
pub(crate) fn migrate(
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let (settings, options) = options(workspace, secrets)?;
    let profile = &settings.profile.name;
    confirm(&settings, "migrate the store", console)?;
    if options.is_sqlite() {
        workspace.prepare_state_dir()?;
    }
    let _progress = console.progress("migrating the store");
    let (kind, location, applied) =
        with_store(&options, Some(MigrateMode::Check), async |store| {
            let applied = store.migrate().await?;
            Ok((store.kind(), store.location().to_owned(), applied))
        })?;
    let labels: Vec<String> =
        applied.iter().map(|m| format!("{:04}-{}", m.version, m.name)).collect();
    let view = if applied.is_empty() {
        vec![Block::text(format!("`{location}` of profile `{profile}` is up to date"))]
    } else {
        vec![
            Block::text(format!("migrated `{location}` of profile `{profile}`")),
            Block::List(labels),
        ]
    };
    let data = Migrated { profile, kind, location: &location, applied: &applied };
    Report::new("ultra.db.migrate/1", data, view)
}

/// Says where the store is and which migrations it has. Changes nothing, creates nothing.
///
/// # Errors
/// The store cannot be reached (5) or is damaged (3).
pub(crate) fn status(workspace: &Workspace, secrets: &dyn SecretSource) -> Result<Report, Fault> {
    let (settings, options) = options(workspace, secrets)?;
    let profile = &settings.profile.name;
    let exists = !options.is_absent();
    let automatic = options.mode() == MigrateMode::Auto;
    let seen = with_store(&options, Some(MigrateMode::Check), async |store| {
        let schema = store.schema().await?;
        let current = is_current(&schema);
        let usage = if current { usage(&*store).await? } else { None };
        let servers = if current { Some(store.heartbeats(SEEN).await?) } else { None };
        Ok((store.kind(), store.location().to_owned(), schema, usage, servers))
    })?;
    let (kind, location, schema, usage, servers) = seen;
    let current = is_current(&schema);
    let mut view = vec![Block::pairs([
        ("profile", profile.as_str()),
        ("store", location.as_str()),
        ("kind", if kind == StoreKind::Postgres { "PostgreSQL" } else { "SQLite" }),
        (
            "state",
            if !exists {
                "not created yet"
            } else if current {
                "up to date"
            } else {
                "not up to date"
            },
        ),
    ])];
    view.push(migrations(&schema));
    if let Some(newer) = schema.newer {
        let known = schema.known;
        view.push(Block::Finding(
            Problem::error(
                "store-newer-schema",
                format!("the schema has version {newer}, this program knows {known}"),
            )
            .hint("use the newer `ultra` that migrated it"),
        ));
    } else if !schema.pending.is_empty() {
        view.push(Block::text(if automatic {
            "a server applies what is pending when it starts; so does `ultra db migrate`"
        } else {
            "apply what is pending with `ultra db migrate`"
        }));
    }
    if current {
        view.push(Block::text(metered(usage.as_ref())));
        view.extend(servers.as_deref().map(seen_servers));
    }
    let data = Status {
        profile,
        kind,
        location: &location,
        exists,
        current,
        automatic,
        migrations: &schema,
        usage,
        servers,
    };
    let healthy = current || (automatic && schema.newer.is_none() && schema.changed.is_empty());
    let status = if healthy { ExitStatus::Holds } else { ExitStatus::DoesNotHold };
    Ok(Report::new("ultra.db.status/1", data, view)?.status(status))
}

fn is_current(schema: &SchemaStatus) -> bool {
    schema.pending.is_empty() && schema.newer.is_none() && schema.changed.is_empty()
}

/// What was metered. Counting a very long table may take longer than an operation may; that is
/// no reason to say nothing about the store.
async fn usage(store: &dyn Store) -> Result<Option<Usage>, StoreError> {
    let rows = match store.count_usage().await {
        Ok(rows) => rows,
        Err(StoreError::Timeout { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let latest_at = store.recent_usage(1).await?.first().map(|row| row.at);
    Ok(Some(Usage { rows, latest_at }))
}

fn metered(usage: Option<&Usage>) -> String {
    match usage {
        None => "usage: too many rows to count in time".to_owned(),
        Some(Usage { rows: 0, .. } | Usage { latest_at: None, .. }) => "usage: no rows".to_owned(),
        Some(Usage { rows, latest_at: Some(at) }) => {
            let rows = words::count(*rows, "row");
            format!("usage: {rows}, the latest of {}", at.strftime("%Y-%m-%d %H:%M:%S UTC"))
        }
    }
}

fn seen_servers(servers: &[Heartbeat]) -> Block {
    if servers.is_empty() {
        return Block::text("no server was seen in the last minute");
    }
    let mut table = Table::new(&["server", "version", "profile", "config", "slots", "seen"]);
    for server in servers {
        let plain = |text: String| (text, Tone::Plain);
        table.rows.push(vec![
            plain(server.instance.clone()),
            plain(server.version.clone()),
            plain(server.profile.clone()),
            plain(server.config_hash.clone()),
            plain(slots(&server.slots)),
            plain(server.at.strftime("%H:%M:%S").to_string()),
        ]);
    }
    Block::Table(table)
}

/// Slots as a server has written them down, such as `openai/OPENAI_API_KEY#3 active`.
fn slots(slots: &serde_json::Value) -> String {
    let one = |slot: &serde_json::Value| {
        let text = |name: &str| slot.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        let generation = slot.get("generation").and_then(serde_json::Value::as_u64)?;
        Some(format!("{}#{generation} {}", text("id")?, text("state")?))
    };
    let known: Vec<String> = slots.as_array().into_iter().flatten().filter_map(one).collect();
    if known.is_empty() { "-".to_owned() } else { known.join(", ") }
}

fn migrations(schema: &SchemaStatus) -> Block {
    let mut table = Table::new(&["migration", "state", "applied"]);
    for m in &schema.applied {
        let label = format!("{:04}-{}", m.version, m.name);
        let when = m.applied_at.strftime("%Y-%m-%d %H:%M").to_string();
        let changed = schema.changed.contains(&label);
        let state = if changed { ("changed", Tone::Bad) } else { ("applied", Tone::Good) };
        table.rows.push(vec![
            (label, Tone::Plain),
            (state.0.to_owned(), state.1),
            (when, Tone::Plain),
        ]);
    }
    for label in &schema.pending {
        table.rows.push(vec![
            (label.clone(), Tone::Plain),
            ("pending".to_owned(), Tone::Warn),
            ("-".to_owned(), Tone::Faint),
        ]);
    }
    Block::Table(table)
}
