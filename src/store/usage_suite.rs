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
