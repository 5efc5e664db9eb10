//! `ultra keys doctor`: what is wrong is found, named and given a remedy.

use super::{NEW, OLD, nowhere, set, with_identity_file};
use crate::support::issuer::{AdminApi, Mood, OPENAI_ADMIN, PROJECT};
use crate::support::{Outcome, Server, Ultra, eventually};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

fn doctor(ultra: &Ultra, args: &[&str]) -> Outcome {
    let all: Vec<&str> = ["keys", "doctor", "-o", "json"].iter().chain(args).copied().collect();
    ultra.run(&all)
}

/// The outcome of one look.
#[track_caller]
fn outcome(told: &Outcome, look: &str) -> String {
    let told = told.json();
    let row = told["looks"].as_array().unwrap().iter().find(|row| row["look"] == look);
    row.unwrap_or_else(|| panic!("no `{look}` in {told}"))["outcome"].as_str().unwrap().to_owned()
}

/// A healthy vault.
fn healthy() -> Ultra {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    ultra
}

#[test]
fn a_healthy_vault_is_told_to_be_so_and_opened_only_on_request() {
    let ultra = healthy();
    let shut = doctor(&ultra, &[]).exits(0);
    assert_eq!(outcome(&shut, "content"), "skip");
    let open = doctor(&ultra, &["--open"]).exits(0);
    assert_eq!(outcome(&open, "content"), "pass");
    ultra.run(&["keys", "doctor"]).exits(0).says("all is well");
    nowhere(&ultra, &[&shut, &open], &[OLD]);
    Ultra::empty().run(&["keys", "doctor"]).exits(0).says("there is no vault yet");
}

