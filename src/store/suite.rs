//! One suite for both stores: every function runs on SQLite and on PostgreSQL.

use super::testing::usage_row;
use super::*;
use crate::base::Secret;
use crate::base::services::Postgres;
use crate::settings::groups::MigrateMode;
use std::sync::Arc;
use std::time::Duration;

/// A database that can be opened again and again, as by several processes.
pub(crate) struct Database {
    pub(crate) options: DatabaseOptions,
    pub(crate) _dir: tempfile::TempDir,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = DatabaseOptions {
            url: None,
            url_by_root: false,
            sqlite_path: dir.path().join("data/dev.db"),
            pool_size: 5,
            timeout: Duration::from_secs(10),
            migrate: None,
            protected: false,
        };
        Self { options, _dir: dir }
    }

    pub(crate) fn postgres() -> Option<Self> {
        let mut database = Self::sqlite();
        database.options.url = Some(Secret::new(Postgres::shared()?.database()));
        Some(database)
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        open(&self.options).await.unwrap()
    }

    pub(crate) async fn open_as(&self, mode: MigrateMode) -> Arc<dyn Store> {
        let options = DatabaseOptions { migrate: Some(mode), ..self.options.clone() };
        open(&options).await.unwrap()
    }
}

/// Makes a test of each function for each store.
macro_rules! suite {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::store::suite::Database::sqlite()).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(database) = $crate::store::suite::Database::postgres() {
                    super::$name(database).await;
                }
            })+
        }
    };
}

pub(super) use suite;

suite!(
    migrations_are_applied_once_by_whoever_is_first,
    a_check_applies_nothing_and_says_what_is_pending,
    service_keys_are_kept_whole,
    names_of_service_keys_are_unique_until_revoked,
    a_revocation_stands,
    a_replaced_key_ends_and_its_successor_has_the_name,
    a_key_has_one_successor_however_many_are_made_at_once,
    a_key_whose_successor_was_revoked_can_be_replaced_again,
    the_last_use_of_a_key_is_that_of_its_usage,
    heartbeats_replace_each_other,
    a_later_generation_of_a_vault_stands,
    a_vault_that_is_too_large_is_not_read,
    a_closed_store_says_so,
);

pub(crate) fn key(id: &str, name: &str) -> ServiceKey {
    ServiceKey {
        id: id.to_owned(),
        hash: [7; 32],
        name: name.to_owned(),
        scopes: Scopes::of([Scope::Read, Scope::Write]),
        created_at: Timestamp::from_microsecond(1_790_000_000_123_456).unwrap(),
        expires_at: None,
        rate: None,
        revoked_at: None,
        replaced_by: None,
    }
}

async fn migrations_are_applied_once_by_whoever_is_first(database: Database) {
    let openings = (0..4).map(|_| {
        let options = database.options.clone();
        tokio::spawn(async move {
            let store = open(&options).await.unwrap();
            store.ping().await.unwrap();
            store.schema().await.unwrap()
        })
    });
    for opened in openings.collect::<Vec<_>>() {
        let status = opened.await.unwrap();
        assert!(status.pending.is_empty() && status.newer.is_none() && status.changed.is_empty());
        assert_eq!(status.applied.len(), usize::try_from(status.known).unwrap());
    }
    assert!(database.open().await.migrate().await.unwrap().is_empty());
}

async fn a_check_applies_nothing_and_says_what_is_pending(database: Database) {
    let store = database.open_as(MigrateMode::Check).await;
    let Err(StoreError::Pending { pending, .. }) = store.ping().await else {
        panic!("nothing is pending");
    };
    assert_eq!(
        pending,
        ["0001-init", "0002-fleet", "0003-successors", "0004-usage-costs", "0005-usage-daily"]
    );
    let refused = store.service_keys().await.unwrap_err();
    assert!(matches!(refused, StoreError::Pending { .. }), "{refused}");
    assert_eq!(store.schema().await.unwrap().applied, []);

    // Another process migrates, and this one goes on without a restart.
    let applied = database.open_as(MigrateMode::Check).await.migrate().await.unwrap();
    assert_eq!(applied.len(), 5);
    store.ping().await.unwrap();
}

async fn service_keys_are_kept_whole(database: Database) {
    let store = database.open().await;
    let full = ServiceKey {
        expires_at: Some(Timestamp::from_microsecond(1_800_000_000_654_321).unwrap()),
        rate: Some(u32::MAX),
        name: "ключ 'quoted\" %$1; DROP TABLE x --".to_owned(),
        ..key("b", "x")
    };
    store.create_service_key(&key("a", "plain")).await.unwrap();
    store.create_service_key(&full).await.unwrap();
    let again = database.open().await;
    assert_eq!(again.service_keys().await.unwrap(), [key("a", "plain"), full]);
}

