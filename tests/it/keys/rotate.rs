//! Rotation and rollback: tested before use, resumable, and a way back.

use super::provider::{Manner, Provider};
use super::{
    NEW, OLD, at_the_usual_addresses, nowhere, rotate, set, with_identity_file, with_provider,
};
use std::process::Stdio;

#[test]
fn the_new_value_is_tested_before_it_is_used_and_the_old_one_kept() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    assert_eq!(provider.seen(), [OLD], "the value is tested before it is kept");
    let done = rotate(&ultra, "openai", NEW).exits(0).says("version 1 → 2");
    assert_eq!(provider.seen(), [NEW], "the new value itself was tested");
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    assert_eq!(provider.seen(), [NEW], "the new value is in use");

    let same = rotate(&ultra, "openai", NEW).exits(3).complains("in use");
    let before = rotate(&ultra, "openai", OLD).exits(3).complains("ultra keys rollback openai");
    assert!(provider.seen().is_empty(), "a value that is no new one is not tested");

    let back = ultra.run(&["keys", "rollback", "openai"]).exits(0).says("version 2 → 3");
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    assert_eq!(provider.seen(), [OLD, OLD]);
    ultra.run(&["keys", "rollback", "openai"]).exits(0).says("version 3 → 4");
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    assert_eq!(provider.seen(), [NEW, NEW]);
    nowhere(&ultra, &[&done, &same, &before, &back], &[OLD, NEW]);
}

#[test]
fn a_refused_value_changes_nothing() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let refused = rotate(&ultra, "openai", NEW).exits(3).complains("version 1 stays in use");
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0);
    assert_eq!(status.json()["rotations"].as_array().unwrap().len(), 0);
    assert_eq!(status.json()["keys"][0]["version"], 1);
    nowhere(&ultra, &[&refused, &status], &[OLD, NEW]);

    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    rotate(&ultra, "openai", NEW).exits(0);
    ultra.run(&["keys", "rollback", "openai"]).exits(3).complains("refuses");
    ultra.run(&["keys", "verify", "openai"]).exits(0);
}

#[test]
fn a_provider_that_cannot_be_asked_leaves_the_new_value_pending() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    for manner in [
        Manner::Says("503 Service Unavailable", "{\"error\":\"KEY\"}"),
        Manner::Says("403 Forbidden", "<html>KEY</html>"),
        Manner::Says("429 Too Many Requests", "KEY"),
        Manner::Says("302 Found\r\nlocation: http://127.0.0.1:1/", "KEY"),
    ] {
        provider.becomes(manner);
        let stopped = rotate(&ultra, "openai", NEW).exits(5);
        let stopped = stopped.complains("--resume").complains("--abort").complains("pending");
        let status = ultra.run(&["keys", "status"]).exits(0).says("--resume");
        rotate(&ultra, "openai", NEW).exits(6).complains("--resume");
        set(&ultra, "openai", NEW).exits(6);
        ultra.run(&["keys", "rollback", "openai"]).exits(6).complains("--resume");
        provider.becomes(Manner::Knows(vec![OLD.to_owned(), NEW.to_owned()]));
        provider.seen();
        ultra.run(&["keys", "verify", "openai"]).exits(0);
        assert_eq!(provider.seen(), [OLD], "the old value stays in use");
        nowhere(&ultra, &[&stopped, &status], &[OLD, NEW]);
        ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0).says("stays in use");
    }
    provider.becomes(Manner::Says("503 Service Unavailable", ""));
    rotate(&ultra, "openai", NEW).exits(5);
    ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(5);
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(0).says("rotated");
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(2).complains("no rotation");
    ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(2);
}

#[test]
fn a_silent_provider_is_given_up_on() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    provider.becomes(Manner::Silent);
    rotate(&ultra, "openai", NEW).exits(5).complains("no answer in time");
}

#[test]
fn internal_keys_are_made_here() {
    let ultra = with_identity_file();
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    ultra.run(&["keys", "set", "openai", "--generate"]).exits(2);
    ultra.run(&["keys", "rotate", "jwt"]).exits(0).says("version 1 → 2");
    ultra.run(&["keys", "rollback", "jwt"]).exits(0).says("version 2 → 3");
    ultra.run(&["keys", "rotate", "encryption"]).exits(2).complains("ultra keys set encryption");
    ultra.run(&["keys", "rotate"]).exits(2).complains("name one of: jwt");
}

#[test]
fn another_destination_needs_a_yes() {
    let (here, there) = (Provider::knowing(&[OLD]), Provider::knowing(&[OLD, NEW]));
    let ultra = with_provider(&here);
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    let moved = ultra.env("OPENAI_BASE_URL", there.base_url());
    rotate(&moved, "openai", NEW).exits(6).complains("so far it went to");
    assert!(there.seen().is_empty());
    let yes = ["keys", "rotate", "openai", "--yes"];
    moved.run_with_stdin(&yes, format!("{NEW}\n").as_bytes()).exits(0);
    assert_eq!(there.seen(), [NEW]);
    moved.run(&["keys", "rollback", "openai"]).exits(6).complains("only");
    assert!(there.seen().is_empty(), "the old value is bound to where it went");
}

