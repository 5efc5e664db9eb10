//! Keys that the provider issues, disables and deletes, by its admin API.

use super::{NEW, OLD, nowhere, rotate, set, with_identity_file};
use crate::support::issuer::{ANTHROPIC_ADMIN, AdminApi, Mood, OPENAI_ADMIN, PROJECT};
use crate::support::{Server, Ultra};

const ANT_OLD: &str = "sk-ant-api03-old-canary-77d1";
const ANT_NEW: &str = "sk-ant-api03-new-canary-b2e4";

/// A root whose providers are this one.
pub(super) fn with_admin(api: &AdminApi) -> Ultra {
    with_identity_file()
        .env("OPENAI_BASE_URL", api.openai())
        .env("ANTHROPIC_BASE_URL", api.anthropic())
        .env("OPENAI_PROJECT_ID", PROJECT)
}

/// The values that the provider accepts.
pub(super) fn active(api: &AdminApi) -> Vec<String> {
    api.keys().into_iter().filter(|k| k.status == "active").map(|k| k.value).collect()
}

#[test]
fn a_key_is_made_used_and_deleted_by_the_provider_itself() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    set(&ultra, "openai", OLD).exits(0);
    let admin = set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0).says("accepted by");
    assert!(api.asked().contains(&"GET /v1/organization/projects".to_owned()));

    let first = ultra.run(&["keys", "rotate", "openai"]).exits(0).says("version 1 → 2");
    let made = api.keys().into_iter().find(|k| k.id == "key_made_1").unwrap();
    assert!(
        made.name.starts_with("ultra/") && made.name.ends_with("/dev/openai/v2"),
        "{}",
        made.name
    );
    let verified = ultra.run(&["keys", "verify", "openai", "-o", "json"]).exits(0);
    assert_eq!(verified.json()["keys"][0]["version"], 2);

    let second = ultra.run(&["keys", "rotate", "openai", "--grace", "0"]).exits(0);
    let left = active(&api);
    assert!(left.contains(&"sk-svcacct-canary-0002-5eed".to_owned()), "{left:?}");
    assert!(!left.contains(&made.value), "the old key is deleted at the provider: {left:?}");
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    let kinds: Vec<_> =
        list.json()["keys"].as_array().unwrap().iter().map(|k| k["kind"].clone()).collect();
    assert!(kinds.contains(&"operator".into()), "{kinds:?}");
    let values = [OLD, OPENAI_ADMIN, "sk-svcacct-canary"];
    nowhere(&ultra, &[&admin, &first, &verified, &second, &list], &values);
}

#[test]
fn a_provider_that_cannot_make_a_key_changes_nothing_and_is_not_quoted() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    set(&ultra, "openai", OLD).exits(0);
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    for (mood, code, says) in [
        (Mood::Says("500 Internal Server Error", "{\"error\":\"KEY\"}"), 5, "500"),
        (Mood::Says("403 Forbidden", "<html>KEY</html>"), 5, "not as an API does"),
        (Mood::Says("429 Too Many Requests\r\nretry-after: 9", "KEY"), 5, "later"),
        (Mood::Says("200 OK", "{\"data\":[],\"KEY\":1"), 5, "not as an API does"),
        (Mood::Says("302 Found\r\nlocation: http://127.0.0.1:1/", ""), 5, "redirects"),
        (Mood::Says("401 Unauthorized", "{\"error\":\"KEY\"}"), 3, "401"),
        (Mood::Silent, 5, "no answer in time"),
    ] {
        api.becomes(mood.clone());
        let stopped = ultra.run(&["keys", "rotate", "openai"]).exits(code).complains(says);
        api.becomes(Mood::Well);
        if code == 5 {
            let abort = ultra.run(&["keys", "rotate", "openai", "--abort"]);
            nowhere(&ultra, &[&abort.exits(0)], &[OLD, OPENAI_ADMIN]);
        }
        nowhere(&ultra, &[&stopped], &[OLD, OPENAI_ADMIN]);
        assert_eq!(active(&api), [OLD], "{mood:?}");
        ultra.run(&["keys", "verify", "openai"]).exits(0);
    }
}

