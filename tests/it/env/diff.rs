//! `ultra env diff`.

use super::switch::tree;
use crate::support::{CANARY, Server, Ultra};
use serde_json::Value;
use std::process::Command;

/// A root with two open profiles and a vault.
fn root() -> Ultra {
    let ultra = Ultra::empty();
    ultra.write("profiles/alpha.yaml", "vars:\n  GREETING: hello\n  ULTRA_PORT: 8101\n");
    ultra.write("profiles/beta.yaml", "vars:\n  GREETING: moin\n  ULTRA_PORT: 8101\n");
    let identity = ultra.home().join("identity").to_str().unwrap().to_owned();
    ultra.env("ULTRA_VAULT_IDENTITY_FILE", identity)
}

/// Puts a key into the vault of `profile`.
fn keep(ultra: &Ultra, profile: &str, value: &str) {
    let args = ["keys", "set", "openai", "--profile", profile, "--shadowed"];
    ultra.run_with_stdin(&args, format!("{value}\n").as_bytes()).exits(0);
}

fn diff(ultra: &Ultra, args: &[&str]) -> Value {
    let all: Vec<&str> =
        ["env", "diff"].iter().chain(args).copied().chain(["-o", "json"]).collect();
    ultra.run(&all).exits(0).keeps_the_canary().json()
}

/// Every difference as `kind name`.
fn kinds(json: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = json["variables"].as_array().unwrap();
    all.iter().map(|v| format!("{} {}", text(&v["kind"]), text(&v["name"]))).collect()
}

#[test]
fn profiles_are_compared_with_their_layers() {
    let ultra = root();
    ultra.write_private(".env.beta", "ULTRA_BODY_LIMIT=1MiB\n");
    let json = diff(&ultra, &["alpha", "beta", "--origins"]);
    assert_eq!(json["schema"], "ultra.env.diff/1");
    assert_eq!(kinds(&json), ["changed GREETING", "changed ULTRA_BODY_LIMIT"]);
    assert_eq!(json["variables"][0]["before"]["from"], "profiles/alpha.yaml:2:13");
    assert_eq!(json["variables"][0]["after"]["value"], "moin");
    assert_eq!(json["variables"][1]["before"]["from"], "built-in default");
    assert_eq!(json["variables"][1]["after"]["from"], ".env.beta:1:1");
    let told = ultra.run(&["env", "diff", "alpha", "beta", "--origins"]).exits(0);
    told.says("GREETING").says("profiles/beta.yaml:2:13").says("2 changed");
    // With one side the profile in use is the other.
    assert_eq!(diff(&ultra, &["beta", "--profile", "alpha"]), diff(&ultra, &["alpha", "beta"]));
    assert_eq!(diff(&ultra, &["alpha", "alpha"])["same"], true);
}

#[test]
fn whether_anything_differs_is_said_by_the_exit_code_when_asked() {
    let ultra = root();
    ultra.run(&["env", "diff", "alpha", "beta"]).exits(0);
    ultra.run(&["env", "diff", "alpha", "beta", "--exit-code"]).exits(3);
    ultra.run(&["env", "diff", "alpha", "alpha", "--exit-code"]).exits(0).says("do not differ");
}

#[test]
fn files_are_compared_by_meaning_and_renamings_are_seen() {
    let ultra = Ultra::empty();
    ultra.write_private(
        "old.env",
        format!(
            "API_PORT=9001\nOPENAI_API_KEY={CANARY}\nGREETING='hello there'\nMY_TOKEN={CANARY}x\n\
             SERVICE_ADDRESS=http://a.example/x\nTWIN_A=the-same-value\nTWIN_B=the-same-value\nFLAG=1\n"
        ),
    );
    ultra.write_private(
        "new.env",
        format!(
            "ULTRA_PORT=9001\nOPENAI_API_KEY={CANARY}y\nGREETING='hello\\nthere'\nYOUR_TOKEN={CANARY}x\n\
             ADDRESS_OF_SERVICE=http://a.example/x\nTWIN_C=the-same-value\nON=1\n"
        ),
    );
    let json = diff(&ultra, &["./old.env", "./new.env"]);
    let found = kinds(&json);
    assert_eq!(
        found,
        [
            "renamed ADDRESS_OF_SERVICE",
            "removed FLAG",
            "changed GREETING",
            "added ON",
            "changed OPENAI_API_KEY",
            "removed TWIN_A",
            "removed TWIN_B",
            "added TWIN_C",
            "renamed ULTRA_PORT",
            "renamed YOUR_TOKEN",
        ]
    );
    let of = |name: &str| {
        json["variables"].as_array().unwrap().iter().find(|v| v["name"] == name).unwrap().clone()
    };
    assert_eq!(of("ULTRA_PORT")["before"]["name"], "API_PORT");
    assert_eq!(of("YOUR_TOKEN")["before"]["name"], "MY_TOKEN");
    assert_eq!(of("YOUR_TOKEN")["secret"], true);
    assert_eq!(of("OPENAI_API_KEY")["after"]["value"], Value::Null);
    ultra.run(&["env", "diff", "./old.env", "./new.env"]).exits(0).keeps_the_canary();
    // A file is not missing what nobody set.
    let json = diff(&ultra, &["dev", "./new.env"]);
    assert!(!kinds(&json).contains(&"removed ULTRA_ADDR".to_owned()), "{json}");
    // Nothing was written: no state directory, no key of fingerprints.
    assert!(!ultra.state().exists());
}

