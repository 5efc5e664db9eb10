//! `ultra keys doctor`: what is wrong is found, named and given a remedy.

use super::{NEW, OLD, nowhere, set, with_identity_file};
use crate::support::{Outcome, Ultra};
use std::os::unix::fs::PermissionsExt as _;

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
