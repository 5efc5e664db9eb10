//! The life of versions: graces, what is due, ends, and servers that must know first.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, nowhere, rotate, set, with_identity_file, with_provider};
use crate::support::{Outcome, Server, Ultra, eventually};
use serde_json::Value;
use std::time::Duration;

const ALL_DUE: &[&str] = &["keys", "rotate", "--all-due"];

fn rotate_with(ultra: &Ultra, value: &str, flags: &[&str]) -> Outcome {
    let args = [&["keys", "rotate", "openai", "-o", "json"], flags].concat();
    ultra.run_with_stdin(&args, format!("{value}\n").as_bytes())
}

/// The states of the versions of a key, oldest first.
fn states(ultra: &Ultra, name: &str) -> Vec<(u64, String)> {
    let shown = ultra.run(&["keys", "show", name, "-o", "json"]).exits(0).json();
    let version =
        |v: &Value| (v["number"].as_u64().unwrap(), v["state"].as_str().unwrap().to_owned());
    shown["versions"].as_array().unwrap().iter().map(version).collect()
}

fn state(number: u64, state: &str) -> (u64, String) {
    (number, state.to_owned())
}

#[test]
fn a_rotation_ends_at_the_cut_over_and_says_when_the_old_value_does() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let done = rotate_with(&ultra, NEW, &["--grace", "2h"]).exits(0);
    assert_eq!(done.json()["state"], "current");
    assert!(done.json()["retire_at"].is_string());
    ultra.run(ALL_DUE).exits(0).says("nothing is due");
    let status = ultra.run(&["keys", "status"]).exits(0);
    let status = status.says("still valid at the provider").says("ends in");
    nowhere(&ultra, &[&done, &status], &[OLD, NEW]);
    for wrong in [["--grace", "soon"], ["--drain", "-1"]] {
        rotate_with(&ultra, NEW, &wrong).exits(2);
    }
}

#[test]
fn a_pasted_value_is_ended_by_a_person_and_that_is_seen() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let done = rotate_with(&ultra, NEW, &["--grace", "0"]).exits(3);
    assert_eq!(done.json()["state"], "current", "the cut-over stands");
    assert_eq!(done.json()["left_over"][0]["code"], "still-valid");
    assert_eq!(states(&ultra, "openai"), [state(1, "old"), state(2, "current")]);
    let left = ultra.run(ALL_DUE).exits(3).says("--version 1");
    ultra.run(&["keys", "status"]).exits(0).says("--all-due");
    ultra.run(&["keys", "disable", "openai"]).exits(3).complains("still valid");

    provider.becomes(Manner::Says("503 Service Unavailable", "KEY"));
    let away = ultra.run(ALL_DUE).exits(5);
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    let over = ultra.run(ALL_DUE).exits(0).says("disabled");
    assert_eq!(states(&ultra, "openai"), [state(1, "disabled"), state(2, "current")]);
    ultra.run(ALL_DUE).exits(0).says("nothing is due");
    nowhere(&ultra, &[&done, &left, &away, &over], &[OLD, NEW]);
}

#[test]
fn keys_that_are_due_are_replaced_or_named() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    let dev = "policy:\n  key_max_age: {jwt: 1s, encryption: 9d, provider: 9d}\n";
    ultra.write("profiles/dev.yaml", dev);
    for name in ["jwt", "encryption"] {
        ultra.run(&["keys", "set", name, "--generate"]).exits(0);
    }
    set(&ultra, "openai", OLD).exits(0);
    eventually(Duration::from_secs(20), "the JWT key to be due", || {
        ultra.run(ALL_DUE).exits(0).stdout.contains("rotated").then_some(())
    });
    let versions = states(&ultra, "jwt");
    assert_eq!(versions, [state(1, "old"), state(2, "current")]);
    assert_eq!(states(&ultra, "encryption").len(), 1);

    ultra.write("profiles/dev.yaml", dev.replace("provider: 9d", "provider: 1s"));
    eventually(Duration::from_secs(20), "the key of the provider to be due", || {
        let outcome = ultra.run(ALL_DUE);
        let named = outcome.stdout.contains("a person must make the new one");
        assert_eq!(outcome.code == 3, named, "{outcome:?}");
        named.then_some(())
    });
    assert_eq!(states(&ultra, "openai"), [state(1, "current")]);
}

