//! `ultra db`: the store's schema and state.

use super::backing::{confirm, options, with_store};
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::settings::groups::MigrateMode;
use crate::settings::{SecretSource, Workspace};
use crate::store::{AppliedMigration, SchemaStatus, StoreKind};
use serde::Serialize;

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
    let (kind, location, schema) = with_store(&options, Some(MigrateMode::Check), async |store| {
        let schema = store.schema().await?;
        Ok((store.kind(), store.location().to_owned(), schema))
    })?;
    let current = schema.pending.is_empty() && schema.newer.is_none() && schema.changed.is_empty();
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
    view.push(Block::Table(table));
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
    let data = Status {
        profile,
        kind,
        location: &location,
        exists,
        current,
        automatic,
        migrations: &schema,
    };
    let healthy = current || (automatic && schema.newer.is_none() && schema.changed.is_empty());
    let status = if healthy { ExitStatus::Holds } else { ExitStatus::DoesNotHold };
    Ok(Report::new("ultra.db.status/1", data, view)?.status(status))
}
