//! A secret planted in every layer appears in no output of any command, in no error path.

use crate::support::{CANARY, Server, Ultra};

/// Commands that read configuration, secrets or state; what they exit with is not the point here.
const COMMANDS: &[&[&str]] = &[
    &["env", "list"],
    &["env", "current"],
    &["env", "show"],
    &["env", "show", "OPENAI_API_KEY"],
    &["env", "show", "DATABASE_URL"],
    &["env", "explain", "OPENAI_API_KEY"],
    &["env", "explain", "DATABASE_URL"],
    &["env", "validate"],
    &["env", "validate", "prod"],
    &["env", "switch", "test", "--yes"],
    &["env", "switch", "prod", "--yes"],
    &["env", "switch", "prod", "--yes", "--dry-run"],
    &["env", "history"],
    &["env", "undo", "--yes"],
    &["env", "trust", "--yes"],
    &["keys", "list"],
    &["keys", "status"],
    &["keys", "show", "openai"],
    &["keys", "verify", "openai"],
    &["auth", "service-key", "list"],
    &["db", "status"],
    &["check", "list"],
    &["check", "readiness"],
    &["check", "readiness", "--profile", "prod"],
    &["check", "scan"],
    &["check", "status"],
];

/// Runs every command in both formats and searches all that was said and left behind.
fn sing(ultra: &Ultra, layer: &str) {
    for command in COMMANDS {
        for format in ["human", "json"] {
            let mut args = command.to_vec();
            args.extend(["-o", format, "--verbose"]);
            let outcome = ultra.run(&args);
            assert!(![1, 101].contains(&outcome.code), "{layer}: {command:?}: {}", outcome.stderr);
            for text in [&outcome.stdout, &outcome.stderr] {
                assert!(!text.contains(CANARY), "{layer}: {command:?} -o {format}: {text}");
            }
        }
    }
    leaves_no_trace(ultra, layer);
}

/// No file of the state directory holds the canary: the vault is sealed, the rest has no values.
fn leaves_no_trace(ultra: &Ultra, layer: &str) {
    let mut folders = vec![ultra.state()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let found = bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
                assert!(!found, "{layer}: the canary is in {}", path.display());
            }
        }
    }
}

fn assignments() -> String {
    format!(
        "OPENAI_API_KEY={CANARY}\nULTRA_JWT_KEY={CANARY}-{CANARY}\nDATABASE_URL=postgres://u:{CANARY}@127.0.0.1:1/db\nREDIS_URL=redis://:{CANARY}@127.0.0.1:1/0\n"
    )
}

#[test]
fn in_every_dotenv_file() {
    for file in [".env", ".env.local", ".env.dev", ".env.dev.local"] {
        let ultra = Ultra::checkout();
        ultra.write_private(file, assignments());
        sing(&ultra, file);
    }
}

#[test]
fn in_a_dotenv_file_that_others_can_read() {
    let ultra = Ultra::checkout();
    ultra.write(".env.local", assignments());
    sing(&ultra, "readable .env.local");
}

#[test]
fn in_the_process_environment() {
    let ultra = Ultra::checkout()
        .env("OPENAI_API_KEY", CANARY)
        .env("ANTHROPIC_API_KEY", format!("uk_{CANARY}"))
        .env("JWT_SECRET", CANARY)
        .env("ULTRA_ENCRYPTION_KEY", CANARY)
        .env("DATABASE_URL", format!("postgres://u:{CANARY}@127.0.0.1:1/db"));
    sing(&ultra, "process environment");
}

#[test]
fn in_files_that_variables_name() {
    let ultra = Ultra::checkout();
    let file = ultra.write_private("secret", format!("{CANARY}\n"));
    let ultra = ultra
        .env("OPENAI_API_KEY_FILE", file.to_str().unwrap())
        .env("ULTRA_JWT_KEY_FILE", file.to_str().unwrap());
    sing(&ultra, "NAME_FILE");
}

#[test]
fn in_the_vault() {
    let ultra = Ultra::checkout();
    let identity = ultra.home().join("identity");
    let ultra = ultra
        .env("ULTRA_VAULT_IDENTITY_FILE", identity.to_str().unwrap())
        .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    ultra
        .run_with_stdin(&["keys", "set", "openai", "--profile", "dev"], CANARY.as_bytes())
        .keeps_the_canary()
        .exits(0);
    sing(&ultra, "vault");
    let wrong = ultra.env("ULTRA_VAULT_IDENTITY_FILE", "/nonexistent/identity");
    sing(&wrong, "vault without its identity");
}

