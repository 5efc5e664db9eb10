//! A key that signs is taken out of the vault: when the command has ended, no server uses it.

use super::servers::send;
use super::with_identity_file;
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
