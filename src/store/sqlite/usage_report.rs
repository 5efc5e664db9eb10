//! Sums of usage in SQLite.
//!
//! `EXPLAIN QUERY PLAN`: a time range is a search in `usage_at`, one of a key in `usage_key_at`;
//! groups are made in a temporary tree. Without a range the table is scanned, which is cheaper than
//! any index then.

use super::rows::{Result, uncount};
use crate::base::Timestamp;
use crate::store::usage_report::{COUNTED, SUMMED, UsageQuery, UsageSum};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool};

/// The sums of all groups.
pub(super) async fn sums(pool: &SqlitePool, query: &UsageQuery) -> Result<Vec<UsageSum>> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let rows = match statement(query, Halves::No).build().fetch_all(pool).await {
        // Somebody counted tokens beyond all reason: the sums are made of halves, which takes
        // longer and is as exact.
        Err(sqlx::Error::Database(e)) if e.message().contains("integer overflow") => {
            let rows = statement(query, Halves::Yes).build().fetch_all(pool).await?;
            return rows.iter().map(|row| sum(row, query, Halves::Yes)).collect();
        }
        other => other?,
    };
    rows.iter().map(|row| sum(row, query, Halves::No)).collect()
}

/// Whether numbers are summed in two halves of 32 bits, which cannot overflow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Halves {
    No,
    Yes,
}

fn statement(query: &UsageQuery, halves: Halves) -> QueryBuilder<Sqlite> {
    let group = query.by.map_or("NULL", |by| by.expression());
    let mut sql = QueryBuilder::new(format!("SELECT CAST({group} AS TEXT)"));
    for condition in COUNTED {
        sql.push(format!(", coalesce(sum({condition}), 0)"));
    }
    for column in SUMMED {
        match halves {
            Halves::No => sql.push(format!(", sum({column})")),
            Halves::Yes => sql.push(format!(", sum({column} >> 32), sum({column} & 4294967295)")),
        };
    }
    sql.push(" FROM usage WHERE TRUE");
    if let Some(since) = query.since {
        sql.push(" AND at >= ").push_bind(Timestamp::as_microsecond(since));
    }
    if let Some(until) = query.until {
        sql.push(" AND at < ").push_bind(Timestamp::as_microsecond(until));
    }
    if let Some(model) = &query.model {
        sql.push(" AND model = ").push_bind(model.clone());
    }
    if let Some(keys) = &query.keys {
        sql.push(" AND key_id IN (");
        let mut list = sql.separated(", ");
        for key in keys {
            list.push_bind(key.clone());
        }
        sql.push(")");
    }
    sql.push(format!(" GROUP BY {group} ORDER BY {group} LIMIT "));
    sql.push_bind(i64::from(query.limit));
    sql
}

fn sum(row: &SqliteRow, query: &UsageQuery, halves: Halves) -> Result<UsageSum> {
    let group: Option<String> = row.try_get(0)?;
    let mut counted = [0; COUNTED.len()];
    for (n, count) in counted.iter_mut().enumerate() {
        *count = uncount(row.try_get(1 + n)?);
    }
    let first = 1 + COUNTED.len();
    let number =
        |at: usize| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(at)?.map(i128::from));
    let mut summed = [None; SUMMED.len()];
    for (n, sum) in summed.iter_mut().enumerate() {
        *sum = match halves {
            Halves::No => number(first + n)?,
            Halves::Yes => {
                let (high, low) = (number(first + 2 * n)?, number(first + 2 * n + 1)?);
                high.zip(low).map(|(high, low)| (high << 32) + low)
            }
        };
    }
    let group = group.zip(query.by).map(|(group, by)| by.shown(group));
    Ok(UsageSum::of(group, counted, summed))
}
