//! Whether the vault comes from one that was given away, told by the audit.
//!
//! The lines of the audit are in one row, and the vault is not always: it was put back from a backup
//! (`index-rebuilt`, `not-in-vault`) or another was taken in its place (`taken`). What was written
//! between is in the audit then and not in the vault.

use super::audit::{Anchor, Event, Line, NOT_IN_VAULT, TAKEN};

/// The event of a vault that was found to be another than the one written last.
pub(super) const REBUILT: &str = "index-rebuilt";

/// The detail of such an event: which vault it is, and after which line of the audit.
pub(super) fn after(vault: &str, anchor: Option<&Anchor>) -> String {
    format!("{vault}, after {}", anchor.map_or("", |anchor| anchor.hash.as_str()))
}

/// The hash of the line that such an event names.
fn named(event: &Event) -> Option<&str> {
    let (_, rest) = event.detail.as_deref()?.split_once(", after ")?;
    // What else is said of it follows.
    let hash = rest.split(';').next().unwrap_or_default();
    Some(hash).filter(|hash| !hash.is_empty())
}

/// Whether the vault whose last line is `own` comes from the one whose last line is `given`.
/// Without an audit only their numbers tell.
pub(super) fn comes_from(audit: Option<&[u8]>, own: Option<&Anchor>, given: &Anchor) -> bool {
    match own {
        Some(own) if own.hash == given.hash => return true,
        Some(own) if own.seq <= given.seq => return false,
        _ => {}
    }
    let Some(audit) = audit else { return true };
    let lines: Vec<Line> = audit
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let place = |hash: &str| lines.iter().position(|line| line.hash == hash);
    // Whether the vault as it was after each line comes from it.
    let mut comes: Vec<bool> = Vec::with_capacity(lines.len());
    for line in &lines {
        // Its own line may be gone, and is named by the one that followed it.
        let mut now = comes.last().copied().unwrap_or_default() || line.prev == given.hash;
        match &*line.event.event {
            REBUILT | TAKEN => match named(&line.event) {
                Some(hash) if hash == given.hash => now = true,
                // One that came from elsewhere is not told more of.
                Some(hash) => {
                    now = place(hash).and_then(|at| comes.get(at).copied()).unwrap_or(now);
                }
                None => {}
            },
            // A vault whose generation is not known says nothing.
            NOT_IN_VAULT if line.generation > 0 => {
                let held = |before: &Line| before.generation <= line.generation;
                let before = lines.get(..comes.len()).unwrap_or_default();
                let at = before.iter().rposition(held);
                now = at.and_then(|at| comes.get(at).copied()).unwrap_or_default();
            }
            _ => {}
        }
        comes.push(now || line.hash == given.hash);
    }
    let here = own.and_then(|own| place(&own.hash)).and_then(|at| comes.get(at));
    here.or(comes.last()).copied().unwrap_or_default()
}

