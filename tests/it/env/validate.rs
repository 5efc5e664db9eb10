//! `ultra env validate`.

use crate::support::Ultra;

/// What a fresh checkout lacks for production.
const MISSING: &[&str] = &[
    "`ULTRA_PUBLIC_URL` is not set",
    "`ULTRA_JWT_KEY` is not set",
    "`ULTRA_ENCRYPTION_KEY` is not set",
    "`REDIS_URL` is not set",
    "`DATABASE_URL` is not set",
    "`ULTRA_CORS_ORIGINS` is not set",
    "no provider has a key",
];

#[test]
fn production_on_a_fresh_checkout_lists_all_that_is_missing_at_once() {
    let ultra = Ultra::checkout();
    let mut outcome = ultra.run(&["env", "validate", "prod"]).exits(3);
    for missing in MISSING {
        outcome = outcome.says(missing);
    }
    outcome.says("does not hold: 7 errors, 0 warnings");
    let json = ultra.run(&["env", "validate", "production", "-o", "json"]).exits(3).json();
    assert_eq!(json["schema"], "ultra.env.validate/1");
    assert_eq!(json["profile"], "prod");
    assert_eq!(json["valid"], false);
    assert_eq!(json["problems"].as_array().unwrap().len(), MISSING.len());
    ultra.run(&["env", "validate", "staging"]).exits(3);
    ultra.run(&["env", "validate", "test"]).exits(0);
}

#[test]
fn production_holds_once_the_operator_supplies_it_in_files() {
    let ultra = Ultra::checkout();
    ultra.write_private("secrets/jwt", "q7Gm2xVt9LrB4nWz8KdY5cPh1sJf6uEa\n");
    ultra.write_private("secrets/enc", "Zx81mQp04vTs6Hk2Wn7Rb5Gd9Lc3FyUe\n");
    ultra.write_private("secrets/db", "postgres://ultra:hT83kd02@db.acme.io/ultra\n");
    ultra.write_private(
        ".env.prod.local",
        "ULTRA_PUBLIC_URL=https://api.acme.io\nULTRA_CORS_ORIGINS=\nDATABASE_URL_FILE=secrets/db\nREDIS_URL_FILE=secrets/redis\nULTRA_JWT_KEY_FILE=secrets/jwt\nULTRA_ENCRYPTION_KEY_FILE=secrets/enc\nOPENAI_API_KEY=sk-proj-0123456789\n",
    );
    // The files may have come with a clone, and so may what they are to hold.
    let asked = ultra.run(&["env", "validate", "prod"]).exits(3).says("not trusted");
    asked.says("file:secrets/redis (.env.prod.local)");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra.run(&["env", "validate", "prod"]).exits(3).says("secrets/redis").says("no such file");
    ultra.write_private("secrets/redis", "redis://cache.acme.io/0\n");
    ultra
        .run(&["env", "validate", "prod"])
        .exits(0)
        .says("holds, with 1 warning")
        .says("ultra env import .env.prod.local --profile prod");
}

#[test]
fn a_vault_that_does_not_open_is_unverified_not_wrong() {
    let mut ultra = Ultra::checkout();
    let identity = ultra.home().join("identity");
    ultra.set_env("ULTRA_VAULT_IDENTITY_FILE", identity.to_str().unwrap());
    ultra.run(&["keys", "set", "jwt", "--generate", "--profile", "dev"]).exits(0);
    ultra.run(&["env", "validate"]).exits(0);
    std::fs::remove_file(&identity).unwrap();
    ultra.run(&["env", "explain", "jwt"]).exits(0).says("vault entry dev/jwt");
    let json = ultra.run(&["env", "validate", "-o", "json"]).exits(5).json();
    assert_eq!(json["unverified"], 1);
    ultra.write_private(".env", "ULTRA_PROT=1\n");
    ultra.run(&["env", "validate"]).exits(3).says("identity file").says("ULTRA_PORT");
}

#[test]
fn the_templates_read_without_a_problem() {
    for (template, file, profile) in [
        ("development", ".env.local", "dev"),
        ("testing", ".env.test.local", "test"),
        ("production", ".env.prod.local", "prod"),
    ] {
        let ultra = Ultra::checkout();
        let text = ultra.read(&format!("templates/env.{template}"));
        // As they are, and with everything filled in: a template must not name what is not there.
        for text in [text.clone(), text.replace("\n#", "\n").replace("\n ", "\n# ")] {
            ultra.write_private(file, text);
            let json = ultra.run(&["env", "validate", profile, "-o", "json"]).json();
            let problems = json["problems"].as_array().unwrap();
            let misread = problems.iter().find(|p| {
                ["unknown-variable", "bad-name", "near-miss", "renamed"]
                    .contains(&p["code"].as_str().unwrap())
            });
            assert_eq!(misread, None, "{template}");
        }
    }
}

#[test]
fn the_command_that_a_note_names_tells_the_warnings_it_counts() {
    let ultra = Ultra::empty();
    ultra.write_private("my own.env", "DEBUGG=1\nREDISURL=redis://localhost/0\n");
    for handing in [
        &["env", "run", "--file", "my own.env", "--", "true"][..],
        &["env", "export", "--file", "my own.env"],
    ] {
        let note = ultra.run(handing).exits(0).stderr;
        let (count, command) = note.split_once(" (ultra ").unwrap_or_else(|| panic!("{note}"));
        let count = count.rsplit(": ").next().unwrap().to_owned();
        let (command, _) = command.split_once(")\n").unwrap();
        assert_eq!(command, "env validate dev --file 'my own.env'");
        let args = ["env", "validate", "dev", "--file", "my own.env"];
        let said = ultra.run(&args).exits(0);
        said.says(&count).says("my own.env:2:1");
    }
    ultra.run(&["env", "validate", "--file", "none.env"]).exits(2).complains("`none.env`");
}
