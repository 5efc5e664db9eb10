//! Reading the audit: line by line, in bounded memory, and whether it is whole.
//!
//! The chain itself tells of a line that was removed, changed or moved. An end that was cut off,
//! and a chain that somebody made anew, are told by the anchors that index and vault keep; who
//! gathers those is [`audited`](super::audited).

use super::audit::{Anchor, GENESIS, LINE_LIMIT, Line};
use super::crypto::digest;
use crate::base::{Timestamp, file};
use serde::Serialize;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

/// How many findings are told one by one.
const TOLD: usize = 50;

/// Something that is wrong with the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The line of the file, from 1.
    pub(crate) line: u64,
    /// What is wrong.
    pub(crate) what: String,
}

/// A line that somebody else remembers.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Who.
    pub(crate) by: &'static str,
    /// Which.
    pub(crate) anchor: Anchor,
}

/// What the audit says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// How many lines there are.
    pub(crate) lines: u64,
    /// The greatest generation that a line tells of.
    pub(crate) generation: u64,
    /// What is wrong, in the order of the lines.
    pub(crate) findings: Vec<Finding>,
    /// How much more is wrong.
    pub(crate) more: usize,
    /// Whether a write was cut short at the end. The next one tidies that up.
    pub(crate) torn: bool,
    /// The first line that is dated before the one above it.
    pub(crate) set_back: Option<u64>,
    /// Numbers whose lines are in the audit of a vault that was taken in the place of the one here:
    /// first and last. Of a fork both may be the number of a line that is here, too.
    pub(crate) elsewhere: Vec<(u64, u64)>,
    /// The latest date.
    pub(crate) latest: Option<Timestamp>,
    seen: State,
}

/// Where the chain has come to.
#[derive(Clone, Debug)]
struct State {
    /// The number that the next line has.
    next: u64,
    /// The hash that it is chained to; `None` after a line that cannot be read.
    prev: Option<String>,
    at: Option<Timestamp>,
}

impl Default for State {
    fn default() -> Self {
        Self { next: 1, prev: Some(GENESIS.to_owned()), at: None }
    }
}

