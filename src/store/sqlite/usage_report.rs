//! Sums of usage in SQLite.
//!
//! `EXPLAIN QUERY PLAN`: whole days are a search in `usage_daily` by its key, or by `usage_daily_key`
//! for a key's own, what is before and behind them a search in `usage_at`; groups are made in a
//! temporary tree. Numbers are summed in two halves of 32 bits, which cannot overflow.

use super::rows::{Result, uncount};
use crate::store::usage_report::{COUNTED, COUNTED_BY_DAY, SUMMED, UsageBy, UsageQuery, UsageSum};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool};

/// The sums of all groups.
pub(super) async fn sums(pool: &SqlitePool, query: &UsageQuery) -> Result<Vec<UsageSum>> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let rows = statement(query).build().fetch_all(pool).await?;
    rows.iter().map(|row| sum(row, query)).collect()
}

/// A group as the table by day has it: what is not there is empty there, and what is has a mark.
fn by_day(by: UsageBy) -> &'static str {
    match by {
        UsageBy::Day => "day",
        UsageBy::User => "CASE user_id WHEN '' THEN NULL ELSE substr(user_id, 2) END",
        UsageBy::Provider => "CASE provider WHEN '' THEN NULL ELSE substr(provider, 2) END",
        UsageBy::Key | UsageBy::Model => by.expression(),
    }
}

pub(super) fn statement(query: &UsageQuery) -> QueryBuilder<Sqlite> {
    let columns = COUNTED.len() + 2 * SUMMED.len();
    let mut sql = QueryBuilder::new("SELECT CAST(part AS TEXT)");
    for n in 0..columns {
        sql.push(if n < COUNTED.len() {
            format!(", coalesce(sum(n{n}), 0)")
        } else {
            format!(", sum(n{n})")
        });
    }
    sql.push(" FROM (");
    let spans = query.spans();
    if let Some((first, end)) = spans.days {
        let part = query.by.map_or("NULL", by_day);
        let halves =
            SUMMED.iter().flat_map(|column| ["h", "l"].map(|half| format!("{column}_{half}")));
        let values = COUNTED_BY_DAY.iter().map(|column| (*column).to_owned()).chain(halves);
        select(&mut sql, part, values, "usage_daily");
        sql.push(" WHERE day >= ").push_bind(first).push(" AND day < ").push_bind(end);
        narrow(&mut sql, query);
    }
    for (n, (from, to)) in spans.rest.iter().enumerate() {
        if n > 0 || spans.days.is_some() {
            sql.push(" UNION ALL ");
        }
        let part = query.by.map_or("NULL", |by| by.expression());
        let halves = SUMMED
            .iter()
            .flat_map(|column| [format!("{column} >> 32"), format!("{column} & 4294967295")]);
        let values = COUNTED.iter().map(|condition| (*condition).to_owned()).chain(halves);
        select(&mut sql, part, values, "usage");
        sql.push(" WHERE TRUE");
        if let Some(from) = from {
            sql.push(" AND at >= ").push_bind(*from);
        }
        if let Some(to) = to {
            sql.push(" AND at < ").push_bind(*to);
        }
        narrow(&mut sql, query);
    }
    sql.push(") GROUP BY part ORDER BY part LIMIT ");
    sql.push_bind(i64::from(query.limit));
    sql
}

fn select(
    sql: &mut QueryBuilder<Sqlite>,
    part: &str,
    values: impl Iterator<Item = String>,
    table: &str,
) {
    sql.push(format!("SELECT {part} AS part"));
    for (n, value) in values.enumerate() {
        sql.push(format!(", {value} AS n{n}"));
    }
    sql.push(format!(" FROM {table}"));
}

/// Only what the query is about.
fn narrow(sql: &mut QueryBuilder<Sqlite>, query: &UsageQuery) {
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
}

fn sum(row: &SqliteRow, query: &UsageQuery) -> Result<UsageSum> {
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
        let (high, low) = (number(first + 2 * n)?, number(first + 2 * n + 1)?);
        *sum = high.zip(low).map(|(high, low)| (high << 32) + low);
    }
    let group = group.zip(query.by).map(|(group, by)| by.shown(group));
    Ok(UsageSum::of(group, counted, summed))
}
