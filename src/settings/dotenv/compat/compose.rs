//! Docker Compose's `env_file:` and `.env`, version 2.40.3 (compose-go 2.9.1).
//!
//! - One error and the file counts for nothing: compose does not start.
//! - A name has letters, digits and `_ . - [ ]`; `NAME: value` counts too. `NAME` alone is taken
//!   from the environment, on the last line without a line end its text becomes the value of a
//!   variable without a name.
//! - ` #` ends a value without quotes, but white space right behind the `=` does not count for it.
//! - `'` takes `\'`; `"` takes `\a \b \f \n \r \t \v \" \\ \$` and `\0` with an octal number.
//!   Behind the closing quote the next statement begins, on the same line too.
//! - Outside single quotes `$NAME`, `${NAME}` and `${NAME…}` with `- :- + :+ ? :?` are expanded,
//!   `$$` is a `$`.

use super::compose_template::{Refusal, substitute};
use super::reading::{Budget, Lines, Reading};
use std::collections::BTreeMap;

/// What compose reads.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = Lines::new(text.as_bytes());
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut found = BTreeMap::new();
    let mut rest = text;
    let mut budget = Budget::default();
    let mut unknown = None;
    loop {
        rest = rest.trim_start();
        if rest.starts_with('#') {
            rest = rest.find('\n').and_then(|n| rest.get(n..)).unwrap_or("");
            continue;
        }
        if rest.is_empty() {
            break;
        }
        let line = lines.at(text.len() - rest.len());
        let statement = match name(rest) {
            Ok(statement) => statement,
            Err(why) => return Reading::refused(line, why),
        };
        rest = statement.rest;
        if statement.inherited {
            continue;
        }
        let (value, behind) = match value(rest, &values, &mut budget) {
            Ok(pair) => pair,
            Err(Refusal::Bad(why)) => return Reading::refused(line, why),
            Err(Refusal::Unknown(why)) => {
                unknown = Some((line, why));
                break;
            }
        };
        found.insert(statement.name.to_owned(), line);
        values.insert(statement.name.to_owned(), value);
        rest = behind;
    }
    let mut out = Reading::default();
    for (name, value) in values {
        let line = found.get(&name).copied().unwrap_or(1);
        out.set(name.as_bytes(), line, value.into_bytes());
    }
    match unknown {
        Some((line, why)) => out.unknown_from(line, why),
        None => out,
    }
}

/// The name of an assignment.
struct Statement<'a> {
    name: &'a str,
    /// Whether it stands alone, without a value.
    inherited: bool,
    rest: &'a str,
}

fn name(text: &str) -> Result<Statement<'_>, &'static str> {
    let mut text = text;
    if let Some(behind) = text.strip_prefix("export")
        && behind.starts_with(['\t', '\n', '\x0c', '\r', ' '])
    {
        text = behind.trim_start_matches(is_blank);
    }
    let mut end = None;
    for (at, c) in text.char_indices() {
        match c {
            '=' | ':' | '\n' => {
                end = Some((at, c));
                break;
            }
            '_' | '.' | '-' | '[' | ']' => {}
            c if is_blank(c) || c.is_alphanumeric() => {}
            _ => return Err("a name holds a character that compose does not allow"),
        }
    }
    let Some((at, c)) = end else {
        if text.is_empty() {
            return Err("a statement is empty");
        }
        return Ok(Statement {
            name: "",
            inherited: false,
            rest: text.trim_start_matches(is_blank),
        });
    };
    let name = text.get(..at).unwrap_or_default().trim_end();
    if name.contains(' ') {
        return Err("a name holds a blank");
    }
    let rest = text.get(at + 1..).unwrap_or_default().trim_start_matches(is_blank);
    Ok(Statement { name, inherited: c == '\n', rest })
}

fn value<'a>(
    text: &'a str,
    values: &BTreeMap<String, String>,
    budget: &mut Budget,
) -> Result<(String, &'a str), Refusal> {
    let Some(quote @ ('\'' | '"')) = text.chars().next() else {
        let (value, rest) = text.split_once('\n').unwrap_or((text, ""));
        let value = value.split_once(" #").map_or(value, |(value, _)| value).trim_end();
        return Ok((substitute(value, values, budget)?, rest));
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            let rest = text.get(at + 1..).unwrap_or_default();
            if quote == '"' {
                value = substitute(&unescape(&value), values, budget)?;
            }
            return Ok((value, rest));
        }
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        if escaped && c != quote {
            value.push('\\');
        }
        escaped = false;
        value.push(c);
    }
    Err(Refusal::Bad("a quote is not closed"))
}

/// Replaces the escapes of double quotes. `\$` becomes `$$`, which is a `$` to the next step.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some(c) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        let meant = match c {
            'a' => "\u{7}",
            'b' => "\u{8}",
            'f' => "\u{c}",
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            'v' => "\u{b}",
            '"' => "\"",
            '\\' => "\\",
            '$' => "$$",
            '0' => {
                let digits = rest.bytes().skip(1).take(3).take_while(u8::is_ascii_digit).count();
                octal(rest.get(1..=digits).unwrap_or_default(), &mut out);
                rest = rest.get(1 + digits..).unwrap_or_default();
                continue;
            }
            _ => {
                out.push('\\');
                continue;
            }
        };
        out.push_str(meant);
        rest = rest.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The character of three octal digits; any others stay, without their zero.
fn octal(digits: &str, out: &mut String) {
    let code = (digits.len() == 3).then(|| u32::from_str_radix(digits, 8).ok()).flatten();
    if let Some(c) = code.filter(|code| *code < 256).and_then(char::from_u32) {
        out.push(c);
    } else {
        out.push('\\');
        out.push_str(digits);
    }
}

/// White space that is no line end.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\x0b' | '\x0c' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}