async fn names_of_service_keys_are_unique_until_revoked(database: Database) {
    let store = database.open().await;
    store.create_service_key(&key("a", "ci")).await.unwrap();
    let twice = store.create_service_key(&key("b", "ci")).await.unwrap_err();
    assert!(matches!(&twice, StoreError::Conflict { what } if what.contains("`ci`")), "{twice}");
    let same_id = store.create_service_key(&key("a", "other")).await.unwrap_err();
    assert!(matches!(same_id, StoreError::Conflict { .. }), "{same_id}");
    assert!(store.revoke_service_key("a", Timestamp::now()).await.unwrap());
    store.create_service_key(&key("b", "ci")).await.unwrap();
    assert_eq!(store.service_keys().await.unwrap().len(), 2);
}

async fn a_revocation_stands(database: Database) {
    let store = database.open().await;
    store.create_service_key(&key("a", "ci")).await.unwrap();
    let first = Timestamp::from_second(1_795_000_000).unwrap();
    assert!(store.revoke_service_key("a", first).await.unwrap());
    assert!(store.revoke_service_key("a", Timestamp::now()).await.unwrap());
    assert!(!store.revoke_service_key("unknown", first).await.unwrap());
    assert_eq!(store.service_keys().await.unwrap()[0].revoked_at, Some(first));
}

async fn a_replaced_key_ends_and_its_successor_has_the_name(database: Database) {
    let store = database.open().await;
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let made = |id: &str, second: i64| ServiceKey { created_at: at(second), ..key(id, "ci") };
    let (old, new) = (made("a", 1_000), made("b", 2_000));
    store.create_service_key(&old).await.unwrap();
    assert!(!store.replace_service_key("x", Some(at(9_000)), &new).await.unwrap(), "unknown");
    assert_eq!(store.service_keys().await.unwrap(), std::slice::from_ref(&old));
    assert!(store.replace_service_key("a", Some(at(9_000)), &new).await.unwrap());
    let ending = |by: &str| ServiceKey {
        expires_at: Some(at(9_000)),
        replaced_by: Some(by.to_owned()),
        ..old.clone()
    };
    let again = database.open().await;
    assert_eq!(again.service_keys().await.unwrap(), [ending("b"), new.clone()]);
    let twice = again.create_service_key(&made("c", 3_000)).await.unwrap_err();
    assert!(matches!(&twice, StoreError::Conflict { what } if what.contains("`ci`")), "{twice}");

    // An end that is sooner stands; without a grace it is a revocation, which no clock decides.
    let soon = ServiceKey { expires_at: Some(at(5_000)), ..made("d", 1_000) };
    let soon = ServiceKey { name: "soon".to_owned(), ..soon };
    store.create_service_key(&soon).await.unwrap();
    let next = ServiceKey { name: "soon".to_owned(), ..made("e", 2_000) };
    assert!(store.replace_service_key("d", Some(at(9_000)), &next).await.unwrap());
    let last = ServiceKey { name: "soon".to_owned(), ..made("f", 3_000) };
    assert!(store.replace_service_key("e", None, &last).await.unwrap());
    let keys = store.service_keys().await.unwrap();
    let found = |id: &str| keys.iter().find(|key| key.id == id).unwrap();
    assert_eq!((found("d").expires_at, found("d").revoked_at), (Some(at(5_000)), None));
    assert_eq!((found("e").expires_at, found("e").revoked_at), (None, Some(at(3_000))));
    assert_eq!(found("e").replaced_by.as_deref(), Some("f"));

    // Neither one that was revoked nor one that has expired has a successor.
    for (id, second) in [("e", 4_000), ("d", 5_000)] {
        let late = ServiceKey { name: "late".to_owned(), ..made("g", second) };
        assert!(!store.replace_service_key(id, Some(at(9_000)), &late).await.unwrap(), "{id}");
    }
    assert_eq!(store.service_keys().await.unwrap(), keys);
}

async fn a_key_has_one_successor_however_many_are_made_at_once(database: Database) {
    let store = database.open().await;
    store.create_service_key(&key("a", "ci")).await.unwrap();
    let until = key("a", "ci").created_at.checked_add(Duration::from_secs(60)).unwrap();
    let tries = (0..8).map(|n| {
        let options = database.options.clone();
        tokio::spawn(async move {
            let store = open(&options).await.unwrap();
            let new = key(&format!("b{n}"), "ci");
            store.replace_service_key("a", Some(until), &new).await.unwrap()
        })
    });
    let mut replaced = 0;
    for one in tries.collect::<Vec<_>>() {
        replaced += usize::from(one.await.unwrap());
    }
    let keys = store.service_keys().await.unwrap();
    assert_eq!((replaced, keys.len()), (1, 2), "{keys:?}");
    assert_eq!(keys[0].replaced_by.as_ref(), Some(&keys[1].id));
}