#[test]
fn in_broken_files() {
    let broken = [
        (".env.local", format!("OPENAI_API_KEY=\"{CANARY}\nX=1\n")),
        (".env.local", format!("OPENAI_API_KEY={CANARY}\nOPENAI_API_KEY={CANARY}\n")),
        (".env.local", format!("{CANARY}\n")),
        (
            ".env.local",
            format!("ULTRA_PROT={CANARY}\nULTRA_CACHE_MAX_BYTES=64MiB\nBAD NAME={CANARY}\n"),
        ),
        ("profiles/dev.yaml", format!("mode: mock\nsecrets:\n  OPENAI_API_KEY: {CANARY}\n")),
        ("profiles/dev.yaml", format!("mode: mock\nvars:\n  OPENAI_API_KEY: {CANARY}\n")),
        ("profiles/dev.yaml", format!("mode: mock\nvars: [\n  {CANARY}\n")),
        ("profiles/dev.yaml", format!("mode: mock\n\tvars: {CANARY}\n")),
        ("profiles/dev.yaml", format!("mode: mock\nvars:\n  A: {CANARY}\n  A: {CANARY}\n")),
    ];
    for (file, content) in broken {
        let ultra = Ultra::checkout();
        ultra.write_private(file, &content);
        sing(&ultra, &format!("broken {file}: {}", content.replace(CANARY, "CANARY")));
    }
}

#[test]
fn in_a_server_and_its_log() {
    let ultra = Ultra::checkout()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    let server = Server::start(&ultra, &["--real"]);
    let key = std::fs::read_to_string(ultra.state().join("dev-key")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let body = runtime.block_on(async {
        let client =
            reqwest::Client::builder().timeout(std::time::Duration::from_secs(20)).build().unwrap();
        let mut said = String::new();
        for (path, body) in [
            (
                "/v1/chat/completions",
                format!(
                    r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":"{CANARY}"}}]}}"#
                ),
            ),
            ("/v1/chat/completions", format!(r#"{{"model":"{CANARY}","#)),
            ("/v1/messages", format!(r#"{{"model":"x","messages":"{CANARY}"}}"#)),
        ] {
            let request = client
                .post(server.url(path))
                .bearer_auth(key.trim())
                .header("content-type", "application/json");
            said += &request.body(body).send().await.unwrap().text().await.unwrap();
        }
        let stranger = client.get(server.url("/v1/models")).bearer_auth(format!("uk_0.{CANARY}"));
        said + &stranger.send().await.unwrap().text().await.unwrap()
    });
    assert!(!body.contains(CANARY), "{body}");
    let outcome = server.stop();
    assert!(!outcome.stderr.contains(CANARY), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(key.trim()), "the dev key is in the log");
    leaves_no_trace(&ultra, "server");
}

#[test]
fn pasted_where_a_name_belongs() {
    let mut ultra = Ultra::checkout();
    for args in [
        &["env", "switch", CANARY][..],
        &["env", "current", "--profile", CANARY],
        &["env", "show", CANARY],
        &["env", "render", CANARY],
        &["env", "init", "--provider", CANARY],
        &["check", "explain", CANARY],
        &["check", "readiness", "--only", CANARY],
        &["check", "readiness", "--skip", CANARY],
        &["auth", "service-key", "create", "x", "--scope", CANARY],
        &["auth", "service-key", "revoke", CANARY],
        &["keys", "show", CANARY],
    ] {
        let outcome = ultra.run(args).keeps_the_canary();
        assert!(outcome.code == 2, "{args:?}: {outcome:?}");
    }
    for line in [
        &["auth", "service-key", "create", "x", "correct horse"][..],
        &["keys", "set", "openai", "--correct:horse"],
        &["keys", "set", "openai", "--Horse1"],
        &["keys", "horse"],
    ] {
        let outcome = ultra.run(line).exits(2);
        assert!(!outcome.stderr.to_lowercase().contains("horse"), "{line:?}: {outcome:?}");
    }
    ultra.set_env("ULTRA_PROFILE", CANARY);
    ultra.run(&["env", "current"]).exits(2).keeps_the_canary();
}
