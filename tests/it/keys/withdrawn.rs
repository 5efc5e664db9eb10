//! A key that signs is taken out of the vault, or an old one of a provider ends: when the command
//! has ended, no server uses it.

use super::provider::{Manner, Provider};
use super::servers::{dev_key, send, slots};
use super::{NEW, OLD, rotate, set, with_identity_file};
use crate::support::{Server, Ultra, eventually};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn token(ultra: &Ultra, profile: &str) -> String {
    let args = ["auth", "token", "create", "--scope", "read", "--profile", profile, "--yes"];
    ultra.run(&args).exits(0).stdout.trim().to_owned()
}

fn me(server: &Server, token: &str) -> u16 {
    send(server.addr(), "GET", "/api/auth/me", token, "").0
}

#[test]
fn a_signing_key_that_is_removed_neither_signs_nor_is_accepted() {
    let protected = "protected: true\nmode: real\n\
        vars: {ULTRA_PUBLIC_URL: 'https://a.test', ULTRA_CORS_ORIGINS: ''}\n";
    for profile in
        ["mode: mock\n", "mode: mock\nsecrets: {ULTRA_JWT_KEY: 'vault:jwt'}\n", protected]
    {
        let ultra = with_identity_file();
        ultra.write("profiles/team.yaml", profile);
        ultra.run(&["env", "trust", "--yes"]);
        let keys = |args: &[&str]| {
            ultra.run(&[&["keys"][..], args, &["--profile", "team", "--yes"]].concat())
        };
        keys(&["set", "jwt", "--generate"]).exits(0);
        keys(&["set", "encryption", "--generate"]).exits(0);
        if profile == protected {
            // Whose provider nobody asks; without one there would be nothing to serve.
            let args = ["keys", "set", "openai", "--no-verify", "--profile", "team", "--yes"];
            ultra.run_with_stdin(&args, b"sk-canary-0123456789\n").exits(0);
        }
        ultra.run(&["db", "migrate", "--profile", "team", "--yes"]).exits(0);
        let server = Server::start(&ultra, &["--profile", "team"]);
        let signed = token(&ultra, "team");
        assert_eq!(me(&server, &signed), 200, "{profile}");

        keys(&["remove", "jwt"]).exits(0);
        for _ in 0..3 {
            assert_eq!(me(&server, &signed), 401, "{profile}: a removed key is accepted");
        }
        // What seals is let go as well: the command waits for it.
        keys(&["remove", "encryption"]).exits(0);

        // Without a key, a developer's server and the command line sign with one of their own.
        if profile == "mode: mock\n" {
            let own = token(&ultra, "team");
            assert_eq!(me(&server, &own), 200);
        }
        keys(&["set", "jwt", "--generate"]).exits(0);
        keys(&["set", "encryption", "--generate"]).exits(0);
        let next = token(&ultra, "team");
        eventually(PATIENCE, "the next key", || (me(&server, &next) == 200).then_some(()));
        assert_eq!(me(&server, &signed), 401, "{profile}");
        server.stop().exits(0);
    }
}

#[test]
fn an_old_key_that_is_disabled_does_not_even_stand_by() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_identity_file().env("OPENAI_BASE_URL", provider.base_url());
    set(&ultra, "openai", OLD).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    rotate(&ultra, "openai", NEW).exits(0);
    let stands = |wanted: &[(u64, &str)]| {
        let wanted: Vec<_> = wanted.iter().map(|&(n, state)| (n, state.to_owned())).collect();
        let mut found = slots(&ultra, "OPENAI_API_KEY").pop()?;
        found.sort();
        (found == wanted).then_some(())
    };
    eventually(PATIENCE, "the old key to stand by", || stands(&[(1, "draining"), (2, "active")]));
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    ultra.run(&["keys", "disable", "openai"]).exits(0);
    eventually(PATIENCE, "the old key to go", || stands(&[(2, "active")]));

    // Not even where the provider takes the old one again, and not the new one.
    provider.becomes(Manner::Knows(vec![OLD.to_owned()]));
    provider.seen();
    let chat = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
    for _ in 0..4 {
        let key = dev_key(&ultra);
        let (status, body) = send(server.addr(), "POST", "/v1/chat/completions", &key, chat);
        assert_eq!(status, 502, "{body}");
        assert!(body.contains("upstream_credentials_exhausted"), "{body}");
    }
    let seen = provider.seen();
    assert!(seen.iter().all(|key| key == NEW) && !seen.is_empty(), "{}", seen.len());
    server.stop().exits(0);
}
