//! Segments: files of a journal, named by their number.

use crate::base::file::sync_dir;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The file of the segment with this number.
pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.log"))
}

/// The numbers of all segments, ascending.
pub(super) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".log"))
            .filter(|stem| stem.len() == 12 && stem.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|stem| stem.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A new segment of this number, which must not be there yet; its name is durable.
pub(super) fn create(dir: &Path, number: u64) -> io::Result<File> {
    let file =
        OpenOptions::new().append(true).create_new(true).mode(0o600).open(path(dir, number))?;
    sync_dir(dir)?;
    Ok(file)
}

/// Removes the segments before `number`, all of which the store has taken. Those that stay are
/// passed over.
pub(super) fn remove_before(dir: &Path, number: u64) {
    for earlier in list(dir).unwrap_or_default() {
        if earlier < number {
            let _ = std::fs::remove_file(path(dir, earlier));
        }
    }
}

/// How far the store has followed: everything before this place has been taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    /// The segment.
    pub(super) segment: u64,
    /// The byte in it.
    pub(super) offset: u64,
}

impl Cursor {
    /// Behind every row.
    pub(super) const LAST: Self = Self { segment: u64::MAX, offset: u64::MAX };

    fn file(dir: &Path) -> PathBuf {
        dir.join("cursor")
    }

    /// The cursor of a journal. One that is missing or unreadable stands at the beginning: the
    /// store passes over rows that it has.
    pub(super) fn load(dir: &Path) -> Self {
        let read = || {
            let bytes = crate::base::file::read_bounded(&Self::file(dir), 64).ok()??;
            let text = String::from_utf8(bytes).ok()?;
            let (segment, offset) = text.trim().split_once(' ')?;
            Some(Self { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
        };
        read().unwrap_or_default()
    }

    /// Keeps the cursor durably.
    pub(super) fn save(self, dir: &Path) -> io::Result<()> {
        let text = format!("{} {}\n", self.segment, self.offset);
        crate::base::file::write_atomic(&Self::file(dir), text.as_bytes(), 0o600)
    }
}

/// The bytes that lie after the cursor.
pub(super) fn pending(dir: &Path, cursor: Cursor) -> io::Result<u64> {
    let mut sum = 0;
    for number in list(dir)? {
        let size = std::fs::metadata(path(dir, number))?.len();
        sum += match number.cmp(&cursor.segment) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => size.saturating_sub(cursor.offset),
            std::cmp::Ordering::Greater => size,
        };
    }
    Ok(sum)
}
