//! Statements of the SQLite store, and rows as types of the domain. Times are microseconds since
//! 1970-01-01 UTC.

use super::usage_daily;
use crate::base::Timestamp;
use crate::store::{Outcome, Scopes, ServiceKey, UsageRow};
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _, SqliteConnection, SqlitePool};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

pub(super) type Result<T> = std::result::Result<T, sqlx::Error>;

/// A time of the database; one out of range is the beginning of time.
pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A count for the database, which has signed numbers only.
pub(super) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn uncount(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(super) async fn service_keys(pool: &SqlitePool) -> Result<Vec<ServiceKey>> {
    let rows = sqlx::query(
        "SELECT id, hash, name, scopes, created_at, expires_at, rate, revoked_at, replaced_by \
         FROM service_keys ORDER BY created_at, id",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(service_key).collect()
}

fn service_key(row: &SqliteRow) -> Result<ServiceKey> {
    let hash: Vec<u8> = row.try_get("hash")?;
    Ok(ServiceKey {
        id: row.try_get("id")?,
        hash: hash.try_into().map_err(|_| sqlx::Error::ColumnDecode {
            index: "hash".to_owned(),
            source: "not 32 bytes".into(),
        })?,
        name: row.try_get("name")?,
        scopes: Scopes::parse(row.try_get("scopes")?),
        created_at: time(row.try_get("created_at")?),
        expires_at: row.try_get::<Option<i64>, _>("expires_at")?.map(time),
        rate: row.try_get::<Option<i64>, _>("rate")?.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(time),
        replaced_by: row.try_get("replaced_by")?,
    })
}

pub(super) async fn insert_service_key(
    connection: &mut SqliteConnection,
    key: &ServiceKey,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO service_keys \
         (id, hash, name, scopes, created_at, expires_at, rate, revoked_at, replaced_by) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(key.id.as_str())
    .bind(key.hash.as_slice())
    .bind(key.name.as_str())
    .bind(key.scopes.to_string())
    .bind(key.created_at.as_microsecond())
    .bind(key.expires_at.map(Timestamp::as_microsecond))
    .bind(key.rate.map(i64::from))
    .bind(key.revoked_at.map(Timestamp::as_microsecond))
    .bind(key.replaced_by.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a key an end and `new` its place, in a transaction that is the caller's. `false` if it has
/// ended or has a successor already; nothing is changed then.
pub(super) async fn replace(
    connection: &mut SqliteConnection,
    id: &str,
    until: Option<Timestamp>,
    new: &ServiceKey,
) -> Result<bool> {
    let now = new.created_at.as_microsecond();
    // The scalar `min` of nothing is nothing, so without `until` the end stays.
    let done = sqlx::query(
        "UPDATE service_keys SET replaced_by = ?1, \
         expires_at = coalesce(min(coalesce(expires_at, ?2), ?2), expires_at), revoked_at = ?3 \
         WHERE id = ?4 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?5) \
         AND NOT EXISTS (SELECT 1 FROM service_keys AS next \
             WHERE next.id = service_keys.replaced_by AND next.revoked_at IS NULL)",
    )
    .bind(new.id.as_str())
    .bind(until.map(Timestamp::as_microsecond))
    .bind(until.is_none().then_some(now))
    .bind(id)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    insert_service_key(connection, new).await?;
    Ok(true)
}

/// When each service key was last metered.
pub(super) async fn last_uses(pool: &SqlitePool) -> Result<Vec<(String, Timestamp)>> {
    let rows = sqlx::query(
        "SELECT id, (SELECT max(at) FROM usage WHERE key_id = service_keys.id) AS used \
         FROM service_keys ORDER BY id",
    )
    .fetch_all(pool)
    .await?;
    let mut uses = Vec::new();
    for row in rows {
        if let Some(used) = row.try_get::<Option<i64>, _>("used")? {
            uses.push((row.try_get("id")?, time(used)));
        }
    }
    Ok(uses)
}

pub(super) async fn revoke(
    connection: &mut SqliteConnection,
    id: &str,
    at: Timestamp,
) -> Result<bool> {
    let done =
        sqlx::query("UPDATE service_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?")
            .bind(at.as_microsecond())
            .bind(id)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// Rows that one statement inserts. Every statement is a round trip to the connection's thread,
/// which costs more than the row; a batch is cut into the largest of these pieces, so that there
/// are few statements to remember.
const USAGE_PIECES: [usize; 3] = [64, 8, 1];

/// The values of a row.
const USAGE_COLUMNS: usize = 23;

/// The statement that inserts `rows` usage rows and passes over those that are there.
fn insert_usage_sql(rows: usize) -> String {
    let row = format!("({}1)", "?, ".repeat(USAGE_COLUMNS));
    format!(
        "INSERT INTO usage \
         (id, at, request_id, key_id, api, model, provider, upstream_model, mode, outcome, status, \
          attempt, streamed, input_tokens, cached_tokens, output_tokens, reasoning_tokens, \
          latency_ms, cost_nano_usd, price_version, user_id, cache_write_5m_tokens, \
          cache_write_1h_tokens, summed) \
         VALUES {} ON CONFLICT DO NOTHING",
        vec![row; rows].join(", ")
    )
}

/// Inserts rows, and adds those that are new to the table by day, in a transaction that is the
/// caller's; how many were new.
pub(super) async fn insert_usage(
    connection: &mut SqliteConnection,
    rows: &[UsageRow],
) -> Result<u64> {
    sqlx::query("SAVEPOINT batch").execute(&mut *connection).await?;
    let new = insert_pieces(connection, rows).await?;
    if new == rows.len() as u64 {
        usage_daily::add(connection, rows).await?;
        return Ok(new);
    }
    // Some were there, which is seldom: one at a time it shows which.
    sqlx::query("ROLLBACK TO batch").execute(&mut *connection).await?;
    let mut fresh = Vec::new();
    for row in rows {
        if insert_pieces(connection, std::slice::from_ref(row)).await? > 0 {
            fresh.push(row.clone());
        }
    }
    usage_daily::add(connection, &fresh).await?;
    Ok(fresh.len() as u64)
}

/// Inserts rows in pieces; how many were new.
async fn insert_pieces(connection: &mut SqliteConnection, rows: &[UsageRow]) -> Result<u64> {
    static SQL: LazyLock<[(usize, Arc<str>); 3]> =
        LazyLock::new(|| USAGE_PIECES.map(|rows| (rows, insert_usage_sql(rows).into())));
    let mut new = 0;
    let mut rest = rows;
    for (size, sql) in &*SQL {
        while let Some((piece, after)) = rest.split_at_checked(*size) {
            let mut values = SqliteArguments::default();
            values.reserve(piece.len() * USAGE_COLUMNS, 0);
            for row in piece {
                add_usage(&mut values, row).map_err(sqlx::Error::Encode)?;
            }
            // The statement is ours: nothing but its length depends on the rows.
            let query = sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), values);
            new += query.execute(&mut *connection).await?.rows_affected();
            rest = after;
        }
    }
    Ok(new)
}

/// A word of ours as a text that is bound without a copy: the library takes those that it may keep.
fn shared(word: &str) -> Arc<str> {
    static WORDS: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| {
        let others = ["openai", "anthropic", "real", "mock"];
        Outcome::ALL.map(Outcome::word).into_iter().chain(others).map(Arc::from).collect()
    });
    let known = WORDS.iter().find(|known| &***known == word);
    known.map_or_else(|| word.into(), Arc::clone)
}

/// Adds the values of a row in the order of [`insert_usage_sql`].
fn add_usage(to: &mut SqliteArguments, row: &UsageRow) -> std::result::Result<(), BoxDynError> {
    to.add(row.id.as_bytes().as_slice())?;
    to.add(row.at.as_microsecond())?;
    to.add(Arc::clone(&row.request_id))?;
    to.add(Arc::clone(&row.key_id))?;
    to.add(shared(&row.api))?;
    to.add(Arc::clone(&row.model))?;
    to.add(row.provider.clone())?;
    to.add(row.upstream_model.clone())?;
    to.add(shared(&row.mode))?;
    to.add(shared(row.outcome.word()))?;
    to.add(i64::from(row.status))?;
    to.add(i64::from(row.attempt))?;
    to.add(row.streamed)?;
    to.add(row.input_tokens.map(count))?;
    to.add(row.cached_tokens.map(count))?;
    to.add(row.output_tokens.map(count))?;
    to.add(row.reasoning_tokens.map(count))?;
    to.add(count(row.latency_ms))?;
    to.add(row.cost_nano_usd)?;
    to.add(row.price_version.clone())?;
    to.add(row.user_id.clone())?;
    to.add(row.cache_write_5m_tokens.map(count))?;
    to.add(row.cache_write_1h_tokens.map(count))
}

pub(super) async fn recent_usage(pool: &SqlitePool, limit: u32) -> Result<Vec<UsageRow>> {
    let rows = sqlx::query("SELECT * FROM usage ORDER BY at DESC, id DESC LIMIT ?")
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.iter().map(usage_row).collect()
}

fn usage_row(row: &SqliteRow) -> Result<UsageRow> {
    let id: Vec<u8> = row.try_get("id")?;
    let tokens =
        |name: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(uncount));
    Ok(UsageRow {
        id: Uuid::from_slice(&id)
            .map_err(|e| sqlx::Error::ColumnDecode { index: "id".to_owned(), source: e.into() })?,
        at: time(row.try_get("at")?),
        request_id: row.try_get::<String, _>("request_id")?.into(),
        key_id: row.try_get::<String, _>("key_id")?.into(),
        api: row.try_get::<String, _>("api")?.into(),
        model: row.try_get::<String, _>("model")?.into(),
        provider: row.try_get::<Option<String>, _>("provider")?.map(Into::into),
        upstream_model: row.try_get::<Option<String>, _>("upstream_model")?.map(Into::into),
        mode: row.try_get::<String, _>("mode")?.into(),
        outcome: Outcome::parse(row.try_get("outcome")?),
        status: u16::try_from(row.try_get::<i64, _>("status")?).unwrap_or(0),
        attempt: u32::try_from(row.try_get::<i64, _>("attempt")?).unwrap_or(0),
        streamed: row.try_get("streamed")?,
        input_tokens: tokens("input_tokens")?,
        cached_tokens: tokens("cached_tokens")?,
        output_tokens: tokens("output_tokens")?,
        reasoning_tokens: tokens("reasoning_tokens")?,
        latency_ms: uncount(row.try_get("latency_ms")?),
        cost_nano_usd: row.try_get("cost_nano_usd")?,
        price_version: row.try_get::<Option<String>, _>("price_version")?.map(Into::into),
        user_id: row.try_get::<Option<String>, _>("user_id")?.map(Into::into),
        cache_write_5m_tokens: tokens("cache_write_5m_tokens")?,
        cache_write_1h_tokens: tokens("cache_write_1h_tokens")?,
    })
}

pub(super) async fn count_usage(pool: &SqlitePool) -> Result<u64> {
    let n: i64 = sqlx::query_scalar("SELECT count(*) FROM usage").fetch_one(pool).await?;
    Ok(uncount(n))
}
