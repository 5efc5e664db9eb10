//! `ultra env explain` and `show`.

use crate::support::{CANARY, Server, Ultra};

#[test]
fn explain_shows_every_layer_and_the_winner_with_its_line() {
    let ultra = Ultra::checkout().env("ULTRA_PORT", "9001");
    ultra.write_private(".env", "# first\nULTRA_PORT=9002\n");
    let json = ultra.run(&["env", "explain", "ULTRA_PORT", "-o", "json"]).exits(0).json();
    assert_eq!(json["schema"], "ultra.env.explain/1");
    assert_eq!(json["default"], "8085");
    assert_eq!(json["aliases"], serde_json::json!(["API_PORT", "PORT"]));
    let said: Vec<String> = json["layers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|layer| layer["set"] == true)
        .map(|l| format!("{} {} {} {}", l["layer"], l["value"], l["where"]["line"], l["wins"]))
        .collect();
    assert_eq!(
        said,
        [
            r#""process" "9001" null true"#,
            r#""dotenv-base" "9002" 2 false"#,
            r#""default" "8085" null false"#,
        ]
    );
    ultra.run(&["env", "explain", "API_PORT"]).exits(0).says("asked for as").says(".env:2:1");
    ultra.run(&["env", "explain", "ULTRA_PROT"]).exits(2).complains("did you mean `ULTRA_PORT`?");
    ultra.run(&["env", "show", "prod"]).exits(2).complains("ultra env show --profile prod");
}

#[test]
fn names_of_the_application_pass_and_are_explained() {
    let ultra = Ultra::checkout();
    ultra.write_private(
        ".env",
        "APP_COLOUR=blue\nAPP_URL=http://${APP_HOST:-localhost}:${ULTRA_PORT}\n",
    );
    for (name, value) in [("APP_URL", "localhost"), ("APP_COLOUR", "blue")] {
        for verb in ["show", "explain"] {
            ultra.run(&["env", verb, name]).exits(0).says(value);
        }
    }
    ultra.run(&["env", "explain", "APP_COLOUR"]).exits(0).says("application");
}

#[test]
fn what_is_shown_reads_as_a_table() {
    let ultra = Ultra::checkout();
    let outcome = ultra.run(&["env", "show", "ULTRA_MODE"]).exits(0);
    assert_eq!(outcome.stdout, " VARIABLE    VALUE\n ULTRA_MODE  mock\n");
    let ultra = ultra.env("ULTRA_MODE", "real").env("OPENAI_API_KEY", CANARY);
    let said = ultra.run(&["env", "show", "ULTRA_MODE", "--origins"]).exits(0);
    let lines: Vec<Vec<&str>> =
        said.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["ULTRA_MODE", "real", "process", "environment"]);
    assert_eq!(lines[2], ["over", "mock", "profile", "profiles/dev.yaml:3:7"]);
    let args = ["env", "show", "--origins", "-o", "json"];
    let json = ultra.run(&args).exits(0).keeps_the_canary().json();
    let rows = json["variables"].as_array().unwrap();
    let mode = rows.iter().find(|row| row["name"] == "ULTRA_MODE").unwrap();
    assert_eq!(mode["shadowed"][0]["value"], "mock");
    assert_eq!(mode["shadowed"][0]["origin"]["where"]["line"], 3);
}

fn profiles(json: &serde_json::Value) -> Vec<&str> {
    json["needed_by"].as_array().unwrap().iter().map(|n| n["profile"].as_str().unwrap()).collect()
}

#[test]
fn explain_says_which_profiles_need_it_and_why() {
    let ultra = Ultra::empty();
    ultra.write("profiles/guarded.yaml", "protected: true\nmode: real\n");
    ultra.write("profiles/cached.yaml", "vars:\n  ULTRA_CACHE: redis\n");
    ultra.write("profiles/loose.yaml", "vars:\n  ULTRA_PORT: 8101\n");
    ultra.write_private(".env.guarded.local", format!("OPENAI_API_KEY=sk-{CANARY}\n"));
    let needed = |name: &str| {
        let json = ultra.run(&["env", "explain", name, "-o", "json"]).exits(0).json();
        let own = |name: &&str| ["guarded", "cached", "loose"].contains(name);
        let found: Vec<String> =
            profiles(&json).into_iter().filter(own).map(str::to_owned).collect();
        found.join(" ")
    };
    assert_eq!(needed("ULTRA_JWT_KEY"), "guarded");
    assert_eq!(needed("ULTRA_PUBLIC_URL"), "guarded");
    assert_eq!(needed("ULTRA_CORS_ORIGINS"), "guarded");
    assert_eq!(needed("ULTRA_MODE"), "guarded");
    // The only key there: without it nothing real would be answered.
    assert_eq!(needed("OPENAI_API_KEY"), "guarded");
    assert_eq!(needed("REDIS_URL"), "cached");
    assert_eq!(needed("ULTRA_PORT"), "");
    ultra.run(&["env", "explain", "REDIS_URL"]).exits(0).says("cached (`ULTRA_CACHE` is `redis`");
}

