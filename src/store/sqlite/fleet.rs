//! Statements about servers and what they are handed: signs of life, published vaults.

use super::rows::{Result, count, time, uncount};
use crate::store::published::LARGEST_VAULT;
use crate::store::{Heartbeat, PublishedHead, PublishedVault};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use std::time::Duration;

/// Now, by the clock of this machine.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

/// Servers that have been silent for so long are forgotten, microseconds.
const FORGOTTEN: i64 = 86_400_000_000;

pub(super) async fn beat(connection: &mut SqliteConnection, beat: &Heartbeat) -> Result<()> {
    let sql = format!(
        "INSERT INTO heartbeats \
         (instance, at, version, profile, config_hash, slots, vault_generation, seen) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, {NOW}) \
         ON CONFLICT (instance) DO UPDATE SET at = excluded.at, version = excluded.version, \
         profile = excluded.profile, config_hash = excluded.config_hash, slots = excluded.slots, \
         vault_generation = excluded.vault_generation, seen = excluded.seen"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(beat.instance.as_str())
        .bind(beat.at.as_microsecond())
        .bind(beat.version.as_str())
        .bind(beat.profile.as_str())
        .bind(beat.config_hash.as_str())
        .bind(beat.slots.to_string())
        .bind(beat.vault_generation.map(count))
        .execute(&mut *connection)
        .await?;
    let forget = format!("DELETE FROM heartbeats WHERE seen < {NOW} - {FORGOTTEN}");
    sqlx::query(sqlx::AssertSqlSafe(forget)).execute(connection).await?;
    Ok(())
}

pub(super) async fn heartbeats(pool: &SqlitePool, within: Duration) -> Result<Vec<Heartbeat>> {
    let sql = format!(
        "SELECT instance, at, version, profile, config_hash, slots, vault_generation \
         FROM heartbeats WHERE seen >= {NOW} - ?1 ORDER BY instance"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(i64::try_from(within.as_micros()).unwrap_or(i64::MAX / 2))
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Heartbeat {
                instance: row.try_get("instance")?,
                at: time(row.try_get("at")?),
                version: row.try_get("version")?,
                profile: row.try_get("profile")?,
                config_hash: row.try_get("config_hash")?,
                slots: serde_json::from_str(row.try_get("slots")?).unwrap_or_default(),
                vault_generation: row.try_get::<Option<i64>, _>("vault_generation")?.map(uncount),
            })
        })
        .collect()
}

pub(super) async fn leave(connection: &mut SqliteConnection, instance: &str) -> Result<()> {
    sqlx::query("DELETE FROM heartbeats WHERE instance = ?1")
        .bind(instance)
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps a vault, unless a later one or another of the same generation is there: which, then.
pub(super) async fn publish(
    connection: &mut SqliteConnection,
    vault: &PublishedVault,
) -> Result<Option<u64>> {
    let generation: Option<i64> = sqlx::query_scalar(
        "INSERT INTO published_vaults \
         (vault_id, generation, recipient, sealed, fingerprints, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (vault_id) DO UPDATE SET generation = excluded.generation, \
         recipient = excluded.recipient, sealed = excluded.sealed, \
         fingerprints = excluded.fingerprints, at = excluded.at \
         WHERE published_vaults.generation < excluded.generation \
         OR published_vaults.sealed = excluded.sealed RETURNING generation",
    )
    .bind(vault.head.vault_id.as_str())
    .bind(count(vault.head.generation))
    .bind(vault.head.recipient.as_str())
    .bind(vault.sealed.as_slice())
    .bind(vault.fingerprints.as_slice())
    .bind(vault.at.as_microsecond())
    .fetch_optional(&mut *connection)
    .await?;
    if generation.is_some() {
        return Ok(None);
    }
    let there: i64 =
        sqlx::query_scalar("SELECT generation FROM published_vaults WHERE vault_id = ?1")
            .bind(vault.head.vault_id.as_str())
            .fetch_one(connection)
            .await?;
    Ok(Some(uncount(there)))
}

pub(super) async fn published_heads(pool: &SqlitePool) -> Result<Vec<PublishedHead>> {
    let rows = sqlx::query(
        "SELECT vault_id, generation, recipient FROM published_vaults ORDER BY vault_id",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(head).collect()
}

pub(super) async fn published(pool: &SqlitePool, vault_id: &str) -> Result<Option<PublishedVault>> {
    let row = sqlx::query(
        "SELECT vault_id, generation, recipient, sealed, fingerprints, at \
         FROM published_vaults WHERE vault_id = ?1 \
         AND length(sealed) <= ?2 AND length(fingerprints) <= ?2",
    )
    .bind(vault_id)
    .bind(LARGEST_VAULT)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(PublishedVault {
            head: head(&row)?,
            sealed: row.try_get("sealed")?,
            fingerprints: row.try_get("fingerprints")?,
            at: time(row.try_get("at")?),
        })
    })
    .transpose()
}

fn head(row: &SqliteRow) -> Result<PublishedHead> {
    Ok(PublishedHead {
        vault_id: row.try_get("vault_id")?,
        generation: uncount(row.try_get("generation")?),
        recipient: row.try_get("recipient")?,
    })
}
