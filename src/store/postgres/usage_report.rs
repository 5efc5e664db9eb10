//! Sums of usage in PostgreSQL.
//!
//! `EXPLAIN`: whole days are a scan of `usage_daily` by its key, or of `usage_daily_key` for a key's
//! own, what is before and behind them a scan of `usage_at`; groups are hashed. Sums are `numeric`,
//! which does not overflow.

use super::rows::{Result, clean, uncount};
use crate::store::usage_report::{COUNTED, COUNTED_BY_DAY, SUMMED, UsageBy, UsageQuery, UsageSum};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _};

/// The sums of all groups.
pub(super) async fn sums(
    connection: &mut PgConnection,
    query: &UsageQuery,
) -> Result<Vec<UsageSum>> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let rows = statement(query).build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(|row| sum(row, query)).collect()
}

fn statement(query: &UsageQuery) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT part::text");
    for n in 0..COUNTED.len() {
        sql.push(format!(", sum(n{n})::bigint"));
    }
    for n in COUNTED.len()..COUNTED.len() + SUMMED.len() {
        sql.push(format!(", sum(n{n})::text"));
    }
    sql.push(" FROM (");
    let spans = query.spans();
    if let Some((first, end)) = spans.days {
        let part = match query.by {
            None => "NULL::text",
            Some(UsageBy::Day) => "day",
            Some(by) => by.expression(),
        };
        let values = COUNTED_BY_DAY.iter().chain(&SUMMED).map(|column| (*column).to_owned());
        select(&mut sql, part, values, "ultra.usage_daily");
        sql.push(" WHERE day >= ").push_bind(first).push(" AND day < ").push_bind(end);
        narrow(&mut sql, query);
    }
    for (n, (from, to)) in spans.rest.iter().enumerate() {
        if n > 0 || spans.days.is_some() {
            sql.push(" UNION ALL ");
        }
        let part = query.by.map_or("NULL::text", |by| by.expression());
        let counted = COUNTED
            .iter()
            .map(|condition| format!("CASE WHEN {condition} THEN 1::bigint ELSE 0 END"));
        let summed = SUMMED.iter().map(|column| format!("{column}::numeric"));
        select(&mut sql, part, counted.chain(summed), "ultra.usage");
        sql.push(" WHERE TRUE");
        if let Some(from) = from {
            sql.push(" AND at >= ").push_bind(*from);
        }
        if let Some(to) = to {
            sql.push(" AND at < ").push_bind(*to);
        }
        narrow(&mut sql, query);
    }
    // In the order of the bytes, as SQLite has it, whatever the language of the database; days by
    // number.
    let order = match query.by {
        Some(UsageBy::Day) => "part",
        _ => "part::text COLLATE \"C\"",
    };
    sql.push(format!(") AS parts GROUP BY part ORDER BY {order} NULLS FIRST LIMIT "));
    sql.push_bind(i64::from(query.limit));
    sql
}

fn select(
    sql: &mut QueryBuilder<Postgres>,
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
fn narrow(sql: &mut QueryBuilder<Postgres>, query: &UsageQuery) {
    if let Some(model) = &query.model {
        sql.push(" AND model = ").push_bind(clean(model));
    }
    if let Some(keys) = &query.keys {
        sql.push(" AND key_id = ANY(");
        sql.push_bind(keys.iter().map(|key| clean(key)).collect::<Vec<_>>());
        sql.push(")");
    }
}

fn sum(row: &PgRow, query: &UsageQuery) -> Result<UsageSum> {
    let group: Option<String> = row.try_get(0)?;
    let mut counted = [0; COUNTED.len()];
    for (n, count) in counted.iter_mut().enumerate() {
        *count = uncount(row.try_get(1 + n)?);
    }
    let mut summed = [None; SUMMED.len()];
    for (n, sum) in summed.iter_mut().enumerate() {
        let index = 1 + COUNTED.len() + n;
        *sum =
            row.try_get::<Option<String>, _>(index)?.map(|text| text.parse()).transpose().map_err(
                |e: std::num::ParseIntError| sqlx::Error::ColumnDecode {
                    index: index.to_string(),
                    source: e.into(),
                },
            )?;
    }
    let group = group.zip(query.by).map(|(group, by)| by.shown(group));
    Ok(UsageSum::of(group, counted, summed))
}