#[test]
fn what_was_cut_short_is_gone_on_with_when_it_is_due() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    provider.becomes(Manner::Says("503 Service Unavailable", ""));
    rotate(&ultra, "openai", NEW).exits(5);
    ultra.run(ALL_DUE).exits(5).says("--resume");
    provider.becomes(Manner::Knows(vec![OLD.to_owned(), NEW.to_owned()]));
    ultra.run(ALL_DUE).exits(0).says("rotated");
    assert_eq!(states(&ultra, "openai"), [state(1, "old"), state(2, "current")]);
}

#[test]
fn tokens_outlive_the_key_that_signed_them_unless_it_is_compromised() {
    let ultra = with_identity_file();
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let short = ultra.run(&["keys", "rotate", "jwt", "--grace", "1h"]).exits(6);
    short.complains("--compromised");
    let clash = ["keys", "rotate", "jwt", "--compromised", "--grace", "1h"];
    ultra.run(&clash).exits(2);
    ultra.run(&["keys", "rotate", "jwt"]).exits(0).says("accepted until");
    ultra.run(&["keys", "disable", "jwt"]).exits(6).complains("--yes");
    let done = ultra.run(&["keys", "rotate", "jwt", "--compromised"]).exits(0);
    done.says("every token that was signed with it is refused");
    let expected = [state(1, "old"), state(2, "disabled"), state(3, "current")];
    assert_eq!(states(&ultra, "jwt"), expected);
    ultra.run(&["keys", "rollback", "jwt"]).exits(6).complains("compromised");
    ultra.run(&["keys", "disable", "jwt", "--yes"]).exits(0).says("version 1 of `jwt` is disabled");
    ultra.run(&["keys", "disable", "jwt", "--version", "1"]).exits(0).says("already");
}

#[test]
fn a_compromised_value_of_a_provider_is_never_gone_back_to() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let done = rotate_with(&ultra, NEW, &["--compromised"]).exits(3);
    assert_eq!(done.json()["left_over"][0]["code"], "still-valid");
    ultra.run(&["keys", "rollback", "openai"]).exits(6).complains("version 1");
    ultra.run(&["keys", "status"]).exits(0).says("compromised");
}

#[test]
fn behind_a_compromised_value_an_older_one_is_offered() {
    let third = "sk-third-canary-0123456789";
    let provider = Provider::knowing(&[OLD, NEW, third]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    rotate(&ultra, "openai", NEW).exits(0);
    let args = ["keys", "rotate", "openai", "--compromised"];
    let done = ultra.run_with_stdin(&args, third.as_bytes()).exits(3);
    let done = done.says("version 2 is compromised: nothing goes back to it").says("still valid");
    assert!(!done.stdout.contains("in 0s"), "{}", done.stdout);
    let refused = ultra.run(&["keys", "rollback", "openai"]).exits(6).complains("version 2");
    refused.complains("`ultra keys rollback openai --profile dev --version 1`");
    let version = |n| ["keys", "rollback", "openai", "--version", n];
    ultra.run(&version("2")).exits(6).complains("compromised");
    ultra.run(&version("3")).exits(6).complains("in use");
    ultra.run(&version("9")).exits(2).complains("no version 9");
    ultra.run(&version("1")).exits(0).says("version 3 → 4");
    provider.seen();
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    assert_eq!(provider.seen(), [OLD]);
    ultra.run(&version("1")).exits(6).complains("version 4 has it");
}

#[test]
fn versions_are_removed_and_the_one_in_use_only_with_a_yes() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "disable", "openai"]).exits(2).complains("no old version");
    ultra.run(&["keys", "disable", "openai", "--version", "1"]).exits(6).complains("in use");
    rotate(&ultra, "openai", NEW).exits(0);
    ultra.run(&["keys", "remove", "openai", "--version", "9"]).exits(2).complains("version 9");
    let old = ultra.run(&["keys", "remove", "openai", "--version", "1"]).exits(0);
    old.says("versions that are left: 1");
    ultra.run(&["keys", "rollback", "openai"]).exits(2);
    for version in [&[][..], &["--version", "2"]] {
        let args = [&["keys", "remove", "openai"], version].concat();
        ultra.run(&args).exits(6).complains("--yes");
    }
    let gone = ultra.run(&["keys", "remove", "openai", "--yes"]).exits(0);
    gone.says("`OPENAI_API_KEY` has no value any more").says("ultra keys set openai");
    ultra.run(&["keys", "list"]).exits(0).says("no keys in profile");
    set(&ultra, "openai", OLD).exits(0).says("version 3");
    ultra.run(&["keys", "remove", "openai", "sk-surplus-0123"]).exits(2).complains("argument");
}

