//! Dotenv files of applications that know nothing of `ultra`: what `env run` and `env export` make of
//! names and values that mean something else there.

use crate::support::{CANARY, Ultra};
use std::collections::BTreeMap;

/// What a command gets below `ultra env run`.
fn child(ultra: &Ultra, args: &[&str]) -> BTreeMap<String, String> {
    let all: Vec<&str> = args.iter().copied().chain(["--", "env", "-0"]).collect();
    let outcome = ultra.run(&all).exits(0);
    let pairs = outcome.stdout.split_terminator('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn values_that_the_server_could_not_take_reach_the_command_as_they_are() {
    let ultra = Ultra::empty();
    let file = format!(
        "DATABASE_URL=mysql://app:{CANARY}@db.acme.io/app\nREDIS_URL=memcached://cache\nDEBUG=myapp:*\nCORS_ORIGINS=[\"http://a.com\"]\nPORT=8080-8090\nUSE_MOCK=maybe\n"
    );
    let file = file.replace("[\"http://a.com\"]", "'[\"http://a.com\"]'");
    ultra.write_private(".env", &file);
    let vars = child(&ultra, &["env", "run"]);
    assert_eq!(vars["DATABASE_URL"], format!("mysql://app:{CANARY}@db.acme.io/app"));
    assert_eq!(vars["REDIS_URL"], "memcached://cache");
    assert_eq!(vars["DEBUG"], "myapp:*");
    assert_eq!(vars["CORS_ORIGINS"], "[\"http://a.com\"]");
    assert_eq!(vars["PORT"], "8080-8090");
    assert_eq!(vars["USE_MOCK"], "maybe");
    for name in ["ULTRA_DEBUG", "ULTRA_PORT", "ULTRA_MODE"] {
        assert!(!vars.contains_key(name), "{name}");
    }
    let outcome = ultra.run(&["env", "run", "--", "true"]).exits(0).keeps_the_canary();
    let told: Vec<&str> =
        outcome.stderr.lines().filter(|line| line.contains("ultra serve")).collect();
    for name in ["DATABASE_URL", "ULTRA_DEBUG", "ULTRA_CORS_ORIGINS", "ULTRA_PORT", "USE_MOCK"] {
        let count = told.iter().filter(|line| line.contains(&format!("`{name}`"))).count();
        assert_eq!(count, 1, "{name}: {}", outcome.stderr);
    }
    assert!(outcome.stderr.contains(".env:3:"), "{}", outcome.stderr);
    ultra.run(&["env", "export"]).exits(0).says("PORT=").keeps_the_canary();
    ultra.run(&["env", "validate"]).exits(3).keeps_the_canary();
    ultra.run(&["serve", "--port", "auto"]).exits(3).keeps_the_canary();
    ultra.write_private(".env.local", "ONE=${NO_SUCH:?it is needed}\n");
    ultra.run(&["env", "run", "--", "true"]).exits(3).complains("NO_SUCH").keeps_the_canary();
    ultra.write_private(".env.local", "ONE='never closed\n");
    ultra.run(&["env", "run", "--", "true"]).exits(3).complains(".env.local:1");
}

#[test]
fn the_environment_of_a_dotenv_file_is_the_applications() {
    let mut ultra = Ultra::empty();
    ultra.write_private(".env", "ENVIRONMENT=production\n");
    let vars = child(&ultra, &["env", "run"]);
    assert_eq!(
        (vars["ENVIRONMENT"].as_str(), vars["ULTRA_PROFILE"].as_str()),
        ("production", "dev")
    );
    ultra.run(&["env", "current"]).exits(0).says("dev");
    ultra.run(&["env", "validate"]).exits(0).says("ENVIRONMENT");
    // Another `ultra` further down takes it for what it is.
    let binary = env!("CARGO_BIN_EXE_ultra");
    ultra.run(&["env", "run", "--", binary, "env", "current"]).exits(0).says("dev");
    let vars = child(&ultra, &["env", "run", "--", binary, "env", "run"]);
    assert_eq!(vars["ENVIRONMENT"], "production");
    ultra
        .run(&["env", "run", "--", "sh", "-c", &format!("ENVIRONMENT=test {binary} env current")])
        .exits(2)
        .complains("ENVIRONMENT");
    ultra.run(&["env", "run", "--only", "ULTRA_PROFILE", "--", "env"]).exits(0);
    // The process environment counts more, for the command too.
    ultra.set_env("ENVIRONMENT", "testing");
    let vars = child(&ultra, &["env", "run"]);
    assert_eq!((vars["ENVIRONMENT"].as_str(), vars["ULTRA_PROFILE"].as_str()), ("testing", "test"));
    ultra.run(&["env", "run", "--", binary, "env", "current"]).exits(0).says("test");
}

#[test]
fn what_only_the_program_says_reaches_no_command() {
    let ultra = Ultra::empty();
    ultra.write_private(".env", "GREETING=hello\nLOG_LEVEL=WARNING\n");
    let vars = child(&ultra, &["env", "run"]);
    assert_eq!(vars["GREETING"], "hello");
    assert_eq!((vars["LOG_LEVEL"].as_str(), vars["RUST_LOG"].as_str()), ("WARNING", "warn"));
    for name in ["ULTRA_MODE", "ULTRA_LOG_FORMAT"] {
        assert!(!vars.contains_key(name), "{name}");
    }
    ultra.write_private(".env", "USE_MOCK=yes\n");
    let vars = child(&ultra, &["env", "run"]);
    assert_eq!((vars["USE_MOCK"].as_str(), vars["ULTRA_MODE"].as_str()), ("yes", "mock"));
    assert!(!vars.contains_key("RUST_LOG"));
}

#[test]
fn plain_values_of_an_application_are_shown_and_habits_are_led_on() {
    let ultra = Ultra::empty();
    ultra.write_private(".env", format!("GREETING=hello\nAPP_TOKEN={CANARY}\n"));
    ultra.run(&["env", "show", "GREETING"]).exits(0).says("hello");
    ultra.run(&["env", "show", "APP_TOKEN"]).exits(0).says("(set:").keeps_the_canary();
    ultra.run(&["env", "get", "GREETING"]).exits(2).complains("ultra env show GREETING");
    let said = ultra.run(&["env", "set", &format!("APP_TOKEN={CANARY}")]).exits(2);
    said.keeps_the_canary().complains(".env.local").complains("vars:");
}

#[test]
fn what_ultra_tells_itself_has_no_place_in_a_file() {
    for name in ["__ULTRA_EXPORT", "__ULTRA_APPLICATION"] {
        let ultra = Ultra::empty();
        ultra.write(".env", format!("{name}==prod X:1\n"));
        let said = ultra.run(&["env", "run", "--", "env"]).exits(3);
        assert!(said.stdout.is_empty(), "{}", said.stdout);
        said.complains(name).complains(".env:1").complains("by ultra itself");
        ultra.run(&["env", "export"]).exits(3);
        ultra.run(&["env", "lint", ".env"]).exits(3).says(name);
        // In the environment of the process it is ours.
        let ultra = Ultra::empty().env(name, "=prod X:1");
        let said = ultra.run(&["env", "validate", "dev"]).exits(0);
        assert!(!said.stdout.contains("unknown variable"), "{}", said.stdout);
    }
}
