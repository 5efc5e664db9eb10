//! Tests of profiles, layers and rules through loading.

use crate::base::{Secret, SystemClock, Timestamp};
use crate::report::Problem;
use crate::settings::environment::Environment;
use crate::settings::secret::{NoSecrets, SecretFacts, SecretSource, ValueRef};
use crate::settings::workspace::Flags;
use crate::settings::{Layer, Loaded, Workspace, load, validate};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

const CANARY: &str = "sk-canary-5d1c0b7e9a3f4826";
const STRONG: &str = "q7Gm2xVt9LrB4nWz8KdY5cPh1sJf6uEa";
const STRONGER: &str = "Zx81mQp04vTs6Hk2Wn7Rb5Gd9Lc3FyUe";

struct Place {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join("app").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::create_dir_all(dir.path().join("app/profiles")).unwrap();
        let env = vec![("HOME".to_owned(), dir.path().display().to_string())];
        Self { dir, env }
    }

    fn checkout() -> Self {
        let place = Self::new(&[]);
        for name in ["dev", "test", "staging", "prod"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("profiles/{name}.yaml"));
            std::fs::copy(from, place.dir.path().join(format!("app/profiles/{name}.yaml")))
                .unwrap();
        }
        place
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn workspace(&self, flags: Flags) -> Workspace {
        let pairs = self.env.iter().map(|(n, v)| (OsString::from(n), OsString::from(v)));
        let dir = self.dir.path().join("app").canonicalize().unwrap();
        Workspace::discover_in(dir, Environment::from_pairs(pairs), flags, Arc::new(SystemClock))
            .unwrap()
    }

    fn load(&self, profile: &str) -> Loaded {
        load(&self.workspace(Flags::default()), profile, &NoSecrets)
    }

    fn validate(&self, profile: &str) -> Loaded {
        validate(&self.workspace(Flags::default()), profile, &NoSecrets)
    }
}

fn codes(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|p| {
            let place = p.place.as_ref().map(|p| format!("{p} ")).unwrap_or_default();
            format!("{}{place}{}", if p.is_error() { "" } else { "~" }, p.code)
        })
        .collect()
}

#[track_caller]
fn silent(loaded: &Loaded) {
    assert!(!format!("{loaded:?}").contains(CANARY), "{loaded:?}");
}

#[test]
fn dev_and_test_are_clean_on_a_fresh_checkout_and_without_one() {
    for place in [Place::checkout(), Place::new(&[])] {
        for profile in ["dev", "test"] {
            let loaded = place.validate(profile);
            assert_eq!(loaded.problems, [], "{profile}");
            loaded.usable().unwrap();
        }
    }
}

#[test]
fn prod_on_a_fresh_checkout_says_all_that_is_missing_at_once() {
    for profile in ["prod", "staging"] {
        let loaded = Place::checkout().validate(profile);
        let whats: Vec<&str> = loaded.problems.iter().map(|p| p.what.as_str()).collect();
        for name in [
            "`ULTRA_PUBLIC_URL`",
            "`ULTRA_JWT_KEY`",
            "`ULTRA_ENCRYPTION_KEY`",
            "`REDIS_URL`",
            "`DATABASE_URL`",
            "`ULTRA_CORS_ORIGINS`",
            "no provider has a key",
        ] {
            assert!(whats.iter().any(|what| what.contains(name)), "{name} in {whats:#?}");
        }
        assert!(loaded.problems.iter().all(|p| p.is_error() && p.hint.is_some()));
        assert!(loaded.usable().is_err());
    }
}

#[test]
fn prod_holds_once_everything_is_supplied() {
    let place = Place::checkout()
        .env("ULTRA_PUBLIC_URL", "https://api.acme.io")
        .env("ULTRA_CORS_ORIGINS", "https://app.acme.io")
        .env("DATABASE_URL", "postgres://ultra:Jd8sk2hZ@db.acme.io/ultra")
        .env("REDIS_URL", "redis://cache.acme.io:6379/0")
        .env("ULTRA_JWT_KEY", STRONG)
        .env("ULTRA_ENCRYPTION_KEY", STRONGER)
        .env("OPENAI_API_KEY", "sk-proj-1");
    let loaded = place.validate("prod");
    assert_eq!(codes(&loaded.problems), Vec::<String>::new());
    let (settings, _, _) = loaded.usable().unwrap();
    assert!(settings.profile.protected);
    assert!(settings.profile.routes.contains_key("gpt-4o"));
    assert_eq!(settings.profile.providers["openai"].keys, ["OPENAI_API_KEY"]);
}

#[test]
fn a_protected_profile_refuses_what_is_fine_elsewhere() {
    let place = Place::checkout()
        .env("ULTRA_MODE", "mock")
        .env("ULTRA_DEBUG", "true")
        .env("ULTRA_PUBLIC_URL", "http://localhost:8085")
        .env("ULTRA_CORS_ORIGINS", "*,http://localhost:3000,http://a.io")
        .env("DATABASE_URL", "sqlite:ultra.db")
        .env("REDIS_URL", "redis://:redis@cache.acme.io/0")
        .env("ULTRA_JWT_KEY", "change-me-in-production-change-me")
        .env("ULTRA_ENCRYPTION_KEY", "short")
        .env("OPENAI_API_KEY", "uk_1.abc")
        .env("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1");
    let mut found: Vec<&str> = Vec::new();
    let loaded = place.validate("prod");
    for problem in &loaded.problems {
        assert!(problem.is_error(), "{problem}");
        if !found.contains(&problem.code) {
            found.push(problem.code);
        }
    }
    assert_eq!(
        found,
        [
            "mock-in-protected",
            "debug-in-protected",
            "postgres-required",
            "public-url",
            "cors-origins",
            "wrong-provider-key",
            "provider-is-self",
            "placeholder",
            "weak-secret",
        ]
    );
}

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
            "profiles/own.yaml:7:18 unknown-variable",
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
    assert_eq!(loaded.problems[0].why.as_deref(), Some("a → b → c → a"));
    let loaded = place.load("d");
    assert_eq!(codes(&loaded.problems), ["profiles/d.yaml:1:10 unknown-profile"]);
    assert_eq!(loaded.problems[0].hint.as_deref(), Some("did you mean `test`?"));
    assert_eq!(codes(&place.load("gone").problems), ["unknown-profile"]);
}

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
    let claims = crate::settings::trust_claims::claims(&workspace);
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
fn a_generated_dotenv_is_no_input() {
    let place = Place::new(&[(".env", "# generated by ultra 1\nULTRA_PORT=1\nULTRA_WRONG=1\n")]);
    let loaded = place.load("dev");
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.resolution.unwrap().text("ULTRA_PORT").unwrap().0, "8085");
}
