//! Characters that a provider writes in halves.
//!
//! A JSON text may name a character outside the first 65,536 by two escapes (RFC 8259 §7). Servers
//! that cut what a model says by such halves put the first into one event and the second into the
//! next, and neither event can be read alone. Here the halves come together again, and one that
//! stays alone becomes U+FFFD, as decoders of UTF-8 and UTF-16 put it.

use super::framing::Split;
use memchr::memmem;
use std::ops::Range;

/// The length of an escape: `\ud83d`.
const ESCAPE: usize = 6;

/// What stands in the place of a half that stays alone.
const REPLACEMENT: &str = "\\ufffd";

/// Puts the halves together that are in two events.
#[derive(Debug, Default)]
pub(super) struct Halves {
    /// An event with a text that ends in a first half, and where that stands.
    held: Option<(String, String, Range<usize>)>,
}

/// A half that has no other.
struct Alone {
    at: Range<usize>,
    is_first: bool,
}

impl Halves {
    /// Takes what has come; adds to `out` what can be read now, in its order.
    pub(super) fn push(&mut self, split: Split, out: &mut Vec<Split>) {
        let Split::Event(name, mut data) = split else {
            self.finish(out);
            out.push(split);
            return;
        };
        let mut alone = alone(&data);
        if let Some((name, mut first, at)) = self.held.take() {
            if let Some(half) = alone.first()
                && !half.is_first
                && data.get(..half.at.start).is_some_and(|before| before.ends_with('"'))
                && let Some(escape) = first.get(at.clone()).map(str::to_owned)
            {
                data.insert_str(half.at.start, &escape);
                first.replace_range(at, "");
                alone = self::alone(&data);
            }
            out.push(Split::Event(name, mended(first)));
        }
        let ends = |half: &&Alone| {
            half.is_first && data.get(half.at.end..).is_some_and(|rest| rest.starts_with('"'))
        };
        match alone.iter().rfind(ends) {
            Some(half) => self.held = Some((name, data, half.at.clone())),
            None => out.push(Split::Event(name, replaced(data, &alone))),
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self, out: &mut Vec<Split>) {
        if let Some((name, data, _)) = self.held.take() {
            out.push(Split::Event(name, mended(data)));
        }
    }
}

fn mended(data: String) -> String {
    let alone = alone(&data);
    replaced(data, &alone)
}

fn replaced(mut data: String, alone: &[Alone]) -> String {
    for half in alone {
        // Both have the same length.
        data.replace_range(half.at.clone(), REPLACEMENT);
    }
    data
}

/// The halves in a piece of JSON that have no other beside them, in their order.
fn alone(json: &str) -> Vec<Alone> {
    let bytes = json.as_bytes();
    let mut out: Vec<Alone> = Vec::new();
    let mut at = memmem::find(bytes, b"\\").unwrap_or(bytes.len());
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let half = match rest {
            [b'\\', b'u', b'd' | b'D', digit, ..] => is_first(*digit),
            _ => None,
        };
        let end = at + if half.is_some() { ESCAPE } else { 2 };
        match half {
            Some(false) if out.last().is_some_and(|last| last.is_first && last.at.end == at) => {
                out.pop();
            }
            Some(is_first) if json.get(at..end).is_some_and(is_escape) => {
                out.push(Alone { at: at..end, is_first });
            }
            _ => {}
        }
        let next = bytes.get(end..).and_then(|rest| memchr::memchr(b'\\', rest));
        at = next.map_or(bytes.len(), |next| end + next);
    }
    out
}

/// Whether the digit after `d` is that of a first half, or of a second; `None` if of neither.
fn is_first(digit: u8) -> Option<bool> {
    match digit {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(true),
        b'c'..=b'f' | b'C'..=b'F' => Some(false),
        _ => None,
    }
}

fn is_escape(text: &str) -> bool {
    text.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(events: &[&str]) -> Vec<String> {
        let (mut halves, mut out) = (Halves::default(), Vec::new());
        for data in events {
            halves.push(Split::Event("n".to_owned(), (*data).to_owned()), &mut out);
        }
        halves.finish(&mut out);
        let data = |split| match split {
            Split::Event(name, data) if name == "n" => data,
            other => panic!("{other:?}"),
        };
        out.into_iter().map(data).collect()
    }

    #[test]
    fn halves_in_two_events_come_together_in_the_second() {
        let joined = pushed(&[r#"{"a":"x \ud83d"}"#, r#"{"a":"\ude00 y"}"#, "[DONE]"]);
        assert_eq!(joined, [r#"{"a":"x "}"#, r#"{"a":"\ud83d\ude00 y"}"#, "[DONE]"]);
        // Both halves of an event have their others in its neighbours.
        let joined = pushed(&[r#"{"a":"\uD83D"}"#, r#"{"a":"\uDE00\uD83D"}"#, r#"{"a":"\uDE01"}"#]);
        assert_eq!(joined, [r#"{"a":""}"#, r#"{"a":"\uD83D\uDE00"}"#, r#"{"a":"\uD83D\uDE01"}"#]);
    }

    #[test]
    fn a_half_that_stays_alone_is_replaced_and_nothing_else() {
        for (event, mended) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"\ude00\ud83d x"}"#, r#"{"a":"\ufffd\ufffd x"}"#),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, r#"{"a":"\ufffd\ud83d\ude00"}"#),
        ] {
            assert_eq!(pushed(&[event]), [mended]);
            assert_eq!(pushed(&[event, r#"{"a":"z"}"#]), [mended, r#"{"a":"z"}"#]);
        }
        for whole in [
            r#"{"a":"\ud83d\ude00 \u00e9 \\ud83d \"\\\\ud83d"}"#,
            r#"{"a":"\ud8"#,
            "\\",
            r#"{"a":"\ud8zz"}"#,
            r#"{"a":"\ud83"#,
            "é\\ud83é",
        ] {
            assert_eq!(pushed(&[whole]), [whole]);
        }
    }

    #[test]
    fn a_half_waits_for_no_more_than_the_next_event() {
        let mut out = Vec::new();
        let mut halves = Halves::default();
        halves.push(Split::Event(String::new(), r#"{"a":"\ud83d"}"#.to_owned()), &mut out);
        assert!(out.is_empty());
        halves.push(Split::Overlong, &mut out);
        let first = Split::Event(String::new(), r#"{"a":"\ufffd"}"#.to_owned());
        assert_eq!(out, [first, Split::Overlong]);
    }
}
