//! The audit: append-only JSON lines, each chained to the one before by its hash. No values.
//!
//! A line is written before the change it tells of, with the generation that the change makes, so
//! there is never a change without a line. A crash between the two leaves a line about a change
//! that was not made; the next writer says so in a line of its own (`not-in-vault`), whose
//! generation is that of the vault as it found it.

use super::crypto::digest;
use crate::base::Timestamp;
use crate::base::file::{self, Missing};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The hash that the first line is chained to.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The longest line: far above what an event can be.
pub(super) const LINE_LIMIT: u64 = 64 << 10;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Event {
    /// The kind, such as `set` or `rotate.tested`.
    pub(crate) event: String,
    /// The profile.
    pub(crate) profile: String,
    /// The name in the vault.
    pub(crate) name: String,
    /// The version it is about.
    pub(crate) version: u32,
    /// Its keyed fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<String>,
    /// What else is worth knowing, such as a destination or a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// A line of the audit.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Line {
    /// Counts the lines, from 1.
    pub(crate) seq: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// The user id of who.
    pub(crate) uid: u32,
    /// The generation of the vault that the change makes; of what changes nothing in it, that of the
    /// line before.
    pub(crate) generation: u64,
    /// What.
    #[serde(flatten)]
    pub(crate) event: Event,
    /// The hash of the line before.
    pub(crate) prev: String,
    /// SHA-256 over the line without this field, in hexadecimal.
    #[serde(default)]
    pub(crate) hash: String,
}

impl Line {
    /// The hash that the line should have.
    fn expected(&self) -> Option<String> {
        let bare = Self { hash: String::new(), ..self.clone() };
        serde_json::to_vec(&bare).ok().map(|bytes| digest(&bytes))
    }
}

/// A line by its number and hash, remembered outside the audit: an end that was cut off and a chain
/// that was forged anew differ from it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Anchor {
    /// The number of the line.
    pub(crate) seq: u64,
    /// Its hash.
    pub(crate) hash: String,
}

/// Lines that are chained to the end of the audit and not written yet.
pub(crate) struct Draft {
    file: File,
    path: PathBuf,
    bytes: Vec<u8>,
    founds: bool,
    last: Option<Anchor>,
}

/// Chains events to the end of the audit, without writing them. The caller holds the lock of the
/// vault until they are written. `known` is the last line that is remembered elsewhere: if the end
/// was cut off since, the chain goes on from there, so that the gap stays on record.
///
/// # Errors
/// What the file system says, or an end that is none of ours, which is then left as it is.
pub(crate) fn draft(
    path: &Path,
    at: Timestamp,
    generation: u64,
    events: Vec<Event>,
    known: Option<Anchor>,
) -> io::Result<Draft> {
    let mut file = file::open_own(path, Missing::Create)?;
    let mut last = last_line(&mut file)?.map(|line| Anchor { seq: line.seq, hash: line.hash });
    let founds = last.is_none();
    if let Some(known) = known
        && last.as_ref().is_none_or(|last| last.seq <= known.seq)
    {
        last = Some(known);
    }
    let uid = rustix::process::getuid().as_raw();
    let mut bytes = Vec::new();
    for event in events {
        let (seq, prev) = match last {
            Some(anchor) => (anchor.seq + 1, anchor.hash),
            None => (1, GENESIS.to_owned()),
        };
        let mut line = Line { seq, at, uid, generation, event, prev, hash: String::new() };
        line.hash = line.expected().ok_or(io::ErrorKind::InvalidData)?;
        serde_json::to_writer(&mut bytes, &line)?;
        bytes.push(b'\n');
        last = Some(Anchor { seq, hash: line.hash });
    }
    Ok(Draft { file, path: path.to_owned(), bytes, founds, last })
}

impl Draft {
    /// The last line that there will be.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        self.last.clone()
    }

    /// Writes the lines durably.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn write(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&self.bytes)?;
        self.file.sync_all()?;
        if self.founds
            && let Some(dir) = self.path.parent()
        {
            file::sync_dir(dir)?;
        }
        Ok(())
    }
}

/// Appends an event durably. The caller holds the lock of the vault.
///
/// # Errors
/// What the file system says, or an end that is none of ours, which is then left as it is.
pub(crate) fn append(path: &Path, at: Timestamp, generation: u64, event: Event) -> io::Result<()> {
    draft(path, at, generation, vec![event], None)?.write()
}

