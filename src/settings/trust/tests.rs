//! What asks for trust again, and what does not.

use super::list::{SCHEMA, key};
use super::*;
use crate::base::{Timestamp, file};
use std::collections::BTreeSet;

fn claims(url: &str) -> Claims {
    Claims {
        wanted: [Wanted {
            profile: Some("prod".to_owned()),
            file: None,
            variable: "OPENAI_API_KEY".to_owned(),
            reference: "vault:openai".to_owned(),
            now: None,
            live: true,
        }]
        .into(),
        destinations: [Destination {
            profile: Some("prod".to_owned()),
            file: None,
            name: "openai".to_owned(),
            url: url.to_owned(),
            now: None,
            keys: vec!["OPENAI_API_KEY".to_owned()],
        }]
        .into(),
        ..Claims::default()
    }
}

#[test]
fn trust_is_for_exactly_what_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("conf/ultra/trust.json");
    let root = dir.path();
    let (mine, theirs) = (claims("https://a.example"), claims("https://b.example"));
    let ask = |claims: &Claims| status(Some(&store), root, claims).unwrap();
    assert_eq!(ask(&mine), TrustStatus::Unknown);
    assert_eq!(ask(&Claims::default()), TrustStatus::NotNeeded);
    let address_only = Claims { wanted: BTreeSet::new(), ..mine.clone() };
    assert_eq!(ask(&address_only), TrustStatus::Unknown, "a key of the user's would go there");
    grant(&store, root, &mine, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(ask(&mine), TrustStatus::Trusted);
    assert_eq!(ask(&theirs), TrustStatus::Changed);
    assert_eq!(status(Some(&store), &root.join("conf"), &mine).unwrap(), TrustStatus::Unknown);
    assert!(!file::others_can_read(&store).unwrap());
    std::fs::write(&store, "{").unwrap();
    assert!(status(Some(&store), root, &mine).is_err());
}

#[test]
fn what_is_taken_away_asks_again_only_if_a_key_goes_elsewhere_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, root) = (dir.path().join("conf/ultra/trust.json"), dir.path());
    let wants = |variable: &str, reference: &str| Wanted {
        profile: Some("prod".to_owned()),
        file: None,
        variable: variable.to_owned(),
        reference: reference.to_owned(),
        now: None,
        live: true,
    };
    let sends = |name: &str, key: &str| Destination {
        profile: Some("prod".to_owned()),
        file: None,
        name: name.to_owned(),
        url: format!("https://{name}.example"),
        now: None,
        keys: vec![key.to_owned()],
    };
    let wanted = [wants("OPENAI_API_KEY", "vault:own"), wants("ACME_KEY", "vault:acme")];
    let to = [sends("openai", "OPENAI_API_KEY"), sends("acme", "ACME_KEY")];
    let hook = Hook {
        profile: None,
        dotenv: true,
        name: "HTTPS_PROXY".to_owned(),
        value: value_digest("x"),
        now: None,
        shown: "x".to_owned(),
        place: ".env:1".to_owned(),
    };
    let all = Claims {
        wanted: wanted.clone().into(),
        destinations: to.clone().into(),
        hooks: [hook].into(),
        ..Claims::default()
    };
    grant(&store, root, &all, Timestamp::UNIX_EPOCH).unwrap();
    let [own, acme] = wanted;
    let [to_openai, to_acme] = to;
    let asks = |wanted: &[&Wanted], to: &[&Destination]| {
        let claims = Claims {
            wanted: wanted.iter().map(|w| (*w).clone()).collect(),
            destinations: to.iter().map(|d| (*d).clone()).collect(),
            ..all.clone()
        };
        status(Some(&store), root, &claims).unwrap() == TrustStatus::Changed
    };
    assert!(!asks(&[&own, &acme], &[&to_openai, &to_acme]));
    assert!(!asks(&[&own], &[&to_openai]), "a provider with its key");
    assert!(!asks(&[&own, &acme], &[&to_openai]), "its key goes nowhere now");
    assert!(!asks(&[&acme], &[&to_acme]), "what is left of the other is as without a profile");
    assert!(asks(&[&acme], &[&to_openai, &to_acme]), "another key would go to that address");
    assert!(asks(&[&own, &acme], &[&to_acme]), "the key would go to the usual address");
    assert!(asks(&[&own], &[&to_openai, &sends("new", "ACME_KEY")]));
    // An address that stays may have been agreed to for another value.
    let two = Claims {
        wanted: [acme.clone()].into(),
        destinations: [to_acme.clone(), sends("base", "ACME_KEY")].into(),
        ..Claims::default()
    };
    let elsewhere = dir.path().join("conf/ultra/elsewhere.json");
    grant(&elsewhere, root, &two, Timestamp::UNIX_EPOCH).unwrap();
    let left = Claims { destinations: [sends("base", "ACME_KEY")].into(), ..two.clone() };
    assert_eq!(status(Some(&elsewhere), root, &left).unwrap(), TrustStatus::Changed);
    let bare = Claims { hooks: BTreeSet::new(), ..all.clone() };
    assert_eq!(status(Some(&store), root, &bare).unwrap(), TrustStatus::Changed);
    // As older versions wrote it.
    let entry = serde_json::json!({"digest": all.digest(), "at": "2026-01-01T00:00:00Z"});
    let list = serde_json::json!({"schema": SCHEMA, "roots": {key(root): entry}});
    std::fs::write(&store, list.to_string()).unwrap();
    assert!(!asks(&[&own, &acme], &[&to_openai, &to_acme]));
    assert!(asks(&[&own], &[&to_openai]));
}

#[test]
fn the_digest_keeps_parts_apart() {
    let mut one = claims("https://a.example");
    let mut two = one.clone();
    one.wanted.insert(Wanted {
        profile: Some("a".into()),
        file: None,
        variable: "bc".into(),
        reference: "d".into(),
        now: None,
        live: true,
    });
    two.wanted.insert(Wanted {
        profile: Some("ab".into()),
        file: None,
        variable: "c".into(),
        reference: "d".into(),
        now: None,
        live: true,
    });
    assert_ne!(one.digest(), two.digest());
}
