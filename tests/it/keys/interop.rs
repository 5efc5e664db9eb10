//! Nobody is locked in: the stock `age` program opens what ultra writes.

use super::{OLD, set, with_identity_file};
use crate::support::{Outcome, have};

#[test]
fn the_stock_program_opens_the_vault() {
    if !have("age") {
        return;
    }
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let identity = ultra.home().join("identity").display().to_string();
    let mut age = ultra.wrapped("age", ["-d", "-i", &identity, ".ultra/vault.age"]);
    let opened = Outcome::from(age.output().unwrap()).exits(0).json();
    assert_eq!(opened["schema"], "ultra.vault/1");
    let version = &opened["vault"]["entries"]["dev/openai"]["versions"][0];
    assert_eq!(version["value"], OLD);
    assert_eq!(version["state"], "current");
}

#[test]
fn an_identity_of_the_stock_program_is_taken() {
    if !have("age-keygen") {
        return;
    }
    let ultra = with_identity_file();
    let identity = ultra.home().join("identity").display().to_string();
    let made = ultra.wrapped("age-keygen", ["-o", &identity]).output().unwrap();
    Outcome::from(made).exits(0);
    let before = std::fs::read(&identity).unwrap();
    set(&ultra, "openai", OLD).exits(0);
    assert_eq!(std::fs::read(&identity).unwrap(), before, "it is used, not replaced");
    set(&ultra, "jwt", &"k".repeat(40)).exits(0);
}

#[test]
fn a_vault_sealed_by_somebody_without_the_identity_is_refused() {
    if !have("age") {
        return;
    }
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    let recipient = status["vault"]["recipient"].as_str().unwrap().to_owned();
    let id = status["vault"]["id"].as_str().unwrap().to_owned();
    let payload = format!(
        r#"{{"schema":"ultra.vault/1","mac":"{}","vault":{{"vault":"{id}","generation":9,"entries":{{}}}}}}"#,
        "0".repeat(64)
    );
    let plain = ultra.write("forged.json", payload);
    let args = ["-r", &recipient, "-o", ".ultra/vault.age", &plain.display().to_string()];
    Outcome::from(ultra.wrapped("age", args).output().unwrap()).exits(0);
    set(&ultra, "jwt", &"k".repeat(40)).exits(5).complains("holder of the identity");
}
