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
