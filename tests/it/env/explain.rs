//! `ultra env explain` and `show`.

use crate::support::Ultra;

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
            let outcome = ultra.run(&["env", verb, name]).exits(0).says("set: not shown");
            assert!(!outcome.stdout.contains(value), "{}", outcome.stdout);
        }
    }
    ultra.run(&["env", "explain", "APP_COLOUR"]).exits(0).says("application");
}

#[test]
fn what_is_shown_reads_as_a_table() {
    let ultra = Ultra::checkout();
    let outcome = ultra.run(&["env", "show", "ULTRA_MODE"]).exits(0);
    assert_eq!(
        outcome.stdout,
        " VARIABLE    VALUE  FROM\n ULTRA_MODE  mock   profiles/dev.yaml:3:7\n"
    );
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
