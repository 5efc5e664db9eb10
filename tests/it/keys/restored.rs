//! A vault that was put back from a backup while its audit, its journals, the servers or the provider
//! knew more, and rotations whose record went another way than the vault.

use super::admin::{active, with_admin};
use super::elsewhere::{FILES, FORKED};
use super::provider::{Manner, Provider};
use super::servers::servers;
use super::{NEW, OLD, nowhere, rotate, set, with_identity_file, with_provider};
use crate::support::issuer::{AdminApi, OPENAI_ADMIN};
use crate::support::{Server, Ultra, eventually};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

/// Files of the state directory as they are now.
fn backup<'a>(ultra: &Ultra, files: &[&'a str]) -> Vec<(&'a str, Vec<u8>)> {
    let read = |name: &&'a str| (*name, std::fs::read(ultra.state().join(name)).unwrap());
    files.iter().map(read).collect()
}

fn put_back(ultra: &Ultra, backup: &[(&str, Vec<u8>)]) {
    for (name, bytes) in backup {
        std::fs::write(ultra.state().join(name), bytes).unwrap();
    }
}

/// The numbers and states of the versions of a key, oldest first.
fn versions(ultra: &Ultra, name: &str) -> Vec<(u64, String)> {
    let shown = ultra.run(&["keys", "show", name, "-o", "json"]).exits(0).json();
    let version = |v: &serde_json::Value| {
        (v["number"].as_u64().unwrap(), v["state"].as_str().unwrap().to_owned())
    };
    shown["versions"].as_array().unwrap().iter().map(version).collect()
}

/// A rotation to `NEW` that stands still because nobody answers.
fn pending(provider: &Provider, ultra: &Ultra) {
    set(ultra, "openai", OLD).exits(0);
    provider.becomes(Manner::Says("503 Service Unavailable", "KEY"));
    rotate(ultra, "openai", NEW).exits(5);
    provider.becomes(Manner::Knows(vec![OLD.to_owned(), NEW.to_owned()]));
    assert_eq!(versions(ultra, "openai"), [(1, "current".into()), (2, "pending".into())]);
}

#[test]
fn a_key_that_servers_use_is_not_deleted_for_a_vault_that_lost_it() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    set(&ultra, "openai", OLD).exits(0);
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    let before = backup(&ultra, &FILES);
    let server = Server::start(&ultra, &["--real"]);
    eventually(PATIENCE, "its sign of life", || servers(&ultra).first().map(|_| ()));
    server.signal("STOP");
    let rotate = ["keys", "rotate", "openai"];
    let with = |flags: &[&str]| ultra.run(&[&rotate[..], flags].concat());
    with(&["--wait", "300ms"]).exits(5).complains("0 of 1 server");
    drop(server);
    let live = active(&api);
    assert_eq!(live.len(), 2);
    put_back(&ultra, &before);
    api.asked();

    ultra.run(&["keys", "rotate", "--all-due"]).exits(3).says("not of the vault here");
    with(&["--resume"]).exits(6).complains("is not in it any more");
    with(&[]).exits(6).complains("--abort");
    let journal = ultra.state().join("rotation/dev.openai.json");
    assert!(journal.exists());
    let aborted = with(&["--abort"]).exits(0).says("is set aside");
    let aborted = aborted.says("nothing was deleted at `openai`").says("ultra keys doctor --open");
    assert!(!journal.exists());
    // The next number is the same, and so is the tag.
    let refused = with(&[]).exits(6).complains(FORKED);
    assert!(!journal.exists(), "nothing was begun");
    let looked = ultra.run(&["keys", "doctor", "--open"]).exits(3).says(FORKED);
    let looked = looked.says("servers may use it");
    assert!(!looked.stdout.contains("hint: delete it"), "{}", looked.stdout);
    let asked = api.asked();
    let changes = |asked: &&String| !asked.starts_with("GET ");
    assert_eq!(asked.iter().find(changes), None, "{asked:?}");
    assert_eq!(active(&api), live);
    ultra.run(&["keys", "doctor", "--take-published", "--yes"]).exits(0);
    assert_eq!(versions(&ultra, "openai"), [(1, "old".into()), (2, "current".into())]);
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    nowhere(&ultra, &[&aborted, &refused], &[OLD, OPENAI_ADMIN, "sk-svcacct-canary"]);
}