#[test]
fn explain_says_why_a_layer_does_not_count() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", "");
    ultra.write("profiles/own.yaml", "secrets:\n  OPENAI_API_KEY: vault:other/openai\n");
    ultra.write_private(".env", "# generated elsewhere\nPORT=9004\nULTRA_PORT=9004\n");
    let layers = |name: &str| {
        let args = ["env", "explain", name, "--profile", "own", "-o", "json"];
        let json = ultra.run(&args).exits(0).json();
        json["layers"].as_array().unwrap().clone()
    };
    let note = |name: &str, layer: &str| {
        let found = layers(name);
        let said: Vec<&str> = found
            .iter()
            .filter(|l| l["layer"] == layer)
            .filter_map(|l| l["note"].as_str())
            .collect();
        said.join("; ")
    };
    assert_eq!(note("OPENAI_API_KEY", "process"), "empty, which counts as unset");
    assert!(note("OPENAI_API_KEY", "profile").starts_with("withheld: this root is not trusted"));
    assert_eq!(note("OPENAI_API_KEY", "dotenv-local"), "there is no such file");
    assert_eq!(note("ULTRA_PORT", "vault"), "not asked: it is not kept in the vault");
    assert!(note("ULTRA_PORT", "dotenv-base").contains("under another name"));
    assert_eq!(note("ULTRA_PORT", "default"), "shadowed");
    let profile = layers("OPENAI_API_KEY").into_iter().find(|l| l["layer"] == "profile").unwrap();
    assert_eq!(profile["where"]["line"], 2);
    assert_eq!(profile["written_as"], "vault:other/openai");
}

#[test]
fn a_secret_is_told_by_its_fingerprint_without_its_value() {
    let mut ultra = Ultra::empty();
    ultra.write("profiles/own.yaml", "vars:\n  GREETING: hello\n");
    let identity = ultra.home().join("identity");
    ultra.set_env("ULTRA_VAULT_IDENTITY_FILE", identity.to_str().unwrap());
    let set = ["keys", "set", "openai", "--profile", "own", "--shadowed"];
    ultra.run_with_stdin(&set, format!("sk-{CANARY}\n").as_bytes()).exits(0);
    let args = ["env", "explain", "openai", "--profile", "own", "-o", "json"];
    let json = ultra.run(&args).exits(0).keeps_the_canary().json();
    let kept = json["layers"].as_array().unwrap().iter().find(|l| l["layer"] == "vault").unwrap();
    let print = kept["fingerprint"].as_str().unwrap();
    assert_eq!(kept["wins"], true);
    let args = ["env", "show", "OPENAI_API_KEY", "--profile", "own", "--origins"];
    ultra.run(&args).exits(0).keeps_the_canary().says(print);
}

#[test]
fn explain_says_whether_running_servers_would_take_a_new_value() {
    let ultra = Ultra::empty();
    ultra.write("profiles/alpha.yaml", "vars:\n  GREETING: hello\n");
    let server = Server::start(&ultra, &["--profile", "alpha", "--mock"]);
    let takes = |name: &str, profile: &str| {
        let args = ["env", "explain", name, "--profile", profile, "-o", "json"];
        let json = ultra.run(&args).exits(0).json();
        assert_eq!(json["servers"][0]["pid"], server.pid());
        json["servers"][0]["takes"].as_str().unwrap().to_owned()
    };
    assert_eq!(takes("ULTRA_RATE_LIMIT", "alpha"), "live");
    assert_eq!(takes("ULTRA_BODY_LIMIT", "alpha"), "restart");
    assert_eq!(takes("GREETING", "alpha"), "never");
    assert_eq!(takes("ULTRA_RATE_LIMIT", "dev"), "other-profile");
    ultra
        .run(&["env", "explain", "ULTRA_BODY_LIMIT", "--profile", "alpha"])
        .exits(0)
        .says(&format!("pid {} at {} serves profile `alpha` since ", server.pid(), server.addr()))
        .says("needs a restart");
}

