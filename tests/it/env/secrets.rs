//! Secrets: set or unset, and where from; never the value.

use crate::support::{CANARY, Ultra};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_secret_of_any_layer_is_only_said_to_be_set() {
    for layer in ["dotenv", "process", "file", "foreign", "interpolated"] {
        let mut ultra = Ultra::checkout();
        let mut name = "OPENAI_API_KEY";
        match layer {
            "dotenv" => drop(ultra.write_private(".env", format!("OPENAI_API_KEY={CANARY}\n"))),
            "process" => ultra.set_env("OPENAI_API_KEY", CANARY),
            "file" => {
                ultra.write_private("key", CANARY);
                ultra.set_env("OPENAI_API_KEY_FILE", "key");
            }
            "foreign" => {
                name = "ACME_TOKEN";
                ultra.write_private(".env", format!("ACME_TOKEN={CANARY}\n"));
            }
            _ => {
                name = "GREETING";
                ultra.set_env("OPENAI_API_KEY", CANARY);
                ultra.write_private(".env", "GREETING=\"hello ${OPENAI_API_KEY}\"\n");
            }
        }
        for command in [
            &["env", "show"][..],
            &["env", "show", name],
            &["env", "explain", name],
            &["env", "validate"],
        ] {
            for format in ["human", "json"] {
                let mut args = command.to_vec();
                args.extend(["-o", format]);
                ultra.run(&args).exits(0).keeps_the_canary();
            }
        }
        let json = ultra.run(&["env", "show", name, "-o", "json"]).exits(0).json();
        assert_eq!(json["variables"][0]["set"], true, "{layer}");
        assert_eq!(json["variables"][0]["value"], serde_json::Value::Null, "{layer}");
    }
}

#[test]
fn a_secret_that_would_be_shown_elsewhere_is_refused() {
    let ultra = Ultra::checkout().env("OPENAI_API_KEY", CANARY);
    ultra.write_private(".env", "ULTRA_PUBLIC_URL=https://h/${OPENAI_API_KEY}\n");
    ultra.run(&["env", "validate"]).exits(3).keeps_the_canary().says("a secret went into");
}

#[test]
fn a_file_that_others_can_read_is_told_with_the_command_that_mends_it() {
    let ultra = Ultra::checkout();
    ultra.write(".env.local", format!("OPENAI_API_KEY={CANARY}\n"));
    ultra.run(&["env", "validate"]).exits(0).keeps_the_canary().says("chmod 600 .env.local");
}

#[test]
fn references_wait_for_trust() {
    let ultra = Ultra::checkout().env("OTHER_KEY", CANARY);
    ultra.write(
        "profiles/own.yaml",
        "secrets:\n  OPENAI_API_KEY: env:OTHER_KEY\nvars:\n  OPENAI_BASE_URL: https://llm.acme.io/v1\n",
    );
    ultra
        .run(&["env", "validate", "own"])
        .keeps_the_canary()
        .exits(0)
        .says("not trusted")
        .says("https://llm.acme.io/v1")
        .says("ultra env trust");
    let set = |ultra: &Ultra| {
        let args = ["env", "show", "OPENAI_API_KEY", "--profile", "own", "-o", "json"];
        ultra.run(&args).keeps_the_canary().exits(0).json()["variables"][0]["set"].clone()
    };
    assert_eq!(set(&ultra), false);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    assert_eq!(set(&ultra), true);
}

#[test]
fn an_empty_secret_file_counts_as_unset() {
    for content in ["", "\n", " \t\r\n\n"] {
        let mut ultra = Ultra::checkout();
        let file = ultra.write_private("key", content).display().to_string();
        ultra.set_env("OPENAI_API_KEY_FILE", file);
        ultra.write_private(".env.local", format!("OPENAI_API_KEY={CANARY}\n"));
        let outcome = ultra.run(&["env", "validate"]).exits(0).keeps_the_canary();
        assert!(outcome.stdout.contains("is empty and counts as unset"), "{outcome:?}");
        // The layer below speaks.
        ultra
            .run(&["env", "explain", "OPENAI_API_KEY"])
            .exits(0)
            .keeps_the_canary()
            .says(".env.local");
    }
    let blank = Ultra::checkout().env("OPENAI_API_KEY", " \n");
    blank.run(&["env", "validate"]).exits(0).says("`OPENAI_API_KEY` is empty and counts as unset");
}

/// The outcome of a check of the group on the configuration alone.
fn judged(ultra: &Ultra, id: &str) -> String {
    let args = ["check", "readiness", "--profile", "dev", "--only", id, "-o", "json"];
    let document = ultra.run(&args).json();
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"].as_str().unwrap().ends_with(id)).unwrap();
    check["outcome"].as_str().unwrap().to_owned()
}

