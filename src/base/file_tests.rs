//! Files that are written whole or not at all, for their owner only.

use super::*;

#[test]
fn a_write_replaces_the_content_and_sets_the_mode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    write_atomic(&path, b"one", 0o644).unwrap();
    write_atomic(&path, b"two", PRIVATE).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    assert!(!others_can_read(&path).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn reads_are_bounded_and_only_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    assert!(read_bounded(&path, 4).unwrap().is_none());
    std::fs::write(&path, b"12345").unwrap();
    assert_eq!(read_bounded(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(read_bounded(&path, 5).unwrap().unwrap(), b"12345");
    assert!(read_bounded(dir.path(), 5).is_err());
}

#[test]
fn a_secret_file_that_holds_none_is_told_and_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    assert_eq!(read_secret(&path).unwrap_err(), "there is no such file");
    for (content, why) in [(&b"canary\xff"[..], "it is not UTF-8"), (b"\n", "it is empty")] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(read_secret(&path).unwrap_err(), why);
    }
    std::fs::write(&path, "canary\n\n").unwrap();
    assert_eq!(read_secret(&path).unwrap().expose(), "canary\n");
}
