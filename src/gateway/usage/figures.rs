//! The figures: sums by group and in all, as data.

use super::Wanted;
use crate::base::Timestamp;
use crate::provider::prices::usd;
use crate::store::{Store, StoreError, UsageBy, UsageQuery, UsageSum};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// So many groups are told at most.
const MOST: usize = 10_000;

/// Usage, summed up.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    /// What rows are brought together by.
    #[serde(serialize_with = "by")]
    pub(crate) by: UsageBy,
    /// From this time on.
    pub(crate) since: Timestamp,
    /// Before this time.
    pub(crate) until: Timestamp,
    /// The groups, in their order.
    pub(crate) rows: Vec<Row>,
    /// All of them, those too that are left out.
    pub(crate) total: Sum,
    /// Whether groups are left out, because there are too many.
    pub(crate) truncated: bool,
}

/// A group.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The id of the key, the user, the model, the provider, the day; `None` for what has none.
    pub(crate) group: Option<String>,
    /// What people call the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// What it comes to.
    #[serde(flatten)]
    pub(crate) sum: Sum,
}

/// What rows come to.
#[derive(Clone, Debug)]
pub(crate) struct Sum(pub(crate) UsageSum);

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sum = &self.0;
        // Numbers that JSON readers could not hold are texts.
        let number = |n: Option<i128>| match n {
            None => Value::Null,
            Some(n) => i64::try_from(n).map_or_else(|_| Value::from(n.to_string()), Value::from),
        };
        serializer.collect_map([
            ("requests", Value::from(sum.requests)),
            ("attempts", Value::from(sum.attempts)),
            ("failed", Value::from(sum.failed)),
            ("uncounted", Value::from(sum.uncounted)),
            ("unpriced", Value::from(sum.unpriced)),
            ("input_tokens", number(sum.input)),
            ("cached_tokens", number(sum.cached)),
            ("cache_write_5m_tokens", number(sum.cache_write_5m)),
            ("cache_write_1h_tokens", number(sum.cache_write_1h)),
            ("output_tokens", number(sum.output)),
            ("reasoning_tokens", number(sum.reasoning)),
            ("cost_nano_usd", number(sum.cost_nano_usd)),
            ("cost_usd", sum.cost_nano_usd.map_or(Value::Null, |nano| Value::from(usd(nano)))),
        ])
    }
}

fn by<S: Serializer>(by: &UsageBy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(by.word())
}

impl Figures {
    /// Those of a store that was never made.
    pub(crate) fn none(wanted: &Wanted) -> Self {
        Self::of(wanted, Vec::new(), UsageSum::default(), false)
    }

    fn of(wanted: &Wanted, rows: Vec<Row>, total: UsageSum, truncated: bool) -> Self {
        let Wanted { by, since, until, .. } = *wanted;
        Self { by, since, until, rows, total: Sum(total), truncated }
    }
}

/// Asks the store. `only` are the keys whose rows may be seen; all if left out.
///
/// # Errors
/// The store's.
pub(crate) async fn figures(
    store: &dyn Store,
    wanted: &Wanted,
    only: Option<&str>,
) -> Result<Figures, StoreError> {
    let mut names = BTreeMap::new();
    let mut keys = wanted.key.as_ref().map(|key| vec![key.clone()]);
    if wanted.key.is_some() || wanted.by == UsageBy::Key {
        for key in store.service_keys().await? {
            if let (Some(wanted), Some(keys)) = (&wanted.key, &mut keys)
                && key.name == *wanted
                && !keys.contains(&key.id)
            {
                keys.push(key.id.clone());
            }
            names.insert(key.id, key.name);
        }
    }
    if let Some(only) = only {
        keys.get_or_insert_with(|| vec![only.to_owned()]).retain(|key| key == only);
    }
    let query = UsageQuery {
        by: Some(wanted.by),
        since: Some(wanted.since),
        until: Some(wanted.until),
        model: wanted.model.clone(),
        keys,
        limit: u32::try_from(MOST + 1).unwrap_or(u32::MAX),
    };
    let mut sums = store.usage_report(&query).await?;
    let truncated = sums.len() > MOST;
    let mut total = UsageSum::default();
    if truncated {
        sums.truncate(MOST);
        let all = UsageQuery { by: None, ..query };
        store.usage_report(&all).await?.iter().for_each(|sum| total.add(sum));
    } else {
        sums.iter().for_each(|sum| total.add(sum));
    }
    let rows = sums.into_iter().map(|mut sum| {
        let group = sum.group.take();
        let name = group.as_ref().filter(|_| wanted.by == UsageBy::Key);
        Row { name: name.and_then(|id| names.get(id).cloned()), group, sum: Sum(sum) }
    });
    Ok(Figures::of(wanted, rows.collect(), total, truncated))
}
