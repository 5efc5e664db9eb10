//! One suite for both caches, and what only Redis can do to us.

use super::*;
use crate::base::services::{Redis, free_port};
use std::time::Instant;

fn options(kind: CacheKind, url: Option<String>) -> CacheOptions {
    CacheOptions {
        kind,
        redis_url: url.map(Secret::new),
        max_bytes: 1 << 20,
        namespace: "ultra:test".to_owned(),
    }
}

async fn eventually(what: &str, mut probe: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !probe().await {
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn connected(redis: &Redis) -> Arc<dyn Cache> {
    let cache = open(&options(CacheKind::Redis, Some(redis.url()))).unwrap();
    eventually("Redis", async || !cache.status().using_fallback).await;
    cache
}

macro_rules! suite {
    ($($name:ident),+ $(,)?) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $name() {
                let options = super::options(super::CacheKind::Memory, None);
                super::$name(super::open(&options).unwrap()).await;
            })+
        }
        mod on_redis {
            $(#[tokio::test]
            async fn $name() {
                let Some(redis) = super::Redis::start() else { return };
                super::$name(super::connected(&redis).await).await;
            })+
        }
    };
}

suite!(
    values_are_kept_replaced_and_forgotten,
    values_expire,
    any_bytes_and_keys_are_kept,
    a_longer_value_than_is_wanted_is_none,
    it_says_that_it_answers
);

const LONG: Duration = Duration::from_secs(60);

/// As much as any value here has.
const MOST: usize = 1 << 20;

async fn values_are_kept_replaced_and_forgotten(cache: Arc<dyn Cache>) {
    assert_eq!(cache.get("a", MOST).await, None);
    cache.set("a", Bytes::from_static(b"1"), LONG).await;
    cache.set("b", Bytes::from_static(b"2"), LONG).await;
    assert_eq!(cache.get("a", MOST).await.unwrap(), "1");
    cache.set("a", Bytes::from_static(b"3"), LONG).await;
    assert_eq!(cache.get("a", MOST).await.unwrap(), "3");
    cache.delete("a").await;
    cache.delete("unknown").await;
    assert_eq!(cache.get("a", MOST).await, None);
    assert_eq!(cache.get("b", MOST).await.unwrap(), "2");
    cache.set("b", Bytes::from_static(b"4"), Duration::ZERO).await;
    assert_eq!(cache.get("b", MOST).await, None);
}

async fn values_expire(cache: Arc<dyn Cache>) {
    cache.set("short", Bytes::from_static(b"1"), Duration::from_millis(300)).await;
    cache.set("long", Bytes::from_static(b"1"), LONG).await;
    assert!(cache.get("short", MOST).await.is_some());
    eventually("expiry", async || cache.get("short", MOST).await.is_none()).await;
    assert!(cache.get("long", MOST).await.is_some());
}

async fn any_bytes_and_keys_are_kept(cache: Arc<dyn Cache>) {
    let value = Bytes::from((0..=255).cycle().take(100_000).collect::<Vec<u8>>());
    for key in ["", "a b\r\nGET c", "ключ", "*"] {
        cache.set(key, value.clone(), LONG).await;
        assert_eq!(cache.get(key, MOST).await.as_ref(), Some(&value), "{key:?}");
    }
}

async fn a_longer_value_than_is_wanted_is_none(cache: Arc<dyn Cache>) {
    cache.set("a", Bytes::from_static(b"12345"), LONG).await;
    cache.set("empty", Bytes::new(), LONG).await;
    assert_eq!(cache.get("a", 5).await.unwrap(), "12345");
    for (key, most) in [("a", 4), ("a", 0), ("empty", 5), ("unknown", 5)] {
        assert_eq!(cache.get(key, most).await, None, "{key} {most}");
    }
}

async fn it_says_that_it_answers(cache: Arc<dyn Cache>) {
    let status = cache.status();
    assert!(!status.using_fallback);
    assert_eq!(status.last_error, None);
}

#[tokio::test]
async fn memory_is_bounded_by_bytes() {
    let cache = MemoryCache::new(100_000);
    for n in 0..2_000 {
        cache.set(&n.to_string(), Bytes::from(vec![0; 1_000]), LONG).await;
    }
    assert!(cache.bytes().await <= 100_000);
    // A value larger than everything is not kept, and drives nothing else out for long.
    cache.set("huge", Bytes::from(vec![0; 200_000]), LONG).await;
    assert!(cache.bytes().await <= 100_000);
}

