//! Command lines that cannot be parsed, and the small things that every command looks after.

use crate::support::{CANARY, Ultra};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_usage_error_is_a_document_where_json_is_asked_for() {
    let ultra = Ultra::empty();
    for (args, hint) in [
        (&["env", "lst", "-o", "json"][..], "list"),
        (&["-ojson", "env", "list", "--profil", "dev"], "--profile"),
        (&["keys", "set", "--output=json"], "ultra keys set"),
        (&["env", "-o", "json"], "ultra env"),
    ] {
        let outcome = ultra.run(args).exits(2);
        assert_eq!(outcome.stdout, "");
        let json: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(json["schema"], "ultra.error/1");
        assert_eq!(json["exit"], 2);
        let said = json["problems"][0]["hint"].as_str().unwrap();
        assert!(said.contains(hint), "{args:?}: {json}");
    }
    let text = ultra.run(&["env", "lst"]).exits(2);
    assert!(text.stderr.starts_with("error: ") && text.stderr.contains("'list'"), "{text:?}");
    let help = ultra.run(&["env", "--help", "-o", "json"]).exits(0);
    assert!(help.stdout.contains("Usage: ultra env"), "{help:?}");
}

#[test]
fn a_key_pasted_as_an_argument_is_not_repeated() {
    let ultra = Ultra::empty();
    let flag = format!("--prt={CANARY}");
    for args in [
        &["keys", "set", "openai", CANARY][..],
        &["keys", "set", "openai", CANARY, "-o", "json"],
        &["serve", &flag],
        &["serve", &flag, "-o", "json"],
        &[CANARY],
    ] {
        ultra.run(args).exits(2).keeps_the_canary();
    }
}

#[test]
fn a_key_pasted_into_a_plain_variable_is_not_repeated() {
    for value in [
        CANARY,
        "sk-abc12345",
        "eyJhbGciOiJIUzI1",
        "u://me:hunter2@h",
        "0123456789abcdef",
        "0123456789abcdef0123456789abcdef",
    ] {
        for name in ["ULTRA_PORT", "ULTRA_LOG_FORMAT", "ULTRA_MODE"] {
            let ultra = Ultra::empty().env(name, value);
            for args in [&["env", "validate"][..], &["env", "validate", "-o", "json"]] {
                let outcome = ultra.run(args);
                assert_ne!(outcome.code, 0, "{name}: {outcome:?}");
                assert!(!outcome.stdout.contains(value), "{name}: {outcome:?}");
                assert!(!outcome.stderr.contains(value), "{name}: {outcome:?}");
            }
        }
    }
}

#[test]
fn a_state_directory_that_others_can_read_is_shut() {
    let ultra = Ultra::checkout();
    std::fs::create_dir(ultra.state()).unwrap();
    let mode =
        |mode| std::fs::set_permissions(ultra.state(), std::fs::Permissions::from_mode(mode));
    mode(0o755).unwrap();
    let outcome = ultra.run(&["env", "current"]).exits(0);
    assert!(outcome.stderr.contains("now 0700"), "{outcome:?}");
    let now = std::fs::metadata(ultra.state()).unwrap().permissions().mode();
    assert_eq!(now & 0o777, 0o700);
    let again = ultra.run(&["env", "current"]).exits(0);
    assert!(!again.stderr.contains("0700"), "{again:?}");
}

#[test]
fn what_a_killed_writer_left_is_swept_by_the_next_switch() {
    let ultra = Ultra::checkout();
    ultra.run(&["env", "switch", "test"]).exits(0);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let left = [".ultra-x1.tmp", ".ultra/.ultra-x2.tmp", ".ultra/history/.ultra-x3.tmp"];
    for path in left {
        let path = ultra.write(path, "left");
        std::fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }
    let young = ultra.write(".ultra-young.tmp", "being written");
    let mine = ultra.write(".ultra-mine", "mine");
    std::fs::File::options().write(true).open(&mine).unwrap().set_modified(old).unwrap();
    ultra.run(&["env", "switch", "dev"]).exits(0);
    for path in left {
        assert!(!ultra.root().join(path).exists(), "{path}");
    }
    assert!(young.exists() && mine.exists());
}
