//! A vault that is damaged, foreign or of a later version is refused and left as it is.

use super::{OLD, nowhere, set, with_identity_file};
use crate::support::{Outcome, Ultra, have};

/// Refused with these words by whatever writes or reads, and nothing on disk changes.
#[track_caller]
fn refused(ultra: &Ultra, words: &str) {
    let files = ["vault.age", "vault-index.json", "audit.jsonl"];
    let read = || files.map(|name| std::fs::read(ultra.state().join(name)).unwrap_or_default());
    let before = read();
    let written = set(ultra, "jwt", &"k".repeat(40)).exits(5).complains(words);
    let opened = ultra.run(&["keys", "audit", "--verify", "--open"]).exits(5).complains(words);
    assert_eq!(read(), before, "something was written");
    nowhere(ultra, &[&written, &opened], &[OLD]);
}

#[test]
fn a_truncated_or_flipped_vault_is_refused_and_left_alone() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let path = ultra.state().join("vault.age");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 1, 100, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        refused(&ultra, "cannot open the vault");
    }
    for at in [30, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        refused(&ultra, "cannot open the vault");
    }
    std::fs::write(&path, &whole).unwrap();
    set(&ultra, "jwt", &"k".repeat(40)).exits(0);
}

#[test]
fn a_vault_of_a_later_version_is_refused_and_not_rewritten() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let index = ultra.read(".ultra/vault-index.json");
    ultra.write_private(".ultra/vault-index.json", index.replace("vault-index/1", "vault-index/2"));
    refused(&ultra, "vault-index/2");
    ultra.write_private(".ultra/vault-index.json", &index);
    if !have("age") {
        return;
    }
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    let recipient = status["vault"]["recipient"].as_str().unwrap().to_owned();
    let plain = ultra.write("later.json", r#"{"schema":"ultra.vault/2","vault":{}}"#);
    let args = ["-r", &recipient, "-o", ".ultra/vault.age", &plain.display().to_string()];
    Outcome::from(ultra.wrapped("age", args).output().unwrap()).exits(0);
    refused(&ultra, "ultra.vault/2");
}

#[test]
fn a_wrong_passphrase_changes_nothing() {
    let mut ultra = Ultra::empty();
    let file = ultra.home().join("passphrase");
    super::private(&file, "canary horse battery\n");
    ultra.set_env("ULTRA_VAULT_PASSPHRASE_FILE", file.display().to_string());
    ultra.set_env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    set(&ultra, "openai", OLD).exits(0);
    std::fs::write(&file, "wrong horse battery\n").unwrap();
    refused(&ultra, "the passphrase is wrong");
    refused(&ultra, "give the one that the vault was made with");
    ultra.run(&["keys", "list"]).exits(0).says("openai");
    std::fs::write(&file, "canary horse battery\n").unwrap();
    set(&ultra, "jwt", &"k".repeat(40)).exits(0);
}
