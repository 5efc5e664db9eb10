//! The service key of this machine, verified by the server that it opens.

use super::nowhere;
use crate::support::{CANARY, Outcome, Server, Stranger, Ultra, eventually};
use std::time::Duration;

/// Asks the server at `url` about this key.
fn verify(ultra: &Ultra, key: &str, url: &str) -> Outcome {
    let mut command = ultra.command(["keys", "verify", "service-key", "--url", url, "-o", "json"]);
    command.env("ULTRA_SERVICE_KEY", key);
    command.output().unwrap().into()
}

fn verdict(outcome: &Outcome) -> String {
    outcome.json()["keys"][0]["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn a_server_says_whether_a_service_key_is_good() {
    let ultra = Ultra::empty();
    let none = ultra.run(&["keys", "verify", "service-key"]).exits(5);
    none.complains("--url URL");
    let server = Server::start(&ultra, &["--mock"]);
    let url = server.url("");
    let made = ultra.run(&["auth", "service-key", "create", "robot", "-o", "json"]).exits(0).json();
    let key = made["key"].as_str().unwrap();
    let good = eventually(Duration::from_secs(5), "the new key", || {
        Some(verify(&ultra, key, &url)).filter(|outcome| outcome.code == 0)
    });
    assert_eq!(verdict(&good), "accepted");
    assert_eq!(good.json()["keys"][0]["destination"], url.trim_end_matches('/'));
    let human = ultra
        .wrapped(env!("CARGO_BIN_EXE_ultra"), ["keys", "verify", "--url", &url])
        .env("ULTRA_SERVICE_KEY", key)
        .output()
        .unwrap();
    let human = Outcome::from(human).exits(0).says("`robot`").says("scopes read write");
    ultra.run(&["auth", "service-key", "revoke", "robot"]).exits(0);
    let refused = eventually(Duration::from_secs(5), "the revocation", || {
        Some(verify(&ultra, key, &url)).filter(|outcome| outcome.code == 3)
    });
    assert_eq!(verdict(&refused), "refused");
    assert_eq!(refused.json()["keys"][0]["status"], 401);
    nowhere(&ultra, &[&good, &human, &refused], &[key]);

    // The key that development keeps, for the server that runs here and for no other.
    ultra.run(&["keys", "verify", "service-key"]).exits(0).says("dev-key");
    let elsewhere = ultra.run(&["keys", "verify", "service-key", "--url", "http://127.0.0.1:1"]);
    elsewhere.exits(2).complains("ULTRA_SERVICE_KEY_FILE");
    server.stop().exits(0);
    assert_eq!(verdict(&verify(&ultra, key, &url).exits(5)), "unverified");
    ultra.run(&["keys", "verify", "openai", "--url", &url]).exits(2).complains("service-key");
}

#[test]
fn a_service_key_is_shown_to_no_stranger_and_nothing_else_to_anybody() {
    let ultra = Ultra::empty();
    let json = "content-type: application/json\r\n";
    let key = format!("uk_robot.{CANARY}");
    for (status, body) in
        [("200 OK", "{}"), ("404 Not Found", ""), ("200 OK", r#"{"mode":"mock"}"#)]
    {
        let stranger = Stranger::start(status, json, body);
        let outcome = verify(&ultra, &key, &stranger.url).exits(5).keeps_the_canary();
        assert!(outcome.json()["keys"][0]["why"].as_str().unwrap().contains("no ultra server"));
        assert!(!stranger.heads().contains(CANARY), "{}", stranger.heads());
    }
    // What lives as ours does, and is refused, busy, or out of its mind.
    let ours = r#"{"status":"ok","mode":"mock"}"#;
    let stranger = Stranger::start("200 OK", json, ours);
    let outcome = verify(&ultra, &key, &stranger.url).exits(5).keeps_the_canary();
    assert_eq!(verdict(&outcome), "unverified");
    assert!(stranger.heads().contains(CANARY), "whoever looks like ours is asked");

    let other = Stranger::start("200 OK", json, ours);
    let refused = verify(&ultra, &format!("sk-{CANARY}"), &other.url).exits(3).keeps_the_canary();
    assert!(refused.json()["keys"][0]["why"].as_str().unwrap().contains("sent nowhere"));
    assert_eq!(other.heads(), "", "the key of a provider went to a server");
}

#[test]
fn the_service_key_is_among_the_names_that_verify_knows() {
    let ultra = Ultra::empty();
    let offered = |command: &str| {
        ultra.run(&["__complete", "3", "--", "ultra", "keys", command, "ser"]).exits(0).stdout
    };
    assert!(offered("verify").contains("service-key"), "{}", offered("verify"));
    assert!(!offered("rotate").contains("service-key"), "{}", offered("rotate"));
    ultra.run(&["keys", "verify", "servce-key"]).exits(2).complains("did you mean `service-key`?");
    ultra.run(&["keys", "verify", "qwertyuiop"]).exits(2).complains(", service-key");
}
