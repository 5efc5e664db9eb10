//! Profiles, their layers and the names in them.

use super::*;
use crate::settings::Layer;
use crate::settings::secret::ValueRef;

#[test]
fn layers_win_in_order_and_say_where_they_stand() {
    let place = Place::new(&[
        ("profiles/base.yaml", "vars:\n  A: base\n  ULTRA_PORT: 1001\n  ULTRA_LOG_FORMAT: json\n"),
        ("profiles/own.yaml", "extends: base\nvars:\n  ULTRA_PORT: 1002\n"),
        (".env", "ULTRA_PORT=1003\nB=${A}-${C:-c}\n"),
        (".env.local", "ULTRA_PORT=1004\n"),
        (".env.own", "ULTRA_PORT=1005\n"),
        (".env.own.local", "ULTRA_PORT=1006\n"),
    ])
    .env("ULTRA_PORT", "1007");
    let flags = Flags { variables: [("ULTRA_PORT", "1008".to_owned())].into(), ..Flags::default() };
    let loaded = load(&place.workspace(flags), "own", &NoSecrets);
    assert_eq!(codes(&loaded.problems), Vec::<String>::new());
    let resolution = loaded.resolution.unwrap();
    let said: Vec<String> = resolution
        .candidates("ULTRA_PORT")
        .iter()
        .map(|c| {
            let ValueRef::Text(text) = &c.value else { panic!() };
            format!("{text} {}", c.origin)
        })
        .collect();
    assert_eq!(
        said,
        [
            "8085 built-in default",
            "1001 profiles/base.yaml:3:15",
            "1002 profiles/own.yaml:3:15",
            "1003 .env:1:1",
            "1004 .env.local:1:1",
            "1005 .env.own:1:1",
            "1006 .env.own.local:1:1",
            "1007 process environment",
            "1008 flag",
        ]
    );
    assert_eq!(resolution.text("B").unwrap().0, "base-c");
    assert_eq!(resolution.profile.extends, ["base"]);
    assert_eq!(resolution.text("ULTRA_LOG_FORMAT").unwrap().1.layer, Layer::Profile);
}

#[test]
fn names_are_understood_or_reported() {
    let place = Place::new(&[
        (
            ".env",
            "API_PORT=8086\nUSE_MOCK=true\nMOCK_MODE=false\nULTRA_PROT=1\nOPENAI_API_KYE=x\nULTRA_STATE_DIR=x\nENVIRONMENT=dev\nANTHROPIC_API_KEY=\nULTRA_ADDR=${OPENAI_API_KEY}\nULTRA_JWT_KEY=a\nULTRA_JWT_KEY_FILE=b\nENABLE_MOCK_LLM=maybe\nMY_APP=1\n",
        ),
    ])
    .env("ULTRA_NEWER", "1")
    .env("DEBUG", "*")
    .env("OPENAI_API_KEY", CANARY);
    let loaded = place.load("dev");
    silent(&loaded);
    assert_eq!(
        codes(&loaded.problems),
        [
            "~.env:1:1 renamed",
            "~.env:2:1 renamed",
            "~.env:3:1 renamed",
            ".env:4:1 unknown-variable",
            "~.env:5:1 near-miss",
            ".env:6:1 bootstrap-in-file",
            "~.env:7:1 bootstrap-in-file",
            "~.env:8:1 empty-secret",
            ".env:9:1 secret-in-plain",
            ".env:12:1 malformed-value",
            ".env:11:1 name-and-file",
            ".env:3:1 aliases-disagree",
            "~alias-passed-over",
            "~unknown-variable",
        ]
    );
    let hints: Vec<&str> = loaded.problems.iter().filter_map(|p| p.hint.as_deref()).collect();
    assert!(hints.contains(&"did you mean `ULTRA_PORT`?"), "{hints:?}");
    assert!(hints.contains(&"did you mean `OPENAI_API_KEY`?"), "{hints:?}");
}

