//! Sums of usage in PostgreSQL.
//!
//! `EXPLAIN`: a time range is a scan of `usage_at`, one of a key of `usage_key_at`, without a range
//! a parallel scan of the table; groups are hashed. Sums are `numeric`, which does not overflow.

use super::rows::{Result, clean, uncount};
use crate::base::Timestamp;
use crate::store::usage_report::{COUNTED, SUMMED, UsageQuery, UsageSum};
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
    let group = query.by.map_or("NULL::text", |by| by.expression());
    let mut sql = QueryBuilder::new(format!("SELECT ({group})::text"));
    for condition in COUNTED {
        sql.push(format!(", count(*) FILTER (WHERE {condition})"));
    }
    for column in SUMMED {
        sql.push(format!(", sum({column})::text"));
    }
    sql.push(" FROM ultra.usage WHERE TRUE");
    if let Some(since) = query.since {
        sql.push(" AND at >= ").push_bind(Timestamp::as_microsecond(since));
    }
    if let Some(until) = query.until {
        sql.push(" AND at < ").push_bind(Timestamp::as_microsecond(until));
    }
    if let Some(model) = &query.model {
        sql.push(" AND model = ").push_bind(clean(model));
    }
    if let Some(keys) = &query.keys {
        sql.push(" AND key_id = ANY(");
        sql.push_bind(keys.iter().map(|key| clean(key)).collect::<Vec<_>>());
        sql.push(")");
    }
    // In the order of the bytes, as SQLite has it, whatever the language of the database; days by
    // number.
    let order = match query.by {
        Some(by) if by.expression().starts_with("at ") => group.to_owned(),
        _ => format!("({group})::text COLLATE \"C\""),
    };
    sql.push(format!(" GROUP BY {group} ORDER BY {order} NULLS FIRST LIMIT "));
    sql.push_bind(i64::from(query.limit));
    sql
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
