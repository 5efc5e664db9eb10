//! Setting, listing and showing keys; everything that is refused.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, at_the_usual_addresses, nowhere, set, with_identity_file, with_provider};
use crate::support::{CANARY, Terminal, Ultra, have};

#[test]
fn a_key_is_set_once_listed_and_nowhere_to_be_read() {
    let ultra = with_identity_file();
    let first = set(&ultra, "openai", OLD).exits(0).says("version 1").complains("profile: dev");
    let again = set(&ultra, "OPENAI_API_KEY", NEW).exits(6).complains("ultra keys rotate openai");
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    let key = &list.json()["keys"][0];
    assert_eq!(key["name"], "openai");
    assert_eq!(key["version"], 1);
    assert_eq!(key["source"], "vault");
    assert_eq!(key["policy"], "ok");
    let fingerprint = key["fingerprint"].as_str().unwrap().to_owned();

    let replaced =
        ultra.run_with_stdin(&["keys", "set", "openai", "--replace", "-o", "json"], NEW.as_bytes());
    let replaced = replaced.exits(0);
    assert_eq!(replaced.json()["version"], 2);
    assert_ne!(replaced.json()["fingerprint"], fingerprint.as_str());
    let shown = ultra.run(&["keys", "show", "openai", "-o", "json"]).exits(0);
    let states: Vec<_> =
        shown.json()["versions"].as_array().unwrap().iter().map(|v| v["state"].clone()).collect();
    assert_eq!(states, ["old", "current"]);
    let reveal = ultra.run(&["keys", "show", "openai", "--reveal"]).exits(6);
    nowhere(&ultra, &[&first, &again, &list, &replaced, &shown, &reveal], &[OLD, NEW]);
}

#[test]
fn a_value_that_is_shown_is_on_record() {
    if !have("script") {
        return;
    }
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let mut terminal = Terminal::start(&ultra, "keys show openai --reveal");
    terminal.shows(OLD);
    assert_eq!(terminal.ends().code, 0);
    let audit = ultra.run(&["keys", "audit", "--verify"]).exits(0).says("revealed");
    nowhere(&ultra, &[&audit], &[OLD]);
    // What cannot be recorded is not shown.
    std::fs::remove_file(ultra.state().join("audit.jsonl")).unwrap();
    std::fs::create_dir(ultra.state().join("audit.jsonl")).unwrap();
    let refused = Terminal::start(&ultra, "keys show openai --reveal").ends();
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(!refused.stdout.contains(OLD), "{refused:?}");
}

#[test]
fn listing_opens_nothing() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    std::fs::remove_file(ultra.home().join("identity")).unwrap();
    ultra.run(&["keys", "list"]).exits(0).says("openai");
    ultra.run(&["keys", "status"]).exits(0).says("identity-file");
    ultra.run(&["keys", "show", "openai"]).exits(0).says("current");
    set(&ultra, "anthropic", "sk-ant-0123456789").exits(5).complains("identity file is gone");
}

#[test]
fn values_that_cannot_be_right_are_refused_and_not_repeated() {
    let ultra = at_the_usual_addresses();
    for (name, value, why) in [
        ("openai", String::new(), "nothing came on stdin"),
        ("openai", "\n".to_owned(), "it is empty"),
        ("openai", format!(" {CANARY}\n"), "white space"),
        ("openai", format!("{CANARY}\n\n").replace("\n\n", " \n"), "white space"),
        ("openai", format!("{CANARY}\0x\n"), "NUL"),
        ("openai", format!("sk-ant-{CANARY}\n"), "ultra keys set anthropic"),
        ("anthropic", format!("{CANARY}\n"), "begins with `sk-`"),
        ("openai", format!("uk_{CANARY}\n"), "service key of ours"),
        ("jwt", "canary-short\n".to_owned(), "shorter than 32 bytes"),
        ("redis", format!("http://:{CANARY}@h\n"), "redis://"),
    ] {
        let outcome = ultra.run_with_stdin(&["keys", "set", name], value.as_bytes());
        assert!(matches!(outcome.code, 3 | 6), "{name} {why}: {outcome:?}");
        let outcome = outcome.complains(why).keeps_the_canary();
        assert!(!outcome.stderr.contains("canary-short"));
    }
    assert!(!ultra.state().join("vault.age").exists(), "nothing was kept");
}

