//! Usage by day: what the rows of a batch come to, added to the table by day in the transaction
//! that inserts them. One statement for a day, key, model, provider and user, however many rows.
//!
//! A server of an older version inserts rows that nobody has added, and leaves them marked so by the
//! default of the column `summed`; they are added before anybody is told sums.

use super::rows::{Result, count};
use crate::store::usage_report::{COUNTED, COUNTED_BY_DAY, DAY, SUMMED};
use crate::store::{Outcome, UsageRow};
use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// What rows are brought together by: day, key, model, provider, user.
type Part<'a> = (i64, &'a str, &'a str, Option<&'a str>, Option<&'a str>);

/// What the rows of a part come to.
#[derive(Debug, Default)]
struct Sums {
    /// As [`COUNTED_BY_DAY`].
    counted: [i64; COUNTED_BY_DAY.len()],
    /// As [`SUMMED`], each in two halves of 32 bits; `None` while no row says anything.
    summed: [Option<(i64, i64)>; SUMMED.len()],
}

impl Sums {
    fn add(&mut self, row: &UsageRow) {
        let refused = matches!(row.outcome, Outcome::Error | Outcome::Refused);
        let (input, output) = (row.input_tokens, row.output_tokens);
        let billed = !refused || input.is_some() || output.is_some();
        let conditions = [
            row.attempt == 1,
            true,
            !matches!(row.outcome, Outcome::Ok | Outcome::ClientClosed),
            billed && (input.is_none() || output.is_none()),
            billed && row.cost_nano_usd.is_none(),
        ];
        for (counted, holds) in self.counted.iter_mut().zip(conditions) {
            *counted += i64::from(holds);
        }
        let values = [
            input.map(count),
            row.cached_tokens.map(count),
            row.cache_write_5m_tokens.map(count),
            row.cache_write_1h_tokens.map(count),
            output.map(count),
            row.reasoning_tokens.map(count),
            row.cost_nano_usd,
        ];
        for (summed, value) in self.summed.iter_mut().zip(values) {
            if let Some(value) = value {
                let (high, low) = summed.unwrap_or_default();
                *summed = Some((high + (value >> 32), low + (value & 0xffff_ffff)));
            }
        }
    }
}

/// A text that may be missing: what is not there is empty in the table, and what is has a mark.
fn marked(text: Option<&str>) -> String {
    text.map(|text| format!("={text}")).unwrap_or_default()
}

/// What becomes of a part that is in the table.
fn added() -> String {
    let halves = SUMMED.iter().flat_map(|column| ["h", "l"].map(|half| format!("{column}_{half}")));
    let counted = COUNTED_BY_DAY.iter().map(|c| format!("{c} = {c} + excluded.{c}"));
    let summed = halves.map(|c| format!("{c} = coalesce({c} + excluded.{c}, {c}, excluded.{c})"));
    let set: Vec<String> = counted.chain(summed).collect();
    format!("ON CONFLICT DO UPDATE SET {}", set.join(", "))
}

fn sql() -> String {
    let places = vec!["?"; 5 + COUNTED_BY_DAY.len() + 2 * SUMMED.len()].join(", ");
    format!("INSERT INTO usage_daily VALUES ({places}) {}", added())
}

/// The statement that adds the rows that nobody has added, up to a time.
fn late_sql() -> String {
    let counted = COUNTED.iter().map(|condition| format!("sum({condition})"));
    let summed = SUMMED.iter().map(|c| format!("sum({c} >> 32), sum({c} & 4294967295)"));
    let values: Vec<String> = counted.chain(summed).collect();
    let marked = |c: &str| format!("CASE WHEN {c} IS NULL THEN '' ELSE '=' || {c} END AS of_{c}");
    format!(
        "INSERT INTO usage_daily \
         SELECT at / {DAY} AS day, key_id, model, {}, {}, {} \
         FROM usage INDEXED BY usage_unsummed WHERE summed = 0 AND at <= ? \
         GROUP BY day, key_id, model, of_provider, of_user_id {}",
        marked("provider"),
        marked("user_id"),
        values.join(", "),
        added()
    )
}

/// Rows that are added in one transaction, so that other writers get their turn.
const LATE_PIECE: i64 = 10_000;

/// Whether there are rows that nobody has added: a look at the head of an index that has no others.
pub(super) async fn is_late(pool: &SqlitePool) -> Result<bool> {
    let any = "SELECT EXISTS (SELECT 1 FROM usage INDEXED BY usage_unsummed WHERE summed = 0)";
    sqlx::query_scalar(any).fetch_one(pool).await
}

/// Adds the oldest of the rows that nobody has added, in a transaction that is the caller's and has
/// the write lock: whoever came first has marked them.
pub(super) async fn add_late(connection: &mut SqliteConnection) -> Result<()> {
    let until: Option<i64> = sqlx::query_scalar(
        "SELECT at FROM usage INDEXED BY usage_unsummed WHERE summed = 0 \
         ORDER BY at LIMIT 1 OFFSET ?",
    )
    .bind(LATE_PIECE - 1)
    .fetch_optional(&mut *connection)
    .await?;
    let until = until.unwrap_or(i64::MAX);
    // The statement is ours and always the same.
    sqlx::query(AssertSqlSafe(late_sql())).bind(until).execute(&mut *connection).await?;
    sqlx::query(
        "UPDATE usage INDEXED BY usage_unsummed SET summed = 1 WHERE summed = 0 AND at <= ?",
    )
    .bind(until)
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds rows that were inserted.
pub(super) async fn add(connection: &mut SqliteConnection, rows: &[UsageRow]) -> Result<()> {
    static SQL: LazyLock<Arc<str>> = LazyLock::new(|| sql().into());
    let mut parts: BTreeMap<Part<'_>, Sums> = BTreeMap::new();
    for row in rows {
        let day = row.at.as_microsecond() / DAY;
        let part =
            (day, &*row.key_id, &*row.model, row.provider.as_deref(), row.user_id.as_deref());
        parts.entry(part).or_default().add(row);
    }
    for ((day, key, model, provider, user), sums) in parts {
        // The statement is ours and always the same.
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&SQL)))
            .bind(day)
            .bind(key)
            .bind(model)
            .bind(marked(provider))
            .bind(marked(user));
        for counted in sums.counted {
            query = query.bind(counted);
        }
        for summed in sums.summed {
            query = query.bind(summed.map(|(high, _)| high)).bind(summed.map(|(_, low)| low));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
