//! Two sets of books: the rows of the gateway's store, and those of the mock behind it.

use super::plan::price;
use crate::support::Ultra;
use crate::support::services::Postgres;
use sqlx::{ConnectOptions as _, Row as _};
use std::collections::BTreeMap;

/// What one side has written down of one attempt. Counts that are not known are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Entry {
    pub(in crate::serve) request_id: String,
    /// The provider.
    pub(in crate::serve) provider: String,
    /// The model's name at the mock.
    pub(in crate::serve) model: String,
    pub(in crate::serve) outcome: String,
    pub(in crate::serve) status: u64,
    pub(in crate::serve) attempt: u64,
    pub(in crate::serve) input: Option<u64>,
    pub(in crate::serve) output: Option<u64>,
    pub(in crate::serve) cost: Option<u64>,
}

impl Entry {
    /// Whether nothing of what it may have cost is unknown, as the report understands it.
    pub(in crate::serve) fn uncounted(&self) -> bool {
        let counted = self.input.is_some() || self.output.is_some();
        let billable = counted || !matches!(&*self.outcome, "error" | "refused");
        billable && (self.input.is_none() || self.output.is_none())
    }
}

const COLUMNS: &str = "request_id, provider, upstream_model, outcome, status, attempt, \
                       input_tokens, output_tokens, cost_nano_usd";

/// The rows of a store in PostgreSQL, in the order in which the attempts began.
pub(in crate::serve) fn of_postgres(postgres: &Postgres, database: &str) -> Vec<Entry> {
    let text = postgres.sql(database, &format!("SELECT {COLUMNS} FROM ultra.usage ORDER BY id"));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('|').collect();
        let number = |at: usize| fields[at].parse().ok();
        Entry {
            request_id: fields[0].to_owned(),
            provider: fields[1].to_owned(),
            model: fields[2].to_owned(),
            outcome: fields[3].to_owned(),
            status: number(4).unwrap(),
            attempt: number(5).unwrap(),
            input: number(6),
            output: number(7),
            cost: number(8),
        }
    };
    text.lines().map(row).collect()
}

/// The rows of the store of profile `dev` in its own file, in the same order.
pub(in crate::serve) fn of_sqlite(ultra: &Ultra) -> Vec<Entry> {
    let path = ultra.state().join("data/dev.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).read_only(true);
        let mut store = options.connect().await.unwrap();
        let query = format!("SELECT {COLUMNS} FROM usage ORDER BY id");
        sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut store).await.unwrap()
    });
    let number = |n: i64| u64::try_from(n).unwrap();
    let known = |n: Option<i64>| n.map(number);
    rows.iter()
        .map(|row| Entry {
            request_id: row.get(0),
            provider: row.get(1),
            model: row.get(2),
            outcome: row.get(3),
            status: number(row.get(4)),
            attempt: number(row.get(5)),
            input: known(row.get(6)),
            output: known(row.get(7)),
            cost: known(row.get(8)),
        })
        .collect()
}

/// The mock's own rows; as it was asked in two families, by two providers.
pub(in crate::serve) fn billed(mock: &Ultra) -> Vec<Entry> {
    let path = mock.state().join("data/dev.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let families: Vec<String> = runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).read_only(true);
        let mut store = options.connect().await.unwrap();
        let rows = sqlx::query("SELECT api FROM usage ORDER BY id").fetch_all(&mut store).await;
        rows.unwrap().iter().map(|row| row.get(0)).collect()
    });
    let by_provider = |(entry, family): (Entry, String)| Entry {
        provider: if family == "openai" { "one" } else { "two" }.to_owned(),
        ..entry
    };
    of_sqlite(mock).into_iter().zip(families).map(by_provider).collect()
}

/// Sums of one side, or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::serve) struct Sums {
    pub(in crate::serve) attempts: u64,
    pub(in crate::serve) input: u64,
    pub(in crate::serve) output: u64,
}

impl Sums {
    pub(in crate::serve) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut sums = Self::default();
        for entry in entries {
            sums.attempts += 1;
            sums.input += entry.input.unwrap_or(0);
            sums.output += entry.output.unwrap_or(0);
        }
        sums
    }
}