#[tokio::test]
async fn a_frozen_redis_is_left_within_the_deadline_and_used_again() {
    let Some(redis) = Redis::start() else { return };
    let cache = connected(&redis).await;
    cache.set("kept", Bytes::from_static(b"old"), LONG).await;
    cache.set("gone", Bytes::from_static(b"old"), LONG).await;
    redis.freeze();
    let begin = Instant::now();
    assert_eq!(cache.get("kept", MOST).await, None);
    let first = begin.elapsed();
    assert!(first < Duration::from_secs(1), "{first:?}");
    // From now on nobody waits at all, and memory serves.
    let begin = Instant::now();
    for _ in 0..100 {
        cache.set("kept", Bytes::from_static(b"new"), LONG).await;
        assert_eq!(cache.get("kept", MOST).await.unwrap(), "new");
    }
    cache.delete("gone").await;
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let status = cache.status();
    assert!(status.using_fallback && status.last_error.is_some(), "{status:?}");

    redis.thaw();
    eventually("Redis again", async || !cache.status().using_fallback).await;
    // Nothing that was deleted or replaced meanwhile comes back from the dead.
    assert_eq!(cache.get("gone", MOST).await, None);
    assert_ne!(cache.get("kept", MOST).await.as_deref(), Some(b"old".as_slice()));
    cache.set("kept", Bytes::from_static(b"newer"), LONG).await;
    assert_eq!(cache.get("kept", MOST).await.unwrap(), "newer");
}

#[tokio::test]
async fn an_absent_redis_is_found_when_it_comes() {
    let port = free_port();
    let cache = open(&options(CacheKind::Redis, Some(format!("redis://127.0.0.1:{port}"))));
    let cache = cache.unwrap();
    cache.set("a", Bytes::from_static(b"1"), LONG).await;
    assert_eq!(cache.get("a", MOST).await.unwrap(), "1");
    assert!(cache.status().using_fallback);
    let Some(redis) = Redis::on(port) else { return };
    assert_eq!(redis.port(), port);
    eventually("Redis", async || !cache.status().using_fallback).await;
    drop(redis);
    eventually("memory", async || {
        let _ = cache.get("a", MOST).await;
        cache.status().using_fallback
    })
    .await;
    let Some(_redis) = Redis::on(port) else { return };
    eventually("Redis again", async || !cache.status().using_fallback).await;
}

#[tokio::test]
async fn addresses_are_checked_and_their_credentials_kept_quiet() {
    for url in [
        None,
        Some(""),
        Some("canary"),
        Some("http://u:canary@h"),
        Some("redis://u:canary@h:99999"),
    ] {
        let opened = open(&options(CacheKind::Redis, url.map(str::to_owned)));
        let error = opened.map(|cache| cache.status()).unwrap_err();
        assert!(!format!("{error} {error:?} {}", error.problem()).contains("canary"), "{url:?}");
    }
    let Some(redis) = Redis::start() else { return };
    // Wrong credentials, and TLS with a server that speaks none.
    for scheme in ["redis", "rediss"] {
        let url = redis.url().replace("redis://", &format!("{scheme}://user:canary@"));
        let cache = open(&options(CacheKind::Redis, Some(url))).unwrap();
        eventually("a refusal", async || {
            cache.status().last_error.is_some_and(|why| !why.contains("not connected"))
        })
        .await;
        let status = cache.status();
        assert!(status.using_fallback);
        assert!(!format!("{status:?} {cache:?}").contains("canary"), "{status:?}");
    }
}

#[tokio::test]
async fn a_huge_value_in_redis_is_not_read_to_its_end() {
    let Some(redis) = Redis::start() else { return };
    let cache = connected(&redis).await;
    let client = ::redis::Client::open(redis.url()).unwrap();
    let mut other = client.get_multiplexed_async_connection().await.unwrap();
    let mut put = ::redis::cmd("SETRANGE");
    put.arg("ultra:test:0:huge").arg(64 << 20).arg("end");
    put.query_async::<()>(&mut other).await.unwrap();
    // On a busy machine Redis may count as away, and is not asked then.
    eventually("an answer of Redis", async || {
        assert_eq!(cache.get("huge", 1_000).await, None);
        !cache.status().using_fallback
    })
    .await;
    let info: String = ::redis::cmd("INFO").arg("stats").query_async(&mut other).await.unwrap();
    let sent = info.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    let sent: u64 = sent.unwrap().parse().unwrap();
    assert!(sent < 1 << 20, "{sent}");
    assert!(!info.contains("keyspace_hits:0"), "it was asked: {info}");
}