#[test]
fn unknown_names_get_the_nearest_and_values_are_no_arguments() {
    let ultra = with_identity_file();
    ultra.run(&["keys", "set", "opnai"]).exits(2).complains("did you mean `openai`?");
    ultra.run(&["keys", "rotate", "JWT_SECRET"]).exits(2).complains("ultra keys set jwt");
    for args in [
        &["keys", "set", "openai", CANARY][..],
        &["keys", "set", CANARY],
        &["keys", "rotate", "openai", CANARY],
        &["keys", "rollback", "openai", CANARY],
        &["keys", "verify", CANARY],
        &["keys", "show", CANARY],
    ] {
        ultra.run(args).exits(2).complains("looks like a value").keeps_the_canary();
    }
}

#[test]
fn a_protected_profile_must_be_named_and_confirmed() {
    let ultra = with_identity_file();
    ultra.write("profiles/prod.yaml", "protected: true\n");
    let stdin = format!("{OLD}\n");
    let named = |args: &[&str]| {
        let all: Vec<&str> = ["keys", "set", "openai"].iter().chain(args).copied().collect();
        ultra.run_with_stdin(&all, stdin.as_bytes())
    };
    let unnamed = {
        let mut command = ultra.command(["keys", "set", "openai", "--yes"]);
        command.env("ULTRA_PROFILE", "prod");
        crate::support::Outcome::from(command.output().unwrap())
    };
    unnamed.exits(6).complains("--profile prod");
    named(&["--profile", "prod"]).exits(6).complains("--yes");
    assert!(!ultra.state().join("vault.age").exists());
    named(&["--profile", "production", "--yes"]).exits(0).says("profile `prod`");
    let dev = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    assert_eq!(dev.json()["keys"].as_array().unwrap().len(), 0, "profiles do not inherit");
}

#[test]
fn a_shadowed_key_is_not_written_by_accident() {
    let mut ultra = with_identity_file();
    ultra.set_env("OPENAI_API_KEY", CANARY);
    let refused = set(&ultra, "openai", OLD).exits(6).keeps_the_canary();
    let refused = refused
        .complains("`OPENAI_API_KEY` in the process environment wins")
        .complains("--shadowed");
    let stdin = format!("{OLD}\n");
    ultra.run_with_stdin(&["keys", "set", "openai", "--shadowed"], stdin.as_bytes()).exits(0);
    ultra.run_with_stdin(&["keys", "rotate", "openai"], NEW.as_bytes()).exits(6);
    ultra.run(&["keys", "list"]).exits(0).says("shadows the vault").keeps_the_canary();
    nowhere(&ultra, &[&refused], &[OLD]);
}

#[test]
fn a_key_that_the_platform_feeds_is_not_set_in_vain() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let fed = ultra.home().join("fed");
    std::fs::write(&fed, CANARY).unwrap();
    let ultra = ultra.env("OPENAI_API_KEY_FILE", fed.display().to_string());
    let replace = ["keys", "set", "openai", "--replace"];
    let refused = ultra.run_with_stdin(&replace, NEW.as_bytes()).exits(6);
    refused
        .keeps_the_canary()
        .complains("`OPENAI_API_KEY_FILE`")
        .complains("`ultra keys rotate openai --profile dev` tests a new value");
    ultra.run(&["keys", "rollback", "openai"]).exits(2).complains("no older version");
}

