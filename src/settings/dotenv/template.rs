//! Values with references in them.

use super::cursor::Cursor;
use super::is_name;
use crate::report::{Place, Problem};
use std::path::Path;

/// How deep references may stand in each other's words.
const DEEPEST: usize = 8;

/// A value before its references are replaced. It has no `Debug`: it may be a secret.
pub(crate) type Template = Vec<Piece>;

/// A part of a value.
pub(crate) enum Piece {
    /// Literal text.
    Text(String),
    /// `${…}`.
    Reference {
        /// The variable.
        name: String,
        /// What to do with it.
        operator: Operator,
        /// The word after the operator.
        word: Template,
        /// Where the `$` stands.
        place: Place,
    },
}

/// What a reference does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `${NAME}`: its value, nothing if unset.
    Value,
    /// `${NAME:-word}`: its value, the word if unset or empty.
    OrIfEmpty,
    /// `${NAME-word}`: its value, the word if unset.
    OrIfUnset,
    /// `${NAME:?message}`: its value, an error if unset or empty.
    Require,
    /// `${NAME:+word}`: the word if it is set and not empty, else nothing.
    IfSet,
}

/// Tells every variable that a value refers to, also within words.
pub(crate) fn references(template: &Template, tell: &mut dyn FnMut(&str)) {
    for piece in template {
        if let Piece::Reference { name, word, .. } = piece {
            tell(name);
            references(word, tell);
        }
    }
}

/// Adds a character of literal text.
pub(super) fn push(template: &mut Template, c: char) {
    match template.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => template.push(Piece::Text(c.into())),
    }
}

/// What surrounds a reference: which characters end the value or escape.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// No quotes: the value ends with its line.
    Nothing,
    /// Double quotes: `"` ends the value, `\` escapes.
    DoubleQuotes,
}

/// Reads a reference at `${`. On an error nothing is taken.
///
/// # Errors
/// What is wrong with it.
pub(super) fn reference<'a>(
    cursor: &mut Cursor<'a>,
    file: &Path,
    around: Around,
    depth: usize,
) -> Result<Piece, Box<Problem>> {
    let begin = *cursor;
    let place = begin.place(file);
    let wrong = |cursor: &mut Cursor<'a>, why: &str| {
        *cursor = begin;
        Err(Box::new(
            Problem::error("bad-reference", "malformed reference `${…}`")
                .at(place.clone())
                .why(why)
                .hint("put the value in single quotes if `$` is part of it"),
        ))
    };
    if depth > DEEPEST {
        return wrong(cursor, "references stand too deep in each other");
    }
    cursor.take("${");
    let name = cursor.take_name().to_owned();
    if !is_name(&name) {
        return wrong(cursor, "the name of a variable must follow `${`");
    }
    let operator = if cursor.take(":-") {
        Operator::OrIfEmpty
    } else if cursor.take(":?") {
        Operator::Require
    } else if cursor.take(":+") {
        Operator::IfSet
    } else if cursor.take("-") {
        Operator::OrIfUnset
    } else if cursor.peek() == Some('}') {
        Operator::Value
    } else {
        return wrong(cursor, "expected `}`, `:-`, `-`, `:?` or `:+` after the name");
    };
    let mut word = Template::new();
    loop {
        match cursor.peek() {
            Some('}') => {
                cursor.bump();
                return Ok(Piece::Reference { name, operator, word, place });
            }
            None => return wrong(cursor, "it is not closed by `}`"),
            Some('\n') if around == Around::Nothing => {
                return wrong(cursor, "it is not closed by `}` on its line");
            }
            Some('"') if around == Around::DoubleQuotes => {
                return wrong(cursor, "the quotes end before `}`");
            }
            Some('$') if cursor.peek_second() == Some('{') => {
                match reference(cursor, file, around, depth + 1) {
                    Ok(piece) => word.push(piece),
                    Err(problem) => {
                        *cursor = begin;
                        return Err(problem);
                    }
                }
            }
            Some('\\') if cursor.peek_second() == Some('}') => {
                cursor.bump();
                cursor.bump();
                push(&mut word, '}');
            }
            Some('\\') if around == Around::DoubleQuotes => escape(cursor, &mut word),
            Some(c) => {
                cursor.bump();
                push(&mut word, c);
            }
        }
    }
}

/// Takes a backslash in double quotes and what it escapes.
pub(super) fn escape(cursor: &mut Cursor<'_>, out: &mut Template) {
    cursor.bump();
    let escaped = match cursor.peek() {
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some(c @ ('\\' | '"' | '$')) => c,
        _ => return push(out, '\\'),
    };
    cursor.bump();
    push(out, escaped);
}