/// Whether the audit went on, after the line `own` of a vault of this generation, from another vault,
/// and `not-in-vault` will not say it rightly: that only counts generations, and those of two vaults
/// that went apart tell nothing of each other. It is right where all that follows is of later ones.
///
/// A write is of a later generation than the line before it, and what changes nothing in the vault is
/// of the same; so each line that is of another than the one before tells of another vault.
pub(super) fn is_left(audit: &[u8], own: &Anchor, generation: u64) -> bool {
    let mut after: Vec<Line> = Vec::new();
    let mut before = generation;
    let lines = audit.rsplit(|byte| *byte == b'\n');
    for line in lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
        if line.hash == own.hash || line.seq < own.seq {
            before = line.generation;
            break;
        }
        after.push(line);
    }
    let (mut written, mut lower) = (false, false);
    for line in after.iter().rev().filter(|line| {
        let differs = line.generation != before;
        before = line.generation;
        differs
    }) {
        // A write that was cut short is told of already.
        if line.event.event == NOT_IN_VAULT && line.generation == generation && !lower {
            written = false;
        } else {
            written = true;
            lower |= line.generation <= generation;
        }
    }
    written && (lower || before <= generation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    /// An audit: each line is its generation, its event and what that names.
    fn audit(lines: &[(u64, &str, Option<u64>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for ((generation, event, names), seq) in lines.iter().zip(1_u64..) {
            let event = Event {
                event: (*event).to_owned(),
                profile: "*".to_owned(),
                name: "*".to_owned(),
                version: 0,
                fingerprint: None,
                detail: names
                    .map(|seq| after("generation 1", Some(&anchor(seq))) + "; and the rest, h1"),
            };
            let prev = format!("h{}", seq - 1);
            let (generation, hash) = (*generation, format!("h{seq}"));
            let at = Timestamp::UNIX_EPOCH;
            let line = Line { seq, at, uid: 0, generation, event, prev, hash };
            serde_json::to_writer(&mut bytes, &line).unwrap();
            bytes.push(b'\n');
        }
        bytes
    }

    fn anchor(seq: u64) -> Anchor {
        Anchor { seq, hash: format!("h{seq}") }
    }

    fn comes(lines: &[(u64, &str, Option<u64>)], own: u64, given: u64) -> bool {
        comes_from(Some(&audit(lines)), Some(&anchor(own)), &anchor(given))
    }

    #[test]
    fn a_vault_comes_from_what_it_was_and_not_from_what_it_will_be() {
        let lines = [(1, "set", None), (2, "set", None), (3, "set", None)];
        assert!(comes(&lines, 3, 1) && comes(&lines, 3, 3));
        assert!(!comes(&lines, 1, 3), "it was put back and not written since");
        assert!(!comes_from(None, Some(&anchor(1)), &anchor(3)));
        assert!(comes_from(None, Some(&anchor(3)), &anchor(1)));
        let stranger = Anchor { seq: 2, hash: "x".to_owned() };
        assert!(!comes_from(Some(&audit(&lines)), Some(&anchor(3)), &stranger));
        // Of a line that was lost the next one tells.
        assert!(comes(&lines[..1], 1, 0));
    }

    #[test]
    fn one_that_was_put_back_does_not_come_from_what_was_written_between() {
        let lines = [
            (1, "set", None),
            (2, "set", None),
            (3, REBUILT, Some(1)),
            (4, "set", None),
            (5, REBUILT, Some(2)),
        ];
        assert!(comes(&lines[..4], 4, 1));
        assert!(!comes(&lines[..4], 4, 2));
        // The later one is put back again.
        assert!(comes(&lines, 5, 2));
        assert!(!comes(&lines, 5, 4));
    }

    #[test]
    fn nor_from_what_is_said_not_to_be_in_it() {
        let lines = [
            (1, "set", None),
            (2, "set", None),
            (3, "set", None),
            (1, "not-in-vault", None),
            (2, "set", None),
        ];
        assert!(comes(&lines, 5, 1));
        assert!(!comes(&lines, 5, 2) && !comes(&lines, 5, 3));
    }

    #[test]
    fn an_audit_that_went_on_from_another_vault_is_told_whatever_the_generations() {
        let left = |lines: &[(u64, &str, Option<u64>)], own: u64, generation: u64| {
            is_left(&audit(lines), &anchor(own), generation)
        };
        let base = [(1, "set", None), (2, "set", None), (2, "exported", None)];
        assert!(!left(&base, 2, 2), "what changes nothing tells of no other vault");
        assert!(!left(&base, 1, 1), "the next `not-in-vault` says it");
        // A write that was cut short, before and after that is told.
        let torn = [(1, "set", None), (2, "set", None), (1, NOT_IN_VAULT, None), (1, "note", None)];
        assert!(!left(&torn[..2], 1, 1) && !left(&torn[..3], 1, 1) && !left(&torn, 1, 1));
        // The one that was left is of a later generation than all that was written instead.
        let lower = [
            (1, "set", None),
            (2, "set", None),
            (3, "set", None),
            (1, NOT_IN_VAULT, None),
            (2, "set", None),
        ];
        assert!(left(&lower, 3, 3) && left(&lower, 2, 2));
        assert!(!left(&lower, 5, 2));
        // A line of generation 0 hides what was written before it.
        let hidden = [(1, "set", None), (2, "set", None), (3, "set", None), (0, "note", None)];
        assert!(left(&hidden, 1, 1) && left(&hidden, 2, 2));
        // One that the audit lost the line of.
        assert!(!left(&base[..1], 2, 2));
    }

    #[test]
    fn one_that_was_taken_is_what_it_is() {
        let lines = [(1, "set", None), (2, "set", None), (9, TAKEN, Some(7)), (10, "set", None)];
        let own = Anchor { seq: 40, hash: "h4".to_owned() };
        assert!(comes_from(Some(&audit(&lines)), Some(&own), &anchor(7)));
    }
}