#[test]
fn a_backup_of_the_vault_alone_is_not_given_to_servers_by_looking_at_it() {
    for files in [&["vault.age"][..], &["vault.age", "vault-index.json"]] {
        let ultra = with_identity_file();
        ultra.run(&["db", "migrate", "--yes"]).exits(0);
        ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
        let before = backup(&ultra, files);
        ultra.run(&["keys", "rotate", "jwt"]).exits(0).says("version 1 → 2");
        put_back(&ultra, &before);
        ultra.run(&["keys", "verify", "jwt"]).exits(0).complains(FORKED);
        // Nor by writing it, however often.
        for _ in 0..3 {
            let args = ["keys", "set", "encryption", "--generate", "--replace"];
            ultra.run(&args).exits(0).complains(FORKED);
        }
        ultra.run(&["keys", "rotate", "jwt"]).exits(6).complains("--take-published");
        ultra.run(&["keys", "doctor", "--open"]).exits(3).says(FORKED);
        ultra.run(&["keys", "doctor", "--take-published", "--yes"]).exits(0);
        assert_eq!(versions(&ultra, "jwt"), [(1, "old".into()), (2, "current".into())]);
        let done = ultra.run(&["keys", "rotate", "jwt"]).exits(0);
        assert!(!done.stderr.contains(FORKED), "{}", done.stderr);
        // One that is as late as what they were given is theirs.
        let now = backup(&ultra, &["vault.age"]);
        std::fs::remove_file(ultra.state().join("vault.age")).unwrap();
        ultra.run(&["keys", "set", "encryption", "--generate"]).exits(5);
        put_back(&ultra, &now);
        let verified = ultra.run(&["keys", "verify", "jwt"]).exits(0);
        assert!(!verified.stderr.contains(FORKED), "{}", verified.stderr);
    }
}

#[test]
fn a_rotation_goes_on_although_the_key_of_the_fingerprints_is_another() {
    for resumes in [true, false] {
        let provider = Provider::knowing(&[OLD]);
        let ultra = with_provider(&provider);
        pending(&provider, &ultra);
        std::fs::remove_file(ultra.state().join("fingerprint.key")).unwrap();
        ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
        let (flag, then) = match resumes {
            true => ("--resume", [(1, "old".to_owned()), (2, "current".to_owned())].to_vec()),
            false => ("--abort", [(1, "current".to_owned())].to_vec()),
        };
        let done = ultra.run(&["keys", "rotate", "openai", flag]).exits(0);
        assert_eq!(versions(&ultra, "openai"), then);
        nowhere(&ultra, &[&done], &[OLD, NEW]);
    }
}

#[test]
fn what_no_rotation_owns_is_discarded_or_begun_again() {
    let left = || {
        let provider = Provider::knowing(&[OLD]);
        let ultra = with_provider(&provider);
        pending(&provider, &ultra);
        std::fs::remove_file(ultra.state().join("rotation/dev.openai.json")).unwrap();
        (provider, ultra)
    };
    let (_provider, ultra) = left();
    let none = ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(2);
    none.complains("version 2 is in the vault and not in use").complains("--abort");
    let done = ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0);
    let done = done.says("version 2 of `openai`, which no rotation on record owned, is discarded");
    assert_eq!(versions(&ultra, "openai"), [(1, "current".into())]);
    ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(2).complains("no rotation");
    nowhere(&ultra, &[&done], &[OLD, NEW]);

    let (_provider, ultra) = left();
    let again = rotate(&ultra, "openai", NEW).exits(0).says("version 1 → 3");
    assert_eq!(versions(&ultra, "openai"), [(1, "old".into()), (3, "current".into())]);
    nowhere(&ultra, &[&again], &[OLD, NEW]);
}

#[test]
fn a_rollback_names_no_version_that_it_refuses() {
    let ultra = with_identity_file();
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    ultra.run(&["keys", "rotate", "jwt"]).exits(0);
    ultra.run(&["keys", "disable", "jwt", "--version", "1", "--yes"]).exits(0);
    ultra.run(&["keys", "rotate", "jwt", "--compromised", "--yes"]).exits(0);
    let refused = ultra.run(&["keys", "rollback", "jwt"]).exits(6).complains("is compromised");
    assert!(!refused.stderr.contains("--version 1"), "{}", refused.stderr);
}

/// What the provider was asked to change since it was last looked.
fn changes(api: &AdminApi) -> Vec<String> {
    api.asked().into_iter().filter(|asked| !asked.starts_with("GET ")).collect()
}

