//! The suite of usage rows and their sums, for both stores.

use super::suite::{Database, suite};
use super::testing::usage_row;
use super::*;
use uuid::Uuid;

suite!(
    usage_rows_are_kept_whole_and_never_twice,
    usage_takes_what_clients_send,
    usage_from_two_processes_adds_up,
    usage_is_summed_up_exactly,
    usage_over_days_is_the_sum_of_its_rows,
);

async fn usage_rows_are_kept_whole_and_never_twice(database: Database) {
    let store = database.open().await;
    let rows: Vec<UsageRow> = (1..=500).map(usage_row).collect();
    assert_eq!(store.record_usage(&rows).await.unwrap(), 500);
    assert_eq!(store.record_usage(&rows).await.unwrap(), 0);
    let more: Vec<UsageRow> = (400..=600).map(usage_row).collect();
    assert_eq!(store.record_usage(&more).await.unwrap(), 100);
    assert_eq!(store.record_usage(&[]).await.unwrap(), 0);
    assert_eq!(store.count_usage().await.unwrap(), 600);
    let latest = store.recent_usage(2).await.unwrap();
    assert_eq!(latest, [usage_row(600), usage_row(599)]);
}

async fn usage_takes_what_clients_send(database: Database) {
    let store = database.open().await;
    let row = UsageRow {
        id: Uuid::now_v7(),
        model: "nul \0 emoji \u{1f600} quote ' ".repeat(1_000).into(),
        provider: None,
        upstream_model: None,
        outcome: Outcome::ClientClosed,
        input_tokens: Some(u64::MAX),
        output_tokens: None,
        cost_nano_usd: Some(i64::MIN),
        user_id: Some("u \0".into()),
        cache_write_5m_tokens: Some(u64::MAX),
        cache_write_1h_tokens: Some(3),
        price_version: Some("2026-11".into()),
        ..usage_row(1)
    };
    assert_eq!(store.record_usage(std::slice::from_ref(&row)).await.unwrap(), 1);
    let kept = store.recent_usage(1).await.unwrap().remove(0);
    assert_eq!(kept.input_tokens, Some(u64::try_from(i64::MAX).unwrap()));
    assert_eq!((kept.provider, kept.output_tokens), (None, None));
    assert_eq!(kept.cache_write_5m_tokens, kept.input_tokens);
    assert_eq!((kept.cache_write_1h_tokens, kept.user_id.is_some()), (Some(3), true));
    assert_eq!((kept.cost_nano_usd, kept.outcome), (Some(i64::MIN), Outcome::ClientClosed));
    assert_eq!(kept.model.chars().count(), row.model.chars().count());
}