#[test]
fn the_anthropic_api_is_asked_in_its_own_way() {
    let (old, new) = ("sk-ant-old-canary-0123", "sk-ant-new-canary-0123");
    let provider = Provider::knowing(&[old, new]);
    let ultra = with_identity_file().env("ANTHROPIC_BASE_URL", provider.root_url());
    set(&ultra, "anthropic", old).exits(0);
    assert_eq!(provider.seen(), [old]);
    rotate(&ultra, "anthropic", new).exits(0);
    assert_eq!(provider.seen(), [new]);
}

#[test]
fn two_rotations_at_once_end_in_one_of_the_two() {
    let third = "sk-third-canary-0123456789";
    let provider = Provider::knowing(&[OLD, NEW, third]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let children: Vec<_> = [NEW, third]
        .iter()
        .map(|value| {
            use std::io::Write as _;
            let mut command = ultra.command(["keys", "rotate", "openai"]);
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
            child
        })
        .collect();
    for child in children {
        let outcome = crate::support::Outcome::from(child.wait_with_output().unwrap());
        assert!(matches!(outcome.code, 0 | 5 | 6), "{outcome:?}");
    }
    provider.seen();
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    assert_ne!(provider.seen(), [OLD]);
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0);
    assert_eq!(status.json()["rotations"].as_array().unwrap().len(), 0);
}

#[test]
fn a_key_is_not_sent_where_an_untrusted_root_says() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = at_the_usual_addresses();
    let profile = format!(
        "mode: real\nsecrets:\n  OPENAI_API_KEY: vault:openai\nproviders:\n  openai:\n    kind: openai\n    base_url: {}\n    keys: [OPENAI_API_KEY]\n",
        provider.base_url()
    );
    ultra.write("profiles/dev.yaml", profile);
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "verify", "openai"]).exits(6).complains("ultra env trust");
    rotate(&ultra, "openai", NEW).exits(6).complains("ultra env trust");
    assert!(provider.seen().is_empty());
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    rotate(&ultra, "openai", NEW).exits(0);
    assert_eq!(provider.seen(), [NEW]);
}

#[test]
fn the_users_own_key_is_not_sent_to_an_address_of_an_untrusted_root_either() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = at_the_usual_addresses();
    let profile = format!("mode: real\nvars:\n  OPENAI_BASE_URL: {}\n", provider.base_url());
    ultra.write("profiles/dev.yaml", profile);
    set(&ultra, "openai", OLD).exits(0);
    for verify in [&["keys", "verify", "openai"][..], &["keys", "verify"]] {
        let refused = ultra.run(verify).exits(6);
        refused.complains("ultra env trust").complains("http://127.0.0.1");
    }
    rotate(&ultra, "openai", NEW).exits(6).complains("ultra env trust");
    assert!(provider.seen().is_empty());
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    rotate(&ultra, "openai", NEW).exits(0);
    assert_eq!(provider.seen(), [OLD, NEW]);
}

#[test]
fn a_key_is_not_set_while_a_rotation_is_at_work() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let lock = std::fs::File::create(ultra.root().join(".ultra/rotation.lock")).unwrap();
    lock.lock().unwrap();
    let replace = ["keys", "set", "openai", "--replace"];
    let refused = ultra.run_with_stdin(&replace, NEW.as_bytes()).exits(5);
    refused.complains("another rotation is at work");
    drop(lock);
    ultra.run_with_stdin(&replace, NEW.as_bytes()).exits(0);
}

#[test]
fn a_key_is_tested_before_it_is_kept_and_bound_to_where() {
    let (here, there) = (Provider::knowing(&[OLD]), Provider::knowing(&[OLD]));
    let ultra = with_provider(&here);
    let refused = set(&ultra, "openai", NEW).exits(3).complains("nothing was stored");
    assert!(!ultra.state().join("vault.age").exists(), "a refused value was kept");
    set(&ultra, "openai", OLD).exits(0).says("accepted by");
    let replace = ["keys", "set", "openai", "--replace"];
    let again = ultra.run_with_stdin(&replace, NEW.as_bytes()).exits(3);
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    assert_eq!(list.json()["keys"][0]["version"], 1);
    nowhere(&ultra, &[&refused, &again], &[OLD, NEW]);
    here.becomes(Manner::Says("429 Too Many Requests", "{}"));
    let untested = ultra.run_with_stdin(&replace, NEW.as_bytes()).exits(0);
    untested.complains("could not be tested").complains("ultra keys verify openai");

    let moved = ultra.env("OPENAI_BASE_URL", there.base_url());
    moved.run(&["keys", "verify", "openai"]).exits(5).says("ultra keys allow openai --host");
    moved.run_with_stdin(&replace, OLD.as_bytes()).exits(6).complains("so far it went to");
    assert!(there.seen().is_empty(), "sent where it is not bound to");
}

