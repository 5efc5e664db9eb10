//! The lines of a dotenv file as they are written, byte by byte.

use std::ops::Range;

/// A stretch of the file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first byte.
    pub(crate) start: usize,
    /// Behind the last one.
    pub(crate) end: usize,
}

impl Span {
    /// How many bytes.
    pub(crate) fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// These bytes of the file.
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(Range::from(self)).unwrap_or_default()
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start..span.end
    }
}

/// A line, or several if a quoted value spans them. The spans of a file's lines follow on each
/// other without a gap, from its first byte to its last.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// All of it, with what ends it.
    pub(crate) span: Span,
    /// The number of the line it begins on, from 1.
    pub(crate) number: u32,
    /// How it ends.
    pub(crate) ending: Ending,
    /// What it is.
    pub(crate) kind: LineKind,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the file.
    None,
    /// LF.
    Lf,
    /// CR and LF.
    CrLf,
}

impl Ending {
    /// How many bytes that is.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::Lf => 1,
            Self::CrLf => 2,
        }
    }
}

/// What a line is.
#[derive(Clone, Debug)]
pub(crate) enum LineKind {
    /// The byte order mark; the first line follows on it.
    Bom,
    /// Nothing but blanks.
    Blank,
    /// A comment: from `#` to the end of the line.
    Comment(Span),
    /// `NAME=value`.
    Assignment(Box<Assignment>),
    /// Something without form; a problem tells what.
    Error,
}

impl LineKind {
    /// Whether anything stands on the line.
    pub(crate) fn is_written(&self) -> bool {
        !matches!(self, Self::Bom | Self::Blank)
    }
}

/// The parts of an assignment, from left to right; between them stand blanks and the `=`.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// Whether `export` stands before the name.
    pub(crate) export: bool,
    /// The name.
    pub(crate) name: Span,
    /// The value as it is written, with its quotes.
    pub(crate) value: Span,
    /// Its quotes.
    pub(crate) quote: Quote,
    /// The comment behind it, from `#` on.
    pub(crate) comment: Option<Span>,
    /// Which of the document's entries it became; `None` if the name is taken or the value has an
    /// error.
    pub(crate) entry: Option<usize>,
}

/// What stands around a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// Nothing.
    Nothing,
    /// `'`.
    Single,
    /// `"`.
    Double,
}

impl Line {
    /// Its parts from left to right: all of its bytes, each in one part.
    pub(crate) fn parts(&self) -> Vec<Span> {
        let Span { start, end } = self.span;
        let body = end.saturating_sub(self.ending.len());
        let mut cuts = vec![start];
        match &self.kind {
            LineKind::Bom | LineKind::Blank | LineKind::Error => {}
            LineKind::Comment(text) => cuts.extend([text.start, text.end]),
            LineKind::Assignment(parts) => {
                cuts.extend([parts.name.start, parts.name.end]);
                cuts.extend([parts.value.start, parts.value.end]);
                cuts.extend(parts.comment.iter().flat_map(|text| [text.start, text.end]));
            }
        }
        cuts.extend([body, end]);
        cuts.windows(2)
            .filter_map(|pair| match pair {
                [start, end] => Some(Span { start: *start, end: *end }),
                _ => None,
            })
            .collect()
    }
}

/// The file again, from the parts of its lines: what was read, byte by byte.
pub(crate) fn print(lines: &[Line], bytes: &[u8]) -> Vec<u8> {
    lines.iter().flat_map(Line::parts).flat_map(|part| part.of(bytes)).copied().collect()
}