impl Chain {
    /// Compares the audit with the generation of the vault: every change of it has a line.
    pub(crate) fn up_to(&mut self, generation: u64) {
        if self.findings.is_empty() && self.generation < generation {
            self.find(
                self.lines + 1,
                format!(
                    "is missing: the audit ends with generation {}, and the vault is at {generation}",
                    self.generation
                ),
            );
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, line: u64, what: impl Into<String>) {
        if self.findings.len() < TOLD {
            self.findings.push(Finding { line, what: what.into() });
        } else {
            self.more += 1;
        }
    }

    /// Takes in the next line of the file.
    fn take(&mut self, text: &[u8], known: &[Known]) -> Option<Line> {
        self.lines += 1;
        let number = self.lines;
        let Ok(line) = serde_json::from_slice::<Line>(text) else {
            self.find(number, "is no line of an audit");
            self.seen.prev = None;
            self.seen.next += 1;
            return None;
        };
        if hashed(text, &line).as_deref() != Some(&*line.hash) {
            self.find(number, "was changed: its hash is not the one of its text");
        }
        self.chained(number, &line);
        for known in known.iter().filter(|known| known.anchor.seq == line.seq) {
            if known.anchor.hash != line.hash {
                self.find(
                    number,
                    format!("was forged: {} knows another line by this number", known.by),
                );
            }
        }
        if self.seen.at.is_some_and(|at| line.at < at) && self.set_back.is_none() {
            self.set_back = Some(number);
        }
        self.seen.at = Some(line.at);
        self.latest = self.latest.max(Some(line.at));
        self.generation = self.generation.max(line.generation);
        Some(line)
    }

    /// Whether the line follows the one before.
    fn chained(&mut self, number: u64, line: &Line) {
        let expected = self.seen.next;
        let follows =
            line.seq == expected && self.seen.prev.as_ref().is_none_or(|prev| *prev == line.prev);
        if !follows && self.joined(line) {
            return;
        }
        if line.seq < expected {
            self.find(
                number,
                format!(
                    "is out of order: it is number {}, after number {}",
                    line.seq,
                    expected - 1
                ),
            );
            return;
        }
        if line.seq > expected {
            let (first, last) = (expected, line.seq - 1);
            let missing = match last - first {
                0 => format!("number {first} is"),
                _ => format!("numbers {first} to {last} are"),
            };
            self.find(number, format!("does not follow the one before: {missing} missing"));
        } else if self.seen.prev.as_ref().is_some_and(|prev| *prev != line.prev) {
            self.find(number, "is not chained to the line before: one of the two was replaced");
        }
        self.seen.next = line.seq.saturating_add(1);
        self.seen.prev = Some(line.hash.clone());
    }

    /// Takes in a line about a vault that was taken: it is chained to the audit of that one, and names
    /// the line that this one ended with. Whether it does.
    fn joined(&mut self, line: &Line) -> bool {
        let here = line.joins().filter(|here| here.seq + 1 == self.seen.next);
        if line.seq < self.seen.next || here.is_none_or(|h| Some(h.hash) != self.seen.prev) {
            return false;
        }
        self.elsewhere.push((self.seen.next.min(line.seq - 1), line.seq - 1));
        self.seen.next = line.seq.saturating_add(1);
        self.seen.prev = Some(line.hash.clone());
        true
    }

    /// Compares the end with what others know of it.
    pub(super) fn end(&mut self, known: &[Known]) {
        let last = self.seen.next - 1;
        let cut = known.iter().filter(|known| known.anchor.seq > last);
        if let Some(known) = cut.max_by_key(|known| known.anchor.seq) {
            let (by, to) = (known.by, known.anchor.seq);
            self.find(
                self.lines + 1,
                format!(
                    "is missing: the audit ends with number {last}, and {by} knows of number {to}"
                ),
            );
        }
    }
}

/// The hash of the text of a line as it stands there, whatever fields are in it: its own is the last.
fn hashed(text: &[u8], line: &Line) -> Option<String> {
    let ending = format!("{}\"}}", line.hash);
    let bare = text.strip_suffix(ending.as_bytes())?;
    if !bare.ends_with(b"\"hash\":\"") {
        return None;
    }
    let mut bare = bare.to_vec();
    bare.extend_from_slice(b"\"}");
    Some(digest(&bare))
}

/// Reads the audit and tells `each` of its lines; `None` if there is no audit.
///
/// # Errors
/// What the file system says; a link is not followed.
pub(crate) fn read(
    path: &Path,
    known: &[Known],
    mut each: impl FnMut(Line),
) -> io::Result<Option<Chain>> {
    let Some(file) = file::open_to_read(path)? else { return Ok(None) };
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let mut chain = Chain::default();
    let mut text = Vec::new();
    loop {
        text.clear();
        reader.by_ref().take(LINE_LIMIT + 1).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            break;
        }
        let ended = text.pop_if(|last| *last == b'\n').is_some();
        if !ended && text.len() as u64 > LINE_LIMIT {
            skip_line(&mut reader)?;
        } else if !ended && serde_json::from_slice::<Line>(&text).is_err() {
            // What a crash leaves of a line, or room for one that was never written.
            let written = text.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
            let begun = text.get(..written).unwrap_or_default();
            const BEGINNING: &[u8] = br#"{"seq":"#;
            if begun.starts_with(BEGINNING) || BEGINNING.starts_with(begun) {
                chain.torn = true;
                break;
            }
        }
        if let Some(line) = chain.take(&text, known) {
            each(line);
        }
    }
    chain.end(known);
    Ok(Some(chain))
}