#[test]
fn an_operator_allows_one_more_destination() {
    let (here, there) = (Provider::knowing(&[OLD]), Provider::knowing(&[OLD]));
    let ultra = with_provider(&here);
    let host = there.base_url();
    let allow = ["keys", "allow", "openai", "--host", &host];
    let yes = ["keys", "allow", "openai", "--yes", "--host", &host];
    ultra.run(&yes).exits(2).complains("no entry");
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&allow).exits(6).complains("--yes");
    ultra.run(&["keys", "allow", "openai", "--yes", "--host", "http://example.com"]).exits(6);
    let moved = ultra.env("OPENAI_BASE_URL", &*host);
    moved.run(&["keys", "verify", "openai"]).exits(5);
    moved.run(&yes).exits(0).says("may now be sent");
    moved.run(&yes).exits(0).says("could already be sent");
    moved.run(&["keys", "verify", "openai"]).exits(0);
    assert_eq!(there.seen(), [OLD]);
    let back = moved.env("OPENAI_BASE_URL", here.base_url());
    back.run(&["keys", "verify", "openai"]).exits(0);
    back.write("profiles/prod.yaml", "protected: true\n");
    let audit = std::fs::read_to_string(back.state().join("audit.jsonl")).unwrap();
    assert_eq!(audit.matches("\"allow\"").count(), 1);
    let unnamed = back.env("ULTRA_PROFILE", "prod").env("OPENAI_BASE_URL", &*host);
    set(&unnamed, "openai", OLD).exits(6);
}

#[test]
fn a_refused_version_is_not_gone_back_to() {
    let third = "sk-third-canary-0123456789";
    let provider = Provider::knowing(&[OLD, NEW, third]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    rotate(&ultra, "openai", NEW).exits(0);
    rotate(&ultra, "openai", third).exits(0);
    provider.becomes(Manner::Knows(vec![OLD.to_owned()]));
    ultra.run(&["keys", "verify", "openai"]).exits(3);
    ultra.run(&["keys", "rollback", "openai"]).exits(3).complains("refuses");
    provider.seen();
    let back = ultra.run(&["keys", "rollback", "openai"]).exits(0);
    assert_eq!(provider.seen(), [OLD], "the refused one was tried again");
    assert!(!back.stdout.contains("still valid"), "{}", back.stdout);
}

#[test]
fn what_is_no_text_and_what_is_missing_is_said() {
    let ultra = with_identity_file();
    let bytes = ultra.run_with_stdin(&["keys", "set", "openai"], b"sk-\xff\xfe-0123\n").exits(2);
    bytes.complains("not UTF-8");
    for verb in ["show", "rotate", "rollback"] {
        ultra.run(&["keys", verb, "openai"]).exits(2).complains("profile: dev");
        let json = ultra.run(&["keys", verb, "openai", "-o", "json"]).exits(2);
        let _: serde_json::Value = serde_json::from_str(&json.stderr).unwrap();
    }
}

#[test]
fn nor_does_a_readiness_check_send_it_where_it_is_not_bound_to() {
    let (here, there) = (Provider::knowing(&[OLD]), Provider::knowing(&[OLD]));
    let ultra = with_provider(&here);
    set(&ultra, "openai", OLD).exits(0);
    let ultra = ultra.env("OPENAI_BASE_URL", there.base_url()).env("ULTRA_MODE", "real");
    let args = ["check", "readiness", "--profile", "dev", "--only", "SEC-004"];
    let said = ultra.run(&args).exits(3).says("may not be sent to");
    said.says("ultra keys allow openai --host");
    assert!(there.seen().is_empty(), "sent where it is not bound to");
}

#[test]
fn a_compromised_value_is_not_passed_over_for_being_disabled() {
    let third = "sk-third-canary-5d0c3a91be";
    let provider = Provider::knowing(&[OLD, NEW, third]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    rotate(&ultra, "openai", NEW).exits(0);
    let compromised = ["keys", "rotate", "openai", "--compromised"];
    ultra.run_with_stdin(&compromised, format!("{third}\n").as_bytes()).exits(3);
    let back = || ultra.run(&["keys", "rollback", "openai", "--yes"]);
    back().exits(6).complains("version 2 of `openai` is compromised").complains("--version 1");
    provider.becomes(Manner::Knows(vec![OLD.to_owned(), third.to_owned()]));
    ultra.run(&["keys", "disable", "openai", "--version", "2"]).exits(0);
    back().exits(6).complains("version 2 of `openai` is compromised").complains("--version 1");
    // Nor is it offered when it is given as a new one.
    rotate(&ultra, "openai", NEW).exits(3).complains("make a new key");
    ultra.run(&["keys", "rollback", "openai", "--version", "1"]).exits(0);
}

#[test]
fn whoever_gives_an_earlier_value_is_told_its_version() {
    let third = "sk-third-canary-5d0c3a91be";
    let provider = Provider::knowing(&[OLD, NEW, third]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    rotate(&ultra, "openai", NEW).exits(0);
    rotate(&ultra, "openai", third).exits(0);
    rotate(&ultra, "openai", OLD).exits(3).complains("--version 1");
    ultra.run(&["keys", "rollback", "openai", "--version", "1"]).exits(0);
}
