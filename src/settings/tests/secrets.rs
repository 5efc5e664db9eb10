//! Secrets: where they stand, who opens them, and what an untrusted root does not get.

use super::*;
use crate::base::{Secret, Timestamp};
use crate::settings::Layer;
use crate::settings::secret::{SecretFacts, SecretSource};

#[test]
fn secrets_in_files_are_judged_by_who_can_read_them() {
    let text = format!("OPENAI_API_KEY={CANARY}\nMY_TOKEN={CANARY}\n");
    let place = Place::new(&[
        (".env.local", &text),
        ("profiles/p.yaml", "extends: dev\nprotected: true\n"),
    ]);
    let literal = |profile: &str| {
        let loaded = place.validate(profile);
        silent(&loaded);
        loaded.problems.into_iter().filter(|p| p.code == "literal-secret").collect::<Vec<_>>()
    };
    assert_eq!(literal("dev"), []);
    assert_eq!(codes(&literal("p")), ["~.env.local:1:1 literal-secret"]);
    let path = place.dir.path().join("app/.env.local");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(codes(&literal("dev")), ["~.env.local:1:1 literal-secret"]);
    assert_eq!(codes(&literal("p")), [".env.local:1:1 literal-secret"]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let git = |args: &[&str]| {
        std::process::Command::new("git")
            .args(args)
            .current_dir(place.dir.path().join("app"))
            .env("HOME", place.dir.path())
            .output()
            .is_ok_and(|out| out.status.success())
    };
    if git(&["init", "-q"]) && git(&["add", "-f", ".env.local"]) {
        let found = literal("p");
        assert_eq!(codes(&found), [".env.local:1:1 literal-secret"]);
        assert!(found[0].what.contains("git tracks"), "{}", found[0]);
    }
}

/// A vault with one entry, as old as wanted.
#[derive(Debug)]
struct OneEntry {
    name: &'static str,
    days: i64,
    locked: bool,
}

impl SecretSource for OneEntry {
    fn facts(&self, _: &str, name: &str) -> Result<Option<SecretFacts>, Problem> {
        let created_at = Timestamp::now() - jiff::SignedDuration::from_hours(24 * self.days);
        Ok((name == self.name).then(|| SecretFacts {
            version: 1,
            created_at,
            fingerprint: "f".to_owned(),
            allowed: Vec::new(),
            drain: None,
            standby: Vec::new(),
        }))
    }

    fn open(&self, _: &str, _: &str) -> Result<Option<Secret>, Problem> {
        if self.locked {
            Err(Problem::error("locked", "locked"))
        } else {
            Ok(Some(Secret::new(CANARY)))
        }
    }

    fn fingerprint(&self, _: &Secret) -> Result<String, Problem> {
        Ok("f".to_owned())
    }
}

#[test]
fn the_vault_is_a_layer_whose_age_counts_and_whose_lock_is_told() {
    let place = Place::new(&[]);
    let workspace = place.workspace(Flags::default());
    let vault = |days, locked| OneEntry { name: "openai", days, locked };
    let loaded = load(&workspace, "dev", &vault(1, true));
    assert_eq!(codes(&loaded.problems), Vec::<String>::new());
    let winner = loaded.resolution.as_ref().unwrap().winner("OPENAI_API_KEY").unwrap().clone();
    assert_eq!(winner.origin.layer, Layer::Vault);
    let loaded = validate(&workspace, "dev", &vault(25, true));
    assert_eq!(loaded.unverified, 1);
    assert_eq!(codes(&loaded.problems), ["locked", "~key-age"]);
    let loaded = validate(&workspace, "dev", &vault(1, false));
    silent(&loaded);
    assert_eq!(codes(&loaded.problems), Vec::<String>::new());
}

#[test]
fn references_resolve_only_in_a_trusted_root() {
    let place = Place::new(&[
        ("profiles/own.yaml", "secrets:\n  OPENAI_API_KEY: env:OTHER\n  ACME_KEY: file:key\n  GONE_KEY: vault:gone\nproviders:\n  acme:\n    kind: openai\n    base_url: https://acme.io/v1\n    keys: [ACME_KEY]\n"),
        ("key", CANARY),
    ])
    .env("OTHER", CANARY);
    let loaded = place.load("own");
    silent(&loaded);
    assert_eq!(codes(&loaded.problems), ["~profiles/own.yaml untrusted-root"]);
    let why = loaded.problems[0].why.as_deref().unwrap();
    assert!(why.contains("env:OTHER") && why.contains("https://acme.io/v1"), "{why}");
    assert!(loaded.resolution.unwrap().winner("OPENAI_API_KEY").is_none());
    let workspace = place.workspace(Flags::default());
    let claims =
        crate::settings::trust_claims::Agreement::of(&workspace, &workspace.profile).claims;
    let store = crate::settings::trust::store_path(&workspace.environment).unwrap();
    let root = workspace.root.as_deref().unwrap();
    crate::settings::trust::grant(&store, root, &claims, Timestamp::UNIX_EPOCH).unwrap();
    let loaded = place.validate("own");
    silent(&loaded);
    assert_eq!(codes(&loaded.problems), ["~profiles/own.yaml:4:13 missing-secret"]);
    let (settings, resolution, _) = loaded.usable().unwrap();
    let secret = resolution.secret("ACME_KEY").unwrap();
    assert_eq!(secret.reveal(&NoSecrets).unwrap().expose(), CANARY);
    assert_eq!(settings.profile.providers["acme"].keys, ["ACME_KEY"]);
    assert_eq!(secret.origin.written_as.as_deref(), Some("file:key"));
}

#[test]
fn keys_are_kept_from_addresses_of_an_untrusted_root() {
    for profile in [
        "vars:\n  OPENAI_BASE_URL: https://acme.io/v1\n",
        "providers:\n  acme:\n    kind: openai\n    base_url: https://acme.io/v1\n    keys: [OPENAI_API_KEY]\n",
    ] {
        let place = Place::new(&[("profiles/own.yaml", profile)])
            .env("OPENAI_API_KEY", CANARY)
            .env("ANTHROPIC_API_KEY", STRONG);
        let loaded = place.load("own");
        silent(&loaded);
        assert!(codes(&loaded.problems).contains(&"~profiles/own.yaml untrusted-root".to_owned()));
        let why = loaded.problems.iter().find_map(|p| p.why.as_deref()).unwrap();
        assert!(why.contains("https://acme.io/v1"), "{why}");
        let resolution = loaded.resolution.unwrap();
        assert!(resolution.winner("OPENAI_API_KEY").is_none());
        assert!(resolution.is_withheld("OPENAI_API_KEY"));
        assert!(resolution.winner("ANTHROPIC_API_KEY").is_some(), "it goes to its usual address");

        // Where there is no key there is nothing to agree to.
        let loaded = Place::new(&[("profiles/own.yaml", profile)]).load("own");
        assert_eq!(codes(&loaded.problems), [""; 0]);
    }
    let address = "vars:\n  OPENAI_BASE_URL: https://acme.io/v1\n";
    let place = Place::new(&[("profiles/own.yaml", address)])
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", "https://mine.acme.io/v1");
    let resolution = place.load("own").resolution.unwrap();
    assert!(resolution.winner("OPENAI_API_KEY").is_some(), "the address is the user's own");
}
