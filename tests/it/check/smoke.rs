//! The smoke suite: green on a server that is right, and red in exactly one step on a server that
//! is wrong in one thing.

use super::mutant::{Defect, KEY, Mutant};
use crate::support::{Server, Ultra};
use serde_json::Value;

fn outcomes(document: &Value, outcome: &str) -> Vec<String> {
    let steps = document["steps"].as_array().unwrap();
    let of = steps.iter().filter(|s| s["outcome"] == outcome);
    of.map(|s| s["name"].as_str().unwrap().to_owned()).collect()
}

fn smoke(defect: Defect, code: i32) -> Value {
    let mutant = Mutant::start(defect);
    let ultra = Ultra::empty().env("ULTRA_SERVICE_KEY", KEY);
    let args = ["check", "smoke", "--url", &mutant.url, "--expect-version", "9.9.9", "-o", "json"];
    let outcome = ultra.run(&args).exits(code);
    assert!(!outcome.stdout.contains(KEY), "the service key was shown");
    outcome.json()
}

#[test]
fn a_server_without_a_fault_passes_every_step() {
    let document = smoke(Defect::None, 0);
    assert_eq!(document["schema"], "ultra.smoke/1");
    assert_eq!(document["verdict"], "holds");
    assert_eq!(outcomes(&document, "pass").len(), 15, "{document:#}");
}

#[test]
fn each_fault_fails_exactly_its_step() {
    for (defect, step) in [
        (Defect::MetricsOpen, "metrics-guarded"),
        (Defect::NoDone, "stream"),
        (Defect::ModelNotListed, "models"),
        (Defect::RequestIdLost, "request-id"),
        (Defect::AcceptsNobody, "no-credentials"),
        (Defect::AcceptsGarbage, "garbage-key"),
        (Defect::AcceptsExpired, "expired-token"),
        (Defect::ExpiredWithoutCode, "expired-token"),
        (Defect::AcceptsFuture, "future-token"),
        (Defect::AcceptsForeign, "foreign-token"),
        (Defect::AcceptsAlgNone, "alg-none"),
    ] {
        let document = smoke(defect, 3);
        assert_eq!(outcomes(&document, "fail"), [step], "{defect:?}: {document:#}");
        assert_eq!(outcomes(&document, "unknown").len(), 0, "{defect:?}");
    }
}

