//! What must hold of a profile, and where it may be otherwise.

use super::*;

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
fn what_the_server_would_refuse_is_told_all_at_once_and_without_values() {
    let place = Place::checkout()
        .env("DATABASE_URL", "CANARYCANARY")
        .env("ULTRA_METRICS_ADDR", "zzz")
        .env("RUST_LOG", "[[[")
        .env("ULTRA_CACHE", "redis")
        .env("REDIS_URL", "http://h")
        .env("ULTRA_DB_TIMEOUT", "0s")
        .env("ULTRA_CORS_ORIGINS", "nonsense,https://app.acme.io")
        .env("OPENAI_API_KEY", "sk-a b")
        .env("OPENAI_BASE_URL", "http://llm.acme.io/v1");
    let loaded = place.load("dev");
    let whats: Vec<&str> = loaded.problems.iter().map(|p| p.what.as_str()).collect();
    for what in [
        "`DATABASE_URL` names no database",
        "`ULTRA_METRICS_ADDR` is no address",
        "`RUST_LOG` is no filter",
        "`REDIS_URL` names no Redis server",
        "`ULTRA_DB_TIMEOUT` is zero",
        "an entry that is no origin",
        "`OPENAI_API_KEY` is no key",
        "plain http base URL",
    ] {
        assert!(whats.iter().any(|said| said.contains(what)), "{what} in {whats:#?}");
    }
    assert!(!format!("{:?}", loaded.problems).contains("CANARYCANARY"));
}