#[test]
fn what_is_wrong_with_files_is_found() {
    let ultra = healthy();
    let open = |name: &str, mode: u32| {
        let path = ultra.state().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open("vault.age", 0o640);
    let told = ultra.run(&["keys", "doctor"]).exits(3).says("something is wrong").says("chmod 600");
    told.says("vault.age");
    open("vault.age", 0o600);
    let identity = ultra.home().join("identity");
    std::fs::set_permissions(&identity, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(outcome(&doctor(&ultra, &[]).exits(3), "backend"), "fail");
    std::fs::remove_file(&identity).unwrap();
    ultra.run(&["keys", "doctor"]).exits(3).says("is gone").says("restore it from a backup");
}

#[test]
fn a_vault_and_an_index_that_disagree_are_found() {
    let ultra = healthy();
    let (vault, index) = (ultra.state().join("vault.age"), ultra.state().join("vault-index.json"));
    let (old_vault, old_index) = (std::fs::read(&vault).unwrap(), std::fs::read(&index).unwrap());
    set(&ultra, "jwt", &"k".repeat(40)).exits(0);
    std::fs::write(&vault, &old_vault).unwrap();
    let told = doctor(&ultra, &[]).exits(3);
    assert_eq!(outcome(&told, "index"), "fail");
    // Both put back from a backup: the audit knows more, which is no fault of it.
    std::fs::write(&index, &old_index).unwrap();
    assert_eq!(outcome(&doctor(&ultra, &[]).exits(0), "index"), "pass");
    let mut flipped = old_vault.clone();
    flipped[old_vault.len() / 2] ^= 1;
    std::fs::write(&vault, &flipped).unwrap();
    let told = doctor(&ultra, &["--open"]).exits(3);
    assert_eq!(outcome(&told, "content"), "fail");
    std::fs::remove_file(&index).unwrap();
    doctor(&ultra, &[]).exits(3);
    std::fs::write(&index, &old_index).unwrap();
    std::fs::remove_file(&vault).unwrap();
    ultra.run(&["keys", "doctor"]).exits(3).says("restore `vault.age` from a backup");
}

#[test]
fn keys_that_were_left_behind_at_a_provider_are_found() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_identity_file()
        .env("OPENAI_BASE_URL", api.openai())
        .env("ANTHROPIC_BASE_URL", api.anthropic())
        .env("OPENAI_PROJECT_ID", PROJECT);
    set(&ultra, "openai", OLD).exits(0);
    assert_eq!(outcome(&doctor(&ultra, &[]).exits(0), "orphans"), "skip");
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    assert_eq!(outcome(&doctor(&ultra, &[]).exits(0), "orphans"), "skip", "it is in the vault");
    assert_eq!(outcome(&doctor(&ultra, &["--open"]).exits(0), "orphans"), "pass");
    ultra.run(&["keys", "rotate", "openai"]).exits(0);
    // Another vault's, and one that only begins alike.
    api.makes("ultra/00000000-0000-4000-8000-000000000000/dev/openai/v7");
    let index: serde_json::Value =
        serde_json::from_str(&ultra.read(".ultra/vault-index.json")).unwrap();
    let tag = format!("ultra/{}/dev/openai/v9", index["vault"].as_str().unwrap());
    api.makes(&format!("x-{tag}"));
    let known = doctor(&ultra, &["--open"]).exits(0);
    assert_eq!(outcome(&known, "orphans"), "pass");

    let account = api.makes(&tag);
    let found = ultra.run(&["keys", "doctor", "--open"]).exits(3).says(&tag).says(&account);
    let told = doctor(&ultra, &["--open"]).exits(3);
    assert_eq!(outcome(&told, "orphans"), "fail");
    for (mood, code) in [
        (Mood::Says("500 Internal Server Error", "{\"KEY\":1}"), 5),
        (Mood::Says("401 Unauthorized", "{\"KEY\":1}"), 3),
    ] {
        api.becomes(mood);
        let unlisted = doctor(&ultra, &["--open"]).exits(code);
        nowhere(&ultra, &[&unlisted], &[OLD, OPENAI_ADMIN]);
    }
    nowhere(&ultra, &[&known, &found, &told], &[OLD, OPENAI_ADMIN, "sk-svcacct-canary"]);
}

#[test]
fn servers_that_lag_or_are_silent_are_found() {
    let ultra = healthy();
    let server = Server::start(&ultra, &["--real"]);
    assert_eq!(outcome(&doctor(&ultra, &[]).exits(0), "servers"), "pass");
    // Frozen, it counts as what it said last; it does not hear of what comes then.
    server.signal("STOP");
    ultra
        .run_with_stdin(&["keys", "set", "openai", "--replace"], format!("{NEW}\n").as_bytes())
        .exits(0);
    let told = doctor(&ultra, &[]).exits(3);
    assert_eq!(outcome(&told, "servers"), "fail");
    server.signal("CONT");
    eventually(Duration::from_secs(30), "the server to have the new one", || {
        (outcome(&doctor(&ultra, &[]), "servers") == "pass").then_some(())
    });
    server.stop();

    // Nobody knows what this one uses: it listens, and never says a word.
    let _silent =
        std::os::unix::net::UnixListener::bind(ultra.state().join("serve-1.sock")).unwrap();
    let told = ultra.run(&["keys", "doctor"]).exits(3).says("serve-1.sock");
    nowhere(&ultra, &[&told], &[OLD, NEW]);
}

#[test]
fn what_was_cut_short_or_nobody_uses_is_found() {
    let ultra = healthy();
    let text = ultra.read(".ultra/audit.jsonl");
    std::fs::write(ultra.state().join("audit.jsonl"), text.replace("openai", "opanai")).unwrap();
    assert_eq!(outcome(&doctor(&ultra, &[]).exits(3), "audit"), "fail");
    std::fs::write(ultra.state().join("audit.jsonl"), &text).unwrap();

    let mut index: serde_json::Value =
        serde_json::from_str(&ultra.read(".ultra/vault-index.json")).unwrap();
    index["current"]["entries"]["dev/openai"]["versions"][0]["created_at"] =
        "2999-01-01T00:00:00Z".into();
    let stray = index["current"]["entries"]["dev/openai"].clone();
    index["current"]["entries"]["gone/stray"] = stray;
    ultra.write_private(".ultra/vault-index.json", index.to_string());
    let told = doctor(&ultra, &[]).exits(3);
    assert_eq!((&*outcome(&told, "clock"), &*outcome(&told, "entries")), ("fail", "warn"));
    let shadowed = ultra.env("OPENAI_API_KEY", NEW);
    assert_eq!(outcome(&doctor(&shadowed, &[]).exits(3), "keys"), "warn");
}
