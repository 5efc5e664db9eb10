//! Which profile is in use, and which there are.

use crate::support::Ultra;

#[test]
fn an_empty_directory_works_with_the_built_in_profiles() {
    let ultra = Ultra::empty();
    let current = ultra.run(&["env", "current", "-o", "json"]).exits(0).json();
    assert_eq!(current["schema"], "ultra.env.current/1");
    assert_eq!(current["profile"], "dev");
    assert_eq!(current["protected"], false);
    assert_eq!(current["source"], "default");
    let list = ultra.run(&["env", "list", "-o", "json"]).exits(0).json();
    let names: Vec<&str> =
        list["profiles"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dev", "test"]);
    ultra.run(&["env", "validate"]).exits(0).says("profile `dev` holds");
    assert!(!ultra.state().exists(), "reading made a state directory");
}

#[test]
fn a_checkout_lists_its_profiles() {
    let ultra = Ultra::checkout();
    let list = ultra.run(&["env", "list", "-o", "json"]).exits(0).json();
    let rows: Vec<String> = list["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| format!("{} {} {}", p["name"], p["protected"], p["mode"]).replace('"', ""))
        .collect();
    assert_eq!(rows, ["dev false mock", "prod true real", "staging true real", "test false mock"]);
    ultra.run(&["env", "list"]).exits(0).says("prod (production)").says("profiles/staging.yaml");
}

#[test]
fn flag_environment_record_and_default_decide_in_this_order() {
    let mut ultra = Ultra::checkout();
    let current = |ultra: &Ultra, args: &[&str]| {
        let all: Vec<&str> = ["env", "current", "-o", "json"].iter().chain(args).copied().collect();
        let json = ultra.run(&all).exits(0).json();
        format!("{} {}", json["profile"], json["source"]).replace('"', "")
    };
    assert_eq!(current(&ultra, &[]), "dev default");
    ultra.write(".ultra/switch.json", r#"{"to": "staging"}"#);
    assert_eq!(current(&ultra, &[]), "staging switch-record");
    ultra.set_env("ENVIRONMENT", "production");
    assert_eq!(current(&ultra, &[]), "prod environment");
    ultra.run(&["env", "current"]).exits(0).says("`staging`");
    assert_eq!(current(&ultra, &["--profile", "testing"]), "test flag");
    ultra.set_env("ULTRA_PROFILE", "dev");
    ultra
        .run(&["env", "current"])
        .exits(2)
        .complains("different profiles")
        .complains("ENVIRONMENT");
}

#[test]
fn unknown_profiles_are_usage_errors_with_the_nearest_name() {
    let mut ultra = Ultra::checkout();
    ultra.run(&["env", "current", "--profile", "prdo"]).exits(2).complains("did you mean `prod`?");
    ultra.run(&["env", "validate", "stagign"]).exits(2).complains("did you mean `staging`?");
    ultra.run(&["env", "validate", "../../etc"]).exits(2);
    ultra.run(&["env", "validate", "prod", "--profile", "dev"]).exits(2).complains("two profiles");
    ultra.set_env("ULTRA_PROFILE", "tset");
    ultra.run(&["env", "list"]).exits(2).complains("did you mean `test`?");
}

#[test]
fn a_record_of_a_profile_that_is_gone_is_told_and_can_be_left() {
    let ultra = Ultra::checkout();
    ultra.write(".ultra/switch.json", r#"{"to": "gone"}"#);
    let current = ultra.run(&["env", "current", "-o", "json"]).exits(3).json();
    assert_eq!(current["profile"], "gone");
    assert_eq!(current["protected"], serde_json::Value::Null);
    ultra.run(&["env", "validate"]).exits(3).says("there is no profile `gone`");
    ultra.run(&["env", "validate", "dev"]).exits(0);
    ultra.write(".ultra/switch.json", "{");
    ultra.run(&["env", "current"]).exits(5).complains("switch.json");
    ultra.run(&["env", "current", "--profile", "dev"]).exits(0);
}

#[test]
fn a_profile_can_be_required() {
    let mut ultra = Ultra::checkout().env("ULTRA_PROFILE_REQUIRED", "1");
    ultra.run(&["env", "current"]).exits(2).complains("no profile is named");
    ultra.set_env("ULTRA_PROFILE", "test");
    ultra.run(&["env", "current"]).exits(0).says("test");
}

#[test]
fn another_root_is_named_on_stderr_and_must_exist() {
    let ultra = Ultra::checkout();
    let root = ultra.root().to_str().unwrap().to_owned();
    let mut command = ultra.command(["env", "current"]);
    let out = command.current_dir(ultra.root().join("profiles")).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stderr).contains(&root), "{out:?}");
    ultra.run(&["env", "current", "--dir", "nowhere"]).exits(2).complains("names no directory");
}

#[test]
fn a_character_that_no_yaml_may_hold_is_named() {
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock\nvars:\n  A: \"x\0y\"\n");
    ultra.run(&["env", "validate"]).exits(3).says("dev.yaml:3:8").says("U+0000 is no character");
    ultra.write("profiles/dev.yaml", "mode: mock\nvars:\n  A: x\u{7}y\n");
    ultra.run(&["env", "validate"]).exits(3).says("dev.yaml:3:7").says("U+0007 is no character");
    ultra.write("profiles/dev.yaml", "mode: mock\nvars:\n  A: \"x\\x07y\"\n");
    ultra.run(&["env", "validate"]).exits(0);
}