/// Goes on behind the next end of a line, without keeping what is before it.
fn skip_line(reader: &mut impl io::BufRead) -> io::Result<()> {
    loop {
        let some = reader.fill_buf()?;
        if some.is_empty() {
            return Ok(());
        }
        let (length, end) = match memchr::memchr(b'\n', some) {
            Some(at) => (at + 1, true),
            None => (some.len(), false),
        };
        reader.consume(length);
        if end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::{Event, append};
    use super::*;

    /// An audit of `n` lines, with its file.
    fn audit(n: u32) -> (tempfile::TempDir, std::path::PathBuf, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        for version in 1..=n {
            let event = Event {
                event: "set".into(),
                profile: "dev".into(),
                name: "openai".into(),
                version,
                fingerprint: None,
                detail: Some("a \"quoted\" é".into()),
            };
            append(&path, Timestamp::UNIX_EPOCH, u64::from(version), event).unwrap();
        }
        let lines = std::fs::read_to_string(&path).unwrap();
        let lines = lines.lines().map(str::to_owned).collect();
        (dir, path, lines)
    }

    fn judged(path: &Path, lines: &[String], known: &[Known]) -> Vec<(u64, String)> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(path, text).unwrap();
        let chain = read(path, known, |_| {}).unwrap().unwrap();
        chain.findings.into_iter().map(|f| (f.line, f.what)).collect()
    }

    fn anchor(lines: &[String]) -> Vec<Known> {
        let last: Line = serde_json::from_str(lines.last().unwrap()).unwrap();
        vec![Known { by: "the index", anchor: Anchor { seq: last.seq, hash: last.hash } }]
    }

    #[test]
    fn whatever_is_done_to_a_line_is_found_and_its_number_told() {
        let (_dir, path, lines) = audit(5);
        let known = anchor(&lines);
        let numbers = |lines: &[String]| -> Vec<u64> {
            judged(&path, lines, &known).into_iter().map(|(line, _)| line).collect()
        };
        assert_eq!(numbers(&lines), [0_u64; 0]);
        for at in 0..5 {
            let mut removed = lines.clone();
            removed.remove(at);
            assert_eq!(numbers(&removed), [at as u64 + 1], "line {} removed", at + 1);
            let mut changed = lines.clone();
            changed[at] = changed[at].replace("openai", "opanai");
            assert_eq!(numbers(&changed), [at as u64 + 1], "line {} changed", at + 1);
            let mut more = lines.clone();
            more[at] = more[at].replacen('{', "{\"x\":1,", 1);
            assert_eq!(numbers(&more), [at as u64 + 1], "a field added to line {}", at + 1);
            let mut broken = lines.clone();
            broken[at] = "hello".to_owned();
            assert!(numbers(&broken).contains(&(at as u64 + 1)), "line {} broken", at + 1);
        }
        for at in 0..4 {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            assert_eq!(numbers(&swapped), [at as u64 + 1, at as u64 + 2]);
        }
        let cut = judged(&path, &lines[..3], &known);
        assert_eq!(cut.len(), 1);
        assert!(cut[0].0 == 4 && cut[0].1.contains("ends with number 3"), "{cut:?}");
    }

    #[test]
    fn a_chain_that_was_made_anew_is_told_by_the_anchor() {
        let (_dir, path, lines) = audit(3);
        let known = anchor(&lines);
        let (_other, _, mut forged) = audit(4);
        // The same events at another time give another chain.
        let mut line: Line = serde_json::from_str(&forged[0]).unwrap();
        line.uid = line.uid.wrapping_add(1);
        std::fs::remove_file(&path).unwrap();
        for old in &mut forged {
            let line: Line = serde_json::from_str(old).unwrap();
            append(&path, Timestamp::from_second(9).unwrap(), line.generation, line.event).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let forged: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(judged(&path, &forged, &[]).is_empty(), "it is whole by itself");
        let found = judged(&path, &forged, &known);
        assert!(found.len() == 1 && found[0].0 == 3 && found[0].1.contains("forged"), "{found:?}");
    }

    #[test]
    fn a_torn_end_is_no_forgery_and_a_long_line_is_skipped() {
        let (_dir, path, lines) = audit(2);
        let whole: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, format!("{whole}{{\"seq\":3,\"a")).unwrap();
        let chain = read(&path, &[], |_| {}).unwrap().unwrap();
        assert!(chain.is_whole() && chain.torn && chain.lines == 2);
        std::fs::write(&path, whole.trim_end()).unwrap();
        let chain = read(&path, &[], |_| {}).unwrap().unwrap();
        assert!(chain.is_whole() && !chain.torn && chain.lines == 2);
        let long = format!("{}\n{whole}", "x".repeat(300 << 10));
        std::fs::write(&path, long).unwrap();
        let chain = read(&path, &[], |_| {}).unwrap().unwrap();
        assert_eq!((chain.lines, chain.findings[0].line), (3, 1));
        assert!(read(Path::new("/nonexistent/x"), &[], |_| {}).unwrap().is_none());
    }

    #[test]
    fn a_clock_that_was_set_back_is_noticed() {
        let (_dir, path, _) = audit(1);
        let event = |at: i64| {
            let event = Event {
                event: "set".into(),
                profile: "dev".into(),
                name: "x".into(),
                version: 1,
                fingerprint: None,
                detail: None,
            };
            append(&path, Timestamp::from_second(at).unwrap(), 2, event).unwrap();
        };
        event(100);
        event(50);
        let chain = read(&path, &[], |_| {}).unwrap().unwrap();
        assert_eq!((chain.set_back, chain.is_whole()), (Some(3), true));
        assert_eq!(chain.latest, Timestamp::from_second(100).ok());
    }
}