/// Says that what the last lines tell of is not in the vault, if the vault has not come to their
/// generation. The caller holds the lock of the vault, which stands at `generation`.
///
/// # Errors
/// What the file system says, or an end that is none of ours, which is then left as it is.
pub(crate) fn settle(path: &Path, at: Timestamp, generation: u64) -> io::Result<()> {
    let mut file = match file::open_own(path, Missing::Fail) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    let Some(last) = last_line(&mut file)?.filter(|line| line.generation > generation) else {
        return Ok(());
    };
    // What changed nothing was told with the generation of the line before it.
    let told = change(&mut file, last.generation)?.unwrap_or_else(|| Event {
        event: String::new(),
        profile: "*".to_owned(),
        name: "*".to_owned(),
        version: 0,
        fingerprint: None,
        detail: None,
    });
    let detail = format!(
        "generation {} is not in the vault, which is at {generation}: the write was cut short, or \
         the vault was put back from a backup",
        last.generation
    );
    let event = Event { event: NOT_IN_VAULT.to_owned(), detail: Some(detail), ..told };
    append(path, at, generation, event)
}

/// The event that made the generation which the audit ends with, if it is not too far back.
fn change(file: &mut File, generation: u64) -> io::Result<Option<Event>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(2 * LINE_LIMIT)))?;
    let mut tail = Vec::new();
    file.take(2 * LINE_LIMIT).read_to_end(&mut tail)?;
    let mut first = None;
    for line in tail.rsplit(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<Line>(line) {
            Ok(line) if line.generation == generation => first = Some(line),
            Ok(_) => return Ok(first.map(|line| line.event)),
            Err(_) => return Ok(None),
        }
    }
    Ok(first.filter(|line| line.prev == GENESIS).map(|line| line.event))
}

/// The generation that the last line has, if there is one. The caller holds the lock of the vault.
///
/// # Errors
/// What the file system says, or an end that is none of ours, which is then left as it is.
pub(crate) fn generation(path: &Path) -> io::Result<Option<u64>> {
    match file::open_own(path, Missing::Fail) {
        Ok(mut file) => Ok(last_line(&mut file)?.map(|line| line.generation)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The end of the audit, whole; the beginning of one that has no line yet. The caller holds the lock
/// of the vault.
///
/// # Errors
/// What the file system says, or an end that is none of ours, which is then left as it is.
pub(crate) fn end(path: &Path) -> io::Result<Anchor> {
    let last = match file::open_own(path, Missing::Fail) {
        Ok(mut file) => last_line(&mut file)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    Ok(last.map_or_else(
        || Anchor { seq: 0, hash: GENESIS.to_owned() },
        |line| Anchor { seq: line.seq, hash: line.hash },
    ))
}

/// The kind of the event that says of a generation that the vault has not come to it.
pub(super) const NOT_IN_VAULT: &str = "not-in-vault";

/// The kind of the event that puts another vault in the place of the one here.
pub(crate) const TAKEN: &str = "taken";

/// How the detail of such an event names the line that the audit here ended with.
const ENDED: &str = "; the audit here ended with number ";

/// The detail of such an event: from where the vault was taken, and where the audit here ended. Its
/// line is chained to the audit of the vault that was taken, so the lines between are there.
pub(crate) fn taken(what: &str, here: &Anchor) -> String {
    format!("{what}{ENDED}{}, {}", here.seq, here.hash)
}

impl Line {
    /// The line that the audit ended with before a vault was taken, if this is the line about that.
    pub(super) fn joins(&self) -> Option<Anchor> {
        let detail = self.event.detail.as_deref().filter(|_| self.event.event == TAKEN)?;
        let (_, end) = detail.rsplit_once(ENDED)?;
        let (seq, hash) = end.split_once(", ")?;
        Some(Anchor { seq: seq.parse().ok()?, hash: hash.to_owned() })
    }
}

/// How every line of ours begins.
const BEGINNING: &[u8] = br#"{"seq":"#;

/// The last line. Nothing is changed before the end of the file is known to be ours. A whole line
/// that only lacks its newline gets it: somebody's editor took it, or a crash came just there. What
/// a crash left of a line is cut off: it tells of a change that was never made.
fn last_line(file: &mut File) -> io::Result<Option<Line>> {
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(2 * LINE_LIMIT);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(2 * LINE_LIMIT).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let (lines, rest) = tail.split_at_checked(whole).unwrap_or_default();
    let foreign = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let last = lines.split(|b| *b == b'\n').rev().find(|line| !line.is_empty());
    let last: Option<Line> = last
        .map(serde_json::from_slice)
        .transpose()
        .map_err(|_| foreign("its last line is no line of an audit"))?;
    if rest.is_empty() {
        return Ok(last);
    }
    // A line that was cut short is no JSON. One that is whole stays, changed or not: whoever verifies
    // the audit is to see it.
    if let Ok(line) = serde_json::from_slice::<Line>(rest) {
        file.seek(SeekFrom::End(0))?;
        file.write_all(b"\n")?;
        return Ok(Some(line));
    }
    // A file system may have made room for a line that it never wrote.
    let written = rest.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let written = rest.get(..written).unwrap_or_default();
    let torn = written.starts_with(BEGINNING) || BEGINNING.starts_with(written);
    // Without the beginning of the line nobody can tell.
    if !torn || (whole == 0 && start > 0) {
        return Err(foreign("its end is no line of an audit"));
    }
    file.set_len(start + whole as u64)?;
    Ok(last)
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
