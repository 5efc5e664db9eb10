//! Service keys and tokens from the command line.

use crate::support::services::Postgres;
use crate::support::{CANARY, Server, Ultra};
use std::process::Stdio;

/// The key that `create` printed, alone on standard output.
fn key_of(stdout: &str) -> String {
    let key = stdout.strip_suffix('\n').unwrap();
    assert!(key.starts_with("uk_") && !key.contains(char::is_whitespace), "{stdout:?}");
    key.to_owned()
}

#[test]
fn a_key_is_printed_once_and_kept_as_a_hash() {
    let ultra = Ultra::empty();
    let created = ultra
        .run(&["auth", "service-key", "create", "ci", "--expires", "30d", "--rate", "60"])
        .exits(0)
        .complains("service key `ci`");
    let key = key_of(&created.stdout);
    let secret = key.split_once('.').unwrap().1;
    assert!(!created.stderr.contains(secret));

    let listed = ultra.run(&["auth", "service-key", "list", "-o", "json"]).exits(0);
    let json = listed.json();
    assert_eq!(json["schema"], "ultra.auth.service-keys/1");
    assert_eq!(json["keys"][0]["name"], "ci");
    assert_eq!(json["keys"][0]["scopes"], serde_json::json!(["read", "write"]));
    assert_eq!(json["keys"][0]["requests_per_minute"], 60);
    assert_eq!(json["keys"][0]["state"], "current");
    assert_eq!(
        (&json["keys"][0]["policy"], &json["keys"][0]["max_age_seconds"]),
        (&"ok".into(), &5_184_000.into())
    );
    assert_eq!(json["keys"][0]["last_used_at"], serde_json::Value::Null);
    let human = ultra.run(&["auth", "service-key", "list"]).exits(0);
    assert!(!(listed.stdout + &human.stdout).contains(secret));
    // Nor is it in any file.
    let database = std::fs::read(ultra.state().join("data/dev.db")).unwrap();
    assert!(!database.windows(secret.len()).any(|w| w == secret.as_bytes()));
}

#[test]
fn a_key_is_revoked_by_name_by_id_and_by_itself() {
    let ultra = Ultra::empty();
    let revoke = |key: &str| ultra.run(&["auth", "service-key", "revoke", key, "-o", "json"]);
    for how in 0..3 {
        let created = ultra.run(&["auth", "service-key", "create", "ci", "-o", "json"]).exits(0);
        let json = created.json();
        let text = [&json["name"], &json["id"], &json["key"]][how].as_str().unwrap();
        let revoked = revoke(text).exits(0);
        assert_eq!(revoked.json()["changed"], true, "{how}");
        assert_eq!(revoked.json()["id"], json["id"]);
        assert!(!(revoked.stdout + &revoked.stderr).contains(json["key"].as_str().unwrap()));
        assert_eq!(revoke(text).exits(0).json()["changed"], false);
    }
    let listed = ultra.run(&["auth", "service-key", "list", "-o", "json"]).exits(0).json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 3);
    let unknown = revoke("uk_nobody.canary-secret").exits(2);
    assert!(!unknown.stderr.contains("canary"), "{}", unknown.stderr);
}

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let ultra = Ultra::empty();
    let create =
        |args: &[&str]| ultra.run(&[&["auth", "service-key", "create"], args].concat()).exits(2);
    create(&["ci", "--scope", "raed"]).complains("did you mean `read`?");
    create(&["ci", "--scope", "root,admn"]).complains("`root`").complains("`admin`");
    create(&["ci", "--expires", "soon"]).complains("--expires 30d");
    create(&["ci", "--rate", "0"]);
    create(&["  "]).complains("empty");
    create(&["a\u{7}b"]).complains("control");
    ultra.run(&["auth", "token", "create", "--ttl", "2d"]).exits(2).complains("24h");
    ultra.run(&["auth", "service-key", "list"]).exits(0).says("no service keys");
    ultra.run(&["auth", "service-key", "revoke", "ci"]).exits(2);
    assert!(!ultra.state().exists(), "a refused command left the state directory behind");

    ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    create(&["ci"]).complains("exists already").complains("ultra auth service-key revoke ci");
}