/// How the two sides go together.
#[derive(Debug, Default)]
pub(in crate::serve) struct Balance {
    /// What the mock has billed and the gateway could not learn, by what the gateway's row says
    /// of its end: attempts, and the tokens that are in no row.
    pub(in crate::serve) untold: BTreeMap<String, Sums>,
    /// Rows of attempts that the mock never heard of: their client left before.
    pub(in crate::serve) unheard: u64,
    /// The cost that the mock's counts come to, of all attempts that were counted.
    pub(in crate::serve) cost: u64,
    /// What the gateway could not learn, and does not say so.
    pub(in crate::serve) unsaid: Vec<String>,
    /// What does not fit.
    pub(in crate::serve) wrong: Vec<String>,
}

/// The rows of one model, and what was billed for it.
type Sides<'a> = (Vec<&'a Entry>, Vec<&'a Entry>);

/// Compares the two sides, attempt by attempt.
pub(in crate::serve) fn balance(rows: &[Entry], billed: &[Entry]) -> Balance {
    let mut balance = Balance::default();
    let mut by_model: BTreeMap<(&str, &str), Sides<'_>> = BTreeMap::new();
    for row in rows {
        by_model.entry((&row.provider, &row.model)).or_default().0.push(row);
    }
    for entry in billed {
        by_model.entry((&entry.provider, &entry.model)).or_default().1.push(entry);
    }
    for (rows, billed) in by_model.into_values() {
        balance.of_model(rows, billed);
    }
    balance
}

/// Whether what a row knows is what was billed.
fn fits(row: &Entry, entry: &Entry) -> bool {
    let same = |known: Option<u64>, billed: Option<u64>| {
        known.is_none_or(|known| known == billed.unwrap_or(0))
    };
    let knows_all = row.outcome != "ok"
        || (row.input.unwrap_or(0), row.output.unwrap_or(0))
            == (entry.input.unwrap_or(0), entry.output.unwrap_or(0));
    knows_all && same(row.input, entry.input) && same(row.output, entry.output)
}

impl Balance {
    /// Attempts at one model: each row is one that was billed, the surest first.
    fn of_model(&mut self, mut rows: Vec<&Entry>, mut billed: Vec<&Entry>) {
        let unheard = |row: &Entry| {
            let nothing = row.input.unwrap_or(0) + row.output.unwrap_or(0) == 0;
            row.outcome == "client_closed" && nothing
        };
        let unsure = |row: &Entry| {
            let unknown = u8::from(row.input.is_none()) + u8::from(row.output.is_none());
            // Of which nothing left, in all likelihood.
            let unsent = unheard(row) && unknown == 0;
            (unsent, row.outcome != "ok", unknown, row.outcome == "client_closed")
        };
        rows.sort_by_key(|row| unsure(row));
        for row in rows {
            let Some(at) = billed.iter().position(|entry| fits(row, entry)) else {
                if unheard(row) {
                    self.unheard += 1;
                } else {
                    self.wrong.push(format!("a row that was never billed: {row:?} of {billed:?}"));
                }
                continue;
            };
            let entry = billed.remove(at);
            let untold = self.untold.entry(row.outcome.clone()).or_default();
            let unknown = |known: Option<u64>, billed: Option<u64>| match known {
                Some(_) => 0,
                None => billed.unwrap_or(0),
            };
            let (input, output) =
                (unknown(row.input, entry.input), unknown(row.output, entry.output));
            if input + output > 0 {
                untold.attempts += 1;
                untold.input += input;
                untold.output += output;
                if !row.uncounted() {
                    self.unsaid.push(format!("{row:?}, {entry:?}"));
                }
            }
            self.price(row, entry);
        }
        for entry in billed {
            self.wrong.push(format!("billed, and no row: {entry:?}"));
        }
    }

    fn price(&mut self, row: &Entry, entry: &Entry) {
        let (input, output) = price(&row.provider, &row.model);
        let pico = entry.input.unwrap_or(0) * input + entry.output.unwrap_or(0) * output;
        let nano = (pico + 500) / 1000;
        match row.cost {
            Some(cost) if cost == nano => self.cost += nano,
            None if row.outcome != "ok" => {}
            _ => self.wrong.push(format!("it costs {nano}: {row:?}, {entry:?}")),
        }
    }
}
