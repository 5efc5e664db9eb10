//! What only a database in a file can suffer.

use crate::base::Secret;
use crate::base::Timestamp;
use crate::settings::groups::MigrateMode;
use crate::store::suite::{Database, key};
use crate::store::testing::usage_row;
use crate::store::{
    DatabaseOptions, Store, StoreError, StoreKind, UsageBy, UsageQuery, UsageRow, open,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn refused(options: &DatabaseOptions) -> StoreError {
    match open(options).await {
        Ok(store) => panic!("{} was opened", store.location()),
        Err(e) => e,
    }
}

/// All files beside the database, with their bytes.
fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// A closed database with some rows in it: one file, no log.
async fn filled() -> Database {
    let database = Database::sqlite();
    let store = database.open().await;
    store.create_service_key(&key("a", "ci")).await.unwrap();
    let rows: Vec<_> = (0..500).map(usage_row).collect();
    store.record_usage(&rows).await.unwrap();
    store.close().await;
    assert_eq!(files(&database.options.sqlite_path).len(), 1);
    database
}

async fn connect(path: &Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    options.filename(path).create_if_missing(true).connect().await.unwrap()
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let database = filled().await;
    let path = &database.options.sqlite_path;
    let sound = std::fs::read(path).unwrap();
    let mut torn_pages = sound.clone();
    torn_pages[5_000..20_000].fill(0xab);
    let mut torn_head = sound.clone();
    torn_head[40..100].fill(0xff);
    let truncated = sound[..9_000].to_vec();
    let cases: [(&str, Vec<u8>); 4] = [
        ("text", b"this is no database\n".to_vec()),
        ("pages", torn_pages),
        ("head", torn_head),
        ("truncated", truncated),
    ];
    for (name, bytes) in cases {
        std::fs::write(path, &bytes).unwrap();
        for mode in [MigrateMode::Auto, MigrateMode::Check] {
            let options = DatabaseOptions { migrate: Some(mode), ..database.options.clone() };
            let error = refused(&options).await;
            assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {error}");
            assert_eq!(std::fs::read(path).unwrap(), bytes, "{name} was changed");
        }
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_as_it_is() {
    let database = Database::sqlite();
    let path = &database.options.sqlite_path;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut foreign = connect(path).await;
    sqlx::raw_sql("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')")
        .execute(&mut foreign)
        .await
        .unwrap();
    foreign.close().await.unwrap();
    let before = files(path);
    let error = refused(&database.options).await;
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(files(path), before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_is() {
    let database = filled().await;
    let path = &database.options.sqlite_path;
    let mut newer = connect(path).await;
    sqlx::raw_sql("INSERT INTO ultra_migrations VALUES (9999, 'future', x'00', 0)")
        .execute(&mut newer)
        .await
        .unwrap();
    newer.close().await.unwrap();
    let before = std::fs::read(path).unwrap();
    let error = refused(&database.options).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, known: 5, .. }), "{error}");
    assert_eq!(std::fs::read(path).unwrap(), before);
}

#[tokio::test]
async fn a_script_that_was_changed_is_noticed() {
    let database = filled().await;
    let mut other = connect(&database.options.sqlite_path).await;
    sqlx::raw_sql("UPDATE ultra_migrations SET checksum = x'00'")
        .execute(&mut other)
        .await
        .unwrap();
    other.close().await.unwrap();
    let error = refused(&database.options).await;
    assert!(error.to_string().contains("0001-init"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_a_file_is_refused() {
    let database = Database::sqlite();
    let mut options = database.options.clone();
    // A directory, and a path through a file.
    std::fs::create_dir_all(&options.sqlite_path).unwrap();
    assert!(matches!(refused(&options).await, StoreError::Damaged { .. }));
    let file = options.sqlite_path.join("file");
    std::fs::write(&file, "").unwrap();
    options.sqlite_path = file.join("dev.db");
    assert!(matches!(refused(&options).await, StoreError::Denied { .. }));
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    if rustix::process::geteuid().is_root() {
        // Nothing is closed to root; the real binary is tested as another user.
        return;
    }
    let database = filled().await;
    let path = &database.options.sqlite_path;
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(path, 0o400);
    assert!(matches!(refused(&database.options).await, StoreError::Denied { .. }));
    mode(path, 0o600);
    mode(path.parent().unwrap(), 0o500);
    assert!(matches!(refused(&database.options).await, StoreError::Denied { .. }));
    mode(path.parent().unwrap(), 0o700);
}

#[tokio::test]
async fn a_check_does_not_even_create_the_file() {
    let database = Database::sqlite();
    let store = database.open_as(MigrateMode::Check).await;
    assert!(matches!(store.ping().await, Err(StoreError::Pending { .. })));
    assert!(!database.options.sqlite_path.parent().unwrap().exists());
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
    let dir = database.options.sqlite_path.parent().unwrap();
    for path in [dir, &database.options.sqlite_path] {
        assert!(!crate::base::file::others_can_read(path).unwrap(), "{}", path.display());
    }
}

#[tokio::test]
async fn an_empty_file_and_one_left_by_a_crash_are_opened() {
    let database = Database::sqlite();
    let path = &database.options.sqlite_path;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "").unwrap();
    let store = database.open().await;
    store.create_service_key(&key("a", "ci")).await.unwrap();
    // Copies of a database in use are what a crash leaves: data in the log only.
    let crashed = Database::sqlite();
    let copy = &crashed.options.sqlite_path;
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(name(path), name(copy)).unwrap();
    }
    assert_eq!(crashed.open().await.service_keys().await.unwrap(), [key("a", "ci")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_holds_the_lock_does_not_hold_us_beyond_the_time_out() {
    let mut database = filled().await;
    database.options.timeout = Duration::from_millis(300);
    let store = database.open().await;
    let mut other = connect(&database.options.sqlite_path).await;
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let begin = Instant::now();
    let error = store.create_service_key(&key("b", "b")).await.unwrap_err();
    assert!(matches!(error, StoreError::Timeout { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    // Readers do not notice.
    assert_eq!(store.service_keys().await.unwrap().len(), 1);
    // A server that starts meanwhile starts, for nothing is pending.
    database.open().await.ping().await.unwrap();
    held.rollback().await.unwrap();
    store.create_service_key(&key("b", "b")).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_deleted_is_noticed() {
    let database = filled().await;
    let store: Arc<dyn Store> = database.open().await;
    store.ping().await.unwrap();
    std::fs::remove_file(&database.options.sqlite_path).unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn urls_name_files_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let of =
        |url: String| DatabaseOptions { url: Some(Secret::new(url)), ..Database::sqlite().options };
    let path = dir.path().join("x.db");
    for url in [format!("sqlite:{}", path.display()), format!("sqlite://{}", path.display())] {
        let store = open(&of(url)).await.unwrap();
        assert_eq!((store.kind(), store.location()), (StoreKind::Sqlite, path.to_str().unwrap()));
    }
    for url in
        ["canary-secret", "mysql://u:canary@h/x", "sqlite::memory:", "sqlite:", "sqlite:x?mode=ro"]
    {
        let error = refused(&of(url.to_owned())).await;
        assert!(matches!(error, StoreError::Unsuitable { .. }), "{url}: {error}");
        assert!(!format!("{error:?} {error} {}", error.problem()).contains("canary"), "{url}");
    }
}

/// Rows of a year: one model, two keys, `per_day` a day.
fn a_year(per_day: u32) -> Vec<UsageRow> {
    let at = |n: u32| 1_760_054_400 + i64::from(n / per_day) * 86_400 + i64::from(n % per_day);
    (0..365 * per_day)
        .map(|n| UsageRow {
            at: Timestamp::from_second(at(n)).unwrap(),
            key_id: format!("k{}", n % 2).into(),
            ..usage_row(n)
        })
        .collect()
}

#[tokio::test]
async fn a_year_is_summed_up_from_its_days_and_not_from_its_rows() {
    let database = Database::sqlite();
    let store = database.open().await;
    for rows in a_year(20).chunks(1_000) {
        store.record_usage(rows).await.unwrap();
    }
    let mut other = connect(&database.options.sqlite_path).await;
    let days: i64 =
        sqlx::query_scalar("SELECT count(*) FROM usage_daily").fetch_one(&mut other).await.unwrap();
    assert_eq!(days, 365 * 2, "a row for a day and key, however many requests there were");
    // From the middle of a day to the middle of another.
    let at = |day: i64| Timestamp::from_second(1_760_054_400 + day * 86_400 + 10).unwrap();
    for (keys, index) in
        [(None, "usage_daily USING PRIMARY KEY"), (Some(vec!["k1".into()]), "usage_daily")]
    {
        let query = UsageQuery {
            by: Some(UsageBy::Model),
            since: Some(at(0)),
            until: Some(at(364)),
            keys,
            limit: 10,
            ..UsageQuery::default()
        };
        let statement = super::usage_report::statement(&query);
        let explained = format!("EXPLAIN QUERY PLAN {}", statement.sql().as_str());
        let plan: Vec<String> = sqlx::query(sqlx::AssertSqlSafe(explained))
            .fetch_all(&mut other)
            .await
            .unwrap()
            .iter()
            .map(|row| row.get::<String, _>("detail"))
            .collect();
        let plan = plan.join("\n");
        assert!(plan.contains(&format!("SEARCH {index}")), "{plan}");
        assert!(!plan.contains("SCAN usage"), "{plan}");
        assert!(plan.contains("SEARCH usage USING INDEX usage_"), "{plan}");
        let sum = store.usage_report(&query).await.unwrap().remove(0);
        let expected = 363 * 20 + 10 + 10;
        assert_eq!(sum.attempts, if query.keys.is_some() { expected / 2 } else { expected });
    }
}

#[tokio::test]
async fn rows_that_were_there_before_the_table_by_day_are_in_it() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.record_usage(&a_year(2)).await.unwrap();
    let all = UsageQuery { by: Some(UsageBy::Key), limit: 10, ..UsageQuery::default() };
    let expected = store.usage_report(&all).await.unwrap();
    store.close().await;
    let mut other = connect(&database.options.sqlite_path).await;
    sqlx::raw_sql(
        "DROP TABLE usage_daily; \
         DROP INDEX usage_unsummed; \
         ALTER TABLE usage DROP COLUMN summed; \
         DELETE FROM ultra_migrations WHERE version = 5",
    )
    .execute(&mut other)
    .await
    .unwrap();
    other.close().await.unwrap();
    let again = database.open().await;
    assert_eq!(again.usage_report(&all).await.unwrap(), expected);
}

/// What a server of the version before the table by day does with a row.
async fn insert_as_before(connection: &mut sqlx::SqliteConnection, row: &UsageRow) {
    let tokens = |n: Option<u64>| n.map(|n| i64::try_from(n).unwrap());
    sqlx::query(
        "INSERT INTO usage (id, at, request_id, key_id, api, model, provider, upstream_model, mode, \
         outcome, status, attempt, streamed, input_tokens, output_tokens, latency_ms, \
         cost_nano_usd, user_id) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(row.id.as_bytes().as_slice())
    .bind(row.at.as_microsecond())
    .bind(&*row.request_id)
    .bind(&*row.key_id)
    .bind(&*row.api)
    .bind(&*row.model)
    .bind(row.provider.as_deref())
    .bind(row.upstream_model.as_deref())
    .bind(&*row.mode)
    .bind(row.outcome.word())
    .bind(i64::from(row.status))
    .bind(i64::from(row.attempt))
    .bind(row.streamed)
    .bind(tokens(row.input_tokens))
    .bind(tokens(row.output_tokens))
    .bind(i64::try_from(row.latency_ms).unwrap())
    .bind(row.cost_nano_usd)
    .bind(row.user_id.as_deref())
    .execute(connection)
    .await
    .unwrap();
}

#[tokio::test]
async fn rows_of_an_older_server_that_is_still_up_are_in_the_sums() {
    // What the older server does not name is not in any row.
    let row = |row: UsageRow| UsageRow {
        cached_tokens: None,
        reasoning_tokens: None,
        cache_write_5m_tokens: None,
        cache_write_1h_tokens: None,
        price_version: None,
        ..row
    };
    let mut rows: Vec<_> = a_year(4).into_iter().map(row).collect();
    rows[0].input_tokens = Some((1 << 40) + 7);
    rows[1].provider = None;
    rows[2].user_id = Some("ann".into());
    let (all, mixed) = (Database::sqlite(), Database::sqlite());
    let expected = all.open().await;
    expected.record_usage(&rows).await.unwrap();

    let store = mixed.open().await;
    store.ping().await.unwrap();
    let mut older = connect(&mixed.options.sqlite_path).await;
    let (first, rest) = rows.split_at(500);
    let (second, third) = rest.split_at(500);
    for (batch, late) in [(first, true), (second, false), (third, true)] {
        if late {
            for row in batch {
                insert_as_before(&mut older, row).await;
            }
        }
        // Those that the older one has inserted are there already.
        let new = store.record_usage(batch).await.unwrap();
        assert_eq!(new, if late { 0 } else { 500 });
        if !late {
            // Nor does the older one count what is there.
            insert_as_before(&mut older, &batch[0]).await;
        }
        let all = UsageQuery { limit: 1, ..UsageQuery::default() };
        let attempts = store.usage_report(&all).await.unwrap()[0].attempts;
        assert_eq!(attempts, store.count_usage().await.unwrap());
    }
    for by in UsageBy::ALL {
        let query = UsageQuery { by: Some(by), limit: 1_000, ..UsageQuery::default() };
        let sums = store.usage_report(&query).await.unwrap();
        assert_eq!(sums, expected.usage_report(&query).await.unwrap(), "{by:?}");
    }
}
