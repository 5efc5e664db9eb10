//! The end of a version: never by asking whom it may not be sent to, never forgotten, and for good.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, nowhere, rotate, set, with_identity_file, with_provider};
use crate::support::Ultra;
use crate::support::issuer::{AdminApi, Mood, OPENAI_ADMIN, PROJECT};
use serde_json::Value;

/// The versions of a key, oldest first.
fn versions(ultra: &Ultra, name: &str) -> Vec<Value> {
    let shown = ultra.run(&["keys", "show", name, "-o", "json"]).exits(0).json();
    shown["versions"].as_array().unwrap().clone()
}

fn with_admin(api: &AdminApi) -> Ultra {
    let ultra =
        with_identity_file().env("OPENAI_BASE_URL", api.openai()).env("OPENAI_PROJECT_ID", PROJECT);
    set(&ultra, "openai", OLD).exits(0);
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    ultra
}

#[test]
fn a_disabled_key_that_signs_does_not_sign_again() {
    let ultra = with_identity_file();
    for name in ["jwt", "encryption"] {
        ultra.run(&["keys", "set", name, "--generate"]).exits(0);
        ultra.run(&["keys", "rotate", name]).exits(0);
        ultra.run(&["keys", "disable", name, "--version", "1", "--yes"]).exits(0);
        ultra.run(&["keys", "rollback", name, "--yes"]).exits(6).complains("is disabled");
        assert_eq!(versions(&ultra, name).len(), 2, "nothing was begun");
    }
}

#[test]
fn an_old_value_is_asked_about_only_where_it_may_be_sent() {
    let (first, second) = (Provider::knowing(&[OLD]), Provider::knowing(&[NEW]));
    let mut ultra = with_provider(&first);
    set(&ultra, "openai", OLD).exits(0);
    ultra.set_env("OPENAI_BASE_URL", second.base_url());
    let stdin = format!("{NEW}\n");
    let args = ["keys", "rotate", "openai", "--grace", "0", "--yes"];
    // It would say 401 to it: it knows the new value alone.
    let cut = ultra.run_with_stdin(&args, stdin.as_bytes()).exits(5).says("bound to");
    let due = ultra.run(&["keys", "rotate", "--all-due"]).exits(5).says("bound to");
    let asked = ultra.run(&["keys", "disable", "openai"]).exits(5).complains("bound to");
    let seen = second.seen();
    assert!(seen.contains(&NEW.to_owned()) && !seen.contains(&OLD.to_owned()), "{seen:?}");
    assert_eq!(versions(&ultra, "openai")[0]["state"], "old", "nobody who knows refused it");

    // Where it may be sent, it is asked about.
    first.becomes(Manner::Knows(vec![NEW.to_owned()]));
    ultra.set_env("OPENAI_BASE_URL", first.base_url());
    first.seen();
    ultra.run(&["keys", "rotate", "--all-due"]).exits(0).says("disabled");
    assert!(first.seen().contains(&OLD.to_owned()));
    nowhere(&ultra, &[&cut, &due, &asked], &[OLD, NEW]);
}

#[test]
fn a_compromised_key_is_ended_however_its_end_was_given_up() {
    for abort in [false, true] {
        let api = AdminApi::with(&[OLD, NEW]);
        let ultra = with_admin(&api);
        ultra.run(&["keys", "rotate", "openai"]).exits(0);
        let made = api.keys().into_iter().find(|k| k.id == "key_made_1").unwrap();
        api.becomes(Mood::Says("500 Internal Server Error", "{}"));
        let args = ["keys", "rotate", "openai", "--paste", "--compromised"];
        ultra.run_with_stdin(&args, format!("{NEW}\n").as_bytes()).exits(5).says("--resume");
        api.becomes(Mood::Well);
        if abort {
            let given_up = ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0);
            given_up.says("must still be ended");
        } else {
            ultra.run(&["keys", "rollback", "openai"]).exits(6).complains("compromised");
        }
        ultra.run(&["keys", "rotate", "--all-due"]).exits(0);
        let left = api.keys();
        assert!(!left.iter().any(|k| k.value == made.value && k.status == "active"), "{left:?}");
    }
}

#[test]
fn a_key_goes_on_to_every_address_that_it_was_allowed_for() {
    let (a, b) = (Provider::knowing(&[OLD, NEW]), Provider::knowing(&[OLD, NEW]));
    let ultra = with_identity_file();
    ultra.write(
        "profiles/dev.yaml",
        format!(
            "mode: real\nsecrets: {{SHARED_KEY: 'vault:shared'}}\nproviders:\n  \
             a: {{kind: openai, base_url: '{}', keys: [SHARED_KEY]}}\n  \
             b: {{kind: openai, base_url: '{}', keys: [SHARED_KEY]}}\n",
            a.base_url(),
            b.base_url()
        ),
    );
    ultra.run(&["env", "trust", "--yes"]);
    set(&ultra, "shared", OLD).exits(0);
    let host = b.base_url().trim_end_matches("/v1").to_owned();
    ultra.run(&["keys", "allow", "shared", "--host", &host, "--yes"]).exits(0);
    rotate(&ultra, "shared", NEW).exits(0);
    let all = versions(&ultra, "shared");
    let goes = |v: &Value| {
        let allowed = v["allowed"].as_array().cloned().unwrap_or_default();
        allowed.iter().any(|to| to.as_str().unwrap().trim_end_matches('/') == host)
    };
    assert!(goes(&all[0]) && goes(&all[1]), "{all:#?}");
    ultra.run(&["keys", "rollback", "shared"]).exits(0);
    assert!(goes(&versions(&ultra, "shared")[2]));
}

#[test]
fn a_key_that_its_issuer_cannot_be_told_about_is_not_forgotten_silently() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    ultra.run(&["keys", "rotate", "openai"]).exits(0);
    let made = api.keys().into_iter().find(|k| k.id == "key_made_1").unwrap();
    ultra.run(&["keys", "remove", "openai-admin", "--yes"]).exits(0);
    let args = ["keys", "remove", "openai", "--version", "2"];
    ultra.run(&["keys", "rollback", "openai"]).exits(0);
    ultra.run(&args).exits(6).complains("goes on accepting it");
    assert_eq!(versions(&ultra, "openai").len(), 3);
    let removed = ultra.run(&["keys", "remove", "openai", "--version", "2", "--yes"]).exits(3);
    let removed = removed.says("still valid at its issuer").says("key_made_1").says(PROJECT);
    assert_eq!(versions(&ultra, "openai").len(), 2);
    assert!(api.keys().iter().any(|k| k.value == made.value && k.status == "active"));
    nowhere(&ultra, &[&removed], &[OLD, OPENAI_ADMIN, &made.value]);
}

#[test]
fn an_issuer_that_refuses_to_go_on_may_have_made_a_key_before() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    api.becomes(Mood::Forgets);
    ultra.run(&["keys", "rotate", "openai"]).exits(5);
    api.becomes(Mood::Says("401 Unauthorized", "{}"));
    ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(5).complains("--abort");
    api.becomes(Mood::Well);
    ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0);
    let active: Vec<_> = api.keys().into_iter().filter(|k| k.status == "active").collect();
    assert_eq!(active.len(), 1, "what was made is deleted: {active:?}");
}