#[test]
fn an_entry_of_another_profile_stays_bound() {
    let (here, there) = (Provider::knowing(&[OLD]), Provider::knowing(&[OLD]));
    let ultra = with_provider(&here);
    ultra.write("profiles/next.yaml", "mode: real\nsecrets:\n  OPENAI_API_KEY: vault:dev/openai\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    ultra.run(&["keys", "verify", "openai", "--profile", "next"]).exits(0);
    assert_eq!(here.seen(), [OLD, OLD, OLD]);
    let moved = ultra.env("OPENAI_BASE_URL", there.base_url());
    moved.run(&["keys", "verify", "openai", "--profile", "next"]).exits(5);
    assert!(there.seen().is_empty(), "a bound key was sent elsewhere");
}

#[test]
fn without_a_backend_three_ways_are_named() {
    let outcome = set(&Ultra::empty(), "jwt", &CANARY.repeat(4)).exits(5).keeps_the_canary();
    outcome
        .complains("no keyring here")
        .complains("ULTRA_VAULT_IDENTITY_FILE")
        .complains("ULTRA_VAULT_PASSPHRASE_FILE");
}

#[test]
fn an_open_or_inside_identity_file_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let identity = ultra.home().join("identity");
    std::fs::set_permissions(&identity, std::fs::Permissions::from_mode(0o644)).unwrap();
    set(&ultra, "jwt", &"k".repeat(40)).exits(6).complains("chmod 600");

    let inside = Ultra::empty();
    let path = inside.root().join("identity").display().to_string();
    std::fs::create_dir(inside.root().join("profiles")).unwrap();
    let inside = inside.env("ULTRA_VAULT_IDENTITY_FILE", path);
    set(&inside, "jwt", &"k".repeat(40)).exits(6).complains("beside the vault");
}

#[test]
fn a_passphrase_file_keeps_the_identity() {
    let ultra = Ultra::empty().env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    let passphrase = ultra.home().join("passphrase");
    super::private(&passphrase, "correct horse battery\n");
    let mut ultra = ultra.env("ULTRA_VAULT_PASSPHRASE_FILE", passphrase.display().to_string());
    set(&ultra, "openai", OLD).exits(0).says("`passphrase`");
    let generated = ultra.run(&["keys", "set", "encryption", "--generate"]).exits(0);
    nowhere(&ultra, &[&generated], &[OLD]);
    std::fs::write(&passphrase, "wrong horse battery\n").unwrap();
    set(&ultra, "jwt", &"k".repeat(40)).exits(5).complains("the passphrase is wrong");
    ultra.set_env("ULTRA_VAULT_PASSPHRASE_FILE", "");
    set(&ultra, "jwt", &"k".repeat(40)).exits(5).complains("no terminal to ask");
}

#[test]
fn a_damaged_or_newer_vault_is_refused_and_left_alone() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let path = ultra.state().join("vault.age");
    let whole = std::fs::read(&path).unwrap();
    let mut bent = whole.clone();
    let middle = bent.len() - 20;
    bent[middle] ^= 4;
    for bytes in [&bent[..], &whole[..whole.len() - 1], b""] {
        std::fs::write(&path, bytes).unwrap();
        set(&ultra, "jwt", &"k".repeat(40)).exits(5).complains("cannot open the vault");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::write(&path, &whole).unwrap();
    set(&ultra, "jwt", &"k".repeat(40)).exits(0);
}

#[test]
fn verify_tells_the_four_verdicts_apart() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    provider.seen();
    let good = ultra.run(&["keys", "verify", "-o", "json"]).exits(0);
    assert_eq!(good.json()["keys"][0]["verdict"], "accepted");
    assert_eq!(good.json()["keys"][0]["models"], 2);
    assert_eq!(provider.seen(), [OLD]);
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    let key = &list.json()["keys"][0];
    assert_eq!(format!("{}/v1", key["destination"].as_str().unwrap()), provider.base_url());
    assert!(key["verified_at"].is_string());

    let verdict = |manner: Manner, code: i32| {
        provider.becomes(manner);
        let outcome = ultra.run(&["keys", "verify", "openai", "-o", "json"]).exits(code);
        nowhere(&ultra, &[&outcome], &[OLD]);
        outcome.json()["keys"][0]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(Manner::Knows(vec![]), 3), "refused");
    assert_eq!(verdict(Manner::Says("429 Too Many Requests", "{}"), 5), "rate-limited");
    assert_eq!(verdict(Manner::Says("403 Forbidden", "<html>KEY</html>"), 5), "unverified");
    assert_eq!(verdict(Manner::Says("500 Oops", "{\"error\":\"KEY\"}"), 5), "unverified");

    let elsewhere = Provider::knowing(&[OLD]);
    let moved = ultra.env("OPENAI_BASE_URL", elsewhere.base_url());
    moved.run(&["keys", "verify", "openai"]).exits(5).says("sent nowhere else");
    assert!(elsewhere.seen().is_empty(), "a bound key was sent elsewhere");
}
