//! A vault, an index or an identity that is gone or open to others: said so, with the way back.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, rotate, set, with_provider};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_vault_that_is_gone_is_not_taken_for_an_empty_one() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let vault = ultra.state().join("vault.age");
    let aside = ultra.home().join("aside");
    std::fs::rename(&vault, &aside).unwrap();
    for args in [
        &["keys", "verify", "openai"][..],
        &["keys", "verify"],
        &["keys", "rotate", "openai"],
        &["keys", "rotate", "--all-due"],
        &["keys", "rollback", "openai"],
        &["keys", "set", "jwt", "--generate"],
        &["keys", "disable", "openai"],
        &["keys", "remove", "openai", "--yes"],
    ] {
        let told = ultra.run(args).exits(5).complains("the vault is gone").complains("backup");
        told.complains("published/vault.age");
    }
    ultra.run(&["keys", "list"]).exits(0).says("the vault is gone");
    std::fs::rename(&aside, &vault).unwrap();
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    // What does not come from the vault can be asked about without it.
    std::fs::rename(&vault, &aside).unwrap();
    let fed = ultra.env("OPENAI_API_KEY", OLD);
    fed.run(&["keys", "verify", "openai"]).exits(0);
}

#[test]
fn an_identity_that_others_may_read_is_refused() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let identity = ultra.home().join("identity");
    std::fs::set_permissions(&identity, std::fs::Permissions::from_mode(0o644)).unwrap();
    for args in [&["keys", "verify", "openai"][..], &["keys", "verify"]] {
        ultra.run(args).exits(6).complains("chmod 600");
    }
}

#[test]
fn an_index_that_is_gone_is_said_and_made_anew() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let index = ultra.state().join("vault-index.json");
    for args in [
        &["keys", "verify"][..],
        &["keys", "rotate", "--all-due"],
        &["keys", "set", "jwt", "--generate", "--replace"],
    ] {
        std::fs::remove_file(&index).unwrap();
        let list = ultra.run(&["keys", "list"]).exits(0);
        list.says("the index of the vault is gone").says("ultra keys verify");
        ultra.run(args).exits(0).complains("made anew");
        let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0).json();
        assert_eq!(list["problems"].as_array().unwrap().len(), 0, "{args:?}: {list:#}");
        assert!(list["keys"][0]["fingerprint"].is_string(), "{list:#}");
    }
    ultra.run(&["keys", "audit", "--verify"]).exits(0);
}

#[test]
fn what_is_due_is_done_and_what_is_under_way_is_known_without_an_index() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let index = ultra.state().join("vault-index.json");
    provider.becomes(Manner::Says("503 Service Unavailable", ""));
    rotate(&ultra, "openai", NEW).exits(5);
    std::fs::remove_file(&index).unwrap();
    // A rotation is under way, although nothing but the vault knows of its version.
    let args = ["keys", "set", "openai", "--replace"];
    let set = ultra.run_with_stdin(&args, format!("{NEW}\n").as_bytes());
    set.exits(6).complains("under way");
    std::fs::remove_file(&index).unwrap();
    ultra.run(&["keys", "rotate", "--all-due"]).exits(5).says("--resume");
    provider.becomes(Manner::Knows(vec![OLD.to_owned(), NEW.to_owned()]));
    ultra.run(&["keys", "rotate", "--all-due"]).exits(0).says("rotated");
    // Without the identity nobody knows what is due, and that is no \"nothing\".
    std::fs::remove_file(&index).unwrap();
    std::fs::rename(ultra.home().join("identity"), ultra.home().join("aside")).unwrap();
    ultra.run(&["keys", "rotate", "--all-due"]).exits(5).complains("index of the vault is gone");
}
