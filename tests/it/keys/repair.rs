//! What is wrong with a vault and what surrounds it is called by its name, with the way out that works.

use super::{OLD, nowhere, private, set, with_identity_file};
use crate::support::Ultra;
use std::fs::File;
use std::time::{Duration, SystemTime};

/// A vault of two keys whose index is as `change` leaves it.
fn with_index(change: impl FnOnce(&std::path::Path)) -> Ultra {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    change(&ultra.state().join("vault-index.json"));
    ultra
}

#[test]
fn an_identity_or_passphrase_that_others_may_read_is_refused_in_the_same_words() {
    use std::os::unix::fs::PermissionsExt as _;
    let open = |path: &std::path::Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    };
    let mut ultra = Ultra::empty().env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    let file = ultra.home().join("passphrase");
    private(&file, "canary horse battery\n");
    ultra.set_env("ULTRA_VAULT_PASSPHRASE_FILE", file.display().to_string());
    set(&ultra, "openai", OLD).exits(0);
    open(&file);
    let by_passphrase = set(&ultra, "jwt", &"k".repeat(40)).exits(6).complains("chmod 600");
    nowhere(&Ultra::empty(), &[&by_passphrase], &["canary"]);
    let other = with_identity_file();
    set(&other, "openai", OLD).exits(0);
    open(&other.home().join("identity"));
    let by_file = set(&other, "jwt", &"k".repeat(40)).exits(6).complains("chmod 600");
    for outcome in [&by_passphrase, &by_file] {
        let said = &outcome.stderr;
        assert!(said.contains("is open to others"), "{said}");
        assert!(said.contains("`mode: 0400`") && said.contains("`defaultMode: 0400`"), "{said}");
        assert!(said.contains("its mode is 0644; only its owner may read it"), "{said}");
    }
}

#[test]
fn a_wrong_identity_without_an_index_could_not_be_verified() {
    let other = with_identity_file();
    set(&other, "openai", OLD).exits(0);
    let ultra = with_index(|index| std::fs::remove_file(index).unwrap());
    std::fs::copy(other.home().join("identity"), ultra.home().join("identity")).unwrap();
    for args in [&["keys", "verify"][..], &["keys", "verify", "openai"], &["keys", "verify", "app"]]
    {
        let said = ultra.run(args).exits(5).complains("sealed for another identity");
        let said = said.complains("ULTRA_VAULT_IDENTITY_FILE=FILE");
        assert_eq!(said.stderr.matches("cannot open the vault").count(), 1, "{}", said.stderr);
    }
}

#[test]
fn a_damaged_index_is_made_anew_as_the_hint_says() {
    let ultra = with_index(|index| std::fs::write(index, "{\"schema\": \"ultra.vault").unwrap());
    let index = ultra.state().join("vault-index.json");
    for args in [&["keys", "list"][..], &["keys", "verify", "openai"], &["keys", "status"]] {
        let said = ultra.run(args).exits(5).complains(&format!("`rm {}`", index.display()));
        said.complains("`ultra keys verify` makes it anew");
    }
    ultra.run(&["keys", "doctor"]).exits(3).says("`rm ");
    std::fs::remove_file(&index).unwrap();
    ultra.run(&["keys", "verify", "jwt"]).exits(0);
    ultra.run(&["keys", "list"]).exits(0).says("openai").says("jwt");
    ultra.run(&["keys", "doctor", "--open"]).exits(0).says("says what is in the vault");
    ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0);
}

#[test]
fn the_hint_of_a_damaged_index_can_be_pasted_and_leaves_the_guard_of_a_lost_vault() {
    use std::process::Command;
    let mut ultra = with_index(|_| ());
    let state = ultra.home().join("my state's");
    std::fs::rename(ultra.state(), &state).unwrap();
    ultra.set_env("ULTRA_STATE_DIR", state.display().to_string());
    let index = state.join("vault-index.json");
    std::fs::write(&index, "{\"schema\": \"ultra.vault").unwrap();
    let said = ultra.run(&["keys", "list"]).exits(5);
    let (_, hint) = said.stderr.split_once("nothing was changed; `").expect("a hint");
    let (pasted, _) = hint.split_once('`').expect("the end of the command");
    assert!(pasted.starts_with("rm "), "{pasted}");
    assert!(Command::new("sh").args(["-c", pasted]).status().unwrap().success(), "{pasted}");
    assert!(!index.exists(), "{pasted}");
    ultra.run(&["keys", "verify", "jwt"]).exits(0);

    // The vault is gone as well: nothing but the index knows that there was one.
    std::fs::write(&index, "{\"schema\": \"ultra.vault").unwrap();
    std::fs::remove_file(state.join("vault.age")).unwrap();
    for args in [&["keys", "list"][..], &["keys", "set", "encryption", "--generate"]] {
        let said = ultra.run(args).exits(5).complains("the vault is gone as well: restore");
        assert!(!said.stderr.contains("`rm "), "{}", said.stderr);
    }
    assert!(!state.join("vault.age").exists());
}

#[test]
fn a_damaged_vault_is_not_called_a_replaced_one() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let path = ultra.state().join("vault.age");
    let whole = std::fs::read(&path).unwrap();
    let later = String::from_utf8_lossy(&whole[..40]).replace(".org/v1", ".org/v2").into_bytes();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (bytes, words) in [
        (&whole[..60], "the vault is damaged"),
        (b"hello", "the vault is damaged"),
        (&later, "the vault is of a later version"),
        (&flipped, "it is damaged, of a later version, or was put back from a backup"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        for args in [&["keys", "list"][..], &["keys", "status"]] {
            ultra.run(args).exits(0).says(words);
        }
        ultra.run(&["keys", "doctor"]).exits(3).says(words);
        let opened = ultra.run(&["keys", "doctor", "--open"]).exits(3);
        assert!(!opened.stdout.contains("put back"), "{}", opened.stdout);
        let said = ultra.run(&["keys", "verify"]).exits(5);
        assert_eq!(said.stderr.matches("cannot open the vault").count(), 1, "{}", said.stderr);
    }
    std::fs::write(&path, &whole).unwrap();
    ultra.run(&["keys", "doctor", "--open"]).exits(0);
}

#[test]
fn what_a_killed_writer_left_is_told_and_swept_and_what_a_living_one_holds_stays() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let make = |name: &str| {
        let file = File::create(ultra.state().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        file
    };
    drop(make(".ultra-held-dead00.tmp"));
    let held = make(".ultra-held-alive0.tmp");
    held.lock().unwrap();
    ultra.run(&["keys", "doctor"]).exits(0).says("1 temporary file of writers that were killed");
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    assert!(!ultra.state().join(".ultra-held-dead00.tmp").exists());
    assert!(ultra.state().join(".ultra-held-alive0.tmp").exists());
    let told = ultra.run(&["keys", "doctor"]).exits(0);
    assert!(!told.stdout.contains("were killed"), "{}", told.stdout);
}
