//! Running servers take new keys: several of them, with one PostgreSQL and state directories of
//! their own, so that nothing but the store connects them with the command line.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, rotate, set, with_identity_file};
use crate::support::services::Postgres;
use crate::support::{Outcome, Server, Ultra, eventually};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

/// A second machine: the same identity, store and provider, a root and state directory of its own.
pub(super) fn beside(home: &Ultra, url: &str, provider: &Provider) -> Ultra {
    let identity = home.home().join("identity").display().to_string();
    Ultra::empty()
        .env("ULTRA_VAULT_IDENTITY_FILE", identity)
        .env("DATABASE_URL", url)
        .env("OPENAI_BASE_URL", provider.base_url())
        .env("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
}

pub(super) fn machine(url: &str, provider: &Provider) -> Ultra {
    with_identity_file().env("DATABASE_URL", url).env("OPENAI_BASE_URL", provider.base_url())
}

/// Status and body of a request with this key or token.
pub(super) fn send(addr: &str, method: &str, path: &str, key: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut rest = String::new();
    let _ = reader.read_to_string(&mut rest);
    (line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0), rest)
}

/// The key of a developer's own server.
pub(super) fn dev_key(ultra: &Ultra) -> String {
    ultra.read(".ultra/dev-key").trim().to_owned()
}

/// What the servers say of themselves in the store.
pub(super) fn servers(ultra: &Ultra) -> Vec<Value> {
    let status = ultra.run(&["db", "status", "-o", "json"]).exits(0).json();
    status["servers"].as_array().unwrap().clone()
}

/// The states in which the servers have a variable, and its generation.
pub(super) fn slots(ultra: &Ultra, variable: &str) -> Vec<Vec<(u64, String)>> {
    let of = |server: &Value| {
        let slots = server["slots"].as_array().unwrap().iter();
        slots
            .filter(|slot| slot["variable"] == variable)
            .map(|s| (s["generation"].as_u64().unwrap(), s["state"].as_str().unwrap().to_owned()))
            .collect()
    };
    servers(ultra).iter().map(of).collect()
}

fn token(ultra: &Ultra) -> String {
    let made = ultra.run(&["auth", "token", "create", "--scope", "read"]).exits(0);
    made.stdout.trim().to_owned()
}

