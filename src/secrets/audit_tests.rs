//! What is on record, however the writing of it was cut short.

use super::*;

fn event(version: u32) -> Event {
    Event {
        event: "set".into(),
        profile: "dev".into(),
        name: "openai".into(),
        version,
        fingerprint: Some("ab".into()),
        detail: None,
    }
}

/// Whether every line is chained to the one before.
fn chained(text: &str) -> bool {
    let mut prev = GENESIS.to_owned();
    for (n, line) in text.lines().enumerate() {
        let Ok(line) = serde_json::from_str::<Line>(line) else { return false };
        if line.seq != n as u64 + 1
            || line.prev != prev
            || line.expected() != Some(line.hash.clone())
        {
            return false;
        }
        prev = line.hash;
    }
    true
}

#[test]
fn lines_are_chained_and_a_torn_one_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    append(&path, Timestamp::UNIX_EPOCH, 1, event(1)).unwrap();
    append(&path, Timestamp::UNIX_EPOCH, 2, event(2)).unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{{\"seq\":3,\"at")).unwrap();
    append(&path, Timestamp::UNIX_EPOCH, 3, event(3)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(chained(&text) && text.lines().count() == 3, "{text}");
    let changed = text.replacen("\"version\":2", "\"version\":9", 1);
    assert!(!chained(&changed));
    let removed: String = text.lines().skip(1).map(|l| format!("{l}\n")).collect();
    assert!(!chained(&removed));
}

#[test]
fn a_line_about_a_write_that_was_not_made_is_taken_back_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    settle(&path, Timestamp::UNIX_EPOCH, 0).unwrap();
    assert!(!path.exists());
    append(&path, Timestamp::UNIX_EPOCH, 1, event(1)).unwrap();
    settle(&path, Timestamp::UNIX_EPOCH, 1).unwrap();
    append(&path, Timestamp::UNIX_EPOCH, 2, event(2)).unwrap();
    for _ in 0..2 {
        settle(&path, Timestamp::UNIX_EPOCH, 1).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let last: Line = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(chained(&text) && text.lines().count() == 3, "{text}");
    assert_eq!((&*last.event.event, last.event.version, last.generation), ("not-in-vault", 2, 1));
}

#[test]
fn a_file_that_is_no_audit_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    append(&path, Timestamp::UNIX_EPOCH, 1, event(1)).unwrap();
    let ours = std::fs::read_to_string(&path).unwrap();
    for text in ["hello\n", "hello", "hello\n{\"seq\":", &format!("{ours}hello")] {
        std::fs::write(&path, text).unwrap();
        assert!(append(&path, Timestamp::UNIX_EPOCH, 1, event(1)).is_err(), "{text}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), *text);
    }
}

#[test]
fn a_whole_line_without_its_end_is_kept_and_a_torn_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    append(&path, Timestamp::UNIX_EPOCH, 1, event(1)).unwrap();
    append(&path, Timestamp::UNIX_EPOCH, 2, event(2)).unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, whole.trim_end()).unwrap();
    append(&path, Timestamp::UNIX_EPOCH, 3, event(3)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(chained(&text) && text.lines().count() == 3 && text.starts_with(&whole), "{text}");
    for rest in ["{", "{\"seq\":4,\"at", "\0\0\0", "{\"seq\0\0"] {
        std::fs::write(&path, format!("{whole}{rest}")).unwrap();
        append(&path, Timestamp::UNIX_EPOCH, 3, event(3)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(chained(&text) && text.lines().count() == 3, "{text}");
    }
}