#[test]
fn secrets_of_the_vault_are_compared_without_opening_it() {
    let ultra = root();
    keep(&ultra, "alpha", CANARY);
    keep(&ultra, "beta", CANARY);
    assert_eq!(kinds(&diff(&ultra, &["alpha", "beta"])), ["changed GREETING"]);
    // A value of a file against the fingerprint in the index.
    ultra.write_private("same.env", format!("OPENAI_API_KEY={CANARY}\n"));
    ultra.write_private("other.env", format!("OPENAI_API_KEY={CANARY}x\n"));
    // Without the identity the vault cannot be opened; nobody misses it.
    std::fs::remove_file(ultra.home().join("identity")).unwrap();
    let before = tree(ultra.root());
    let openai = "changed OPENAI_API_KEY".to_owned();
    assert!(!kinds(&diff(&ultra, &["alpha", "./same.env"])).contains(&openai));
    let json = diff(&ultra, &["alpha", "./other.env"]);
    assert!(kinds(&json).contains(&openai));
    let told = json["variables"].as_array().unwrap().iter().find(|v| v["name"] == "OPENAI_API_KEY");
    assert_eq!(told.unwrap()["before"]["fingerprint"].as_str().unwrap().len(), 16);
    assert_eq!(tree(ultra.root()), before);
    // Fingerprints of another key say nothing.
    std::fs::write(ultra.state().join("fingerprint.key"), format!("{}\n", "ab".repeat(32)))
        .unwrap();
    std::fs::remove_file(ultra.state().join("fingerprint.key")).unwrap();
    let json = diff(&ultra, &["alpha", "./same.env"]);
    assert!(kinds(&json).contains(&"unknown OPENAI_API_KEY".to_owned()), "{json}");
}

#[test]
fn a_running_server_is_a_side() {
    let mut ultra = root().env("OPENAI_API_KEY", CANARY);
    let server = Server::start(&ultra, &["--profile", "alpha", "--mock"]);
    ultra.set_env("ULTRA_SERVICE_KEY_FILE", ultra.state().join("dev-key").to_str().unwrap());
    let url = server.url("");
    let json = diff(&ultra, &["alpha", "--url", &url]);
    let mine = |json: &Value| -> Vec<String> {
        kinds(json).into_iter().filter(|k| !k.contains("ULTRA_PORT")).collect()
    };
    assert_eq!(json["b"]["kind"], "server");
    assert_eq!(mine(&json), Vec::<String>::new(), "{json}");
    assert_eq!(mine(&diff(&ultra, &["beta", "--url", &url])), ["changed GREETING"]);
    ultra.set_env("OPENAI_API_KEY", format!("{CANARY}x"));
    assert_eq!(mine(&diff(&ultra, &["alpha", "--url", &url])), ["changed OPENAI_API_KEY"]);
    // Another project has another key, and guesses nothing.
    let mut elsewhere = root().env("OPENAI_API_KEY", CANARY);
    keep(&elsewhere, "beta", "sk-another-key-0123456789");
    let key = ultra.state().join("dev-key");
    elsewhere.set_env("ULTRA_SERVICE_KEY_FILE", key.to_str().unwrap());
    assert_eq!(mine(&diff(&elsewhere, &["alpha", "--url", &url])), ["unknown OPENAI_API_KEY"]);
    elsewhere.run(&["env", "diff", "alpha", "--url", &url, "--exit-code"]).exits(3);
    // Who shows no key, or a wrong one, learns nothing.
    elsewhere.set_env("ULTRA_SERVICE_KEY_FILE", "");
    elsewhere.run(&["env", "diff", "alpha", "--url", &url]).exits(5).complains("scope `admin`");
    elsewhere.set_env("ULTRA_SERVICE_KEY", "uk_nobody.wrong");
    let said = elsewhere.run(&["env", "diff", "alpha", "--url", &url]).exits(5);
    said.complains("does not accept");
    drop(server);
    elsewhere.run(&["env", "diff", "alpha", "--url", "http://127.0.0.1:1"]).exits(5);
    elsewhere.run(&["env", "diff", "alpha", "beta", "--url", &url]).exits(2);
}

