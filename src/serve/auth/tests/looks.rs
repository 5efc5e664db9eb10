//! Keys that are not known yet: the store is read for them, soon, and not often.

use super::*;
use crate::base::SystemClock;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A world whose snapshot is kept by the task of a server, which reads once in `refresh` unless
/// somebody wants more.
async fn followed(refresh: Duration) -> (World, CancellationToken) {
    let mut world = World::new().await;
    let options = AuthOptions { max_stale: Duration::from_secs(3_600), refresh };
    world.authenticator = Arc::new(Authenticator::new(options, TokenKeys::none()));
    let stop = CancellationToken::new();
    tokio::spawn(follow(
        Arc::clone(&world.authenticator),
        Arc::clone(&world.store) as Arc<dyn Store>,
        None,
        Arc::new(SystemClock),
        stop.clone(),
    ));
    while world.authenticator.snapshot().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (world, stop)
}

fn ask(world: &World, key: &Secret) -> Result<Caller, AuthError> {
    world.authenticator.authenticate(&bearer(key.expose()), Timestamp::now())
}

#[tokio::test]
async fn a_new_key_is_found_when_somebody_asks() {
    let (world, stop) = followed(Duration::from_secs(3_600)).await;
    let new = world.key("ci").await;
    assert_eq!(ask(&world, &new.text), Err(AuthError::UnknownKey));
    world.authenticator.looked_again().await.unwrap();
    assert_eq!(&*ask(&world, &new.text).unwrap().name, "ci");
    stop.cancel();
}

#[tokio::test]
async fn a_new_key_is_found_by_itself() {
    let (world, stop) = followed(Duration::from_millis(300)).await;
    let new = world.key("ci").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while ask(&world, &new.text).is_err() {
        assert!(Instant::now() < deadline, "the key was not found");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
}

#[tokio::test]
async fn however_many_ask_the_store_is_read_a_few_times() {
    let (world, stop) = followed(Duration::from_secs(3_600)).await;
    let before = world.store.reads.load(Ordering::SeqCst);
    let begin = Instant::now();
    for _ in 0..3 {
        let asking = (0..500).map(|_| world.authenticator.looked_again());
        futures_util::future::join_all(asking).await;
    }
    let reads = world.store.reads.load(Ordering::SeqCst) - before;
    // One when it begins, and one more for each 200 ms.
    let most = 1 + begin.elapsed().as_millis() / 200;
    assert!((3..=most).contains(&u128::from(reads)), "{reads} reads in {:?}", begin.elapsed());
    stop.cancel();
}

#[tokio::test]
async fn while_the_store_is_away_nobody_waits_long_nor_is_a_key_said_to_be_unknown() {
    let (world, stop) = followed(Duration::from_secs(3_600)).await;
    let nobody_knows = Err(AuthError::Unavailable { retry_after: 1 });
    world.store.away.store(true, Ordering::SeqCst);
    let begin = Instant::now();
    assert_eq!(world.authenticator.looked_again().await, nobody_knows);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    world.store.away.store(false, Ordering::SeqCst);
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.authenticator.looked_again().await.is_err() {
        assert!(Instant::now() < deadline, "the store answers again");
    }
    stop.cancel();
    // Nobody reads any more: the end comes by itself, and says nothing of a key.
    assert_eq!(world.authenticator.looked_again().await, nobody_knows);
}
