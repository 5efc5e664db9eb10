//! The rules of identity, on a clock that the test moves.

mod looks;
mod tokens;

use super::key::NewKey;
use super::refresh::Refresher;
use super::*;
use crate::base::time::ManualClock;
use crate::base::{Clock as _, Secret, Timestamp};
use crate::settings::groups::MigrateMode;
use crate::store::testing::Flaky;
use crate::store::{DatabaseOptions, Scope, Scopes, ServiceKey, Store, open};
use http::{HeaderMap, StatusCode};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A server's view of identity: store, authenticator, clock.
struct World {
    dir: tempfile::TempDir,
    store: Arc<Flaky>,
    clock: Arc<ManualClock>,
    authenticator: Arc<Authenticator>,
    refresher: Refresher,
}

const JWT_KEY: &str = "0123456789abcdef0123456789abcdef";

fn authenticator() -> Arc<Authenticator> {
    let options =
        AuthOptions { max_stale: Duration::from_secs(3_600), refresh: Duration::from_secs(2) };
    let tokens = TokenKeys::new(&Secret::new(JWT_KEY)).unwrap();
    Arc::new(Authenticator::new(options, tokens))
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = DatabaseOptions {
            url: None,
            url_by_root: false,
            sqlite_path: dir.path().join("dev.db"),
            pool_size: 1,
            timeout: Duration::from_secs(10),
            migrate: Some(MigrateMode::Auto),
            protected: false,
        };
        let inner = open(&options).await.unwrap();
        let store = Arc::new(Flaky::new(inner));
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_790_000_000).unwrap()));
        let authenticator = authenticator();
        Self { dir, store, clock, authenticator, refresher: Refresher::default() }
    }

    async fn key(&self, name: &str) -> NewKey {
        let request = KeyRequest {
            name: name.to_owned(),
            scopes: Scopes::of([Scope::Read]),
            expires_at: None,
            rate: Some(60),
        };
        let new = generate(request, self.clock.now());
        self.store.create_service_key(&new.key).await.unwrap();
        new
    }

    fn last_good(&self) -> LastGood {
        last_good(self.dir.path(), "k")
    }

    async fn refresh(&mut self) -> bool {
        let last_good = self.last_good();
        self.refresher
            .refresh(&self.authenticator, &*self.store, Some(&last_good), &*self.clock)
            .await
            .is_ok()
    }

    fn ask(&self, key: &Secret) -> Result<Caller, AuthError> {
        self.authenticator.authenticate(&bearer(key.expose()), self.clock.now())
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn last_good(dir: &Path, key: &str) -> LastGood {
    LastGood::new(Seal::from_key(&Secret::new(key.repeat(32))).unwrap(), dir, "dev")
}

fn bearer(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {text}").parse().unwrap());
    headers
}

#[tokio::test]
async fn a_known_key_is_its_caller_and_a_wrong_secret_is_nobody() {
    let mut world = World::new().await;
    let new = world.key("ci").await;
    assert!(matches!(world.ask(&new.text), Err(AuthError::Unavailable { .. })), "nobody is known");
    assert!(world.refresh().await);
    let caller = world.ask(&new.text).unwrap();
    assert_eq!((&*caller.key_id, &*caller.name), (new.key.id.as_str(), "ci"));
    assert_eq!((caller.rate, caller.credential), (Some(60), Credential::ServiceKey));
    caller.require(Scope::Read).unwrap();
    let forbidden = caller.require(Scope::Admin).unwrap_err();
    assert_eq!(
        (forbidden.status(), forbidden.code()),
        (StatusCode::FORBIDDEN, "insufficient_scope")
    );
    let mut api_key = HeaderMap::new();
    api_key.insert("x-api-key", new.text.expose().parse().unwrap());
    assert_eq!(world.authenticator.authenticate(&api_key, world.clock.now()), Ok(caller));

    let wrong = Secret::new(format!("{}x", new.text.expose()));
    assert_eq!(world.ask(&wrong), Err(AuthError::InvalidKey));
    assert_eq!(world.ask(&Secret::new("uk_abc.def")), Err(AuthError::UnknownKey));
    assert_eq!(world.ask(&Secret::new("uk_garbage")), Err(AuthError::InvalidKey));
    let nobody = world.authenticator.authenticate(&HeaderMap::new(), world.clock.now());
    assert_eq!(nobody, Err(AuthError::Missing));
}

#[tokio::test]
async fn without_the_store_known_keys_are_served_for_a_while_and_nobody_is_turned_away_for_it() {
    let mut world = World::new().await;
    let known = world.key("known").await;
    assert!(world.refresh().await);
    let unknown = Secret::new("uk_unknown.secret");
    assert_eq!(world.ask(&unknown), Err(AuthError::UnknownKey));
    world.store.away.store(true, Ordering::SeqCst);
    world.advance(5);
    assert!(!world.refresh().await);
    assert_eq!(world.ask(&unknown), Err(AuthError::UnknownKey), "still fresh");
    world.advance(1);
    let unavailable = world.ask(&unknown).unwrap_err();
    assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unavailable.retry_after(), Some(1));
    world.ask(&known.text).unwrap();
    world.advance(3_594);
    world.ask(&known.text).unwrap();
    world.advance(1);
    let too_old = world.ask(&known.text).unwrap_err();
    assert_eq!(too_old.status(), StatusCode::SERVICE_UNAVAILABLE);
    let wrong = Secret::new(format!("{}x", known.text.expose()));
    assert_eq!(world.ask(&wrong), Err(AuthError::InvalidKey));

    world.store.away.store(false, Ordering::SeqCst);
    assert!(world.refresh().await);
    world.ask(&known.text).unwrap();
}

