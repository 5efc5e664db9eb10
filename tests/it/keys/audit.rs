//! The audit is ours alone: it is never written through a link, and no event is lost to an end that
//! somebody cut.

use super::{NEW, OLD, nowhere, set, with_identity_file};
use crate::support::Ultra;

fn replace(ultra: &Ultra) -> crate::support::Outcome {
    ultra.run_with_stdin(&["keys", "set", "openai", "--replace"], format!("{NEW}\n").as_bytes())
}

/// The versions that the audit tells of, one for each line.
fn versions(ultra: &Ultra) -> Vec<u64> {
    let version = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["version"].as_u64().unwrap()
    };
    ultra.read(".ultra/audit.jsonl").lines().map(version).collect()
}

#[test]
fn an_audit_that_is_a_link_is_not_followed() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let audit = ultra.state().join("audit.jsonl");
    std::fs::remove_file(&audit).unwrap();
    let mine = ultra.home().join("mine");
    std::fs::write(&mine, "my text").unwrap();
    std::os::unix::fs::symlink(&mine, &audit).unwrap();
    replace(&ultra).exits(5).complains("symbolic link");
    assert_eq!(std::fs::read(&mine).unwrap(), b"my text");
}

#[test]
fn a_last_line_without_its_newline_is_kept() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let audit = ultra.state().join("audit.jsonl");
    let text = ultra.read(".ultra/audit.jsonl");
    std::fs::write(&audit, text.trim_end()).unwrap();
    replace(&ultra).exits(0);
    assert_eq!(versions(&ultra), [1, 2]);
    assert!(ultra.read(".ultra/audit.jsonl").starts_with(&text));
}

#[test]
fn an_end_that_is_none_of_ours_stays_and_stops_the_write() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let audit = ultra.state().join("audit.jsonl");
    let text = format!("{}a note of mine", ultra.read(".ultra/audit.jsonl"));
    std::fs::write(&audit, &text).unwrap();
    replace(&ultra).exits(5).complains("audit.jsonl");
    assert_eq!(ultra.read(".ultra/audit.jsonl"), text);
}

#[test]
fn an_identity_that_a_killed_first_write_left_is_swept() {
    let ultra = with_identity_file();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let left = ultra.home().join(".ultra-x.tmp");
    std::fs::write(&left, "AGE-SECRET-KEY-1").unwrap();
    std::fs::File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
    set(&ultra, "openai", OLD).exits(0);
    assert!(!left.exists());
}

/// A vault with five lines in its audit.
fn audited() -> Ultra {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    for _ in 0..2 {
        replace(&ultra).exits(0);
    }
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    ultra.run(&["keys", "allow", "openai", "--host", "api.example.com", "--yes"]).exits(0);
    ultra
}

fn put(ultra: &Ultra, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(ultra.state().join("audit.jsonl"), text).unwrap();
}

#[test]
fn whatever_is_done_to_the_audit_is_found_and_the_line_named() {
    let ultra = audited();
    let text = ultra.read(".ultra/audit.jsonl");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 5, "{text}");
    let whole = ultra.run(&["keys", "audit", "--verify"]).exits(0).says("whole: 5 lines");
    whole.says("api.example.com").says("allow").says("dev/openai");
    let verify = |lines: &[String]| {
        put(&ultra, lines);
        ultra.run(&["keys", "audit", "--verify", "-o", "json"])
    };
    let first = |lines: &[String], what: &str| {
        let found = verify(lines).exits(3).json();
        let finding = &found["findings"][0];
        assert!(finding["what"].as_str().unwrap().contains(what), "{found}");
        finding["line"].as_u64().unwrap()
    };
    let mut removed = lines.clone();
    removed.remove(2);
    assert_eq!(first(&removed, "number 3 is missing"), 3);
    let mut changed = lines.clone();
    changed[1] = changed[1].replacen("\"uid\":", "\"uid\":9", 1);
    assert_eq!(first(&changed, "was changed"), 2);
    let mut moved = lines.clone();
    moved.swap(1, 3);
    assert_eq!(first(&moved, "missing"), 2);
    assert_eq!(first(&lines[..4], "the index of the vault knows"), 5);
    assert_eq!(first(&[], "is missing"), 1);
    let mut foreign = lines.clone();
    foreign[4] = "a note of mine".to_owned();
    assert_eq!(first(&foreign, "no line of an audit"), 5);
    // Without being asked to, it only warns of what it sees.
    ultra.run(&["keys", "audit"]).exits(0).says("no line of an audit");
    std::fs::remove_file(ultra.state().join("audit.jsonl")).unwrap();
    ultra.run(&["keys", "audit", "--verify"]).exits(3).says("is missing");
    put(&ultra, &lines);
    ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0);
}

#[test]
fn an_audit_and_an_index_that_were_both_forged_are_told_by_the_vault() {
    let (ultra, other) = (audited(), audited());
    let forged = other.read(".ultra/audit.jsonl");
    std::fs::write(ultra.state().join("audit.jsonl"), &forged).unwrap();
    ultra.run(&["keys", "audit", "--verify"]).exits(3).says("forged");
    let last: serde_json::Value = serde_json::from_str(forged.lines().last().unwrap()).unwrap();
    let mut index: serde_json::Value =
        serde_json::from_str(&ultra.read(".ultra/vault-index.json")).unwrap();
    index["current"]["audit"]["hash"] = last["hash"].clone();
    ultra.write_private(".ultra/vault-index.json", index.to_string());
    ultra.run(&["keys", "audit", "--verify"]).exits(0);
    ultra.run(&["keys", "audit", "--verify", "--open"]).exits(3).says("the vault knows");
}