fn git(ultra: &Ultra, args: &[&str]) {
    let done = ultra.wrapped("git", args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {done:?}");
}

#[test]
fn a_reference_to_the_environment_is_no_secret_in_a_file() {
    let ultra = Ultra::empty().env("MY_ACME", CANARY);
    let profile = "mode: mock\nsecrets:\n  ACME_API_KEY: env:MY_ACME\n";
    ultra.write("profiles/dev.yaml", profile);
    git(&ultra, &["init", "-q"]);
    git(&ultra, &["add", "profiles"]);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    for id in ["SEC-002", "SEC-007", "SEC-008"] {
        let outcome = judged(&ultra, id);
        assert!(matches!(&*outcome, "pass" | "skip"), "{id}: {outcome}");
    }
    ultra.run(&["env", "validate", "dev"]).exits(0).keeps_the_canary();
    // A value is one.
    ultra.write("profiles/dev.yaml", format!("mode: mock\nvars:\n  ACME_API_KEY: {CANARY}\n"));
    ultra.run(&["env", "validate", "dev"]).says("stands in a profile").keeps_the_canary();
}

#[test]
fn the_file_of_a_secret_is_judged_like_one_that_holds_secrets() {
    let ultra = Ultra::empty();
    let key = ["sk-9fK2mQx7", "Lw0ZtB4vRj8NpYc3", "Hd6Gs1Xe5Ua"].concat();
    std::fs::create_dir_all(ultra.root().join("secrets")).unwrap();
    ultra.write_private("secrets/openai", &key);
    let profile = "mode: mock\nsecrets:\n  OPENAI_API_KEY: file:secrets/openai\n";
    ultra.write("profiles/dev.yaml", profile);
    git(&ultra, &["init", "-q"]);
    ultra.write(".gitignore", "/secrets/\n/.ultra/\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let said = ultra.run(&["env", "validate", "dev"]).exits(0);
    assert!(!said.stdout.contains("secrets/openai"), "{}", said.stdout);
    assert_eq!(
        (judged(&ultra, "SEC-007").as_str(), judged(&ultra, "SEC-008").as_str()),
        ("pass", "pass")
    );
    let path = ultra.root().join("secrets/openai");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    ultra
        .run(&["env", "validate", "dev"])
        .says("others can read `secrets/openai`")
        .says("chmod 600 secrets/openai");
    assert_eq!(judged(&ultra, "SEC-007"), "fail");
    git(&ultra, &["add", "-f", "secrets/openai"]);
    ultra.run(&["env", "validate", "dev"]).says("git tracks `secrets/openai`");
    assert_eq!(judged(&ultra, "SEC-008"), "fail");
    // What a platform mounts elsewhere is a group's to read, and everybody's with a warning.
    let mounted = ultra.home().join("run-secret");
    std::fs::write(&mounted, &key).unwrap();
    ultra.write("profiles/dev.yaml", profile.replace("secrets/openai", mounted.to_str().unwrap()));
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    for (mode, outcome) in [(0o440, "pass"), (0o444, "warn")] {
        std::fs::set_permissions(&mounted, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = ultra.run(&["env", "validate", "dev"]).exits(0);
        assert_eq!(said.stdout.contains("everybody can read"), mode == 0o444, "{}", said.stdout);
        assert_eq!(judged(&ultra, "SEC-007"), outcome, "{mode:o}");
    }
}

#[test]
fn the_first_key_makes_the_directory_of_the_identity() {
    let mut ultra = Ultra::checkout();
    let dir = ultra.home().join("etc/ultra");
    ultra.set_env("ULTRA_VAULT_IDENTITY_FILE", dir.join("identity").to_str().unwrap());
    let key = ["9fK2mQx7Lw0ZtB4v", "Rj8NpYc3Hd6Gs1Xe", "5Ua7Vb2\n"].concat();
    let set = ["keys", "set", "jwt"];
    ultra.run_with_stdin(&set, key.as_bytes()).exits(0).keeps_the_canary();
    assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(dir.join("identity").exists());
    // A link above it that leads beside the vault is found out too.
    let mut other = Ultra::checkout();
    let link = other.home().join("link");
    std::os::unix::fs::symlink(other.root(), &link).unwrap();
    other.set_env("ULTRA_VAULT_IDENTITY_FILE", link.join("new/identity").to_str().unwrap());
    other.run_with_stdin(&set, key.as_bytes()).exits(6).complains("beside the vault");
}

#[test]
fn git_tracks_a_file_by_its_whole_path() {
    if !crate::support::have("git") {
        return;
    }
    let mut ultra = Ultra::empty();
    ultra.write("profiles/p.yaml", "extends: dev\n");
    ultra.write_private(".env.local", format!("ANTHROPIC_API_KEY={CANARY}\n"));
    let other = ultra.write_private("deploy/.env.local", CANARY);
    ultra.set_env("OPENAI_API_KEY_FILE", other.to_str().unwrap());
    for args in [&["init", "-q"][..], &["add", "-f", ".env.local"]] {
        assert!(ultra.wrapped("git", args).output().unwrap().status.success());
    }
    let outcome = ultra.run(&["env", "validate", "p"]).keeps_the_canary();
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(told.contains("git tracks `.env.local`"), "{told}");
    assert!(!told.contains("deploy/.env.local"), "{told}");
}