#[test]
fn servers_without_the_file_take_what_is_published() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let provider = Provider::knowing(&[OLD, NEW]);
    let cli = machine(&url, &provider);
    cli.run(&["db", "migrate", "--yes"]).exits(0);
    set(&cli, "openai", OLD).exits(0);
    cli.run(&["keys", "set", "jwt", "--generate"]).exits(0);

    let (one, two) = (beside(&cli, &url, &provider), beside(&cli, &url, &provider));
    let first = Server::start(&one, &["--real"]);
    let second = Server::start(&two, &["--real"]);
    assert!(!one.state().join("vault.age").exists(), "the file is the command line's");
    eventually(PATIENCE, "both with the first key", || {
        (slots(&cli, "OPENAI_API_KEY") == [[(1, "active".into())], [(1, "active".into())]])
            .then_some(())
    });
    let generation = servers(&cli)[0]["vault_generation"].as_u64().unwrap();
    assert_eq!(generation, 2);

    // What one signs the other accepts; here the command line signs for both.
    let signed = token(&cli);
    for server in [&first, &second] {
        assert_eq!(send(server.addr(), "GET", "/api/auth/me", &signed, "").0, 200);
    }

    // A new key, under load: no request fails, and both have it in the end.
    let made = cli.run(&["auth", "service-key", "create", "load", "--scope", "write"]).exits(0);
    let key = made.stdout.trim();
    eventually(PATIENCE, "both know the caller", || {
        let known = |s: &Server| send(s.addr(), "GET", "/api/auth/me", key, "").0 == 200;
        (known(&first) && known(&second)).then_some(())
    });
    let (done, failed) = (AtomicBool::new(false), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for server in [&first, &second] {
            let (done, failed) = (&done, &failed);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}"#;
                    let (status, text) =
                        send(server.addr(), "POST", "/v1/chat/completions", key, body);
                    if status != 200 {
                        failed.lock().unwrap().push((status, text));
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
        }
        rotate(&cli, "openai", NEW).exits(0);
        eventually(PATIENCE, "both with the second key", || {
            let both = slots(&cli, "OPENAI_API_KEY");
            (both.iter().filter(|s| s.contains(&(2, "active".into()))).count() == 2).then_some(())
        });
        done.store(true, Ordering::Relaxed);
    });
    assert!(failed.lock().unwrap().is_empty(), "{:?}", failed.lock().unwrap());
    provider.seen();
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    for server in [&first, &second] {
        let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}"#;
        let (status, text) = send(server.addr(), "POST", "/v1/chat/completions", key, body);
        assert_eq!(status, 200, "{text}");
    }
    assert!(!provider.seen().contains(&OLD.to_owned()), "the old key is not used any more");

    // A change that could not be handed over is, with the next command that comes to its end.
    let nowhere = "DATABASE_URL=postgres://ultra@127.0.0.1:1/nowhere";
    let mut away = vec![nowhere, env!("CARGO_BIN_EXE_ultra"), "keys", "allow", "openai"];
    away.extend(["--host", "https://else.test", "--yes"]);
    let away = Outcome::from(cli.wrapped("env", &away).output().unwrap());
    away.exits(0).complains("others wait");
    cli.run(&["keys", "rotate", "--all-due"]).exits(0).says("nothing is due");

    let status = cli.run(&["keys", "status", "-o", "json"]).exits(0).json();
    let last = &status["vault"]["generation"];
    eventually(PATIENCE, "both with the last generation", || {
        servers(&cli).iter().all(|server| server["vault_generation"] == *last).then_some(())
    });

    // A server that ends in order is not waited for; one that is frozen is.
    first.stop();
    assert_eq!(servers(&cli).len(), 1);
    second.signal("STOP");
    assert_eq!(servers(&cli).len(), 1, "frozen, it is there for a minute yet");
    second.signal("CONT");

    // Whoever starts again begins with what it had, without the store.
    let away = one.env("DATABASE_URL", "postgres://ultra@127.0.0.1:1/nowhere");
    let again = Server::start(&away, &["--real"]);
    let health = health(&away, &again);
    assert_eq!(health["vault_generation"], *last);
}

/// The details of health, over the control socket.
fn health(ultra: &Ultra, _server: &Server) -> Value {
    let path = ultra.state().join("serve.sock");
    eventually(PATIENCE, "the control socket", || path.exists().then_some(()));
    let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn tokens_of_either_key_are_accepted_by_every_server_at_every_instant() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let provider = Provider::knowing(&[OLD]);
    let cli = machine(&url, &provider);
    cli.run(&["db", "migrate", "--yes"]).exits(0);
    cli.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let (one, two) = (beside(&cli, &url, &provider), beside(&cli, &url, &provider));
    let servers = [Server::start(&one, &["--mock"]), Server::start(&two, &["--mock"])];
    eventually(PATIENCE, "both with the key", || {
        (slots(&cli, "ULTRA_JWT_KEY") == [[(1, "signs".into())], [(1, "signs".into())]])
            .then_some(())
    });

    let before = token(&cli);
    let done = AtomicBool::new(false);
    let refused = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Made with whichever key signs at this instant, and presented at once.
                for token in [token(&cli), before.clone()] {
                    for server in &servers {
                        let (status, text) = send(server.addr(), "GET", "/api/auth/me", &token, "");
                        if status != 200 {
                            refused.lock().unwrap().push((status, text));
                        }
                    }
                }
            }
        });
        cli.run(&["keys", "rotate", "jwt"]).exits(0);
        eventually(PATIENCE, "both sign with the second key", || {
            let both = slots(&cli, "ULTRA_JWT_KEY");
            let second = |s: &&Vec<(u64, String)>| s.contains(&(2, "signs".into()));
            (both.iter().filter(second).count() == 2).then_some(())
        });
        done.store(true, Ordering::Relaxed);
    });
    assert!(refused.lock().unwrap().is_empty(), "{:?}", refused.lock().unwrap());
    for server in &servers {
        assert_eq!(send(server.addr(), "GET", "/api/auth/me", &before, "").0, 200);
    }
}

