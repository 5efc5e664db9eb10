//! What refuses to start: everything wrong with the configuration at once, whatever holds it; and
//! what does not.

use crate::support::{CANARY, Outcome, Server, Ultra};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const SERVE: &[&str] = &["serve", "--port", "auto"];

/// A root with a key in a vault that an identity file opens.
fn with_vault() -> Ultra {
    let ultra = Ultra::empty();
    let identity = ultra.home().join("identity").display().to_string();
    let ultra = ultra
        .env("ULTRA_VAULT_IDENTITY_FILE", identity)
        .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    set(&ultra, "openai", CANARY);
    ultra
}

fn set(ultra: &Ultra, name: &str, value: &str) {
    ultra.run_with_stdin(&["keys", "set", name], format!("{value}\n").as_bytes()).exits(0);
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Refused as a configuration problem, with another problem of the configuration beside it.
#[track_caller]
fn refuses_with_the_rest(ultra: Ultra, says: &str) -> Outcome {
    ultra.run(SERVE).exits(3).complains(says).keeps_the_canary();
    let ultra = ultra.env("ULTRA_BODY_LIMIT", "lots");
    ultra.run(SERVE).exits(3).complains(says).complains("ULTRA_BODY_LIMIT").keeps_the_canary()
}

#[test]
fn a_damaged_vault_is_told_with_everything_else() {
    let ultra = with_vault();
    let path = ultra.state().join("vault.age");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    refuses_with_the_rest(ultra, "vault.age");

    let ultra = with_vault();
    let path = ultra.state().join("vault.age");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    refuses_with_the_rest(ultra, "vault.age");

    let ultra = with_vault();
    std::fs::write(ultra.state().join("vault.age"), b"age-encryption.org/v9\n").unwrap();
    refuses_with_the_rest(ultra, "vault.age");
}

#[test]
fn an_identity_that_others_can_read_or_that_is_gone_is_told_with_everything_else() {
    let ultra = with_vault();
    chmod(&ultra.home().join("identity"), 0o644);
    refuses_with_the_rest(ultra, "chmod 600");
    let ultra = with_vault();
    std::fs::remove_file(ultra.home().join("identity")).unwrap();
    refuses_with_the_rest(ultra, "identity");
}

#[test]
fn a_wrong_passphrase_is_told_with_everything_else() {
    let ultra = Ultra::empty().env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    let pass = ultra.write_private("pass", "correct horse battery\n").display().to_string();
    let ultra = ultra.env("ULTRA_VAULT_PASSPHRASE_FILE", pass);
    set(&ultra, "openai", CANARY);
    drop(Server::start(&ultra, &[]));
    ultra.write_private("pass", "wrong horse battery\n");
    refuses_with_the_rest(ultra, "the passphrase is wrong");
}

#[test]
fn a_bad_value_in_the_vault_or_in_a_file_is_told_with_everything_else() {
    let ultra = Ultra::empty();
    let missing = ultra.root().join("nowhere").display().to_string();
    refuses_with_the_rest(ultra.env("OPENAI_API_KEY_FILE", missing), "OPENAI_API_KEY");

    let ultra = Ultra::empty();
    let file = ultra.write_private("key", format!("uk_abc.{CANARY}\n")).display().to_string();
    refuses_with_the_rest(ultra.env("OPENAI_API_KEY_FILE", file), "OPENAI_API_KEY");
}

#[test]
fn a_keyring_that_is_away_is_waited_for() {
    let ultra = with_vault();
    // The vault says that its identity is in a keyring; none is here.
    let path = ".ultra/vault-index.json";
    let index = ultra.read(path);
    assert!(index.contains("\"identity-file\""), "{index}");
    ultra.write(path, index.replace("\"identity-file\"", "\"keyring\""));
    std::fs::remove_file(ultra.home().join("identity")).unwrap();
    let server = Server::start(&ultra, &["--real"]);
    let models = super::with_key(&ultra, "GET", "/api/available-models").send(server.addr());
    assert!(models.text().contains("keyring"), "{}", models.text());
    let ended = server.stop().keeps_the_canary();
    assert_eq!(ended.code, 0);
}

#[test]
fn an_address_in_a_vault_whose_keyring_is_away_refuses_with_five() {
    for (name, variable) in [("database", "DATABASE_URL"), ("redis", "REDIS_URL")] {
        let ultra = Ultra::empty();
        let identity = ultra.home().join("identity");
        let scheme = if name == "redis" { "redis" } else { "postgres" };
        let cache = if name == "redis" { "redis" } else { "memory" };
        let ultra = ultra
            .env("ULTRA_VAULT_IDENTITY_FILE", identity.display().to_string())
            .env("ULTRA_CACHE", cache);
        set(&ultra, name, &format!("{scheme}://u:{CANARY}@127.0.0.1:1/0"));
        let path = ".ultra/vault-index.json";
        let index = ultra.read(path);
        ultra.write(path, index.replace("\"identity-file\"", "\"keyring\""));
        let elsewhere = ultra.home().join("elsewhere");
        std::fs::rename(&identity, &elsewhere).unwrap();
        let outcome = ultra.run(SERVE).exits(5).keeps_the_canary();
        outcome.complains(variable).complains("keyring").complains("ULTRA_VAULT_IDENTITY_FILE");
        assert!(!ultra.root().join(".ultra/data").exists(), "no other database was made");
        // As soon as the keyring is there, so is the address: a store that is away is waited for.
        ultra.write(path, index);
        std::fs::rename(&elsewhere, &identity).unwrap();
        drop(Server::start(&ultra, &[]));
    }
}

#[test]
fn a_state_directory_that_cannot_be_used_is_refused_and_not_ready() {
    let ultra = Ultra::empty();
    ultra.write(".ultra", b"a file");
    both_refuse(&ultra, "not a directory");
    assert_eq!(ultra.read(".ultra"), "a file");

    let ultra = Ultra::empty();
    std::os::unix::fs::symlink("/nonexistent/state", ultra.state()).unwrap();
    ultra.run(SERVE).exits(6).complains("it is a symbolic link").complains("ULTRA_STATE_DIR=");

    for folder in ["", ".ultra"] {
        let ultra = Ultra::empty();
        let dir = ultra.root().join(folder);
        std::fs::create_dir_all(&dir).unwrap();
        chmod(&dir, 0o555);
        if std::fs::write(dir.join("probe"), b"").is_ok() {
            eprintln!("skipped: permissions do not bind this user");
            return;
        }
        both_refuse(&ultra, "permission denied");
        chmod(&dir, 0o755);
    }
}

#[track_caller]
fn both_refuse(ultra: &Ultra, why: &str) {
    ultra.run(SERVE).exits(5).complains(why).complains("export ULTRA_STATE_DIR=");
    let judged = ultra.run(&["check", "readiness", "--profile", "dev"]).exits(3);
    assert!(judged.stdout.contains("ULT-CFG-008"), "{}", judged.stdout);
    assert!(judged.stdout.contains(why), "{}", judged.stdout);
}

#[test]
fn the_home_directory_is_no_root() {
    let ultra = Ultra::empty();
    let home = ultra.home().display().to_string();
    let at_home = |args: &[&str]| {
        let outcome = ultra.command(args).current_dir(&home).output().unwrap();
        let text = String::from_utf8(outcome.stdout).unwrap();
        (outcome.status.code(), text + &String::from_utf8(outcome.stderr).unwrap())
    };
    let (code, said) = at_home(SERVE);
    assert!(code == Some(2) && said.contains("no state directory"), "{code:?} {said}");
    let (code, said) = at_home(&["check", "readiness", "--profile", "dev"]);
    assert!(code == Some(3) && said.contains("ULT-CFG-008"), "{code:?} {said}");
    assert!(!ultra.home().join(".ultra").exists());
}

#[test]
fn a_current_directory_that_was_removed_is_told() {
    let ultra = Ultra::empty();
    let script = format!(
        "mkdir gone && cd gone && rmdir ../gone && exec '{}' env current",
        env!("CARGO_BIN_EXE_ultra")
    );
    let output = ultra.wrapped("sh", ["-c", &script]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("it was removed") && said.contains("cd "), "{said}");
}

#[test]
fn a_database_that_cannot_be_used_is_left_as_it_is() {
    let ultra = Ultra::empty();
    drop(Server::start(&ultra, &[]));
    let path = ultra.state().join("data/dev.db");
    for beside in ["data/dev.db-wal", "data/dev.db-shm"] {
        let _ = std::fs::remove_file(ultra.state().join(beside));
    }
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    for byte in torn.iter_mut().skip(16).take(4000) {
        *byte = byte.wrapping_mul(31).wrapping_add(7);
    }
    for (what, bytes) in [
        ("a header cut short", whole[..10].to_vec()),
        ("bytes of something else", (0..5000_u32).map(|n| (n * 7 % 251) as u8).collect()),
        ("a broken first page", torn),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let outcome = ultra.run(SERVE);
        assert!(matches!(outcome.code, 3 | 5), "{what}: {outcome:?}");
        outcome.complains("dev.db");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{what}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    ultra.run(SERVE).exits(3).complains("not a regular file");
    assert!(path.is_dir());
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, &whole).unwrap();
    chmod(&path, 0o444);
    if std::fs::OpenOptions::new().append(true).open(&path).is_err() {
        ultra.run(SERVE).exits(5).complains("dev.db");
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}