#[tokio::test]
async fn revocation_and_expiry_are_401_at_any_age() {
    let mut world = World::new().await;
    let revoked = world.key("revoked").await;
    let request = KeyRequest {
        name: "short".into(),
        scopes: Scopes::default(),
        expires_at: Some(Timestamp::from_second(1_790_000_010).unwrap()),
        rate: None,
    };
    let short = generate(request, world.clock.now());
    world.store.create_service_key(&short.key).await.unwrap();
    assert!(world.refresh().await);
    world.ask(&revoked.text).unwrap();
    world.ask(&short.text).unwrap();
    world.store.revoke_service_key(&revoked.key.id, world.clock.now()).await.unwrap();
    world.advance(2);
    assert!(world.refresh().await);
    assert_eq!(world.ask(&revoked.text), Err(AuthError::KeyRevoked));
    world.advance(8);
    assert_eq!(world.ask(&short.text), Err(AuthError::KeyExpired));
    world.advance(10_000);
    assert_eq!(world.ask(&revoked.text), Err(AuthError::KeyRevoked));
    assert_eq!(world.ask(&short.text), Err(AuthError::KeyExpired));
}

#[tokio::test]
async fn a_replaced_key_ends_on_time_whether_or_not_the_store_is_there() {
    let mut world = World::new().await;
    let old = world.key("ci").await;
    assert!(world.refresh().await);
    let until = world.clock.now().checked_add(Duration::from_secs(60)).unwrap();
    let (name, scopes) = (old.key.name.clone(), old.key.scopes);
    let request = KeyRequest { name, scopes, expires_at: None, rate: None };
    let new = generate(request, world.clock.now());
    assert!(world.store.replace_service_key(&old.key.id, Some(until), &new.key).await.unwrap());
    world.advance(2);
    assert!(world.refresh().await);
    world.store.away.store(true, Ordering::SeqCst);
    for _ in 0..57 {
        world.advance(1);
        world.ask(&old.text).unwrap();
        world.ask(&new.text).unwrap();
    }
    world.advance(1);
    assert_eq!(world.ask(&old.text), Err(AuthError::KeyExpired));
    world.ask(&new.text).unwrap();
    // A start without the store knows it, too.
    let started = authenticator();
    let copy = world.last_good();
    start_up(&started, &*world.store, Some(&copy), &*world.clock).await.unwrap();
    let ask = |key: &Secret| started.authenticate(&bearer(key.expose()), world.clock.now());
    assert_eq!(ask(&old.text), Err(AuthError::KeyExpired));
    ask(&new.text).unwrap();
}