#[test]
fn what_looks_like_a_secret_is_called_one() {
    let ultra = Ultra::empty();
    ultra.write_private(".env", "MYTHING=hR7qLm2Zx9TbVn4KcWpY81DsQeFgUjAo\nGREETING=hi\n");
    for (name, secret) in [("MYTHING", true), ("GREETING", false)] {
        let said = ultra.run(&["env", "explain", name, "-o", "json"]).exits(0);
        assert_eq!(said.json()["secret"], secret, "{name}");
        assert!(!said.stdout.contains("hR7q"), "{}", said.stdout);
    }
}

#[test]
fn a_secret_of_the_application_that_is_withheld_is_known() {
    let ultra = Ultra::empty().env("MINE", CANARY).env("ACME_TOKEN", CANARY);
    ultra.write(
        "profiles/dev.yaml",
        "mode: mock\nsecrets:\n  WIDGET_TOKEN: env:MINE\n  ACME_TOKEN: env:MINE\nproviders:\n  acme:\n    kind: openai\n    base_url: https://api.acme.io/v1\n    keys: [ACME_TOKEN]\n",
    );
    for name in ["WIDGET_TOKEN", "ACME_TOKEN"] {
        let said = ultra.run(&["env", "explain", name]).exits(0).keeps_the_canary();
        let said = said.says("It is withheld").says("not trusted").says("`ultra env trust`");
        assert!(!said.stdout.contains("Nobody sets it"), "{}", said.stdout);
        let json = ultra.run(&["env", "explain", name, "-o", "json"]).exits(0).json();
        assert_eq!(json["set"], false, "{name}");
    }
    ultra.run(&["env", "explain", "WIDGET_TOKENS"]).exits(2).complains("unknown variable");
    // Nor does a command hear that there is no such variable.
    let run = ultra.run(&["env", "run", "--only", "WIDGET_TOKEN", "--", "env"]).exits(0);
    assert!(!run.stdout.contains("WIDGET_TOKEN"), "{}", run.stdout);
    run.complains("ultra env trust");
    let shown = ultra.run(&["env", "show", "WIDGET_TOKEN"]);
    assert!(!shown.stderr.contains("unknown variable"), "{}", shown.stderr);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let json = ultra.run(&["env", "explain", "WIDGET_TOKEN", "-o", "json"]).exits(0).json();
    assert_eq!(json["set"], true);
}

#[test]
fn what_the_environment_sets_is_not_called_withheld() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", format!("sk-{CANARY}"));
    ultra.write("profiles/dev.yaml", "mode: mock\nsecrets:\n  OPENAI_API_KEY: vault:x\n");
    let said = ultra.run(&["env", "explain", "OPENAI_API_KEY"]).exits(0).keeps_the_canary();
    assert!(!said.stdout.contains("It is withheld"), "{}", said.stdout);
    said.says("withheld: this root is not trusted");
    let run = ultra.run(&["env", "run", "--", "sh", "-c", "test -n \"$OPENAI_API_KEY\""]);
    run.exits(0);
}

#[test]
fn what_no_command_gets_is_told() {
    let ultra = Ultra::empty();
    ultra.write(".env.local", "BASH_ENV=./theirs.sh\nGREETING=hello\n");
    let note = |name: &str| {
        let json = ultra.run(&["env", "explain", name, "-o", "json"]).exits(0).json();
        let layers = json["layers"].as_array().unwrap();
        let winner = layers.iter().find(|layer| layer["wins"] == true).unwrap();
        winner["note"].as_str().unwrap_or("-").to_owned()
    };
    assert_eq!((note("BASH_ENV"), note("GREETING")), ("withheld from commands".into(), "-".into()));
    let told = "`BASH_ENV` is not handed on";
    ultra
        .run(&["env", "explain", "BASH_ENV"])
        .exits(0)
        .says(told)
        .says("nobody has trusted this root with it")
        .says("`ultra env trust`");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    assert_eq!(note("BASH_ENV"), "-");
    let said = ultra.run(&["env", "explain", "BASH_ENV"]).exits(0);
    assert!(!said.stdout.contains(told), "{}", said.stdout);
}

/// Trust does not help where nobody can agree to the address that a key would go to.
#[test]
fn a_key_for_an_address_of_pieces_is_not_said_to_lack_trust() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    ultra.write(".env.local", "OPENAI_BASE_URL=https://${THEIR_HOST}/v1\n");
    ultra.write(".env", "THEIR_HOST=collector.example.org\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let said = ultra.run(&["env", "explain", "OPENAI_API_KEY"]).keeps_the_canary();
    assert!(!said.stdout.contains("not trusted"), "{}", said.stdout);
    said.says("withheld: its address is put together from variables of other lines")
        .says("`ultra env explain OPENAI_BASE_URL` shows from which");
    ultra.run(&["env", "explain", "OPENAI_BASE_URL"]).says("`THEIR_HOST` at .env:1");
}
