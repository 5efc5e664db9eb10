//! Identity and usage beside a store that changes, freezes and comes back.

use super::{Request, with_key};
use crate::support::services::Postgres;
use crate::support::{Server, Ultra, eventually};
use std::time::{Duration, Instant};

/// What the design promises for a change that another process makes.
const SOON: Duration = Duration::from_secs(5);

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

fn models(server: &Server, credential: &str) -> u16 {
    let bearer = format!("Bearer {credential}");
    Request::new("GET", "/v1/models").header("authorization", &bearer).send(server.addr()).status
}

#[test]
fn a_running_server_learns_of_keys_that_are_made_and_taken_back() {
    let (ultra, server) = super::mock();
    let created = ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    let key = created.stdout.trim();
    eventually(SOON, "the new key", || (models(&server, key) == 200).then_some(()));
    assert_eq!(models(&server, &format!("{key}x")), 401);
    ultra.run(&["auth", "service-key", "revoke", "ci"]).exits(0);
    eventually(SOON, "the revocation", || (models(&server, key) == 401).then_some(()));
    // A token needs no store at all.
    let token = ultra.run(&["auth", "token", "create"]).exits(0);
    assert_eq!(models(&server, token.stdout.trim()), 200);
    assert_eq!(models(&server, &token.stdout.trim().replace('.', ".x")), 401);
}

#[test]
fn a_key_that_was_made_a_moment_ago_is_good_with_the_first_request() {
    let (ultra, server) = super::mock();
    // One by one, so that a snapshot that happens to be young is no excuse.
    for n in 0..6 {
        let created = ultra.run(&["auth", "service-key", "create", &format!("ci-{n}")]).exits(0);
        assert_eq!(models(&server, created.stdout.trim()), 200, "the key of turn {n}");
    }
    // One that nobody made is refused without much ado, however many present it.
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for n in 0..20 {
            let key = format!("uk_made-up-{n}.nothing");
            let server = &server;
            // A store that is slow today says so after a second: 503, and the next one knows.
            let refused = move || (models(server, &key) == 401).then_some(());
            scope.spawn(move || eventually(SOON, "the refusal", refused));
        }
    });
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn a_key_that_the_store_was_not_asked_about_in_time_is_not_called_unknown() {
    let Some(postgres) = Postgres::private() else { return };
    let ultra = Ultra::empty().env("DATABASE_URL", postgres.database());
    let server = Server::start(&ultra, &["--mock"]);
    let created = ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    let key = created.stdout.trim();
    postgres.freeze();
    // What the server knows is young, and this key is not in it, though it is good.
    let bearer = format!("Bearer {key}");
    let request = Request::new("GET", "/v1/models").header("authorization", &bearer);
    let answer = request.send(server.addr());
    postgres.thaw();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    eventually(Duration::from_secs(20), "the key", || (models(&server, key) == 200).then_some(()));
    server.stop().exits(0);
}

#[test]
fn a_developer_s_server_makes_its_key_when_its_store_has_come() {
    let Some(postgres) = Postgres::private() else { return };
    let url = postgres.database();
    let ultra = Ultra::empty().env("DATABASE_URL", &url).env("ULTRA_DB_TIMEOUT", "1s");
    postgres.freeze();
    let server = Server::start(&ultra, &["--mock"]);
    let file = ultra.state().join("dev-key");
    assert!(!file.exists(), "nobody knows such a key");
    postgres.thaw();
    eventually(Duration::from_secs(30), "the key in its file", || file.exists().then_some(()));
    eventually(Duration::from_secs(10), "the key to be known", || {
        (models(&server, ultra.read(".ultra/dev-key").trim()) == 200).then_some(())
    });
    let log = server.stop().exits(0);
    assert!(
        log.stderr.contains("the service key for development is in its file"),
        "{}",
        log.stderr
    );
    let key = ultra.read(".ultra/dev-key");
    let (_, secret) = key.trim().split_once('.').unwrap();
    assert!(!log.stderr.contains(secret) && !log.stdout.contains(secret));
}