#[tokio::test]
async fn keys_are_over_age_while_they_are_in_use_and_nobody_replaces_them() {
    let mut world = World::new().await;
    let (old, revoked) = (world.key("old").await, world.key("revoked").await);
    world.key("replaced").await;
    world.key("dev-key-0123456789ab").await;
    let replaced = world.store.service_keys().await.unwrap();
    let replaced = replaced.iter().find(|key| key.name == "replaced").unwrap();
    let mut policy = crate::settings::profile::Policy::default();
    policy.key_max_age.service = Duration::from_secs(60);
    let ages = crate::settings::key_age::ServiceKeyAge::of_policy(&policy, false);
    world.advance(61);
    let next = ServiceKey { id: "next".into(), created_at: world.clock.now(), ..replaced.clone() };
    let until = world.clock.now().checked_add(Duration::from_secs(60)).unwrap();
    assert!(world.store.replace_service_key(&replaced.id, Some(until), &next).await.unwrap());
    world.store.revoke_service_key(&revoked.key.id, world.clock.now()).await.unwrap();
    assert!(world.refresh().await);
    let over = world.authenticator.snapshot().unwrap().over_age(ages, world.clock.now());
    assert_eq!(over, [(old.key.id.as_str().into(), "old".into())]);
}

#[tokio::test]
async fn a_flood_of_bad_keys_reads_nothing() {
    let mut world = World::new().await;
    world.key("ci").await;
    assert!(world.refresh().await);
    let before = world.store.reads.load(Ordering::SeqCst);
    for n in 0..10_000 {
        assert_eq!(world.ask(&Secret::new(format!("uk_{n}.secret"))), Err(AuthError::UnknownKey));
    }
    assert_eq!(world.store.reads.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn the_sealed_copy_bridges_a_start_without_the_store() {
    let mut world = World::new().await;
    let known = world.key("canary-name").await;
    assert!(world.refresh().await);
    world.store.away.store(true, Ordering::SeqCst);
    world.advance(60);

    let restarted = authenticator();
    let source = start_up(&restarted, &*world.store, Some(&world.last_good()), &*world.clock).await;
    assert_eq!(source, Some(SnapshotSource::Sealed));
    let snapshot = restarted.snapshot().unwrap();
    assert_eq!((snapshot.len(), snapshot.source()), (1, SnapshotSource::Sealed));
    assert_eq!(snapshot.age(world.clock.now()), Duration::from_secs(60));
    assert_eq!(snapshot.taken_at().as_second(), 1_790_000_000);
    restarted.authenticate(&bearer(known.text.expose()), world.clock.now()).unwrap();
    // It is as old as it is: beyond the limit it serves nobody.
    world.advance(3_600);
    let late = restarted.authenticate(&bearer(known.text.expose()), world.clock.now());
    assert!(matches!(late, Err(AuthError::Unavailable { .. })));

    // Nothing in it can be read, another key does not open it, and it is private.
    let path = world.dir.path().join("identity-dev.sealed");
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(6).any(|w| w == b"canary"));
    assert!(!crate::base::file::others_can_read(&path).unwrap());
    let other = last_good(world.dir.path(), "x");
    let nobody = authenticator();
    assert_eq!(start_up(&nobody, &*world.store, Some(&other), &*world.clock).await, None);
    assert!(nobody.snapshot().is_none());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn the_dev_key_is_made_once_and_heals() {
    let world = World::new().await;
    let dir = world.dir.path().join("state");
    let now = world.clock.now();
    let first = dev_key(&dir, &*world.store, now).await.unwrap();
    assert!(first.created);
    let text = std::fs::read_to_string(&first.path).unwrap();
    assert!(!crate::base::file::others_can_read(&first.path).unwrap());
    let again = dev_key(&dir, &*world.store, now).await.unwrap();
    assert_eq!((again.created, &again.id), (false, &first.id));
    assert_eq!(std::fs::read_to_string(&first.path).unwrap(), text);
    assert_eq!(id_of(&Secret::from_line(text)), Some(first.id.as_str()));

    // A database that was thrown away learns the key again.
    let other = World::new().await;
    let same = dev_key(&dir, &*other.store, now).await.unwrap();
    assert_eq!((same.created, same.id), (false, first.id.clone()));
    assert_eq!(other.store.service_keys().await.unwrap().len(), 1);

    // A file that was thrown away, one that was damaged, and a key that was revoked.
    for step in 0..3 {
        match step {
            0 => std::fs::remove_file(&first.path).unwrap(),
            1 => std::fs::write(&first.path, "garbage").unwrap(),
            _ => {
                for key in world.store.service_keys().await.unwrap() {
                    world.store.revoke_service_key(&key.id, now).await.unwrap();
                }
            }
        }
        let new = dev_key(&dir, &*world.store, now).await.unwrap();
        assert!(new.created, "{step}");
        let keys = world.store.service_keys().await.unwrap();
        let alive: Vec<_> = keys.iter().filter(|key| key.revoked_at.is_none()).collect();
        assert_eq!(alive.iter().map(|key| &key.id).collect::<Vec<_>>(), [&new.id], "{step}");
    }
}

#[tokio::test]
async fn dev_keys_of_one_store_live_side_by_side_and_do_not_pile_up() {
    let world = World::new().await;
    let now = world.clock.now();
    let dir = |n: usize| world.dir.path().join(format!("state-{n}"));
    let alive = async || {
        let keys = world.store.service_keys().await.unwrap();
        keys.into_iter().filter(|key| key.revoked_at.is_none()).collect::<Vec<_>>()
    };
    // One that a person made, which is nobody else's to end.
    let request = KeyRequest {
        name: "dev-key-mia".to_owned(),
        scopes: Scopes::of(Scope::ALL),
        expires_at: None,
        rate: None,
    };
    let mia = generate(request, now).key;
    world.store.create_service_key(&mia).await.unwrap();
    let mut made = Vec::new();
    for n in 0..103 {
        let at = now + Duration::from_secs(u64::try_from(n).unwrap());
        made.push(dev_key(&dir(n), &*world.store, at).await.unwrap().id);
        assert!(alive().await.len() <= 101, "{n}");
    }
    let left: Vec<String> = alive().await.into_iter().map(|key| key.id).collect();
    assert!(left.contains(&mia.id));
    for (n, id) in made.iter().enumerate() {
        assert_eq!(left.contains(id), n >= 3, "{n}");
    }
    // The same checkout, made anew and again: one key of it is good.
    for _ in 0..3 {
        std::fs::remove_dir_all(dir(50)).unwrap();
        assert!(dev_key(&dir(50), &*world.store, now).await.unwrap().created);
    }
    assert_eq!(alive().await.len(), 101);
    let again = dev_key(&dir(51), &*world.store, now).await.unwrap();
    assert_eq!((again.created, &again.id), (false, &made[51]));
    // A checkout that was moved keeps its key; once others could read it, that one ends.
    std::fs::rename(dir(52), dir(200)).unwrap();
    assert_eq!(dev_key(&dir(200), &*world.store, now).await.unwrap().id, made[52]);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(dir(200).join("dev-key"), open).unwrap();
    assert!(dev_key(&dir(200), &*world.store, now).await.unwrap().exposed);
    assert!(alive().await.iter().all(|key| key.id != made[52]));
}
