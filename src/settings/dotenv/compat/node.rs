//! Node's own `--env-file` and `util.parseEnv`, version 20.20.
//!
//! - Carriage returns are dropped everywhere, and only blanks (no tabs) are trimmed.
//! - Everything up to the next `=` is the name, over line ends too: a line without `=` becomes
//!   part of the name on the next one, and a line that begins with blanks and `=` has a line end
//!   for its name. `export ` before a name is dropped.
//! - `#` ends a value without quotes wherever it stands; nothing is expanded.
//! - A value in `"`, `'` or a backtick ends at the next such character, escaped or not; what
//!   follows on its line is dropped. In double quotes `\n` is a line end.
//! - A quote without an end is part of the value, which ends with its line; on the last line the
//!   assignment is lost.

use super::reading::{Lines, Reading};
use memchr::{memchr, memmem};

/// What node reads.
pub(super) fn read(bytes: &[u8]) -> Reading {
    // The program decodes first, so what is no UTF-8 becomes U+FFFD.
    let text = String::from_utf8_lossy(bytes).replace('\r', "");
    let text = text.as_bytes();
    let mut lines = Lines::new(text);
    let mut out = Reading::default();
    let mut rest = Rest { text, at: 0, end: text.len() };
    rest.trim();
    while let Some(first) = rest.first() {
        if matches!(first, b'\n' | b'#')
            && let Some(end) = rest.find(b'\n', 0)
        {
            rest.at += end + 1;
            continue;
        }
        let Some(equals) = rest.find(b'=', 0) else { break };
        let begin = rest.at;
        let mut name = trim(rest.slice(0, equals));
        if name.is_empty() && equals > 0 {
            // Blanks alone are trimmed past their beginning: the line end before them remains.
            name = begin.checked_sub(1).and_then(|n| text.get(n..begin)).unwrap_or_default();
        }
        rest.at += equals + 1;
        rest.trim();
        if name.is_empty() {
            break;
        }
        let name = name.strip_prefix(b"export ").unwrap_or(name);
        let blanks = text.get(begin..).unwrap_or_default();
        let line = lines.at(begin + blanks.iter().take_while(|b| **b == b' ').count());
        let Some(first) = rest.first() else {
            out.set(name, line, Vec::new());
            break;
        };
        if !matches!(first, b'"' | b'\'' | b'`') {
            let end = rest.find(b'\n', 0);
            let value = rest.slice(0, end.unwrap_or(rest.len()));
            let value = memchr(b'#', value).and_then(|n| value.get(..n)).unwrap_or(value);
            out.set(name, line, trim(value).to_vec());
            rest.at += end.unwrap_or(rest.len());
        } else if let Some(close) = rest.find(first, 1) {
            let value = rest.slice(1, close);
            let value = if first == b'"' { newlines(value) } else { value.to_vec() };
            out.set(name, line, value);
            rest.at += rest.find(b'\n', close + 1).unwrap_or(rest.len());
        } else if let Some(end) = rest.find(b'\n', 0) {
            out.set(name, line, rest.slice(0, end).to_vec());
            rest.at += end;
        }
    }
    out
}

/// What is left of a text: from `at` to `end`.
struct Rest<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Rest<'a> {
    fn all(&self) -> &'a [u8] {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    fn len(&self) -> usize {
        self.all().len()
    }

    fn first(&self) -> Option<u8> {
        self.all().first().copied()
    }

    fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.all().get(from..to).unwrap_or_default()
    }

    /// The offset of `byte`, not before `from`.
    fn find(&self, byte: u8, from: usize) -> Option<usize> {
        Some(from + memchr(byte, self.all().get(from..)?)?)
    }

    fn trim(&mut self) {
        let all = self.all();
        self.at += all.iter().take_while(|b| **b == b' ').count();
        self.end -= self.all().iter().rev().take_while(|b| **b == b' ').count();
    }
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

/// `\n` as a line end.
fn newlines(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for found in memmem::find_iter(text, b"\\n") {
        out.extend_from_slice(text.get(at..found).unwrap_or_default());
        out.push(b'\n');
        at = found + 2;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}