#[test]
fn the_last_lines_of_many_are_shown() {
    let ultra = audited();
    let one = ultra.run(&["keys", "audit", "--limit", "1", "-o", "json"]).exits(0).json();
    assert_eq!(one["entries"].as_array().unwrap().len(), 1);
    assert_eq!((&one["entries"][0]["event"], &one["lines"]), (&"allow".into(), &5.into()));
    assert!(one["entries"][0]["user"].as_str().is_some_and(|user| !user.is_empty()));
    let empty = Ultra::empty();
    empty.run(&["keys", "audit", "--verify"]).exits(0).says("there is none yet");
}

#[test]
fn a_later_write_does_not_make_whole_what_was_cut_or_changed() {
    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    replace(&ultra).exits(0);
    let lines: Vec<String> = ultra.read(".ultra/audit.jsonl").lines().map(str::to_owned).collect();
    put(&ultra, &lines[..1]);
    set(&ultra, "anthropic", NEW).exits(0);
    ultra.run(&["keys", "audit", "--verify", "--open"]).exits(3).says("missing");

    let ultra = with_identity_file();
    set(&ultra, "openai", OLD).exits(0);
    let audit = ultra.state().join("audit.jsonl");
    let text = ultra.read(".ultra/audit.jsonl").replacen("\"uid\":", "\"uid\":9", 1);
    std::fs::write(&audit, text.trim_end()).unwrap();
    replace(&ultra).exits(0);
    assert_eq!(versions(&ultra), [1, 2]);
    ultra.run(&["keys", "audit", "--verify"]).exits(3).says("was changed");
}

#[test]
fn what_is_done_with_service_keys_and_what_leaves_the_vault_is_on_record() {
    let ultra = with_identity_file();
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    let service = |args: &[&str]| ultra.run(&[&["auth", "service-key"], args].concat());
    // Before there is a vault, too.
    let made = service(&["create", "app", "--scope", "read"]).exits(0).stdout;
    let rotated = service(&["rotate", "app"]).exits(0).stdout;
    service(&["create", "app", "--scope", "read"]).exits(2);
    let id = rotated.trim().trim_start_matches("uk_").split('.').next().unwrap().to_owned();
    service(&["revoke", &id]).exits(0);
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["env", "export", "--shell", "posix"]).exits(0);
    let plain = ultra.run(&["keys", "audit"]).exits(0);
    assert!(!plain.stdout.contains("exported"), "{}", plain.stdout);
    ultra.run(&["env", "export", "--shell", "posix", "--with-secrets"]).exits(0).says(OLD);
    let told = ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0);
    let events: Vec<&str> = told.stdout.lines().filter(|line| line.contains("dev/")).collect();
    for (event, words) in [
        ("service-key.create", "dev/service-key/app"),
        ("service-key.rotate", "in its place"),
        ("service-key.create.failed", "dev/service-key/app"),
        ("service-key.revoke", &id),
        ("exported", "posix: OPENAI_API_KEY"),
    ] {
        let known = events.iter().any(|line| line.contains(event) && line.contains(words));
        assert!(known, "{event}: {}", told.stdout);
    }
    nowhere(&ultra, &[&told], &[OLD, made.trim(), rotated.trim()]);
}

#[test]
fn a_key_is_taken_back_at_once_while_somebody_else_writes_the_vault() {
    let ultra = with_identity_file();
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    ultra.run(&["auth", "service-key", "create", "app", "--scope", "read"]).exits(0);
    let lock = std::fs::File::options().write(true).open(ultra.state().join("vault.lock")).unwrap();
    lock.lock().unwrap();
    let begin = std::time::Instant::now();
    let revoked = ultra.run(&["auth", "service-key", "revoke", "app"]).exits(0).says("revoked");
    // A writer waits for another ten seconds.
    assert!(begin.elapsed() < std::time::Duration::from_secs(10), "{:?}", begin.elapsed());
    let revoked = revoked.complains("the audit does not know of this");
    let revoked = revoked.complains("nothing is to be run again");
    assert!(!revoked.stderr.contains("run the command again"), "{}", revoked.stderr);
}

#[test]
fn what_a_store_that_is_away_has_done_nobody_knows() {
    let nobody = "postgres://u@127.0.0.1:1/x";
    let ultra = with_identity_file().env("ULTRA_DB_TIMEOUT", "1s").env("DATABASE_URL", nobody);
    let args = ["auth", "service-key", "create", "app", "--scope", "read"];
    ultra.run(&args).exits(5);
    let told = ultra.read(".ultra/audit.jsonl");
    assert!(told.contains("\"service-key.create.unsure\"") && !told.contains(".failed"), "{told}");
}

#[test]
fn a_key_is_taken_back_although_the_audit_cannot_be_written() {
    let ultra = with_identity_file();
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    ultra.run(&["auth", "service-key", "create", "app", "--scope", "read"]).exits(0);
    std::fs::write(ultra.state().join("audit.jsonl"), "a note of mine").unwrap();
    let revoked = ultra.run(&["auth", "service-key", "revoke", "app"]).exits(0);
    revoked.says("revoked").complains("the audit does not know of this");
}