#[test]
fn a_key_whose_making_was_not_answered_is_not_left_behind() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    set(&ultra, "openai", OLD).exits(0);
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    api.becomes(Mood::Forgets);
    ultra.run(&["keys", "rotate", "openai"]).exits(5).complains("--resume");
    assert_eq!(active(&api).len(), 2, "it was made all the same");
    api.becomes(Mood::Well);
    let done = ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(0);
    let left = active(&api);
    assert_eq!(left, [OLD, "sk-svcacct-canary-0002-5eed"], "one key is left of the two");
    nowhere(&ultra, &[&done], &["sk-svcacct-canary"]);
}

#[test]
fn keys_that_are_pasted_are_disabled_by_what_the_provider_calls_them() {
    let api = AdminApi::with(&[ANT_OLD, ANT_NEW]);
    let ultra = with_admin(&api);
    set(&ultra, "anthropic", ANT_OLD).exits(0);
    set(&ultra, "anthropic-admin", ANTHROPIC_ADMIN).exits(0);
    let learnt = ultra.run(&["keys", "verify", "anthropic"]).exits(0);
    let shown = ultra.run(&["keys", "show", "anthropic", "-o", "json"]).exits(0);
    assert_eq!(shown.json()["versions"][0]["remote"]["key"], "key_hand_0");
    let stdin = format!("{ANT_NEW}\n");
    let rotate = ["keys", "rotate", "anthropic", "--grace", "0"];
    // What it says of a change is asked for once more, and not believed.
    api.becomes(Mood::Pretends);
    let done = ultra.run_with_stdin(&rotate, stdin.as_bytes()).exits(5);
    let told = ultra.run(&["keys", "show", "anthropic", "-o", "json"]).exits(0);
    assert_eq!(told.json()["versions"][0]["state"], "old", "it is still valid");
    api.becomes(Mood::Well);
    let due = ultra.run(&["keys", "rotate", "--all-due"]).exits(0);
    assert_eq!(active(&api), [ANT_NEW], "the old one is inactive");
    let asked = api.asked();
    assert!(asked.last().unwrap().starts_with("GET /v1/organizations/api_keys/"), "{asked:?}");
    let values = [ANT_OLD, ANT_NEW, ANTHROPIC_ADMIN];
    nowhere(&ultra, &[&learnt, &shown, &done, &told, &due], &values);
}

#[test]
fn nothing_is_deleted_that_only_looks_like_a_pasted_key() {
    const STRANGER: &str = "sk-old-of-somebody-else-c1d4";
    let api = AdminApi::with(&[OLD, NEW, STRANGER]);
    let ultra = with_admin(&api);
    set(&ultra, "openai", OLD).exits(0);
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    // Somebody has deleted it already: the one that is like it is all that is left.
    api.revoke(OLD);
    ultra.run(&["keys", "verify", "openai"]).exits(3);
    let rotate = ["keys", "rotate", "openai", "--paste", "--grace", "0"];
    let done = ultra.run_with_stdin(&rotate, format!("{NEW}\n").as_bytes()).exits(0);
    assert_eq!(active(&api), [NEW, STRANGER]);
    assert!(!api.asked().iter().any(|asked| asked.starts_with("DELETE")));
    nowhere(&ultra, &[&done], &[OLD, NEW, STRANGER]);
}

