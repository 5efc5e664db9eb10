//! Usage, summed up: what is asked for, and what comes back.

use crate::base::Timestamp;

/// What rows are brought together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UsageBy {
    /// The service key, or the subject of the token.
    Key,
    /// The user, where the credentials name one.
    User,
    /// The model that clients asked for.
    Model,
    /// The provider that was asked.
    Provider,
    /// The day, UTC.
    Day,
}

impl UsageBy {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 5] =
        [Self::Key, Self::User, Self::Model, Self::Provider, Self::Day];

    /// Its name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Day => "day",
        }
    }

    /// The one with this name.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }

    /// What the statements of both databases group by: a day is its number since 1970-01-01.
    pub(super) fn expression(self) -> &'static str {
        match self {
            Self::Key => "key_id",
            Self::User => "user_id",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Day => "at / 86400000000",
        }
    }

    /// A group as it is told; a day's number becomes its date.
    pub(super) fn shown(self, group: String) -> String {
        if self != Self::Day {
            return group;
        }
        group
            .parse::<i64>()
            .ok()
            .and_then(|day| Timestamp::from_second(day.checked_mul(86_400)?).ok())
            .map_or(group, |at| at.strftime("%Y-%m-%d").to_string())
    }
}

/// Which rows are summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageQuery {
    /// What they are brought together by; all are one group if left out.
    pub(crate) by: Option<UsageBy>,
    /// From this time on.
    pub(crate) since: Option<Timestamp>,
    /// Before this time.
    pub(crate) until: Option<Timestamp>,
    /// Only of this model, as clients ask for it.
    pub(crate) model: Option<String>,
    /// Only of these keys, by id.
    pub(crate) keys: Option<Vec<String>>,
    /// So many groups at most, the first in their order.
    pub(crate) limit: u32,
}

/// Where the rows of a span of time are found: those of whole days are summed up already, by day,
/// in the same transaction in which each was inserted; the others are summed up now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spans {
    /// Whole days, by number since 1970-01-01; the end is not among them.
    pub(super) days: Option<(i64, i64)>,
    /// Times in microseconds, of which the end is not part; `None` is open.
    pub(super) rest: Vec<(Option<i64>, Option<i64>)>,
}

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

impl UsageQuery {
    /// Where its rows are found.
    pub(super) fn spans(&self) -> Spans {
        let since = self.since.map(Timestamp::as_microsecond);
        let until = self.until.map(Timestamp::as_microsecond);
        let first = since
            .map_or(i64::MIN, |since| since.div_euclid(DAY) + i64::from(since.rem_euclid(DAY) > 0));
        let end = until.map_or(i64::MAX, |until| until.div_euclid(DAY));
        if first >= end {
            return Spans { days: None, rest: vec![(since, until)] };
        }
        let before = since.map(|since| (since, first.saturating_mul(DAY)));
        let after = until.map(|until| (end.saturating_mul(DAY), until));
        let rest = before.into_iter().chain(after).filter(|(from, to)| from < to);
        let rest = rest.map(|(from, to)| (Some(from), Some(to))).collect();
        Spans { days: Some((first, end)), rest }
    }

    /// Whether it can have no rows: it is about the keys of an empty list.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.as_ref().is_some_and(Vec::is_empty)
    }
}

/// What the rows of a group come to. A sum of which no row says anything is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageSum {
    /// The group; `None` for rows that have none, or if all are one.
    pub(crate) group: Option<String>,
    /// Requests. One counts where its first attempt went, so that groups add up.
    pub(crate) requests: u64,
    /// Attempts at providers.
    pub(crate) attempts: u64,
    /// Attempts that did not end well, but for those whose client went away.
    pub(crate) failed: u64,
    /// Attempts that a provider may bill and whose tokens nobody counted in full.
    pub(crate) uncounted: u64,
    /// Attempts that a provider may bill and whose cost is not known.
    pub(crate) unpriced: u64,
    /// Input tokens, neither read from a cache nor written to one.
    pub(crate) input: Option<i128>,
    /// Input tokens read from a cache.
    pub(crate) cached: Option<i128>,
    /// Input tokens written to a cache for five minutes.
    pub(crate) cache_write_5m: Option<i128>,
    /// Input tokens written to a cache for an hour.
    pub(crate) cache_write_1h: Option<i128>,
    /// Output tokens, reasoning included.
    pub(crate) output: Option<i128>,
    /// Output tokens for reasoning.
    pub(crate) reasoning: Option<i128>,
    /// What the priced attempts cost, nano-dollars.
    pub(crate) cost_nano_usd: Option<i128>,
}