#[test]
fn what_a_running_server_takes_at_its_next_start_only_is_told_as_it_runs() {
    let mut ultra = root();
    let server = Server::start(&ultra, &["--profile", "alpha", "--mock"]);
    ultra.set_env("ULTRA_SERVICE_KEY_FILE", ultra.state().join("dev-key").to_str().unwrap());
    ultra.write(
        "profiles/alpha.yaml",
        "vars:\n  GREETING: hello\n  ULTRA_BODY_LIMIT: 2MiB\n  ULTRA_RATE_LIMIT: 77\n",
    );
    server.signal("HUP");
    let differing = || kinds(&diff(&ultra, &["alpha", "--url", &server.url("")]));
    let reloaded = || {
        let found = differing();
        (!found.iter().any(|k| k.contains("ULTRA_RATE_LIMIT"))).then_some(found)
    };
    let found =
        crate::support::eventually(std::time::Duration::from_secs(20), "the reload", reloaded);
    assert!(found.iter().any(|k| k.contains("ULTRA_BODY_LIMIT")), "{found:?}");
}

#[test]
fn a_password_in_a_url_differs_though_it_is_never_shown() {
    let mut ultra = Ultra::empty();
    let profile = |password: &str| {
        format!(
            "vars:\n  WEBHOOK: https://bot:{password}@h.example/x\n  \
             OPENAI_BASE_URL: https://h.example/v1?token={password}\n\
             providers:\n  own:\n    kind: openai\n    \
             base_url: https://bot:{password}@h.example/v1\n    keys: [OPENAI_API_KEY]\n"
        )
    };
    ultra.write("profiles/alpha.yaml", profile(CANARY));
    ultra.write("profiles/beta.yaml", profile(&format!("{CANARY}2")));
    let names = |json: &Value, list: &str, name: &str| -> Vec<String> {
        let all = json[list].as_array().unwrap();
        all.iter().map(|v| v[name].as_str().unwrap().to_owned()).collect()
    };
    let found = diff(&ultra, &["alpha", "beta"]);
    assert_eq!(kinds(&found), ["changed OPENAI_BASE_URL", "changed WEBHOOK"]);
    assert_eq!(names(&found, "structure", "key"), ["providers.own.base_url"]);
    ultra.run(&["env", "diff", "alpha", "beta"]).exits(0).says("what is masked differs");
    // The preview of a switch is the same comparison.
    ultra.run(&["env", "switch", "alpha"]).exits(0).keeps_the_canary();
    let preview = |args: &[&str]| {
        let args = [&["env", "switch", "beta", "-o", "json"], args].concat();
        ultra.run(&args).exits(0).keeps_the_canary().json()
    };
    let before = preview(&["--dry-run"]);
    assert_eq!(names(&before, "changes", "name"), ["OPENAI_BASE_URL", "WEBHOOK"]);
    assert_eq!(before["structure"], found["structure"]);
    let done = preview(&[]);
    for change in done["changes"].as_array().unwrap() {
        let prints = [&change["before"]["fingerprint"], &change["after"]["fingerprint"]];
        assert!(prints.iter().all(|print| print.is_string()), "{change}");
        assert_ne!(prints[0], prints[1]);
    }
    // So is that with a running server, which tells fingerprints only.
    let server = Server::start(&ultra, &["--profile", "alpha", "--mock"]);
    ultra.set_env("ULTRA_SERVICE_KEY_FILE", ultra.state().join("dev-key").to_str().unwrap());
    let found = |profile: &str| diff(&ultra, &[profile, "--url", &server.url("")]);
    let mine = |mut all: Vec<String>| {
        all.retain(|kind| !kind.contains("ULTRA_PORT"));
        all
    };
    assert_eq!(mine(kinds(&found("alpha"))), Vec::<String>::new());
    assert_eq!(found("alpha")["structure"], serde_json::json!([]));
    assert_eq!(mine(kinds(&found("beta"))), ["changed OPENAI_BASE_URL", "changed WEBHOOK"]);
    assert_eq!(names(&found("beta"), "structure", "kind"), ["changed"]);
}

