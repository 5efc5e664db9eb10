//! Statements of the PostgreSQL store, and rows as types of the domain. Times are microseconds since
//! 1970-01-01 UTC.

use crate::base::Timestamp;
use crate::store::{Outcome, Scopes, ServiceKey, UsageRow};
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, QueryBuilder, Row as _};
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

pub(super) async fn service_keys(connection: &mut PgConnection) -> Result<Vec<ServiceKey>> {
    let rows = sqlx::query(
        "SELECT id, hash, name, scopes, created_at, expires_at, rate, revoked_at, replaced_by \
         FROM ultra.service_keys ORDER BY created_at, id",
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(service_key).collect()
}

fn service_key(row: &PgRow) -> Result<ServiceKey> {
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
    connection: &mut PgConnection,
    key: &ServiceKey,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO ultra.service_keys \
         (id, hash, name, scopes, created_at, expires_at, rate, revoked_at, replaced_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
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

/// Gives a key an end and `new` its place, in one transaction. `false` if it has ended or has a
/// successor already; nothing is changed then.
pub(super) async fn replace(
    connection: &mut PgConnection,
    id: &str,
    until: Option<Timestamp>,
    new: &ServiceKey,
) -> Result<bool> {
    let now = new.created_at.as_microsecond();
    let mut tx = connection.begin().await?;
    // Locked by a statement of its own: one that waited for the lock would look for the successor
    // among what was there before it waited.
    sqlx::query("SELECT id FROM ultra.service_keys WHERE id = $1 FOR UPDATE")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    // `least` passes over what is not there, so without `until` the end stays.
    let done = sqlx::query(
        "UPDATE ultra.service_keys AS old SET replaced_by = $1, \
         expires_at = least(expires_at, $2), revoked_at = $3 \
         WHERE id = $4 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $5) \
         AND NOT EXISTS (SELECT FROM ultra.service_keys AS next \
             WHERE next.id = old.replaced_by AND next.revoked_at IS NULL)",
    )
    .bind(new.id.as_str())
    .bind(until.map(Timestamp::as_microsecond))
    .bind(until.is_none().then_some(now))
    .bind(id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    insert_service_key(&mut tx, new).await?;
    tx.commit().await?;
    Ok(true)
}

/// When each service key was last metered.
pub(super) async fn last_uses(connection: &mut PgConnection) -> Result<Vec<(String, Timestamp)>> {
    let rows = sqlx::query(
        "SELECT k.id, (SELECT max(u.at) FROM ultra.usage AS u WHERE u.key_id = k.id) AS used \
         FROM ultra.service_keys AS k ORDER BY k.id",
    )
    .fetch_all(connection)
    .await?;
    let mut uses = Vec::new();
    for row in rows {
        if let Some(used) = row.try_get::<Option<i64>, _>("used")? {
            uses.push((row.try_get("id")?, time(used)));
        }
    }
    Ok(uses)
}

pub(super) async fn revoke(connection: &mut PgConnection, id: &str, at: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE ultra.service_keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2",
    )
    .bind(at.as_microsecond())
    .bind(id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Adds the rows with one statement, which succeeds or fails as a whole.
pub(super) async fn insert_usage(connection: &mut PgConnection, batch: &[UsageRow]) -> Result<u64> {
    let mut query = QueryBuilder::new(
        "INSERT INTO ultra.usage \
         (id, at, request_id, key_id, api, model, provider, upstream_model, mode, outcome, status, \
          attempt, streamed, input_tokens, cached_tokens, output_tokens, reasoning_tokens, \
          latency_ms, cost_nano_usd, price_version, user_id, cache_write_5m_tokens, \
          cache_write_1h_tokens) ",
    );
    query.push_values(batch, |mut bind, row| {
        bind.push_bind(row.id.to_string()).push_unseparated("::uuid");
        bind.push_bind(row.at.as_microsecond())
            .push_bind(clean(&row.request_id))
            .push_bind(clean(&row.key_id))
            .push_bind(clean(&row.api))
            .push_bind(clean(&row.model))
            .push_bind(row.provider.as_deref().map(clean))
            .push_bind(row.upstream_model.as_deref().map(clean))
            .push_bind(clean(&row.mode))
            .push_bind(row.outcome.word())
            .push_bind(i64::from(row.status))
            .push_bind(i64::from(row.attempt))
            .push_bind(row.streamed)
            .push_bind(row.input_tokens.map(count))
            .push_bind(row.cached_tokens.map(count))
            .push_bind(row.output_tokens.map(count))
            .push_bind(row.reasoning_tokens.map(count))
            .push_bind(count(row.latency_ms))
            .push_bind(row.cost_nano_usd)
            .push_bind(row.price_version.as_deref().map(clean))
            .push_bind(row.user_id.as_deref().map(clean))
            .push_bind(row.cache_write_5m_tokens.map(count))
            .push_bind(row.cache_write_1h_tokens.map(count));
    });
    query.push(" ON CONFLICT DO NOTHING");
    // Batches differ in length; remembering each statement would fill the server's memory.
    let done = query.build().persistent(false).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Text that PostgreSQL takes: it has no NUL, and a model's name comes from the client.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(super) async fn ping(connection: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT 1").execute(connection).await?;
    Ok(())
}

pub(super) async fn recent_usage(
    connection: &mut PgConnection,
    limit: u32,
) -> Result<Vec<UsageRow>> {
    let rows = sqlx::query("SELECT id::text AS id, at, request_id, key_id, api, model, provider, upstream_model, mode, \
         outcome, status, attempt, streamed, input_tokens, cached_tokens, output_tokens, \
         reasoning_tokens, latency_ms, cost_nano_usd, price_version, user_id, \
         cache_write_5m_tokens, cache_write_1h_tokens \
         FROM ultra.usage ORDER BY ultra.usage.at DESC, ultra.usage.id DESC LIMIT $1")
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(usage_row).collect()
}

fn usage_row(row: &PgRow) -> Result<UsageRow> {
    let id: String = row.try_get("id")?;
    let tokens =
        |name: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(uncount));
    Ok(UsageRow {
        id: Uuid::parse_str(&id)
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

pub(super) async fn count_usage(connection: &mut PgConnection) -> Result<u64> {
    let n: i64 =
        sqlx::query_scalar("SELECT count(*) FROM ultra.usage").fetch_one(connection).await?;
    Ok(uncount(n))
}