async fn usage_from_two_processes_adds_up(database: Database) {
    let writers = (0..4_u32).map(|writer| {
        let options = database.options.clone();
        tokio::spawn(async move {
            let store = open(&options).await.unwrap();
            for batch in 0..10 {
                let first = writer * 1_000 + batch * 20;
                let rows: Vec<UsageRow> = (first..first + 20).map(usage_row).collect();
                store.record_usage(&rows).await.unwrap();
                store.service_keys().await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(database.open().await.count_usage().await.unwrap(), 800);
}

async fn usage_is_summed_up_exactly(database: Database) {
    let store = database.open().await;
    let day = |n: i64| Timestamp::from_second(1_790_000_000 + n * 86_400).unwrap();
    let row = |n: u32, key: &str, model: &str, at: Timestamp| UsageRow {
        key_id: key.into(),
        model: model.into(),
        at,
        cost_nano_usd: Some(i64::from(n)),
        ..usage_row(n)
    };
    let rows = [
        row(1, "a", "Z", day(0)),
        row(2, "a", "b", day(1)),
        UsageRow { user_id: Some("u".into()), cached_tokens: Some(5), ..row(3, "c", "b", day(1)) },
        // A second attempt whose client left before anything was counted.
        UsageRow {
            attempt: 2,
            outcome: Outcome::ClientClosed,
            input_tokens: None,
            output_tokens: None,
            cost_nano_usd: None,
            ..row(4, "c", "b", day(1))
        },
        // One that the provider refused.
        UsageRow {
            outcome: Outcome::Error,
            status: 429,
            input_tokens: None,
            output_tokens: None,
            cost_nano_usd: None,
            ..row(5, "c", "\u{e9}", day(2))
        },
    ];
    store.record_usage(&rows).await.unwrap();
    let ask = async |query: UsageQuery| store.usage_report(&query).await.unwrap();
    let all = UsageQuery { limit: 100, ..UsageQuery::default() };
    let by = |by| UsageQuery { by: Some(by), ..all.clone() };
    let groups = |sums: &[UsageSum]| -> Vec<String> {
        sums.iter().map(|sum| sum.group.clone().unwrap_or_default()).collect()
    };

    let one = ask(all.clone()).await;
    assert_eq!(one.len(), 1);
    let sum = &one[0];
    assert_eq!((sum.requests, sum.attempts, sum.failed), (4, 5, 1));
    assert_eq!((sum.uncounted, sum.unpriced), (1, 1));
    assert_eq!((sum.input, sum.cached, sum.output), (Some(6), Some(5), Some(21)));
    assert_eq!((sum.cache_write_5m, sum.cost_nano_usd), (None, Some(6)));

    for (by_what, expected) in [
        (UsageBy::Model, vec!["Z", "b", "\u{e9}"]),
        (UsageBy::Key, vec!["a", "c"]),
        (UsageBy::User, vec!["", "u"]),
        (UsageBy::Provider, vec!["openai"]),
        (UsageBy::Day, vec!["2026-09-21", "2026-09-22", "2026-09-23"]),
    ] {
        let sums = ask(by(by_what)).await;
        assert_eq!(groups(&sums), expected);
        let mut total = UsageSum::default();
        sums.iter().for_each(|sum| total.add(sum));
        assert_eq!(total, *sum, "groups by {} add up", by_what.word());
    }
    let some = UsageQuery { since: Some(day(1)), until: Some(day(2)), ..by(UsageBy::Key) };
    assert_eq!(groups(&ask(some.clone()).await), ["a", "c"]);
    let of = UsageQuery { keys: Some(vec!["c".into(), "x".into()]), ..some.clone() };
    assert_eq!(ask(of).await[0].attempts, 2);
    let model = UsageQuery { model: Some("Z".into()), ..by(UsageBy::Model) };
    assert_eq!(ask(model).await[0].attempts, 1);
    assert_eq!(ask(UsageQuery { keys: Some(vec![]), ..all.clone() }).await, []);
    assert_eq!(ask(UsageQuery { limit: 1, ..by(UsageBy::Model) }).await.len(), 1);
    let nothing = UsageQuery { model: Some("nul \0".into()), ..by(UsageBy::Model) };
    assert_eq!(ask(nothing).await, []);

    // Counts beyond all reason are summed as exactly.
    let most = |n| UsageRow {
        input_tokens: Some(u64::MAX),
        cost_nano_usd: Some(i64::MIN),
        ..usage_row(n)
    };
    store.record_usage(&[most(10), most(11), most(12)]).await.unwrap();
    let sum = ask(all).await.remove(0);
    assert_eq!(sum.input, Some(6 + 3 * i128::from(i64::MAX)));
    assert_eq!(sum.cost_nano_usd, Some(6 + 3 * i128::from(i64::MIN)));
}

/// What rows come to, one after the other.
fn added_up(rows: &[UsageRow]) -> UsageSum {
    let mut sum = UsageSum::default();
    for row in rows {
        let number = |n: Option<u64>| n.map(i128::from);
        let refused = matches!(row.outcome, Outcome::Error | Outcome::Refused);
        let billed = !refused || row.input_tokens.is_some() || row.output_tokens.is_some();
        let counted = row.input_tokens.is_some() && row.output_tokens.is_some();
        let ended = matches!(row.outcome, Outcome::Ok | Outcome::ClientClosed);
        sum.add(&UsageSum {
            group: None,
            requests: u64::from(row.attempt == 1),
            attempts: 1,
            failed: u64::from(!ended),
            uncounted: u64::from(billed && !counted),
            unpriced: u64::from(billed && row.cost_nano_usd.is_none()),
            input: number(row.input_tokens),
            cached: number(row.cached_tokens),
            cache_write_5m: number(row.cache_write_5m_tokens),
            cache_write_1h: number(row.cache_write_1h_tokens),
            output: number(row.output_tokens),
            reasoning: number(row.reasoning_tokens),
            cost_nano_usd: row.cost_nano_usd.map(i128::from),
        });
    }
    sum
}

async fn usage_over_days_is_the_sum_of_its_rows(database: Database) {
    const HOUR: i64 = 3600;
    let start = 1_790_000_000 - 1_790_000_000 % 86_400;
    let at = |hours: i64| Timestamp::from_second(start + hours * HOUR).unwrap();
    let row = |n: u32| {
        let some = |every: u32, value: u64| n.is_multiple_of(every).then_some(value);
        UsageRow {
            at: at(i64::from(n) * 7 % 240),
            key_id: format!("k{}", n % 3).into(),
            // Names are as long as clients like, and one is not the end of another.
            model: if n.is_multiple_of(11) { "m".repeat(9_000) } else { format!("m{}", n % 2) }
                .into(),
            provider: some(4, 0).is_none().then(|| "p".into()),
            user_id: some(5, 0).map(|_| if n.is_multiple_of(2) { "" } else { "u" }.into()),
            outcome: if n.is_multiple_of(6) { Outcome::Error } else { Outcome::Ok },
            attempt: 1 + n % 2,
            input_tokens: some(3, u64::MAX >> 1).or(Some(u64::from(n))),
            cached_tokens: some(7, 11),
            output_tokens: some(2, 5),
            reasoning_tokens: None,
            cost_nano_usd: some(9, 1).map_or(Some(-i64::from(n) - (1 << 40)), |_| None),
            ..usage_row(n)
        }
    };
    let store = database.open().await;
    let rows: Vec<UsageRow> = (1..=300).map(row).collect();
    let (first, late) = rows.split_at(200);
    store.record_usage(first).await.unwrap();
    let all = UsageQuery { limit: 10_000, ..UsageQuery::default() };
    assert_eq!(store.usage_report(&all).await.unwrap(), [added_up(first)]);
    // Rows of days that are over come late, and some come again.
    store.record_usage(&rows[150..]).await.unwrap();
    store.record_usage(late).await.unwrap();
    for (since, until) in [
        (None, None),
        (Some(0), Some(240)),
        (Some(24), Some(48)),
        (Some(25), Some(26)),
        (Some(25), Some(49)),
        (Some(13), Some(203)),
        (None, Some(100)),
        (Some(100), None),
    ] {
        let (since, until) = (since.map(at), until.map(at));
        let within = |row: &&UsageRow| {
            since.is_none_or(|since| row.at >= since) && until.is_none_or(|until| row.at < until)
        };
        let within: Vec<UsageRow> = rows.iter().filter(within).cloned().collect();
        let query = UsageQuery { since, until, ..all.clone() };
        let sums = store.usage_report(&query).await.unwrap();
        assert_eq!(sums, [added_up(&within)], "{since:?} {until:?}");
        for by in UsageBy::ALL {
            let query = UsageQuery { by: Some(by), ..query.clone() };
            let mut total = UsageSum::default();
            let groups = store.usage_report(&query).await.unwrap();
            groups.iter().for_each(|sum| total.add(sum));
            assert_eq!(total, added_up(&within), "{} {since:?} {until:?}", by.word());
            if by == UsageBy::User {
                let of = |user: Option<&str>| -> Vec<UsageRow> {
                    within.iter().filter(|row| row.user_id.as_deref() == user).cloned().collect()
                };
                for group in groups {
                    let expected = added_up(&of(group.group.as_deref()));
                    assert_eq!(UsageSum { group: None, ..group }, expected);
                }
            }
        }
        let some = UsageQuery { model: Some("m1".into()), keys: Some(vec!["k2".into()]), ..query };
        let expected: Vec<UsageRow> =
            within.iter().filter(|r| &*r.model == "m1" && &*r.key_id == "k2").cloned().collect();
        let sums = store.usage_report(&some).await.unwrap();
        assert_eq!(sums.first().cloned().unwrap_or_default(), added_up(&expected));
    }
}