#[test]
fn old_versions_that_the_provider_refuses_are_settled() {
    let api = AdminApi::with(&[OLD, NEW]);
    let ultra = with_admin(&api);
    set(&ultra, "openai", OLD).exits(0);
    rotate(&ultra, "openai", NEW).exits(0);
    let old = |code| {
        let outcome = ultra.run(&["keys", "verify", "openai", "--old", "-o", "json"]).exits(code);
        nowhere(&ultra, &[&outcome], &[OLD, NEW]);
        outcome.json()["keys"].as_array().unwrap().clone()
    };
    let both = old(0);
    assert_eq!((&both[1]["verdict"], &both[1]["state"]), (&"accepted".into(), &"old".into()));
    // Somebody deletes it in the console.
    let gone = AdminApi::with(&[NEW]);
    let ultra = ultra.env("OPENAI_BASE_URL", gone.openai());
    ultra.run(&["keys", "allow", "openai", "--yes", "--host", &gone.openai()]).exits(0);
    let elsewhere = ultra.run(&["keys", "verify", "openai", "--old"]).exits(5);
    elsewhere.says("sent nowhere else");
    let ultra = ultra.env("OPENAI_BASE_URL", api.openai());
    api.revoke(OLD);
    let settled = ultra.run(&["keys", "verify", "openai", "--old", "-o", "json"]).exits(0);
    assert_eq!(settled.json()["keys"][1]["verdict"], "refused");
    let again = ultra.run(&["keys", "verify", "openai", "--old", "-o", "json"]).exits(0);
    assert_eq!(again.json()["keys"].as_array().unwrap().len(), 1, "it is settled");
    let shown = ultra.run(&["keys", "show", "openai", "-o", "json"]).exits(0);
    assert!(shown.json()["versions"][0]["refused_at"].is_string());
}

#[test]
fn an_admin_key_is_tested_told_from_others_and_passed_on_to_nobody() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    set(&ultra, "openai-admin", "sk-admin-wrong-canary").exits(3).complains("answers 401");
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    set(&ultra, "openai", OLD).exits(0);
    ultra.write(
        "profiles/dev.yaml",
        "secrets:\n  APP_KEY: vault:openai-admin\n  OPENAI_API_KEY: vault:openai\n",
    );
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let ran = ultra.run(&["env", "run", "--", "env"]).exits(0).says(OLD);
    let export = ultra.run(&["env", "export", "--secrets"]);
    for outcome in [&ran, &export] {
        assert!(!outcome.stdout.contains(OPENAI_ADMIN), "an admin key is passed on");
        assert!(!outcome.stdout.contains("OPENAI_ADMIN_KEY"), "{}", outcome.stdout);
    }
    ultra.write(
        "profiles/dev.yaml",
        "providers:\n  mine:\n    kind: openai\n    base_url: http://127.0.0.1:9/v1\n    keys: \
         [OPENAI_ADMIN_KEY]\n    models: [m]\n",
    );
    ultra.run(&["env", "validate"]).exits(3).says("is an admin key");
}

#[test]
fn a_server_never_opens_an_admin_key() {
    // Opening it would fail, and with it the start.
    let ultra = Ultra::empty().env("OPENAI_ADMIN_KEY_FILE", "/nowhere/canary");
    let server = Server::start(&ultra.env("ULTRA_MODE", "mock"), &[]);
    server.stop().exits(0);
}

#[test]
fn a_value_that_nobody_was_asked_about_is_bound_to_nothing() {
    let (dead, api) = (AdminApi::with(&[]), AdminApi::with(&[OLD]));
    let ultra = with_admin(&dead).env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    set(&ultra, "openai", OLD).exits(0).complains("could not be tested");
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    assert!(list.json()["keys"][0]["destination"].is_null(), "bound to a mistake");
    let ultra = ultra.env("OPENAI_BASE_URL", api.openai());
    let unasked = ["keys", "set", "openai", "--replace", "--no-verify"];
    ultra.run_with_stdin(&unasked, NEW.as_bytes()).exits(0).complains("--no-verify");
    assert!(api.asked().is_empty(), "somebody was asked");
    ultra.run(&["keys", "verify", "openai"]).exits(3);
    ultra.run_with_stdin(&["keys", "set", "openai", "--replace"], OLD.as_bytes()).exits(0);
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0);
    assert!(list.json()["keys"][0]["destination"].is_string());
}
