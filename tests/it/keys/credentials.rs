//! Credentials of the database and of Redis, verified by connecting; keys of ours, by their form.

use super::{nowhere, set, with_identity_file};
use crate::support::services::{Postgres, Redis};
use std::net::TcpListener;

/// The password in the addresses that are tried.
const PASSWORD: &str = "canary-9c1e77ab";

/// What `keys verify` says of a name, and how it ends.
fn verdict(ultra: &crate::support::Ultra, name: &str, code: i32) -> String {
    let outcome = ultra.run(&["keys", "verify", name, "-o", "json"]).exits(code);
    nowhere(ultra, &[&outcome], &[PASSWORD]);
    outcome.json()["keys"][0]["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn redis_credentials_are_tried_by_connecting() {
    let ultra = with_identity_file();
    let Some(redis) = Redis::start() else { return };
    let wrong = format!("redis://:{PASSWORD}@127.0.0.1:{}/0", redis.port());
    let refused = set(&ultra, "redis", &wrong).exits(3).complains("nothing was stored");
    let good = set(&ultra, "redis", &redis.url()).exits(0).says("the server takes it");
    assert_eq!(verdict(&ultra, "redis", 0), "accepted");
    redis.freeze();
    assert_eq!(verdict(&ultra, "redis", 5), "unverified");
    redis.thaw();
    let held = ultra.run_with_stdin(&["keys", "rotate", "redis"], wrong.as_bytes()).exits(3);
    let other = redis.url().replace("/0", "/1");
    ultra
        .run_with_stdin(&["keys", "rotate", "redis"], other.as_bytes())
        .exits(0)
        .says("start them again");
    nowhere(&ultra, &[&refused, &good, &held], &[PASSWORD]);
    let closed = format!("redis://:{PASSWORD}@127.0.0.1:1/0");
    let rotate = ultra.run_with_stdin(&["keys", "rotate", "redis"], closed.as_bytes()).exits(5);
    nowhere(&ultra, &[&rotate], &[PASSWORD]);
    assert_eq!(verdict(&ultra, "redis", 0), "accepted");
}

#[test]
fn database_credentials_are_tried_by_connecting() {
    let ultra = with_identity_file();
    let Some(postgres) = Postgres::shared() else { return };
    let good = postgres.database();
    set(&ultra, "database", &good).exits(0).says("the server takes it");
    assert_eq!(verdict(&ultra, "database", 0), "accepted");
    let (before, query) = good.split_once('?').unwrap_or((&good, ""));
    let nowhere_there = format!("{before}_nowhere?{query}");
    let replace = ["keys", "set", "database", "--replace"];
    let refused = ultra.run_with_stdin(&replace, nowhere_there.as_bytes()).exits(3);
    refused.complains("no database of that name");
}

#[test]
fn a_server_that_is_silent_or_away_is_neither_good_nor_bad() {
    let ultra = with_identity_file();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for (name, address) in [
        ("redis", format!("redis://:{PASSWORD}@127.0.0.1:{port}/0")),
        ("database", format!("postgres://u:{PASSWORD}@127.0.0.1:{port}/db?sslmode=disable")),
    ] {
        let kept = set(&ultra, name, &address).exits(0).complains("could not be tested");
        assert_eq!(verdict(&ultra, name, 5), "unverified", "{name}");
        nowhere(&ultra, &[&kept], &[PASSWORD]);
    }
}

#[test]
fn keys_of_ours_are_verified_by_their_form() {
    let ultra = with_identity_file();
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    assert_eq!(verdict(&ultra, "jwt", 0), "accepted");
    let all = ultra.run(&["keys", "verify", "-o", "json"]).exits(0);
    assert_eq!(all.json()["keys"][0]["by"], "form");
    let ultra = ultra.env("ULTRA_ENCRYPTION_KEY", "canary-short");
    let short = ultra.run(&["keys", "verify", "encryption"]).exits(3).says("shorter than 32");
    nowhere(&ultra, &[&short], &["canary-short"]);
}

#[test]
fn service_keys_are_listed_with_their_age_and_without_values() {
    let ultra = with_identity_file();
    ultra.write("profiles/dev.yaml", "policy:\n  key_max_age: {service: 1s}\n");
    let made = ultra.run(&["auth", "service-key", "create", "robot", "-o", "json"]).exits(0);
    let value = made.json()["key"].as_str().unwrap().to_owned();
    ultra.run(&["auth", "service-key", "create", "gone"]).exits(0);
    ultra.run(&["auth", "service-key", "revoke", "gone"]).exits(0);
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    let names: Vec<_> = list.json()["service_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["robot"]);
    let status = crate::support::eventually(
        std::time::Duration::from_secs(20),
        "the service key to be over its age",
        || {
            let status = ultra.run(&["keys", "status"]).exits(0).says("robot");
            status.stdout.contains("is older than it may be").then_some(status)
        },
    );
    nowhere(&ultra, &[&list, &status], &[&value]);
}

#[test]
fn the_address_of_a_store_that_is_gone_can_be_replaced_and_put_back() {
    let ultra = with_identity_file();
    let Some(postgres) = Postgres::shared() else { return };
    let (gone, fresh) = (postgres.database(), postgres.database());
    set(&ultra, "database", &gone).exits(0);
    let name = gone.split('?').next().unwrap().rsplit('/').next().unwrap();
    postgres.sql("postgres", &format!("DROP DATABASE \"{name}\" WITH (FORCE)"));
    let args = ["keys", "rotate", "database"];
    let rotated = ultra.run_with_stdin(&args, fresh.as_bytes()).exits(0);
    rotated.says("version 1 → 2").complains("no server is asked").complains("no database of that");
    assert_eq!(verdict(&ultra, "database", 0), "accepted");
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    assert_eq!(status["rotations"].as_array().unwrap().len(), 0);
    // What waits for a server is a value in use, not the end of one that may still be.
    ultra.run(&["keys", "disable", "database", "--yes"]).exits(5).complains("lacks");
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    ultra.run(&["keys", "verify", "database"]).exits(0);
    ultra.run(&["keys", "doctor", "--open"]).says("servers elsewhere were given generation");
}
