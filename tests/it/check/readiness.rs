//! Whether a profile may go live: in an empty directory, on a fresh checkout, on a running server.

use crate::support::{CANARY, Server, Ultra, have};
use serde_json::Value;

fn check<'a>(document: &'a Value, id: &str) -> &'a Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn dev_is_ready_in_an_empty_directory_and_leaves_nothing_behind() {
    let ultra = Ultra::empty();
    let outcome = ultra.run(&["check", "readiness", "--profile", "dev", "-o", "json"]).exits(0);
    let document = outcome.json();
    assert_eq!(document["schema"], "ultra.check/1");
    assert_eq!(document["profile"], "dev");
    assert_eq!(document["mode"], "mock");
    assert_eq!(document["verdict"], "ready");
    assert_eq!(document["counts"]["fail"], 0);
    assert_eq!(check(&document, "ULT-AUTH-001")["outcome"], "pass");
    assert_eq!(check(&document, "ULT-AUTH-003")["outcome"], "pass");
    assert_eq!(std::fs::read_dir(ultra.root()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn dev_is_ready_on_a_fresh_checkout() {
    let ultra = Ultra::checkout();
    let human = ultra.run(&["check", "readiness", "--profile", "dev"]).exits(0).stdout;
    assert_eq!(human.lines().last(), Some("verdict: ready"));
}

#[test]
fn git_is_asked_about_files_with_secrets() {
    if !have("git") {
        return;
    }
    let ultra = Ultra::checkout();
    let git = |args: &[&str]| {
        let done = ultra.wrapped("git", args).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {done:?}");
    };
    let judged = || {
        let document = ultra.run(&["check", "readiness", "--profile", "dev", "-o", "json"]).json();
        check(&document, "ULT-SEC-008")["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(judged(), "skip", "not under git");
    git(&["init", "-q"]);
    ultra.write_private(".env.local", "OPENAI_API_KEY=sk-0123456789abcdefghij\n");
    assert_eq!(judged(), "warn", "neither ignored nor tracked");
    ultra.write(".gitignore", ".env.local\n");
    assert_eq!(judged(), "pass", "ignored");
    git(&["add", "-f", ".env.local"]);
    assert_eq!(judged(), "fail", "tracked");
}

#[test]
fn every_check_has_all_its_fields() {
    let ultra = Ultra::empty();
    let document = ultra.run(&["check", "readiness", "-o", "json"]).exits(0).json();
    let checks = document["checks"].as_array().unwrap();
    assert!(checks.len() >= 30);
    let ids: Vec<&str> = checks.iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted(), "not in the order of ids");
    let fields = [
        "docs",
        "duration_ms",
        "evidence",
        "expected",
        "fix",
        "gate",
        "group",
        "id",
        "observed",
        "outcome",
        "severity",
        "stage",
        "title",
    ];
    for check in checks {
        let mut keys: Vec<&str> = check.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, fields);
    }
}

#[test]
fn prod_on_a_fresh_checkout_is_not_ready_and_says_exactly_why() {
    let ultra = Ultra::checkout();
    let args = ["check", "readiness", "--profile", "prod", "-o", "json"];
    let document = ultra.run(&args).exits(3).json();
    assert_eq!(document["verdict"], "not-ready");
    let missing = check(&document, "ULT-CFG-003");
    assert_eq!(missing["outcome"], "fail");
    for name in ["ULTRA_JWT_KEY", "ULTRA_ENCRYPTION_KEY", "DATABASE_URL"] {
        assert!(missing["evidence"].to_string().contains(name), "{name} is not named: {missing}");
    }
    // What could not be tried is no pass.
    assert_eq!(check(&document, "ULT-LIVE-001")["outcome"], "skip");
    assert_eq!(check(&document, "ULT-AUTH-001")["outcome"], "skip");
    let why = check(&document, "ULT-AUTH-001")["observed"].as_str().unwrap().to_owned();
    assert!(why.contains("ULT-LIVE-001"), "{why}");
}

#[test]
fn ci_judges_production_without_its_secrets() {
    let ultra = Ultra::checkout()
        .env("ULTRA_PUBLIC_URL", "https://api.acme.io")
        .env("ULTRA_CORS_ORIGINS", "https://app.acme.io");
    let args = ["check", "readiness", "--profile", "prod", "--secrets", "declared", "-o", "json"];
    let document = ultra.run(&args).json();
    assert_ne!(check(&document, "ULT-CFG-001")["outcome"], "fail");
    assert_ne!(check(&document, "ULT-CFG-003")["outcome"], "fail");
    // Without secrets no release is verified.
    assert_ne!(document["verdict"], "ready");
}

#[test]
fn a_partial_selection_verifies_no_release() {
    let ultra = Ultra::empty();
    let outcome = ultra.run(&["check", "readiness", "--only", "config"]).exits(0);
    let last = outcome.stdout.lines().last().unwrap().to_owned();
    assert!(last.starts_with("selection holds; release unverified ("), "{last}");
    let outcome = ultra.run(&["check", "readiness", "--only", "config", "-o", "json"]).exits(0);
    assert_eq!(outcome.json()["verdict"], "unverified");
}

#[test]
fn warnings_count_on_demand() {
    let ultra = Ultra::empty();
    let key = ["9fK2mQx7", "Lw0ZtB4v", "Rj8NpYc3"].concat();
    ultra.write_private(".env.local", format!("OPENAI_API_KEY=sk-{key}{key}\n"));
    let args = ["check", "readiness", "--only", "SEC-002", "--fail-on", "warn", "-o", "json"];
    let outcome = ultra.run(&args).exits(4);
    assert_eq!(check(&outcome.json(), "ULT-SEC-002")["outcome"], "warn");
    ultra.run(&["check", "readiness", "--only", "SEC-002"]).exits(0);
}

#[test]
fn a_running_server_is_judged() {
    let mut ultra = Ultra::empty();
    let server = Server::start(&ultra, &[]);
    let key = std::fs::read_to_string(ultra.state().join("dev-key")).unwrap();
    ultra.set_env("ULTRA_SERVICE_KEY", key.trim());
    let url = format!("http://{}", server.addr());
    let args = ["check", "readiness", "--url", &url, "-o", "json"];
    let outcome = ultra.run(&args).exits(0);
    assert_eq!(outcome.json()["verdict"], "ready");
    assert!(!outcome.stdout.contains(key.trim()), "the service key was shown");
}

#[test]
fn another_profile_than_the_one_that_is_judged_fails() {
    let mut ultra = Ultra::empty();
    let server = Server::start(&ultra, &[]);
    let key = std::fs::read_to_string(ultra.state().join("dev-key")).unwrap();
    ultra.set_env("ULTRA_SERVICE_KEY", key.trim());
    let url = format!("http://{}", server.addr());
    let args =
        ["check", "readiness", "--profile", "test", "--url", &url, "--only", "live", "-o", "json"];
    let document = ultra.run(&args).exits(3).json();
    assert_eq!(check(&document, "ULT-LIVE-002")["outcome"], "fail");
}

#[test]
fn nobody_there_fails_and_its_dependents_are_not_green() {
    let ultra = Ultra::empty();
    let args =
        ["check", "readiness", "--url", "http://127.0.0.1:9", "--stage", "live", "-o", "json"];
    let document = ultra.run(&args).exits(3).json();
    assert_eq!(check(&document, "ULT-LIVE-001")["outcome"], "fail");
    assert_eq!(check(&document, "ULT-AUTH-001")["outcome"], "skip");
    assert_eq!(document["counts"]["pass"], 0);
}

#[test]
fn no_secret_is_shown() {
    let ultra = Ultra::empty()
        .env("ULTRA_SERVICE_KEY", CANARY)
        .env("OPENAI_API_KEY", CANARY)
        .env("DATABASE_URL", format!("postgres://u:{CANARY}@127.0.0.1:9/x"));
    ultra.write_private(".env.local", format!("ANTHROPIC_API_KEY={CANARY}\n"));
    let with_url = ["check", "readiness", "--url", "http://127.0.0.1:9"];
    for args in
        [&["check", "readiness", "-v"][..], &["check", "readiness", "-o", "json"], &with_url]
    {
        let outcome = ultra.run(args);
        assert!(!outcome.stdout.contains(CANARY) && !outcome.stderr.contains(CANARY), "{args:?}");
    }
}

#[test]
fn a_route_to_a_model_that_ends_is_told() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    ultra.write(
        "profiles/dev.yaml",
        "mode: real\nroutes:\n  own:\n    targets:\n      - {provider: openai, model: acme-1}\n",
    );
    let judged = |date: &str| {
        let head =
            "provider,model,input_microusd_per_mtok,output_microusd_per_mtok,deprecation_date";
        let prices = format!("{head}\nopenai,acme-1,1,2,{date}\n");
        ultra.write("prices.csv", prices);
        ultra.run(&["env", "trust", "--yes"]).exits(0);
        let ready =
            ["check", "readiness", "--profile", "dev", "--only", "ULT-PROV-003", "-o", "json"];
        let document = ultra.run(&ready).json();
        check(&document, "ULT-PROV-003").clone()
    };
    let past = judged("2020-01-31");
    assert_eq!(past["outcome"], "fail", "{past}");
    assert!(past["observed"].as_str().unwrap().contains("2020-01-31"), "{past}");
    assert_eq!(judged("2999-01-31")["outcome"], "pass");
}