#[test]
fn a_profile_reports_everything_wrong_with_it_and_no_secret() {
    let text = format!(
        "extend: base\nprotected: yes\nmode: moc\nvars:\n  OPENAI_API_KEY: {CANARY}\n  ULTRA_PORT: [1]\n  ULTRA_ADDRESS: x\n  1X: {CANARY}\n  A: 1\n  A: 2\nsecrets:\n  OPENAI_API_KEY: {CANARY}\n  ULTRA_PORT: vault:x\nproviders:\n  acme:\n    kind: opena\n    keys: [ {CANARY} ]\n    modles: []\nroutes:\n  m:\n    targets:\n      - provider: nowhere\n        model: x\n        weight: 0\n      - provider: nowhere\n        model: y\n  n: {{}}\npolicy:\n  gates: [P9]\n  key_max_age: {{jwt: 90}}\n  require_postgres: 1\n"
    );
    let loaded = Place::new(&[("profiles/own.yaml", &text)]).validate("own");
    silent(&loaded);
    assert_eq!(
        codes(&loaded.problems),
        [
            "profiles/own.yaml:10:3 duplicate-key",
            "profiles/own.yaml:1:1 unknown-key",
            "profiles/own.yaml:2:12 wrong-type",
            "profiles/own.yaml:3:7 malformed-value",
            "profiles/own.yaml:5:19 literal-secret",
            "profiles/own.yaml:6:15 wrong-type",
            "profiles/own.yaml:8:3 bad-name",
            "profiles/own.yaml:12:19 literal-secret",
            "profiles/own.yaml:13:3 no-secret",
            "profiles/own.yaml:18:5 unknown-key",
            "profiles/own.yaml:16:11 malformed-value",
            "profiles/own.yaml:17:13 bad-name",
            "profiles/own.yaml:15:3 missing-key",
            "profiles/own.yaml:24:17 wrong-type",
            "profiles/own.yaml:27:3 missing-key",
            "profiles/own.yaml:29:11 malformed-value",
            "profiles/own.yaml:30:22 malformed-value",
            "profiles/own.yaml:31:21 wrong-type",
            "profiles/own.yaml:7:3 unknown-variable",
            "profiles/own.yaml:20:3 dangling-route",
        ]
    );
}

#[test]
fn circles_and_unknown_profiles_are_named() {
    let place = Place::new(&[
        ("profiles/a.yaml", "extends: b\n"),
        ("profiles/b.yaml", "extends: c\n"),
        ("profiles/c.yaml", "extends: a\n"),
        ("profiles/d.yaml", "extends: tset\n"),
    ]);
    let loaded = place.load("a");
    assert_eq!(codes(&loaded.problems), ["profiles/c.yaml:1:10 extends-cycle"]);
    assert_eq!(
        loaded.problems[0].why.as_deref(),
        Some("a (profiles/a.yaml:1:10) → b (profiles/b.yaml:1:10) → c (profiles/c.yaml:1:10) → a")
    );
    let loaded = place.load("d");
    assert_eq!(codes(&loaded.problems), ["profiles/d.yaml:1:10 unknown-profile"]);
    assert_eq!(loaded.problems[0].hint.as_deref(), Some("did you mean `test`?"));
    assert_eq!(codes(&place.load("gone").problems), ["unknown-profile"]);
}

#[test]
fn a_generated_dotenv_is_no_input() {
    let place = Place::new(&[(".env", "# generated by ultra 1\nULTRA_PORT=1\nULTRA_WRONG=1\n")]);
    let loaded = place.load("dev");
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.resolution.unwrap().text("ULTRA_PORT").unwrap().0, "8085");
}

#[test]
fn an_alias_that_yields_does_not_keep_anybody_from_working() {
    let [key, other] = ["A", "B"].map(|last| format!("AIza{}{last}", "Sy".repeat(17)));
    let place = Place::new(&[]).env("GOOGLE_API_KEY", &key).env("GEMINI_API_KEY", &other);
    let loaded = place.load("dev");
    assert_eq!(codes(&loaded.problems), ["~renamed", "~aliases-disagree"]);
    let resolution = loaded.resolution.unwrap();
    let counted = resolution.secret("GOOGLE_API_KEY").unwrap();
    assert!(
        matches!(&counted.value, ValueRef::Literal(counted) if counted.expose() == key),
        "{counted:?}"
    );
    // Alone it counts, and of two aliases of another variable nobody knows which is meant.
    let alone = Place::new(&[]).env("GEMINI_API_KEY", CANARY).load("dev");
    assert!(alone.resolution.unwrap().secret("GOOGLE_API_KEY").is_some());
    let both = Place::new(&[]).env("ULTRA_JWT_KEY", CANARY).env("JWT_SECRET_KEY", STRONG);
    assert!(codes(&both.load("dev").problems).contains(&"aliases-disagree".to_owned()));
}
