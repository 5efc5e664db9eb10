//! Values to dotenv text that reads back as the same values, here and in other programs.
//!
//! What `dotenvy`, motdotla/dotenv and python-dotenv have in common is little: none of the three
//! agrees with another about escapes, and so what is written has none.
//! - Letters, digits and a few signs stand without quotes.
//! - Everything else stands in single quotes, line ends as they are.
//! - A value with a single quote stands in double quotes.
//!
//! A value that fits none of these has no form that all of them read as it is.

use crate::report::Problem;
use std::fmt;

/// Why a value has no form that all programs read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// A NUL: no environment can hold it.
    Nul,
    /// A carriage return: only escapes can say it, and `dotenvy` has none for it.
    CarriageReturn,
    /// `${…}`: python-dotenv replaces it in every kind of quotes.
    Reference,
    /// A backslash where python-dotenv or motdotla/dotenv takes it for an escape.
    Backslash,
    /// A single quote together with `"`, `$` or a backslash: it needs double quotes, and they
    /// need escapes, which motdotla/dotenv does not take away.
    Quotes,
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nul => "it holds a NUL byte",
            Self::CarriageReturn => "it holds a carriage return, for which `dotenvy` has no escape",
            Self::Reference => {
                "it holds `${…}`, which python-dotenv replaces even in single quotes"
            }
            Self::Backslash => {
                "it holds `\\\\` or ends with `\\`, which programs take for an escape or not"
            }
            Self::Quotes => {
                "it holds `'` with `\"`, `$` or `\\`, and programs differ about escapes in quotes"
            }
        })
    }
}

impl Misread {
    /// What to tell of a variable that is not written for this reason, without what to do instead.
    pub(crate) fn problem(self, name: &str) -> Problem {
        let what = format!("no dotenv file can hold `{name}` so that all programs read it alike");
        Problem::error("not-portable", what).why(self)
    }
}

/// `value` as it stands behind `NAME=`, if there is a form that `ultra`, `dotenvy`,
/// motdotla/dotenv and python-dotenv read as this very value.
///
/// # Errors
/// Why there is none.
pub(crate) fn portable(value: &str) -> Result<String, Misread> {
    if is_plain(value) {
        return Ok(value.to_owned());
    }
    if value.contains('\0') {
        return Err(Misread::Nul);
    }
    if value.contains('\r') {
        return Err(Misread::CarriageReturn);
    }
    if is_replaced(value) {
        return Err(Misread::Reference);
    }
    if value.contains('\'') {
        return if value.contains(['"', '$', '\\']) {
            Err(Misread::Quotes)
        } else {
            Ok(format!("\"{value}\""))
        };
    }
    if value.contains("\\\\") || value.ends_with('\\') {
        return Err(Misread::Backslash);
    }
    Ok(format!("'{value}'"))
}

/// `value` as it stands behind `NAME=`: so that others read it too, if that can be, else so that
/// `ultra` does. A value with NUL cannot be written; it cannot stand in an environment either.
pub(crate) fn quote(value: &str) -> String {
    if let Ok(form) = portable(value) {
        return form;
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' | '"' | '$' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Whether python-dotenv finds a reference: `${`, anything without `:` and `}`, then `}`, or `:-`
/// and a `}` somewhere after it. Looked for from the end, so that it takes one pass.
fn is_replaced(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut closes = false;
    // Whether a reference that begins here would end.
    let mut ends = false;
    for (at, byte) in bytes.iter().enumerate().rev() {
        match byte {
            b'}' => (closes, ends) = (true, true),
            b':' => ends = closes && bytes.get(at + 1) == Some(&b'-'),
            b'$' if ends && bytes.get(at + 1) == Some(&b'{') => return true,
            _ => {}
        }
    }
    false
}

/// Whether a text needs no quotes anywhere.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&b))
}