#[test]
fn a_protected_profile_is_named_and_confirmed_for_all_of_it() {
    let ultra = with_identity_file().env("ULTRA_PROFILE", "prod");
    ultra.write("profiles/prod.yaml", "protected: true\n");
    let set = ["keys", "set", "jwt", "--generate", "--profile", "prod", "--yes"];
    ultra.run(&set).exits(0);
    let (disable, remove) =
        (["keys", "disable", "jwt", "--version", "1"], ["keys", "remove", "jwt"]);
    for args in [ALL_DUE, &disable, &remove] {
        ultra.run(args).exits(6).complains("--profile prod");
        ultra.run(&[args, &["--profile", "prod"]].concat()).exits(6).complains("--yes");
    }
    ultra.run(&[ALL_DUE, &["--profile", "prod", "--yes"]].concat()).exits(0);
}

#[test]
fn a_running_server_acknowledges_before_the_old_value_ends() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    eventually(Duration::from_secs(20), "the server's sign of life", || {
        let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
        (status["replicas"].as_array()?.len() == 1).then_some(())
    });
    let done = rotate_with(&ultra, NEW, &["--wait", "60s"]).exits(0).json();
    assert_eq!(
        (done["replicas"]["on"].as_u64(), done["replicas"]["of"].as_u64()),
        (Some(1), Some(1))
    );

    server.signal("STOP");
    let third = "sk-third-canary-0123456789";
    provider.becomes(Manner::Knows(vec![NEW.to_owned(), third.to_owned()]));
    let lags = rotate_with(&ultra, third, &["--wait", "0"]).exits(5);
    let lags = lags.complains("0 of 1 server").complains("--abort");
    ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0).says("version 2 stays in use");
    server.signal("CONT");
    nowhere(&ultra, &[&lags], &[OLD, NEW, third]);
    provider.seen();
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    assert_eq!(provider.seen(), [NEW]);
    server.stop();
}

#[test]
fn a_server_says_when_it_ends_and_a_killed_one_counts_for_a_minute() {
    let third = "sk-third-canary-0123456789";
    let provider = Provider::knowing(&[OLD, NEW, third]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let servers = [0, 1].map(|_| Server::start(&ultra, &["--real"]));
    let counted = || {
        let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
        let beats = ultra.run(&["db", "status", "-o", "json"]).exits(0).json();
        let of = |value: &Value| value.as_array().map_or(0, Vec::len);
        (of(&status["replicas"]), of(&beats["servers"]))
    };
    let wait_for = |count: usize| {
        eventually(Duration::from_secs(20), &format!("{count} servers"), || {
            (counted() == (count, count)).then_some(())
        });
    };
    wait_for(2);
    let [one, other] = servers;
    assert_eq!(one.stop().code, 0);
    // It has taken its leave before it ended.
    assert_eq!(counted(), (1, 1));
    other.signal("KILL");
    other.wait(Duration::from_secs(10));
    assert_eq!(counted(), (1, 1), "nobody knows yet that it is gone");
    rotate_with(&ultra, NEW, &["--wait", "0"]).exits(5).complains("0 of 1 server");
    ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0);
    // A minute later, as the clock of the store has it.
    age_heartbeats(&ultra, Duration::from_secs(61));
    assert_eq!(counted(), (0, 0));
    rotate_with(&ultra, third, &["--wait", "0"]).exits(0);
}

/// Makes every sign of life in the embedded database so much older.
fn age_heartbeats(ultra: &Ultra, by: Duration) {
    let path = ultra.state().join("data/dev.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions as _, Connection as _};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut database = options.connect().await.unwrap();
        let changed = sqlx::query("UPDATE heartbeats SET seen = seen - ?1")
            .bind(i64::try_from(by.as_micros()).unwrap())
            .execute(&mut database)
            .await
            .unwrap();
        assert_eq!(changed.rows_affected(), 1);
        database.close().await.unwrap();
    });
}
