//! The PyPI package `python-dotenv`, version 1.2.4.
//!
//! - A file that is no UTF-8 fails as a whole; a line that is no assignment is passed over with a
//!   warning, and so is a name without `=`. A name is anything without `=`, `#` and white space,
//!   or stands in single quotes.
//! - `#` ends a value without quotes only after white space.
//! - `'` takes `\\` and `\'`; `"` takes `\\ \' \" \a \b \f \n \r \t \v`. Only a comment may
//!   follow, or the line is passed over.
//! - `${NAME}` and `${NAME:-default}` are expanded everywhere, in single quotes too; the default
//!   stands in only for a name that is not set. A bare `$NAME` is literal.

use super::reading::{Budget, Lines, Reading, TOO_LARGE, step};
use std::collections::BTreeMap;

/// What the package reads.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text.replace("\r\n", "\n").replace('\r', "\n"),
        Err(error) => {
            let line = Lines::new(bytes).at(error.valid_up_to());
            return Reading::refused(line, "the file is not UTF-8");
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = Lines::new(text.as_bytes());
    let mut values: BTreeMap<String, (u32, Option<String>)> = BTreeMap::new();
    let mut rest = text;
    let mut budget = Budget::default();
    let mut unknown = None;
    while !rest.is_empty() {
        rest = rest.trim_start_matches(is_space);
        if rest.is_empty() {
            break;
        }
        let line = lines.at(text.len() - rest.len());
        match binding(rest) {
            Ok((name, value, behind)) => {
                if let Some(name) = name {
                    let expanded = value.as_ref().map(|value| expand(value, &values, &mut budget));
                    if matches!(expanded, Some(None)) {
                        unknown = Some(line);
                        break;
                    }
                    values.insert(name, (line, expanded.flatten()));
                }
                rest = behind;
            }
            Err(at) => rest = at.find('\n').and_then(|n| at.get(n + 1..)).unwrap_or(""),
        }
    }
    let mut out = Reading::default();
    for (name, (line, value)) in values {
        if let Some(value) = value {
            out.set(name.as_bytes(), line, value.into_bytes());
        }
    }
    match unknown {
        Some(line) => out.unknown_from(line, TOO_LARGE),
        None => out,
    }
}

/// A name, a value and what follows.
type Binding<'a> = (Option<String>, Option<String>, &'a str);

/// Reads an assignment or a comment.
///
/// # Errors
/// Where it went wrong; the rest of that line is passed over.
fn binding(text: &str) -> Result<Binding<'_>, &str> {
    let mut rest = text;
    if let Some(behind) = rest.strip_prefix("export") {
        let trimmed = blanks(behind);
        if trimmed.len() < behind.len() {
            rest = trimmed;
        }
    }
    let name = if rest.starts_with('#') {
        None
    } else if let Some(quoted) = rest.strip_prefix('\'') {
        let end = quoted.find('\'').filter(|end| *end > 0).ok_or(rest)?;
        let name = quoted.get(..end).unwrap_or_default();
        rest = quoted.get(end + 1..).unwrap_or_default();
        Some(name.to_owned())
    } else {
        let end = rest.find(|c| is_space(c) || c == '=' || c == '#').unwrap_or(rest.len());
        if end == 0 {
            return Err(rest);
        }
        let name = rest.get(..end).unwrap_or_default();
        rest = rest.get(end..).unwrap_or_default();
        Some(name.to_owned())
    };
    rest = blanks(rest);
    let mut value = None;
    if let Some(behind) = rest.strip_prefix('=') {
        rest = blanks(behind);
        let spaced = rest.len() < behind.len();
        let found = match rest.chars().next() {
            Some('#') if spaced => String::new(),
            Some(quote @ ('\'' | '"')) => {
                let (value, behind) = quoted(rest, quote).ok_or(rest)?;
                rest = behind;
                value
            }
            None | Some('\n') => String::new(),
            Some(_) => {
                let end = rest.find('\n').unwrap_or(rest.len());
                let line = rest.get(..end).unwrap_or_default();
                rest = rest.get(end..).unwrap_or_default();
                without_comment(line).to_owned()
            }
        };
        value = Some(found);
    }
    let trimmed = blanks(rest);
    if trimmed.starts_with('#') {
        rest = trimmed.find('\n').and_then(|n| trimmed.get(n..)).unwrap_or("");
    }
    let trimmed = blanks(rest);
    match trimmed.strip_prefix('\n') {
        Some(behind) => Ok((name, value, behind)),
        None if trimmed.is_empty() => Ok((name, value, "")),
        None => Err(rest),
    }
}

/// A value in quotes, escapes replaced, and what follows; `None` if it has no end.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((value, text.get(at + 1..)?));
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        let (_, escaped) = chars.next()?;
        let meant = match escaped {
            '\\' | '\'' => Some(escaped),
            '"' if quote == '"' => Some('"'),
            'a' if quote == '"' => Some('\u{7}'),
            'b' if quote == '"' => Some('\u{8}'),
            'f' if quote == '"' => Some('\u{c}'),
            'n' if quote == '"' => Some('\n'),
            'r' if quote == '"' => Some('\r'),
            't' if quote == '"' => Some('\t'),
            'v' if quote == '"' => Some('\u{b}'),
            _ => None,
        };
        if meant.is_none() {
            value.push('\\');
        }
        value.push(meant.unwrap_or(escaped));
    }
    None
}

fn without_comment(line: &str) -> &str {
    let mut before = None;
    let comment = line.char_indices().find_map(|(at, c)| {
        let after_space = before.is_some_and(is_space);
        before = Some(c);
        (c == '#' && after_space).then_some(at)
    });
    let value = comment.and_then(|at| line.get(..at)).unwrap_or(line);
    value.trim_end_matches(is_space)
}

/// Replaces `${NAME}` and `${NAME:-default}`; `None` if that becomes too large.
fn expand(
    value: &str,
    values: &BTreeMap<String, (u32, Option<String>)>,
    budget: &mut Budget,
) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    // Behind the last brace nothing can close, and must not be searched for each `${`.
    let last = value.rfind('}').unwrap_or(0);
    while let Some(at) = rest.find("${").filter(|at| value.len() - rest.len() + at < last) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let behind = rest.get(at + 2..).unwrap_or_default();
        let end = behind.find(['}', ':']).unwrap_or(behind.len());
        step(end);
        let name = behind.get(..end).unwrap_or_default();
        let after = behind.get(end..).unwrap_or_default();
        let reference = if let Some(word) = after.strip_prefix(":-") {
            word.find('}').and_then(|close| Some((word.get(..close)?, word.get(close + 1..)?)))
        } else {
            after.strip_prefix('}').map(|behind| ("", behind))
        };
        let Some((default, behind)) = reference else {
            // Whatever begins within the name ends where it does, and is none either.
            out.push_str("${");
            out.push_str(name);
            rest = after;
            continue;
        };
        match values.get(name) {
            Some((_, found)) => {
                let found = found.as_deref().unwrap_or_default();
                budget.take(found.len())?;
                out.push_str(found);
            }
            None => out.push_str(default),
        }
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches(|c| is_space(c) && c != '\n' && c != '\r')
}

/// What Python takes as white space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}
