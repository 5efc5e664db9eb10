//! What the command line sees of servers through the store and the sockets.

use super::super::fleet::{Has, acknowledged};
use super::*;
use crate::base::{SystemClock, Timestamp};
use crate::secrets::BackendOptions;

fn options(dir: &std::path::Path) -> DatabaseOptions {
    DatabaseOptions {
        url: None,
        url_by_root: false,
        sqlite_path: dir.join("data/dev.db"),
        pool_size: 2,
        timeout: Duration::from_secs(10),
        migrate: None,
        protected: false,
    }
}

fn beat(options: &DatabaseOptions, instance: &str, profile: &str) {
    let heartbeat = Heartbeat {
        instance: instance.to_owned(),
        at: Timestamp::UNIX_EPOCH,
        version: "1".to_owned(),
        profile: profile.to_owned(),
        config_hash: String::new(),
        slots: serde_json::json!([
            {"id": "openai/OPENAI_API_KEY", "fingerprint": "f", "generation": 3, "state": "active",
             "source": "vault", "in_flight": 2},
            "what a later version may write",
        ]),
        vault_generation: Some(7),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store::open(options).await.unwrap();
        store.beat(&heartbeat).await.unwrap();
        store.close().await;
    });
}

#[test]
fn servers_are_those_of_the_profile_and_their_slots_are_read_leniently() {
    let dir = tempfile::tempdir().unwrap();
    let vault = VaultSource::new(dir.path(), BackendOptions::default(), Arc::new(SystemClock));
    let options = options(dir.path());
    let fleet = StoreFleet::new(options.clone(), "dev", &vault);
    assert_eq!(fleet.replicas().unwrap(), [], "without a store there are no servers");
    assert!(!dir.path().join("data").exists(), "to look is not to create");
    fleet.publish(1, b"x").unwrap();
    beat(&options, "a", "dev");
    beat(&options, "b", "prod");
    let found = fleet.replicas().unwrap();
    let [one] = &*found else { panic!("{found:?}") };
    assert_eq!((one.instance.as_str(), one.vault_generation), ("a", Some(7)));
    let [slot, unread] = &*one.slots else { panic!("{one:?}") };
    assert_eq!((slot.variable.as_str(), slot.generation), ("OPENAI_API_KEY", 3));
    assert_eq!(*unread, ReplicaSlot::default(), "it may be any, and is waited for");
}

#[test]
fn a_server_that_listens_and_does_not_answer_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let vault = VaultSource::new(dir.path(), BackendOptions::default(), Arc::new(SystemClock));
    let options = options(dir.path());
    beat(&options, "a", "dev");
    let record = |profile: &str| servers::ServerRecord {
        pid: std::process::id(),
        profile: profile.to_owned(),
        mode: "mock".to_owned(),
        addr: "127.0.0.1:1".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        instance: Some("frozen".to_owned()),
    };
    let fleet = StoreFleet::new(options, "dev", &vault);
    let seen = || -> Vec<String> {
        fleet.replicas().unwrap().into_iter().map(|replica| replica.instance).collect()
    };
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("serve.sock")).unwrap();
    assert_eq!(seen(), ["a", "serve.sock"], "nobody knows whose it is");
    let other = servers::register(dir.path(), &record("prod")).unwrap();
    assert_eq!(seen(), ["a"], "it serves another profile");
    drop(other);
    let _own = servers::register(dir.path(), &record("dev")).unwrap();
    assert_eq!(seen(), ["a", "frozen"]);
    let told = acknowledged(&fleet.replicas().unwrap(), "ANY", "f", Has::Anyhow);
    assert_eq!(told.waiting, ["a", "frozen"]);
}

#[test]
fn a_store_that_cannot_be_read_tells_of_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let vault = VaultSource::new(dir.path(), BackendOptions::default(), Arc::new(SystemClock));
    let away = DatabaseOptions {
        url: Some(crate::base::Secret::new("postgres://u:canary-1b@127.0.0.1:1/x")),
        timeout: Duration::from_secs(2),
        ..options(dir.path())
    };
    let fault = StoreFleet::new(away, "dev", &vault).replicas().unwrap_err();
    assert_eq!(fault.status, crate::exit::ExitStatus::Unreachable);
    assert!(!fault.to_string().contains("canary"), "{fault}");
}