/// A root with a store, whose key is issued by this provider, and the vault and index as they were
/// before the first version that servers were given.
fn issued(api: &AdminApi) -> (Ultra, Vec<(&'static str, Vec<u8>)>) {
    let ultra = with_admin(api);
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    set(&ultra, "openai", OLD).exits(0);
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    ultra.run(&["auth", "service-key", "create", "first", "--scope", "read"]).exits(0);
    let before = backup(&ultra, &["vault.age", "vault-index.json"]);
    ultra.run(&["keys", "rotate", "openai"]).exits(0).says("version 1 → 2");
    assert_eq!(active(api).len(), 2);
    api.asked();
    (ultra, before)
}

/// The events of the audit with the names they are about.
fn events(ultra: &Ultra) -> Vec<(String, String)> {
    let event = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| line[key].as_str().unwrap().to_owned();
        (word("event"), word("name"))
    };
    ultra.read(".ultra/audit.jsonl").lines().map(event).collect()
}

#[test]
fn what_is_on_record_while_the_index_is_gone_does_not_make_an_old_vault_a_new_one() {
    let api = AdminApi::with(&[OLD]);
    let (ultra, before) = issued(&api);
    let live = active(&api);
    std::fs::remove_file(ultra.state().join("vault-index.json")).unwrap();
    ultra.run(&["auth", "service-key", "revoke", "first"]).exits(0);
    ultra.run(&["auth", "service-key", "create", "second", "--scope", "read"]).exits(0);
    let denied = |told: &[(String, String)]| -> Vec<String> {
        let denied = told.iter().filter(|(event, _)| event == "not-in-vault");
        denied.map(|(_, name)| name.clone()).collect()
    };
    assert_eq!(denied(&events(&ultra)), [""; 0], "nothing of that happened");
    put_back(&ultra, &before);
    ultra.run(&["keys", "verify", "openai"]).exits(0).complains(FORKED);
    let refused = ultra.run(&["keys", "rotate", "openai"]).exits(6).complains(FORKED);
    assert_eq!(changes(&api), [""; 0]);
    assert_eq!(active(&api), live);
    let denied = denied(&events(&ultra));
    assert_eq!(denied, ["openai"], "it names what the vault lost, and no service key");
    ultra.run(&["keys", "doctor", "--open"]).exits(3).says(FORKED);
    ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0);
    ultra.run(&["keys", "doctor", "--take-published", "--yes"]).exits(0);
    assert_eq!(versions(&ultra, "openai"), [(1, "old".into()), (2, "current".into())]);
    nowhere(&ultra, &[&refused], &[OLD, OPENAI_ADMIN, "sk-svcacct-canary"]);
}

#[test]
fn nor_does_a_vault_of_a_later_generation_that_was_left() {
    let api = AdminApi::with(&[OLD]);
    let ultra = with_admin(&api);
    set(&ultra, "openai", OLD).exits(0);
    set(&ultra, "openai-admin", OPENAI_ADMIN).exits(0);
    let files = ["vault.age", "vault-index.json"];
    let base = backup(&ultra, &files);
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    for _ in 0..8 {
        ultra.run(&["keys", "set", "jwt", "--generate", "--replace"]).exits(0);
    }
    let left = backup(&ultra, &files);
    put_back(&ultra, &base);
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    ultra.run(&["keys", "rotate", "openai"]).exits(0).says("version 1 → 2");
    let live = active(&api);
    api.asked();
    put_back(&ultra, &left);
    ultra.run(&["keys", "verify", "openai"]).exits(0).complains(FORKED);
    assert!(events(&ultra).contains(&("index-rebuilt".into(), "*".into())));
    ultra.run(&["keys", "rotate", "openai"]).exits(6).complains(FORKED);
    assert_eq!(changes(&api), [""; 0]);
    assert_eq!(active(&api), live);
    ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0);
}

#[test]
fn nothing_is_done_at_a_provider_while_the_embedded_store_cannot_be_read() {
    let api = AdminApi::with(&[OLD]);
    let (ultra, before) = issued(&api);
    let live = active(&api);
    put_back(&ultra, &before);
    let vault = std::fs::read(ultra.state().join("vault.age")).unwrap();
    for file in ["data/dev.db", "data/dev.db-wal"] {
        let file = ultra.state().join(file);
        if file.exists() || file.extension().is_some_and(|e| e == "db") {
            std::fs::write(file, "a note of mine, and no database\n".repeat(400)).unwrap();
        }
    }
    let refused = ultra.run(&["keys", "rotate", "openai"]).exits(5);
    let refused = refused.complains("nobody knows which servers have which key");
    assert_eq!(changes(&api), [""; 0]);
    assert_eq!(active(&api), live);
    assert_eq!(std::fs::read(ultra.state().join("vault.age")).unwrap(), vault);
    nowhere(&ultra, &[&refused], &[OPENAI_ADMIN, "sk-svcacct-canary"]);
}
