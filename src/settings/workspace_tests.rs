//! Tests of [`super::Workspace`].

use super::*;
use crate::base::{SystemClock, state_mark};
use std::ffi::OsString;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::from_pairs(pairs.iter().map(|(n, v)| (OsString::from(n), OsString::from(v))))
}

fn discover(dir: &Path, pairs: &[(&str, &str)], flags: Flags) -> Result<Workspace, Fault> {
    let dir = dir.canonicalize().unwrap();
    Workspace::discover_in(dir, environment(pairs), flags, Arc::new(SystemClock))
}

#[test]
fn the_root_is_found_upward_but_not_in_home() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    let deep = home.join("project/src/deep");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir_all(home.join("profiles")).unwrap();
    let env = [("HOME", home.to_str().unwrap())];
    assert_eq!(discover(&deep, &env, Flags::default()).unwrap().root, None);
    std::fs::create_dir_all(home.join("project/.ultra")).unwrap();
    let found = discover(&deep, &env, Flags::default()).unwrap();
    assert_eq!(found.root, Some(home.join("project")));
    assert_eq!(found.state_dir, home.join("project/.ultra"));
    assert!(found.root_note().is_some());
    let at_home = discover(&home, &env, Flags::default()).unwrap();
    assert_eq!(at_home.prepare_state_dir().unwrap_err().status, ExitStatus::Usage);
    let flags = Flags { dir: Some("..".into()), ..Flags::default() };
    let named = discover(&home.join("project"), &env, flags).unwrap();
    assert_eq!(named.root, Some(home.clone()));
    named.prepare_state_dir().unwrap();
    assert!(std::fs::read(home.join(".ultra/.gitignore")).unwrap().starts_with(b"*\n"));
}

#[test]
fn the_profile_is_decided_in_order_and_disagreement_is_told() {
    let dir = tempfile::tempdir().unwrap();
    state_mark::state_dir(&dir.path().join(".ultra")).unwrap();
    std::fs::create_dir_all(dir.path().join("profiles")).unwrap();
    std::fs::write(dir.path().join("profiles/prod.yaml"), "protected: true\n").unwrap();
    let plain = discover(dir.path(), &[], Flags::default()).unwrap();
    assert_eq!((&*plain.profile, plain.profile_source), ("dev", ProfileSource::Default));
    std::fs::write(dir.path().join(".ultra/switch.json"), r#"{"to":"prod"}"#).unwrap();
    let switched = discover(dir.path(), &[], Flags::default()).unwrap();
    assert_eq!(
        (&*switched.profile, switched.profile_source),
        ("prod", ProfileSource::SwitchRecord)
    );
    let by_env = discover(dir.path(), &[("ENVIRONMENT", "testing")], Flags::default()).unwrap();
    assert_eq!((&*by_env.profile, by_env.profile_source), ("test", ProfileSource::Environment));
    assert!(by_env.disagreement().unwrap().what.contains("`prod`"));
    let flags = Flags { profile: Some("development".into()), ..Flags::default() };
    let by_flag = discover(dir.path(), &[("ULTRA_PROFILE", "nope")], flags).unwrap();
    assert_eq!((&*by_flag.profile, by_flag.profile_source), ("dev", ProfileSource::Flag));
}

#[test]
fn unknown_disagreeing_and_missing_names_are_usage_errors() {
    let dir = tempfile::tempdir().unwrap();
    for pairs in [
        &[("ULTRA_PROFILE", "tset")][..],
        &[("ULTRA_PROFILE", "../../etc/passwd")],
        &[("ULTRA_PROFILE", "dev"), ("ENVIRONMENT", "test")],
        &[("ULTRA_PROFILE_REQUIRED", "1")],
        &[("ULTRA_PROFILE_REQUIRED", "maybe")],
    ] {
        let fault = discover(dir.path(), pairs, Flags::default()).unwrap_err();
        assert_eq!(fault.status, ExitStatus::Usage, "{pairs:?}");
    }
    let fault = discover(dir.path(), &[("ULTRA_PROFILE", "tset")], Flags::default()).unwrap_err();
    assert_eq!(fault.problems[0].hint.as_deref(), Some("did you mean `test`?"));
}

#[test]
fn a_damaged_record_matters_only_when_it_decides() {
    let dir = tempfile::tempdir().unwrap();
    state_mark::state_dir(&dir.path().join(".ultra")).unwrap();
    std::fs::write(dir.path().join(".ultra/switch.json"), "{").unwrap();
    let fault = discover(dir.path(), &[], Flags::default()).unwrap_err();
    assert_eq!(fault.status, ExitStatus::Unreachable);
    discover(dir.path(), &[("ULTRA_PROFILE", "dev")], Flags::default()).unwrap();
}
