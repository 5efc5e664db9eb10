//! The audit is ours alone: it is never written through a link, and no event is lost to an end that
//! somebody cut.

use super::{NEW, OLD, set, with_identity_file};
use crate::support::Ultra;

fn replace(ultra: &Ultra) -> crate::support::Outcome {
    ultra.run_with_stdin(&["keys", "set", "openai", "--replace"], format!("{NEW}\n").as_bytes())
}

/// The versions that the audit tells of, one for each line.
fn versions(ultra: &Ultra) -> Vec<u64> {
    let version = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["version"].as_u64().unwrap()
    };
    ultra.read(".ultra/audit.jsonl").lines().map(version).collect()
}

#[test]
fn an_audit_that_is_a_link_is_not_followed() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let audit = ultra.state().join("audit.jsonl");
    std::fs::remove_file(&audit).unwrap();
    let mine = ultra.home().join("mine");
    std::fs::write(&mine, "my text").unwrap();
    std::os::unix::fs::symlink(&mine, &audit).unwrap();
    replace(&ultra).exits(5).complains("symbolic link");
    assert_eq!(std::fs::read(&mine).unwrap(), b"my text");
}

#[test]
fn a_last_line_without_its_newline_is_kept() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let audit = ultra.state().join("audit.jsonl");
    let text = ultra.read(".ultra/audit.jsonl");
    std::fs::write(&audit, text.trim_end()).unwrap();
    replace(&ultra).exits(0);
    assert_eq!(versions(&ultra), [1, 2]);
    assert!(ultra.read(".ultra/audit.jsonl").starts_with(&text));
}

#[test]
fn an_end_that_is_none_of_ours_stays_and_stops_the_write() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let audit = ultra.state().join("audit.jsonl");
    let text = format!("{}a note of mine", ultra.read(".ultra/audit.jsonl"));
    std::fs::write(&audit, &text).unwrap();
    replace(&ultra).exits(5).complains("audit.jsonl");
    assert_eq!(ultra.read(".ultra/audit.jsonl"), text);
}

#[test]
fn an_identity_that_a_killed_first_write_left_is_swept() {
    let ultra = with_identity_file();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let left = ultra.home().join(".ultra-x.tmp");
    std::fs::write(&left, "AGE-SECRET-KEY-1").unwrap();
    std::fs::File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
    set(&ultra, "openai", OLD).exits(0);
    assert!(!left.exists());
}