#[test]
fn a_server_that_still_accepts_a_compromised_key_is_named_and_is_no_success() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let provider = Provider::knowing(&[OLD]);
    let cli = machine(&url, &provider);
    cli.run(&["db", "migrate", "--yes"]).exits(0);
    cli.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let (one, two) = (beside(&cli, &url, &provider), beside(&cli, &url, &provider));
    let follows = Server::start(&one, &["--mock"]);
    let hangs = Server::start(&two, &["--mock"]);
    let both = |state: (u64, &str)| {
        let all = slots(&cli, "ULTRA_JWT_KEY");
        let has = |slots: &&Vec<(u64, String)>| slots.contains(&(state.0, state.1.to_owned()));
        (all.iter().filter(has).count() == 2).then_some(())
    };
    eventually(PATIENCE, "both with the key", || both((1, "signs")));
    let forged = token(&cli);

    hangs.signal("STOP");
    let rotated = cli.run(&["keys", "rotate", "jwt", "--compromised", "--wait", "4s"]).exits(5);
    assert!(!rotated.stdout.contains("no longer accepted"), "{}", rotated.stdout);
    rotated.says("may still be accepted on 1 of 2 servers").says("not seen on");
    assert_ne!(send(follows.addr(), "GET", "/api/auth/me", &forged, "").0, 200);
    cli.run(&["keys", "status"]).exits(0).says("1 of 2 servers work with the `jwt` in use");

    hangs.signal("CONT");
    eventually(PATIENCE, "both with the second key", || both((2, "signs")));
    assert_ne!(send(hangs.addr(), "GET", "/api/auth/me", &forged, "").0, 200);
    let status = cli.run(&["keys", "status"]).exits(0);
    assert!(!status.stdout.contains("servers work with"), "{}", status.stdout);
}

#[test]
fn what_an_import_writes_is_handed_over() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let provider = Provider::knowing(&[OLD, NEW]);
    let cli = machine(&url, &provider);
    cli.run(&["db", "migrate", "--yes"]).exits(0);
    set(&cli, "openai", OLD).exits(0);
    let elsewhere = beside(&cli, &url, &provider);
    let _server = Server::start(&elsewhere, &["--real"]);
    let has = |what: &str, version: u64| {
        eventually(PATIENCE, what, || {
            let slots = slots(&cli, "OPENAI_API_KEY");
            slots.iter().any(|s| s.contains(&(version, "active".into()))).then_some(())
        });
    };
    has("the first", 1);
    cli.write_private("keys.env", format!("OPENAI_API_KEY={NEW}\n"));
    cli.run(&["keys", "import", "keys.env", "--replace"]).exits(0);
    has("what `keys import` wrote", 2);
    cli.write_private("all.env", format!("OPENAI_API_KEY={OLD}\n"));
    cli.run(&["env", "import", "all.env", "--replace"]).exits(0);
    has("what `env import` wrote", 3);
}

#[test]
fn servers_are_told_of_a_new_address_where_they_are() {
    let Some(postgres) = Postgres::shared() else { return };
    let (old, new) = (postgres.database(), postgres.database());
    let provider = Provider::knowing(&[OLD]);
    let cli = with_identity_file().env("OPENAI_BASE_URL", provider.base_url());
    for url in [&new, &old] {
        let there = machine(url, &provider);
        there.run(&["db", "migrate", "--yes"]).exits(0);
    }
    set(&cli, "database", &old).exits(0);
    set(&cli, "openai", OLD).exits(0);
    let elsewhere = beside(&cli, &old, &provider);
    let _server = Server::start(&elsewhere, &["--real"]);
    let known = || servers(&elsewhere)[0]["vault_generation"].as_u64();
    eventually(PATIENCE, "the server to know the vault", || known().filter(|g| *g >= 2));
    let done = cli.run_with_stdin(&["keys", "rotate", "database", "-o", "json"], new.as_bytes());
    let generation = done.exits(0).json()["generation"].as_u64().unwrap();
    eventually(PATIENCE, "the server to know the new vault", || {
        known().filter(|known| *known >= generation)
    });
}