#[test]
fn a_name_is_a_profile_before_it_is_a_file() {
    let ultra = root();
    ultra.write("alpha", "GREETING=from-the-file\n");
    assert_eq!(diff(&ultra, &["alpha", "beta"])["a"]["kind"], "profile");
    assert_eq!(diff(&ultra, &["./alpha", "beta"])["a"]["kind"], "file");
    ultra.run(&["env", "diff", "alhpa", "beta"]).exits(2).complains("did you mean `alpha`?");
    ultra.run(&["env", "diff", "alpha", "./none.env"]).exits(2).complains("there is no file");
    ultra.run(&["env", "diff"]).exits(2);
    // A profile file by itself is read as such.
    let json = diff(&ultra, &["profiles/alpha.yaml", "profiles/beta.yaml"]);
    assert_eq!(kinds(&json), ["changed GREETING"]);
    ultra.write("flat.yaml", "GREETING: hello\nULTRA_PORT: 8101\n");
    assert_eq!(diff(&ultra, &["profiles/alpha.yaml", "flat.yaml"])["same"], true);
}

#[test]
fn bad_files_are_refused_and_nothing_hangs() {
    let ultra = root();
    ultra.write("nul.env", format!("A=1\nMY_KEY={CANARY}\0\n"));
    ultra.write("latin.env", [b"MY_KEY=".as_slice(), CANARY.as_bytes(), b"\xff\n"].concat());
    ultra.write("open.env", format!("MY_KEY='{CANARY}\n"));
    ultra.write("nul.yaml", format!("MY_KEY: {CANARY}\0\n"));
    ultra.write("latin.yaml", [b"MY_KEY: ".as_slice(), CANARY.as_bytes(), b"\xff\n"].concat());
    ultra.write("list.yaml", format!("- {CANARY}\n"));
    ultra.write("broken.yaml", format!("MY_KEY: \"{CANARY}\n"));
    for name in
        ["nul.env", "latin.env", "open.env", "nul.yaml", "latin.yaml", "list.yaml", "broken.yaml"]
    {
        let said = ultra.run(&["env", "diff", "alpha", &format!("./{name}")]).exits(3);
        let said = said.keeps_the_canary().complains(name);
        assert!(said.stdout.is_empty(), "{said:?}");
    }
    let pipe = ultra.root().join("pipe.env");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("circle.env", ultra.root().join("circle.env")).unwrap();
    let big = std::fs::File::create(ultra.root().join("big.env")).unwrap();
    big.set_len(1 << 33).unwrap();
    for name in ["pipe.env", "circle.env", "profiles", "big.env"] {
        let args = ["env", "diff", "alpha", &format!("./{name}")];
        ultra.run(&args).exits(5).complains("cannot read").complains(name);
    }
}

#[test]
fn ten_thousand_variables_are_compared() {
    let ultra = Ultra::empty();
    let file = |n: usize| -> String {
        (0..10_000).map(|i| format!("VARIABLE_{i}=value number {}\n", i % n)).collect()
    };
    ultra.write("a.env", file(9_999));
    ultra.write("b.env", file(10_000));
    let json = diff(&ultra, &["./a.env", "./b.env"]);
    assert_eq!(kinds(&json), ["changed VARIABLE_9999"]);
    let reversed: String = (0..10_000).map(|i| format!("RENAMED_{i}=value number {i}\n")).collect();
    ultra.write("c.env", reversed);
    assert_eq!(diff(&ultra, &["./b.env", "./c.env"])["renamed"], 10_000);
    let long = "x".repeat(100_000);
    ultra.write("long.env", format!("GREETING={long}\n"));
    let told = ultra.run(&["env", "diff", "./long.env", "./a.env"]).exits(0);
    assert!(told.stdout.lines().all(|line| line.chars().count() < 400), "{}", told.stdout.len());
}

#[test]
fn a_dead_address_is_told_and_ones_own_server_is_asked_with_its_own_key() {
    let ultra = Ultra::empty();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", dead.local_addr().unwrap());
    drop(dead);
    let said = ultra.run(&["env", "diff", "dev", "--url", &url]).exits(5);
    assert!(!said.stderr.contains("service key"), "{}", said.stderr);
    let server = Server::start(&ultra, &["--mock"]);
    ultra.run(&["env", "diff", "dev", "--url", &server.url("")]).exits(0);
    // Another server gets no key of this one.
    let other = Ultra::empty();
    let said = other.run(&["env", "diff", "dev", "--url", &server.url("")]).exits(5);
    said.complains("ULTRA_SERVICE_KEY_FILE");
    server.stop().exits(0);
}