#[test]
fn keys_are_made_while_other_processes_have_the_database_open() {
    let ultra = Ultra::empty();
    let children: Vec<_> = (0..8)
        .map(|n| {
            ultra
                .command(["auth", "service-key", "create", &format!("key-{n}")])
                .stdin(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        crate::support::Outcome::from(child.wait_with_output().unwrap()).exits(0);
    }
    let listed = ultra.run(&["auth", "service-key", "list", "-o", "json"]).exits(0).json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 8);
}

#[test]
fn a_protected_profile_wants_a_confirmation_and_its_own_database() {
    let Some(postgres) = Postgres::shared() else { return };
    let mut ultra = Ultra::empty();
    ultra.write(
        "profiles/live.yaml",
        "protected: true\nmode: mock\npolicy:\n  require_postgres: true\n",
    );
    let create = ["auth", "service-key", "create", "ci", "--profile", "live"];
    ultra.run(&create).exits(3).complains("requires PostgreSQL");
    ultra.set_env("DATABASE_URL", postgres.database());
    ultra.run(&create).exits(6).complains("--yes");
    let confirmed = [&create[..], &["--yes"]].concat();
    ultra.run(&confirmed).exits(3).complains("ultra db migrate");
    ultra.run(&["db", "migrate", "--profile", "live", "--yes"]).exits(0).says("0001-init");
    key_of(&ultra.run(&confirmed).exits(0).stdout);
    let token = ["auth", "token", "create", "--profile", "live", "--yes"];
    ultra.run(&token).exits(3).complains("ultra keys set jwt --generate");
}

/// The service keys of the profile, as JSON.
fn keys(ultra: &Ultra) -> Vec<serde_json::Value> {
    let listed = ultra.run(&["auth", "service-key", "list", "-o", "json"]).exits(0).json();
    let mut keys = listed["keys"].as_array().unwrap().clone();
    for key in &mut keys {
        // Two lists of the same keys differ in nothing but their age.
        key.as_object_mut().unwrap().remove("age_seconds").unwrap();
    }
    keys
}

fn text<'a>(json: &'a serde_json::Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {json}"))
}