#[test]
fn a_key_that_is_given_while_a_server_starts_is_noticed() {
    let provider = Provider::knowing(&[OLD]);
    // A store that takes connections and says nothing holds the start up.
    let store = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = store.local_addr().unwrap().port();
    let ultra = with_identity_file()
        .env("OPENAI_BASE_URL", provider.base_url())
        .env("ULTRA_DB_TIMEOUT", "8s")
        .env("DATABASE_URL", format!("postgres://u@127.0.0.1:{port}/db?sslmode=disable"));
    let command = |args: &[&str], stdin: &str| {
        let mut command = ultra.command(args);
        let command = command.env_remove("DATABASE_URL").stdin(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        assert!(child.wait().unwrap().success(), "{args:?}");
    };
    let declared = format!(
        "providers:\n  openai:\n    kind: openai\n    base_url: {}\n    keys: [OPENAI_API_KEY]\n    \
         models: [gpt-4o]\n",
        provider.base_url()
    );
    ultra.write("profiles/dev.yaml", declared);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    command(&["keys", "set", "jwt", "--generate"], "");
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| Server::start(&ultra, &["--real"]));
        let _silent = store.accept().unwrap();
        command(&["keys", "set", "openai"], OLD);
        let server = starting.join().unwrap();
        eventually(PATIENCE, "the key in its slot", || {
            let told = health(&ultra, &server);
            let all = told["providers"].as_array().unwrap();
            let slots = &all.iter().find(|p| p["name"] == "openai")?["slots"];
            (slots[0]["state"] == "active").then_some(())
        });
    });
}

#[test]
fn metrics_and_health_tell_of_versions_and_age_and_of_no_value() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_identity_file().env("OPENAI_BASE_URL", provider.base_url());
    ultra.write(
        "profiles/dev.yaml",
        "mode: real\npolicy:\n  key_max_age: {provider: 1s, jwt: 90d}\n",
    );
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let key = dev_key(&ultra);
    eventually(PATIENCE, "the key to be too old", || {
        let (status, text) = send(server.addr(), "GET", "/api/health/ready", &key, "");
        assert_eq!(status, 200, "an old key is no outage: {text}");
        text.contains(r#""status":"degraded""#).then_some(())
    });
    let told = health(&ultra, &server);
    let keys = &told["services"]["keys"];
    assert_eq!(keys["status"], "degraded");
    let message = keys["message"].as_str().unwrap();
    assert!(message.contains("ultra keys rotate openai --profile dev"), "{message}");
    assert!(!message.contains("jwt"), "{message}");

    rotate(&ultra, "openai", NEW).exits(0);
    let page = eventually(PATIENCE, "the second version", || {
        let page = send(server.addr(), "GET", "/metrics", &key, "").1;
        let new = r#"slot_state{slot="openai/OPENAI_API_KEY",generation="2",state="active"} 1"#;
        page.contains(new).then_some(page)
    });
    for line in [
        r#"ultra_slot_state{slot="openai/OPENAI_API_KEY",generation="1",state="draining"} 1"#,
        r#"ultra_slot_state{slot="jwt/ULTRA_JWT_KEY",generation="1",state="signs"} 1"#,
        r#"ultra_slot_in_flight{slot="openai/OPENAI_API_KEY",generation="2"} 0"#,
        "ultra_vault_generation ",
        r#"ultra_slot_age_seconds{slot="openai/OPENAI_API_KEY",generation="2"} "#,
    ] {
        assert!(page.contains(line), "no {line} in {page}");
    }
    assert_eq!(page.matches("# EOF").count(), 1);
    let log = server.stop().stderr;
    for secret in [OLD, NEW] {
        assert!(!page.contains(secret) && !told.to_string().contains(secret));
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn where_a_key_comes_from_is_told_so_that_nobody_rotates_in_vain() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_identity_file()
        .env("OPENAI_BASE_URL", provider.base_url())
        .env("OPENAI_API_KEY", OLD)
        .env("ANTHROPIC_API_KEY_FILE", "key");
    ultra.write_private("key", format!("{OLD}\n"));
    let server = Server::start(&ultra, &["--real"]);
    let source = |told: &Value, provider: &str| {
        let of = told["providers"].as_array().unwrap().iter().find(|p| p["name"] == provider);
        of.unwrap()["slots"][0]["source"].clone()
    };
    let told = health(&ultra, &server);
    assert_eq!(source(&told, "openai"), "environment");
    assert_eq!(source(&told, "anthropic"), "file");
}
