//! Usage rows as the store has them.

use crate::support::{Ultra, eventually};
use sqlx::{ConnectOptions as _, Row as _};
use std::time::Duration;

/// A usage row, as far as the tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) request_id: String,
    pub(super) model: String,
    pub(super) outcome: String,
    pub(super) status: u64,
    pub(super) input: u64,
    pub(super) output: u64,
}

/// The rows in the store, once `enough` says so.
#[track_caller]
pub(super) fn rows(ultra: &Ultra, enough: impl Fn(&[Row]) -> bool) -> Vec<Row> {
    eventually(Duration::from_secs(20), "the rows", || read(ultra).filter(|rows| enough(rows)))
}

fn read(ultra: &Ultra) -> Option<Vec<Row>> {
    let path = ultra.state().join("data/dev.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).read_only(true);
        let mut store = options.connect().await.ok()?;
        let query = "SELECT request_id, upstream_model, outcome, status, \
                     COALESCE(input_tokens, 0), COALESCE(output_tokens, 0) FROM usage ORDER BY id";
        let rows = sqlx::query(query).fetch_all(&mut store).await.ok()?;
        let number = |row: &sqlx::sqlite::SqliteRow, at: usize| {
            u64::try_from(row.get::<i64, _>(at)).unwrap()
        };
        let row = |row: &sqlx::sqlite::SqliteRow| Row {
            request_id: row.get(0),
            model: row.get(1),
            outcome: row.get(2),
            status: number(row, 3),
            input: number(row, 4),
            output: number(row, 5),
        };
        Some(rows.iter().map(row).collect())
    })
}
