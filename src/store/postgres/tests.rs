//! What only a server across a network can do to us.

use crate::base::Secret;
use crate::base::services::{Postgres, free_port};
use crate::settings::groups::MigrateMode;
use crate::store::suite::{Database, key};
use crate::store::testing::usage_row;
use crate::store::{DatabaseOptions, Store, StoreError, open};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_millis(800);
/// More than a time-out, less than two: scheduling on a loaded machine.
const SOON: Duration = Duration::from_millis(1_500);

fn options(url: String) -> DatabaseOptions {
    DatabaseOptions { url: Some(Secret::new(url)), timeout: TIMEOUT, ..Database::sqlite().options }
}

/// A store whose schema is there: on a machine with much to do that takes longer than the time-out.
async fn prepared(options: &DatabaseOptions) -> Arc<dyn Store> {
    let store = open(options).await.unwrap();
    store.migrate().await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_never_holds_us_beyond_the_time_out_and_is_used_again() {
    let Some(cluster) = Postgres::private() else { return };
    let store = prepared(&options(cluster.database())).await;
    store.create_service_key(&key("a", "ci")).await.unwrap();
    cluster.freeze();
    let begin = Instant::now();
    // More at once than there are connections.
    let asked: Vec<_> = (0..20)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                match n % 3 {
                    0 => store.service_keys().await.map(drop),
                    1 => store.record_usage(&[usage_row(n)]).await.map(drop),
                    _ => store.ping().await,
                }
            })
        })
        .collect();
    for one in asked {
        let error = one.await.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Timeout { .. }), "{error}");
    }
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    // Again, with every connection given up; and closing does not wait either.
    let begin = Instant::now();
    assert!(store.ping().await.is_err());
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    let other = open(&options("postgres://ultra@127.0.0.1:1/x".into())).await.unwrap();
    other.close().await;

    cluster.thaw();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match store.service_keys().await {
            Ok(keys) => break assert_eq!(keys, [key("a", "ci")]),
            Err(e) => assert!(Instant::now() < deadline, "{e}"),
        }
    }
    store.close().await;
}

#[tokio::test]
async fn an_absent_server_is_no_reason_not_to_start() {
    let port = free_port();
    let url = format!("postgres://user:canary-password@127.0.0.1:{port}/db?options=-ccanary%3D1");
    let store = open(&options(url)).await.unwrap();
    let begin = Instant::now();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    let said = format!("{error} {error:?} {:?} {}", error.problem(), store.location());
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test]
async fn a_server_that_does_not_want_us_says_why() {
    let Some(cluster) = Postgres::shared() else { return };
    let url = cluster.database();
    let missing = open(&options(format!("{url}_missing"))).await.unwrap();
    let error = missing.ping().await.unwrap_err();
    assert!(error.to_string().contains("no database of that name"), "{error}");
    let nobody = url.replace("ultra@", "nobody:canary@");
    let error = open(&options(nobody)).await.unwrap().ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Denied { .. }), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    for malformed in ["postgres://u:canary@h:99999/x", "postgres://u:canary@h/x?sslmode=canary"] {
        let error = open(&options(malformed.into())).await.unwrap_err();
        assert!(matches!(error, StoreError::Unsuitable { .. }), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn connections_that_were_killed_are_replaced() {
    let Some(cluster) = Postgres::shared() else { return };
    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap();
    let store = prepared(&options(url.clone())).await;
    store.ping().await.unwrap();
    let killed = cluster.sql(
        "postgres",
        &format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
        ),
    );
    assert_ne!(killed, "0");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn dropped_tables_are_noticed_and_made_again() {
    let Some(cluster) = Postgres::shared() else { return };
    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap();
    let store = prepared(&options(url.clone())).await;
    store.ping().await.unwrap();
    cluster.sql(name, "DROP SCHEMA ultra CASCADE");
    assert!(store.service_keys().await.is_err());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match store.service_keys().await {
            Ok(keys) => break assert_eq!(keys, []),
            Err(e) => assert!(Instant::now() < deadline, "{e}"),
        }
    }
}

#[tokio::test]
async fn it_shares_a_database_with_an_application() {
    let Some(cluster) = Postgres::shared() else { return };
    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap();
    cluster.sql(name, "CREATE TABLE usage (x int); CREATE TABLE service_keys (y int)");
    let store = prepared(&options(url.clone())).await;
    assert_eq!(store.count_usage().await.unwrap(), 0);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(cluster.sql(name, tables), "2");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let Some(cluster) = Postgres::shared() else { return };
    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap();
    prepared(&options(url.clone())).await.ping().await.unwrap();
    cluster.sql(name, "INSERT INTO ultra.migrations VALUES (9999, 'future', '', 0)");
    for mode in [MigrateMode::Auto, MigrateMode::Check] {
        let options = DatabaseOptions { migrate: Some(mode), ..options(url.clone()) };
        let error = open(&options).await.unwrap().ping().await.unwrap_err();
        assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_protected_profile_waits_for_its_migrations() {
    let Some(cluster) = Postgres::shared() else { return };
    let options = DatabaseOptions { protected: true, ..options(cluster.database()) };
    let store = open(&options).await.unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Pending { .. })));
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_may_take_longer_than_an_operation() {
    let Some(cluster) = Postgres::shared() else { return };
    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap();
    // Everything that the migrations make takes a while, altogether longer than the time-out.
    cluster.sql(
        name,
        "CREATE FUNCTION slowly() RETURNS event_trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_sleep(0.2); END'; \
         CREATE EVENT TRIGGER slowly ON ddl_command_end EXECUTE FUNCTION slowly()",
    );
    let only = DatabaseOptions { pool_size: 1, ..options(url.clone()) };
    let (one, other) = (open(&only).await.unwrap(), open(&options(url.clone())).await.unwrap());
    let begin = Instant::now();
    let (first, second) = tokio::join!(one.ping(), other.ping());
    for asked in [first, second] {
        let error = asked.unwrap_err();
        assert!(matches!(error, StoreError::Migrating { .. }), "{error}");
    }
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    // Nobody asks meanwhile.
    let count =
        "SELECT CASE WHEN to_regclass('ultra.migrations') IS NULL THEN 'none' ELSE 'some' END";
    let deadline = Instant::now() + Duration::from_secs(30);
    while cluster.sql(name, count) != "some" {
        assert!(Instant::now() < deadline, "it goes on by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for store in [&one, &other] {
        loop {
            match store.ping().await {
                Ok(()) => break,
                Err(e) => assert!(Instant::now() < deadline, "{e}"),
            }
        }
        assert_eq!(store.schema().await.unwrap().pending, [""; 0]);
    }
    // What breaks off is begun anew.
    cluster.sql(name, "DROP SCHEMA ultra CASCADE");
    assert!(one.service_keys().await.is_err());
    let error = one.ping().await.unwrap_err();
    let waits = matches!(error, StoreError::Migrating { .. } | StoreError::Timeout { .. });
    assert!(waits, "{error}");
    let killed = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    cluster.sql("postgres", &killed);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match one.service_keys().await {
            Ok(keys) => break assert_eq!(keys, []),
            Err(e) => assert!(Instant::now() < deadline, "{e}"),
        }
    }
}