/// The columns that are summed, in the order of [`UsageSum`].
pub(super) const SUMMED: [&str; 7] = [
    "input_tokens",
    "cached_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
];

/// The columns of the table by day that are counted, in the order of [`UsageSum`].
pub(super) const COUNTED_BY_DAY: [&str; 5] =
    ["requests", "attempts", "failed", "uncounted", "unpriced"];

/// What is counted, each a condition, in the order of [`UsageSum`]. A provider may bill what it has
/// answered or counted, not what it refused.
pub(super) const COUNTED: [&str; 5] = [
    "attempt = 1",
    "TRUE",
    "outcome NOT IN ('ok', 'client_closed')",
    "(outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL) \
     AND (input_tokens IS NULL OR output_tokens IS NULL)",
    "(outcome NOT IN ('error', 'refused') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL) \
     AND cost_nano_usd IS NULL",
];

impl UsageSum {
    /// The sum of a group from the columns of a statement.
    pub(super) fn of(group: Option<String>, counted: [u64; 5], summed: [Option<i128>; 7]) -> Self {
        let [requests, attempts, failed, uncounted, unpriced] = counted;
        let [input, cached, cache_write_5m, cache_write_1h, output, reasoning, cost_nano_usd] =
            summed;
        Self {
            group,
            requests,
            attempts,
            failed,
            uncounted,
            unpriced,
            input,
            cached,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
            cost_nano_usd,
        }
    }

    /// Adds what another group comes to.
    pub(crate) fn add(&mut self, other: &Self) {
        let sum = |a: Option<i128>, b: Option<i128>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        self.requests += other.requests;
        self.attempts += other.attempts;
        self.failed += other.failed;
        self.uncounted += other.uncounted;
        self.unpriced += other.unpriced;
        self.input = sum(self.input, other.input);
        self.cached = sum(self.cached, other.cached);
        self.cache_write_5m = sum(self.cache_write_5m, other.cache_write_5m);
        self.cache_write_1h = sum(self.cache_write_1h, other.cache_write_1h);
        self.output = sum(self.output, other.output);
        self.reasoning = sum(self.reasoning, other.reasoning);
        self.cost_nano_usd = sum(self.cost_nano_usd, other.cost_nano_usd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_are_told_from_the_rest_of_a_span() {
        let at = |hours: i64| Timestamp::from_second(hours * 3600).unwrap();
        let micros = |hours: i64| Some(hours * 3_600_000_000);
        let spans = |since: Option<i64>, until: Option<i64>| {
            let query =
                UsageQuery { since: since.map(at), until: until.map(at), ..UsageQuery::default() };
            query.spans()
        };
        let whole = |first, end| Spans { days: Some((first, end)), rest: vec![] };
        assert_eq!(spans(None, None), whole(i64::MIN, i64::MAX));
        assert_eq!(spans(Some(24), Some(72)), whole(1, 3));
        let edges = Spans {
            days: Some((2, 4)),
            rest: vec![(micros(25), micros(48)), (micros(96), micros(97))],
        };
        assert_eq!(spans(Some(25), Some(97)), edges);
        for (since, until) in [(25, 26), (25, 49), (47, 49), (30, 71)] {
            let rest = Spans { days: None, rest: vec![(micros(since), micros(until))] };
            assert_eq!(spans(Some(since), Some(until)), rest, "{since} {until}");
        }
        let open = Spans { days: Some((2, i64::MAX)), rest: vec![(micros(25), micros(48))] };
        assert_eq!(spans(Some(25), None), open);
    }
}
