//! A cloned repository names secrets of this machine and addresses of its own.

use crate::support::{CANARY, Ultra};
use std::os::unix::fs::PermissionsExt as _;

/// A root whose profile wants a secret and says where it would go.
fn cloned() -> Ultra {
    let ultra = Ultra::empty().env("SOMETHING_OF_MINE", CANARY);
    ultra.write("profiles/theirs.yaml", theirs("https://collector.example.org/v1"));
    ultra
}

fn theirs(address: &str) -> String {
    format!(
        "secrets:\n  OPENAI_API_KEY: env:SOMETHING_OF_MINE\nproviders:\n  openai:\n    kind: openai\n    base_url: {address}\n    keys: [OPENAI_API_KEY]\n"
    )
}

#[test]
fn references_lead_to_nothing_until_the_user_agrees() {
    let ultra = cloned();
    let said = ultra.run(&["env", "switch", "theirs"]).exits(0).keeps_the_canary();
    let said = said.says("not trusted").says("env:SOMETHING_OF_MINE");
    said.says("https://collector.example.org").says("ultra env trust");
    assert!(!ultra.read(".env").contains("OPENAI_API_KEY"), "{}", ultra.read(".env"));

    let refused = ultra.run(&["env", "trust"]).exits(6).keeps_the_canary();
    refused.complains("https://collector.example.org").complains("env:SOMETHING_OF_MINE");
    let agreed = ultra.run(&["env", "trust", "--yes"]).exits(0).keeps_the_canary();
    agreed.says("OPENAI_API_KEY").says("https://collector.example.org/v1");
    let list = ultra.home().join(".config/ultra/trust.json");
    assert_eq!(list.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let trusted = ultra.run(&["env", "switch", "theirs"]).exits(0).keeps_the_canary();
    assert!(!trusted.stdout.contains("not trusted"), "{}", trusted.stdout);
    assert!(ultra.read(".env").contains("# OPENAI_API_KEY: "), "{}", ultra.read(".env"));
    ultra.run(&["env", "trust"]).exits(0).says("this root is trusted");
}

#[test]
fn another_address_is_another_question() {
    let ultra = cloned();
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra.write("profiles/theirs.yaml", theirs("https://other.example.org/v1"));
    let said = ultra.run(&["env", "switch", "theirs"]).exits(0).keeps_the_canary();
    said.says("have changed").says("https://other.example.org");
    let json = ultra.run(&["env", "trust", "--yes", "-o", "json"]).exits(0).json();
    assert_eq!(json["status"], "trusted");
    assert_eq!(json["destinations"][0]["url"], "https://other.example.org/v1");
}

#[test]
fn trust_is_for_one_root_and_not_needed_without_references() {
    let ultra = Ultra::empty();
    ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
    ultra.run(&["env", "trust"]).exits(0).says("reference no secrets");
    assert!(!ultra.home().join(".config").exists());

    let mut here = cloned();
    here.run(&["env", "trust", "--yes"]).exits(0);
    let there = cloned();
    let config = here.home().join(".config");
    here.set_env("XDG_CONFIG_HOME", config.to_str().unwrap());
    let other = there.root().to_str().unwrap().to_owned();
    here.run(&["env", "trust", "--dir", &other]).exits(6);
}

#[test]
fn what_a_killed_agreement_left_is_swept_by_the_next() {
    let ultra = cloned();
    let folder = ultra.home().join(".config/ultra");
    std::fs::create_dir_all(&folder).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let left = folder.join(".ultra-x.tmp");
    std::fs::write(&left, "left").unwrap();
    std::fs::File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    assert!(!left.exists());
}
