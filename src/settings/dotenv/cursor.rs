//! A place in a text that knows its line and column.

use crate::report::Place;
use std::path::Path;

/// The byte order mark.
pub(super) const BOM: &str = "\u{feff}";

#[cfg(test)]
thread_local! {
    /// How many characters were taken in this thread: what reading costs, for the tests.
    pub(super) static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Where reading stands. Lines end with LF or CRLF.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl<'a> Cursor<'a> {
    /// The beginning of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// How many bytes have been taken.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The line it stands on, from 1.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character; CRLF is one `\n`.
    pub(super) fn peek(&self) -> Option<char> {
        let rest = self.rest();
        if rest.starts_with("\r\n") { Some('\n') } else { rest.chars().next() }
    }

    /// The character after the next one.
    pub(super) fn peek_second(&self) -> Option<char> {
        let mut next = *self;
        next.bump();
        next.peek()
    }

    /// Takes the next character.
    pub(super) fn bump(&mut self) -> Option<char> {
        #[cfg(test)]
        STEPS.with(|steps| steps.set(steps.get() + 1));
        let rest = self.rest();
        if rest.starts_with("\r\n") {
            self.at += 1;
        }
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// Takes a byte order mark; the first column comes after it.
    pub(super) fn take_mark(&mut self) -> bool {
        let found = self.take(BOM);
        self.column = if found { 1 } else { self.column };
        found
    }

    /// Takes `text` if it comes next. It must hold no line end.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
            self.column += u32::try_from(text.chars().count()).unwrap_or(0);
        }
        found
    }

    /// Whether the line or the text ends here.
    pub(super) fn at_line_end(&self) -> bool {
        matches!(self.peek(), None | Some('\n')) || self.rest() == "\r"
    }

    /// Takes blanks; whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        let before = self.at;
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.bump();
        }
        self.at > before
    }

    /// Goes behind the end of the line.
    pub(super) fn skip_line(&mut self) {
        while let Some(c) = self.bump() {
            if c == '\n' {
                break;
            }
        }
    }

    /// Takes characters as long as they are parts of a name.
    pub(super) fn take_name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        self.at += end;
        self.column += u32::try_from(end).unwrap_or(0);
        name
    }

    /// This position in `file`.
    pub(super) fn place(&self, file: &Path) -> Place {
        Place::at(file, self.line, self.column)
    }
}

/// The line and column of a byte offset; columns count characters, and a byte order mark is none.
pub(crate) fn position(bytes: &[u8], offset: usize) -> (u32, u32) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let before = before.strip_prefix(BOM.as_bytes()).unwrap_or(before);
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let lines = before.iter().filter(|b| **b == b'\n').count();
    let column =
        String::from_utf8_lossy(before.get(line_start..).unwrap_or_default()).chars().count();
    let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    (number(lines), number(column))
}