#[test]
fn a_running_server_takes_both_keys_until_the_old_one_ends() {
    let (ultra, server) = super::mock();
    let old = ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    let old = old.stdout.trim();
    eventually(SOON, "the old key", || (models(&server, old) == 200).then_some(()));
    let begin = Instant::now();
    let new = ultra.run(&["auth", "service-key", "rotate", "ci", "--grace", "8s"]).exits(0);
    let new = new.stdout.trim();
    let mut both = 0;
    eventually(Duration::from_secs(30), "the end of the old key", || {
        let (is_old, is_new) = (models(&server, old), models(&server, new));
        let took = begin.elapsed();
        both += usize::from((is_old, is_new) == (200, 200));
        // The command itself took a part of the time.
        assert!(is_old == 200 || took >= Duration::from_secs(6), "it ended after {took:?}");
        assert!(is_new == 200 || took < SOON + Duration::from_secs(2), "unknown after {took:?}");
        (is_old == 401).then_some(())
    });
    assert!(both > 0, "there was no time at which both were good");
    assert_eq!(models(&server, new), 200);

    // A key that others may know: the new one, at once.
    let last = ultra.run(&["auth", "service-key", "rotate", "ci", "--grace", "0"]).exits(0);
    eventually(SOON, "the end of the leaked key", || (models(&server, new) == 401).then_some(()));
    assert_eq!(models(&server, last.stdout.trim()), 200);
    let listed = ultra.run(&["auth", "service-key", "list", "-o", "json"]).exits(0).json();
    let states: Vec<_> =
        listed["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, ["current", "expired", "revoked", "current"], "{listed}");
}

#[test]
fn a_service_key_over_age_makes_the_server_degraded_until_it_is_replaced() {
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "policy:\n  key_max_age: {service: 3s}\n");
    let server = Server::start(&ultra, &["--profile", "dev"]);
    let made = ultra.run(&["auth", "service-key", "create", "robot", "-o", "json"]).exits(0).json();
    let id = made["id"].as_str().unwrap();
    let detail = || {
        let answer = with_key(&ultra, "GET", "/api/health?detail=true").send(server.addr());
        answer.json()["services"]["keys"].clone()
    };
    let told = eventually(Duration::from_secs(20), "the key to be over age", || {
        let keys = detail();
        (keys["status"] == "degraded").then_some(keys)
    });
    let message = told["message"].as_str().unwrap();
    let way = format!("`robot` (ultra auth service-key rotate {id} --profile dev)");
    assert!(message.contains(&way) && !message.contains("dev-key"), "{message}");
    let ready = Request::new("GET", "/api/health/ready").send(server.addr());
    assert_eq!(ready.status, 200, "a key that is too old works on");
    ultra.run(&["check", "readiness", "--only", "ULT-SEC-003"]).says(&format!("rotate {id}"));
    ultra
        .run(&["auth", "service-key", "list"])
        .exits(0)
        .says("over 3s")
        .says("older than it may be");
    ultra.run(&["auth", "service-key", "revoke", "robot"]).exits(0);
    eventually(Duration::from_secs(10), "health again", || {
        (detail()["status"] != "degraded").then_some(())
    });
}

#[test]
fn a_frozen_store_delays_nobody_and_loses_no_usage() {
    let Some(postgres) = Postgres::private() else { return };
    let url = postgres.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let rows = || postgres.sql(&name, "SELECT count(*) FROM ultra.usage");
    let ultra = Ultra::empty().env("DATABASE_URL", &url);
    let server = Server::start(&ultra, &["--mock"]);
    let chat = |server: &Server| {
        let request = with_key(&ultra, "POST", "/v1/chat/completions").json(CHAT);
        request.send(server.addr()).status
    };
    assert_eq!(chat(&server), 200);
    eventually(Duration::from_secs(10), "the first row", || (rows() == "1").then_some(()));

    postgres.freeze();
    let begin = Instant::now();
    for _ in 0..10 {
        assert_eq!(chat(&server), 200);
    }
    // Ten requests of which a single one waited for the store would take longer.
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    server.signal("KILL");
    drop(server);

    // A start without the store knows its callers by the sealed copy, and keeps the rows.
    let server = Server::start(&ultra, &["--mock"]);
    assert_eq!(chat(&server), 200);
    postgres.thaw();
    eventually(Duration::from_secs(20), "all rows", || (rows() == "12").then_some(()));
    server.stop().exits(0);
    assert_eq!(rows(), "12");
}