#[test]
fn a_rotated_key_has_a_successor_like_it_and_an_end() {
    let ultra = Ultra::empty();
    let create = ["auth", "service-key", "create", "ci", "--scope", "read,metrics", "--rate", "60"];
    let old =
        ultra.run(&[&create[..], &["--expires", "30d", "-o", "json"]].concat()).exits(0).json();
    let rotate = ["auth", "service-key", "rotate"];
    ultra.run(&[&rotate[..], &["c"]].concat()).exits(2).complains("known names: ci");
    ultra.run(&[&rotate[..], &["ci", "--grace", "soon"]].concat()).exits(2).complains("--grace 0");
    ultra
        .run(&[&rotate[..], &["ci", "--expires", "x"]].concat())
        .exits(2)
        .complains("--expires 30d");

    let rotated = ultra.run(&[&rotate[..], &["ci", "--grace", "2h"]].concat()).exits(0);
    let value = key_of(&rotated.stdout);
    let secret = value.split_once('.').unwrap().1;
    assert!(!rotated.stderr.contains(secret));
    let listed = keys(&ultra);
    let [before, after] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((text(before, "id"), text(before, "state")), (text(&old, "id"), "ending"));
    assert_eq!(before["replaced_by"], after["id"]);
    assert!(value.starts_with(&format!("uk_{}.", text(after, "id"))));
    assert_eq!(text(after, "state"), "current");
    for same in ["name", "scopes", "requests_per_minute"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    let seconds = |from: &serde_json::Value, to: &serde_json::Value| {
        let at = |v: &serde_json::Value| v.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        at(to).as_second() - at(from).as_second()
    };
    assert_eq!(seconds(&after["created_at"], &after["expires_at"]), 30 * 86_400);
    assert!((seconds(&after["created_at"], &before["expires_at"]) - 7_200).abs() <= 1, "{before}");
    let human = ultra.run(&["auth", "service-key", "list"]).exits(0).says("ending in ");
    assert!(!(human.stdout + &human.stderr).contains(secret));
    let (old_id, new_id) = (text(before, "id"), text(after, "id"));
    rotated
        .complains(&format!("the old one ({old_id}) is accepted until "))
        .complains(&format!("ultra auth service-key revoke {new_id} --profile dev"));

    // One at a time, whichever is meant; and whoever revokes says which.
    for wanted in ["ci", old_id, new_id] {
        let refused = ultra.run(&[&rotate[..], &[wanted]].concat()).exits(6);
        refused.complains(&format!(
            "ultra auth service-key revoke {}",
            match wanted == old_id {
                true => new_id,
                false => old_id,
            }
        ));
    }
    let both = ultra.run(&["auth", "service-key", "revoke", "ci"]).exits(2);
    both.complains(old_id).complains(new_id);
    assert_eq!(keys(&ultra), listed);

    // The way back: the new one goes, the old one keeps its end and can be replaced again.
    ultra.run(&["auth", "service-key", "revoke", new_id]).exits(0);
    let again = ultra.run(&[&rotate[..], &["ci", "--grace", "9d", "-o", "json"]].concat()).exits(0);
    let again = again.json();
    assert_eq!(again["schema"], "ultra.auth.service-key-rotated/1");
    assert_eq!(
        (&again["replaces"]["id"], &again["replaces"]["expires_at"]),
        (&before["id"], &before["expires_at"])
    );
    assert_eq!(seconds(&again["created_at"], &again["expires_at"]), 30 * 86_400);
    assert_eq!(
        text(&again, "undo"),
        format!("ultra auth service-key revoke {} --profile dev", text(&again, "id"))
    );

    // What has ended is not replaced.
    ultra.run(&["auth", "service-key", "revoke", old_id]).exits(0);
    let refused = ultra.run(&[&rotate[..], &[old_id]].concat()).exits(6);
    refused.complains("was revoked").complains("ultra auth service-key create ci");
    // Without a grace the old one is revoked, which needs no clock.
    let at_once =
        ultra.run(&[&rotate[..], &["ci", "--grace", "0", "-o", "json"]].concat()).exits(0);
    let at_once = at_once.json();
    assert_eq!(
        (text(&at_once["replaces"], "state"), &at_once["undo"]),
        ("revoked", &serde_json::Value::Null)
    );
    assert_eq!(at_once["replaces"]["id"], again["id"]);
    ultra.run(&[&rotate[..], &["ci", "--grace", "0"]].concat()).exits(0).complains("is revoked");
}

#[test]
fn of_rotations_at_once_one_wins() {
    let ultra = Ultra::empty();
    ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = ultra.command(["auth", "service-key", "rotate", "ci"]);
            command.stdin(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let outcomes: Vec<crate::support::Outcome> =
        children.into_iter().map(|child| child.wait_with_output().unwrap().into()).collect();
    let mut codes: Vec<i32> = outcomes.iter().map(|outcome| outcome.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 6, 6, 6], "{outcomes:?}");
    assert!(outcomes.iter().filter(|o| o.code == 6).all(|o| o.stdout.is_empty()), "{outcomes:?}");
    let states: Vec<_> = keys(&ultra).iter().map(|key| text(key, "state").to_owned()).collect();
    assert_eq!(states, ["ending", "current"]);
}

#[test]
fn a_rotation_in_a_protected_profile_is_confirmed() {
    let ultra = Ultra::empty();
    ultra.write("profiles/live.yaml", "protected: true\nmode: mock\n");
    let live = |args: &[&str]| ultra.run(&[args, &["--profile", "live"]].concat());
    live(&["db", "migrate", "--yes"]).exits(0).says("0003-successors");
    live(&["auth", "service-key", "create", "ci", "--yes"]).exits(0);
    let rotate = ["auth", "service-key", "rotate", "ci"];
    live(&rotate).exits(6).complains("--yes");
    key_of(&live(&[&rotate[..], &["--yes"]].concat()).exits(0).stdout);
}

#[test]
fn a_key_that_a_developers_server_keeps_is_made_anew_by_it() {
    let ultra = Ultra::empty();
    Server::start(&ultra, &["--profile", "dev"]).stop().exits(0);
    let name = text(&keys(&ultra)[0], "name").to_owned();
    let refused = ultra.run(&["auth", "service-key", "rotate", &name]).exits(6);
    refused.complains("ultra auth service-key revoke ").complains("the next start");
    assert_eq!(keys(&ultra)[0]["policy"], "none", "it never leaves its machine");
}

#[test]
fn a_token_is_printed_once() {
    let ultra = Ultra::empty();
    let created = ultra.run(&["auth", "token", "create", "--scope", "read,check"]).exits(0);
    let token = created.stdout.trim_end();
    assert_eq!(token.split('.').count(), 3, "{token}");
    assert!(!created.stderr.contains(token.rsplit('.').next().unwrap()));
    let json = ultra.run(&["auth", "token", "create", "-o", "json"]).exits(0).json();
    assert_eq!(
        (&json["schema"], &json["subject"]),
        (&"ultra.auth.token/1".into(), &"operator".into())
    );

    let weak = Ultra::empty().env("ULTRA_JWT_KEY", CANARY);
    let refused = weak.run(&["auth", "token", "create"]);
    assert_ne!(refused.code, 101);
    refused.keeps_the_canary();
}

#[test]
fn developers_servers_that_share_a_store_keep_a_key_each() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let ultras = [0, 1].map(|_| Ultra::empty().env("DATABASE_URL", &url));
    let serve = |ultra: &Ultra| Server::start(ultra, &["--profile", "dev"]);
    let first = ultras.each_ref().map(serve);
    let keys = ultras.each_ref().map(|ultra| ultra.read(".ultra/dev-key"));
    assert_ne!(keys[0], keys[1]);
    let both_are_good = |when: &str| {
        let listed = ultras[0].run(&["auth", "service-key", "list", "-o", "json"]).exits(0).json();
        let listed = listed["keys"].as_array().unwrap();
        assert_eq!(listed.len(), 2, "{when}: {listed:?}");
        assert!(listed.iter().all(|key| key["state"] == "current"), "{when}: {listed:?}");
    };
    both_are_good("both run");
    for server in first {
        server.stop().exits(0);
    }
    for server in ultras.each_ref().map(serve) {
        server.stop().exits(0);
    }
    both_are_good("both were started again");
    assert_eq!(ultras.each_ref().map(|ultra| ultra.read(".ultra/dev-key")), keys);
}

#[test]
fn whoever_has_the_name_of_a_key_that_ends_is_said() {
    let ultra = Ultra::empty();
    let json = |args: &[&str]| {
        let all = [&["auth", "service-key"], args, &["-o", "json"]].concat();
        ultra.run(&all).exits(0).json()
    };
    json(&["create", "ci"]);
    let next = json(&["rotate", "ci", "--grace", "9d"]);
    json(&["revoke", text(&next, "id")]);
    let holder = json(&["create", "ci", "--expires", "1s"]);
    let holder = text(&holder, "id");
    crate::support::eventually(std::time::Duration::from_secs(20), "its end", || {
        let expired = |key: &serde_json::Value| key["id"] == holder && key["state"] == "expired";
        keys(&ultra).iter().any(expired).then_some(())
    });
    let refused = ultra.run(&["auth", "service-key", "rotate", "ci"]).exits(2);
    refused.complains(&format!("ultra auth service-key revoke {holder} --profile dev"));
    json(&["revoke", holder]);
    json(&["rotate", "ci"]);
}
