//! A dotenv file in its normal form, line by line, with the same values, comments and order.

use super::line::{Assignment, Line, LineKind, Quote, print};
use super::parse::{Document, parse};
use super::template::{Piece, Template};
use super::write::{portable, quote};
use std::path::Path;

/// The file in its normal form: for each line of `document` what it becomes, with its end; nothing
/// for one that goes. Without errors in the document the values are the same; `None` if that could
/// not be shown, and then the file is better left alone.
///
/// - No byte order mark, LF at the end of every line, none missing, no blank lines at the end.
/// - No blanks at the beginning and end of lines and around `=`; one before a comment.
/// - Values as [`portable`] writes them, and nothing as `''` before a comment. One with `$` outside single quotes stays as it is: other
///   programs may replace what is literal here. One that has no such form stays too.
/// - Values with references and with blanks, `#` or quotes in them in double quotes.
pub(crate) fn format(bytes: &[u8], document: &Document) -> Option<Vec<Vec<u8>>> {
    let last = document
        .lines
        .iter()
        .rposition(|line| !matches!(line.kind, LineKind::Blank | LineKind::Bom))
        .map_or(0, |last| last + 1);
    let lines: Vec<Vec<u8>> = document
        .lines
        .iter()
        .enumerate()
        .map(|(n, line)| if n < last { normal(line, bytes, document) } else { Vec::new() })
        .collect();
    same(bytes, document, &lines.concat()).then_some(lines)
}

fn normal(line: &Line, bytes: &[u8], document: &Document) -> Vec<u8> {
    let mut out = Vec::new();
    match &line.kind {
        LineKind::Bom => return out,
        LineKind::Blank => {}
        LineKind::Comment(text) => out.extend_from_slice(trimmed(text.of(bytes))),
        LineKind::Assignment(parts) => {
            if parts.export {
                out.extend_from_slice(b"export ");
            }
            out.extend_from_slice(parts.name.of(bytes));
            out.push(b'=');
            out.extend_from_slice(&normal_value(parts, bytes, document));
            if let Some(comment) = parts.comment {
                out.push(b' ');
                out.extend_from_slice(trimmed(comment.of(bytes)));
            }
        }
        LineKind::Error => out.extend_from_slice(line.span.of(bytes)),
    }
    out.push(b'\n');
    out
}

/// What stands behind `NAME=` in the normal form.
pub(crate) fn normal_value(parts: &Assignment, bytes: &[u8], document: &Document) -> Vec<u8> {
    let written = parts.value.of(bytes);
    let entry = parts.entry.and_then(|index| document.entries.get(index));
    let literal = entry.and_then(|entry| literal(&entry.value));
    let refers = entry.is_some() && literal.is_none() && parts.quote == Quote::Nothing;
    let kept = || match parts.quote {
        Quote::Nothing => written.to_vec(),
        Quote::Single | Quote::Double => with_lf(written),
    };
    match literal {
        Some(_) if parts.quote != Quote::Single && written.contains(&b'$') => kept(),
        // Docker Compose reads the comment of `NAME= # comment` as the value.
        Some("") if parts.comment.is_some() => b"''".to_vec(),
        Some(text) => match portable(text) {
            Ok(form) => form.into_bytes(),
            // Behind a carriage return the end of the line would become another one.
            Err(_) if parts.quote == Quote::Nothing && text.contains('\r') => {
                quote(text).into_bytes()
            }
            Err(_) => kept(),
        },
        None if refers && written.iter().any(|b| b" \t#'`".contains(b)) => {
            entry.and_then(|entry| in_double_quotes(written, &entry.value)).unwrap_or_else(kept)
        }
        None => kept(),
    }
}

/// A value with references in double quotes, if it says the same there.
fn in_double_quotes(written: &[u8], value: &Template) -> Option<Vec<u8>> {
    let quoted = [b"\"", written, b"\""].concat();
    let mut problems = Vec::new();
    let line = [b"A=", &*quoted, b"\n"].concat();
    let document = parse(Path::new(""), &line, &mut problems);
    let [entry] = document.entries.as_slice() else { return None };
    (problems.is_empty() && same_template(&entry.value, value)).then_some(quoted)
}

/// The text of a value without references.
pub(crate) fn literal(template: &Template) -> Option<&str> {
    match template.as_slice() {
        [] => Some(""),
        [Piece::Text(text)] => Some(text),
        _ => None,
    }
}

fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'\r')).map_or(0, |n| n + 1);
    text.get(..end).unwrap_or_default()
}

fn with_lf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter().peekable();
    while let Some(byte) = rest.next() {
        if !(*byte == b'\r' && rest.peek() == Some(&&b'\n')) {
            out.push(*byte);
        }
    }
    out
}

/// Whether the new text says what the old one says: the same names with the same values, whatever
/// the references stand for, and the same comments.
fn same(bytes: &[u8], document: &Document, new: &[u8]) -> bool {
    if print(&document.lines, bytes) != bytes {
        return false;
    }
    let mut problems = Vec::new();
    let after = parse(Path::new(""), new, &mut problems);
    let errors = problems.iter().any(crate::report::Problem::is_error);
    let entries = document.entries.len() == after.entries.len()
        && document
            .entries
            .iter()
            .zip(&after.entries)
            .all(|(a, b)| a.name == b.name && same_template(&a.value, &b.value));
    !errors && entries && comments(bytes, document).eq(comments(new, &after))
}

fn comments<'a>(
    bytes: &'a [u8],
    document: &'a Document,
) -> impl Iterator<Item = (Option<usize>, &'a [u8])> {
    document.lines.iter().filter_map(|line| match &line.kind {
        LineKind::Comment(text) => Some((None, trimmed(text.of(bytes)))),
        LineKind::Assignment(parts) => {
            parts.comment.map(|text| (parts.entry, trimmed(text.of(bytes))))
        }
        LineKind::Bom | LineKind::Blank | LineKind::Error => None,
    })
}

fn same_template(a: &Template, b: &Template) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|pair| match pair {
            (Piece::Text(a), Piece::Text(b)) => a == b,
            (
                Piece::Reference { name: a, operator: op, word, .. },
                Piece::Reference { name: b, operator: other_op, word: other, .. },
            ) => a == b && op == other_op && same_template(word, other),
            _ => false,
        })
}