async fn a_key_whose_successor_was_revoked_can_be_replaced_again(database: Database) {
    let store = database.open().await;
    let made = key("a", "ci").created_at;
    let at = |seconds: u64| made.checked_add(Duration::from_secs(seconds)).unwrap();
    store.create_service_key(&key("a", "ci")).await.unwrap();
    assert!(store.replace_service_key("a", Some(at(60)), &key("b", "ci")).await.unwrap());
    assert!(!store.replace_service_key("a", Some(at(90)), &key("c", "ci")).await.unwrap());
    assert!(store.revoke_service_key("b", at(1)).await.unwrap());
    assert!(store.replace_service_key("a", Some(at(90)), &key("c", "ci")).await.unwrap());
    let keys = store.service_keys().await.unwrap();
    // An end that was told is not put off: servers may know nothing else.
    assert_eq!((keys[0].expires_at, keys[0].replaced_by.as_deref()), (Some(at(60)), Some("c")));
}

async fn the_last_use_of_a_key_is_that_of_its_usage(database: Database) {
    let store = database.open().await;
    for id in ["used", "unused"] {
        store.create_service_key(&key(id, id)).await.unwrap();
    }
    let row = |n: u32, id: &str| UsageRow { key_id: id.into(), ..usage_row(n) };
    let rows = [row(2, "used"), row(1, "used"), row(3, "somebody")];
    store.record_usage(&rows).await.unwrap();
    assert_eq!(store.service_key_uses().await.unwrap(), [("used".to_owned(), rows[0].at)]);
}

async fn heartbeats_replace_each_other(database: Database) {
    let store = database.open().await;
    let beat = |instance: &str, second: i64| Heartbeat {
        instance: instance.to_owned(),
        // A server whose clock is years behind is no less alive.
        at: Timestamp::from_second(second).unwrap(),
        version: "0.1.0".to_owned(),
        profile: "dev".to_owned(),
        config_hash: "abc".to_owned(),
        slots: serde_json::json!([{"id": "openai/0", "generation": second}]),
        vault_generation: u64::try_from(second).ok(),
    };
    for (instance, second) in [("b", -1), ("a", 1), ("a", 5)] {
        store.beat(&beat(instance, second)).await.unwrap();
    }
    let minute = Duration::from_secs(60);
    assert_eq!(store.heartbeats(minute).await.unwrap(), [beat("a", 5), beat("b", -1)]);
    store.leave("a").await.unwrap();
    store.leave("nobody").await.unwrap();
    assert_eq!(store.heartbeats(minute).await.unwrap(), [beat("b", -1)]);
    let silent = async || store.heartbeats(Duration::from_millis(20)).await.unwrap().is_empty();
    while !silent().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn a_later_generation_of_a_vault_stands(database: Database) {
    let store = database.open().await;
    let vault = |id: &str, generation: u64, sealed: &[u8]| PublishedVault {
        head: PublishedHead { vault_id: id.to_owned(), generation, recipient: format!("age1{id}") },
        sealed: sealed.to_vec(),
        fingerprints: b"sealed too".to_vec(),
        at: Timestamp::from_second(1_790_000_000).unwrap(),
    };
    assert!(store.published_heads().await.unwrap().is_empty());
    assert_eq!(store.published_vault("a").await.unwrap(), None);
    let large = vec![0xa5; 1 << 20];
    assert_eq!(store.publish_vault(&vault("a", 7, b"seven")).await.unwrap(), None);
    assert_eq!(store.publish_vault(&vault("a", 7, b"seven")).await.unwrap(), None);
    assert_eq!(store.publish_vault(&vault("a", 6, b"six")).await.unwrap(), Some(7));
    assert_eq!(store.publish_vault(&vault("a", 7, b"other")).await.unwrap(), Some(7));
    assert_eq!(store.publish_vault(&vault("b", 1, &large)).await.unwrap(), None);
    let again = database.open().await;
    assert_eq!(again.published_vault("a").await.unwrap(), Some(vault("a", 7, b"seven")));
    assert_eq!(again.publish_vault(&vault("a", 9, b"nine")).await.unwrap(), None);
    let heads = again.published_heads().await.unwrap();
    assert_eq!(heads, [vault("a", 9, b"").head, vault("b", 1, b"").head]);
    assert_eq!(again.published_vault("b").await.unwrap(), Some(vault("b", 1, &large)));
}

async fn a_vault_that_is_too_large_is_not_read(database: Database) {
    let store = database.open().await;
    let vault = |fingerprints: Vec<u8>| PublishedVault {
        head: PublishedHead { vault_id: "a".into(), generation: 1, recipient: "age1a".into() },
        sealed: b"one".to_vec(),
        fingerprints,
        at: Timestamp::UNIX_EPOCH,
    };
    let limit = 8 << 20;
    store.publish_vault(&vault(vec![1; limit + 1])).await.unwrap();
    assert_eq!(store.published_vault("a").await.unwrap(), None);
    store.publish_vault(&vault(vec![1])).await.unwrap();
    assert_eq!(store.published_vault("a").await.unwrap(), Some(vault(vec![1])));
}

async fn a_closed_store_says_so(database: Database) {
    let store = database.open().await;
    store.ping().await.unwrap();
    store.close().await;
    let closed = store.service_keys().await.unwrap_err();
    assert!(matches!(closed, StoreError::Unreachable { .. }), "{closed}");
}
