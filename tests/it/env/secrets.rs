//! Secrets: set or unset, and where from; never the value.

use crate::support::{CANARY, Ultra};

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