#[test]
fn a_server_that_is_still_starting_is_waited_for() {
    let ultra = Ultra::empty();
    let port = crate::support::services::free_port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    // For a moment only: nothing listens and nothing will.
    let args = ["check", "smoke", "--url", &url, "-o", "json", "--wait"];
    let now = ultra.run(&[&args[..], &["0s"]].concat()).exits(5).json();
    assert_eq!(outcomes(&now, "fail"), ["connect"]);
    let began = std::time::Instant::now();
    ultra.run(&[&args[..], &["1s"]].concat()).exits(5);
    assert!(began.elapsed() >= std::time::Duration::from_secs(1), "it gave up early");

    let smoke = ultra.command([&args[..], &["60s"]].concat()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let mut server = ultra.command(["serve", "--mock", "--port", &port]).spawn().unwrap();
    let document = crate::support::Outcome::from(smoke.wait_with_output().unwrap()).json();
    let passed = outcomes(&document, "pass");
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(passed.contains(&"connect".to_owned()), "{document:#}");
    assert!(passed.contains(&"ready".to_owned()), "{document:#}");
}

#[test]
fn a_missing_challenge_fails_every_refusal() {
    let document = smoke(Defect::NoChallenge, 3);
    let refusals = [
        "no-credentials",
        "garbage-key",
        "expired-token",
        "future-token",
        "foreign-token",
        "alg-none",
    ];
    assert_eq!(outcomes(&document, "fail"), refusals);
}

#[test]
fn what_everything_rests_on_stops_the_rest() {
    for (defect, step, rest) in [
        (Defect::NotAlive, "live", 13),
        (Defect::NotReady, "ready", 12),
        (Defect::NoUsage, "completion", 9),
    ] {
        let document = smoke(defect, 3);
        assert_eq!(outcomes(&document, "fail"), [step], "{defect:?}");
        assert_eq!(outcomes(&document, "unknown").len(), rest, "{defect:?}: {document:#}");
    }
}

#[test]
fn without_a_key_refusals_prove_nothing() {
    let mutant = Mutant::start(Defect::None);
    let document =
        Ultra::empty().run(&["check", "smoke", "--url", &mutant.url, "-o", "json"]).exits(5).json();
    assert_eq!(document["verdict"], "unknown");
    let unknown = outcomes(&document, "unknown");
    assert!(unknown.contains(&"completion".to_owned()), "{unknown:?}");
    assert!(unknown.contains(&"alg-none".to_owned()), "{unknown:?}");
}

#[test]
fn without_a_key_it_is_said_how_to_get_one() {
    let mutant = Mutant::start(Defect::None);
    let args = ["check", "smoke", "--url", &mutant.url];
    let ultra = Ultra::empty();
    let create = "`ultra auth service-key create smoke --scope read,write,check > smoke.key`";
    ultra.run(&args).exits(5).says(create).says("ULTRA_SERVICE_KEY_FILE=smoke.key");
    ultra
        .run(&[&args[..], &["--profile", "dev"]].concat())
        .exits(5)
        .says("read,write,check --profile dev");

    // The key that a server in profile dev keeps, in a line that can be pasted.
    let ultra = Ultra::empty();
    let server = Server::start(&ultra, &[]);
    let url = format!("http://{}", server.addr());
    let said = ultra.run(&["check", "smoke", "--url", &url, "-o", "json"]).exits(5).json();
    let hint = said["hint"].as_str().unwrap();
    let file = ultra.state().join("dev-key");
    assert!(
        hint.contains(&format!("ULTRA_SERVICE_KEY_FILE={} ultra check", file.display())),
        "{hint}"
    );
    let with_it = Ultra::empty().env("ULTRA_SERVICE_KEY_FILE", file.display().to_string());
    with_it.run(&["check", "smoke", "--url", &url]).exits(0);
    // A key that was made as the other line says.
    let made =
        ultra.run(&["auth", "service-key", "create", "smoke", "--scope", "read,write,check"]);
    let with_it = Ultra::empty().env("ULTRA_SERVICE_KEY", made.exits(0).stdout.trim());
    with_it.run(&["check", "smoke", "--url", &url, "--wait", "10s"]).exits(0);
}

#[test]
fn another_version_and_nobody_there_are_told_apart() {
    let mutant = Mutant::start(Defect::None);
    let ultra = Ultra::empty().env("ULTRA_SERVICE_KEY", KEY);
    let args = ["check", "smoke", "--url", &mutant.url, "--expect-version", "1.0.0", "-o", "json"];
    assert_eq!(outcomes(&ultra.run(&args).exits(3).json(), "fail"), ["version"]);
    let args = ["check", "smoke", "--url", "http://127.0.0.1:9", "-o", "json"];
    assert_eq!(outcomes(&ultra.run(&args).exits(5).json(), "fail"), ["connect"]);
}

#[test]
fn the_mock_does_not_pass_for_production() {
    let mutant = Mutant::start(Defect::None);
    let ultra = Ultra::checkout().env("ULTRA_SERVICE_KEY", KEY);
    let args = ["check", "smoke", "--url", &mutant.url, "--profile", "prod", "-o", "json"];
    let failed = outcomes(&ultra.run(&args).exits(3).json(), "fail");
    assert_eq!(failed, ["version", "completion"]);
}

#[test]
fn our_own_server_passes() {
    let mut ultra = Ultra::empty();
    let server = Server::start(&ultra, &[]);
    let key = std::fs::read_to_string(ultra.state().join("dev-key")).unwrap();
    ultra.set_env("ULTRA_SERVICE_KEY", key.trim());
    let url = format!("http://{}", server.addr());
    let args = ["check", "smoke", "--url", &url, "--wait", "10s", "--profile", "dev", "-o", "json"];
    let document = ultra.run(&args).exits(0).json();
    assert_eq!(outcomes(&document, "pass").len(), 15, "{document:#}");
    assert_eq!(document["mode"], "mock");
}
