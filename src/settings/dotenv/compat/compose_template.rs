//! How Docker Compose replaces references in a value.

use regex::{Captures, Regex};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How deep references may stand in each other's words before we give up; compose has no limit.
const DEEPEST: usize = 32;

/// A reference: `$$`, `$NAME`, `${NAME}` or `${NAME` with an operator and everything up to the
/// last brace of the line, or an opening brace that begins nothing.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = "[_a-z][_a-z0-9]*";
    Regex::new(&format!(r"\$(?i:(\$)|({name})|\{{(?:({name}(?::?[-+?].*)?)\}}|()))")).ok()
});

/// The value with its references replaced.
///
/// # Errors
/// Why compose refuses it, as a fragment.
pub(super) fn substitute(
    text: &str,
    values: &BTreeMap<String, String>,
) -> Result<String, &'static str> {
    level(text, values, 0)
}

fn level(
    text: &str,
    values: &BTreeMap<String, String>,
    depth: usize,
) -> Result<String, &'static str> {
    let Some(pattern) = REFERENCE.as_ref() else { return Ok(text.to_owned()) };
    if depth > DEEPEST {
        return Err("references stand too deep in each other");
    }
    let mut failed = None;
    let out = pattern.replace_all(text, |found: &Captures<'_>| {
        one(pattern, found, values, depth).unwrap_or_else(|why| {
            failed.get_or_insert(why);
            String::new()
        })
    });
    failed.map_or_else(|| Ok(out.into_owned()), Err)
}

fn one(
    pattern: &Regex,
    found: &Captures<'_>,
    values: &BTreeMap<String, String>,
    depth: usize,
) -> Result<String, &'static str> {
    const MALFORMED: &str = "a reference is malformed";
    let whole = found.get(0).map_or("", |m| m.as_str());
    // The match may reach over several references on the line: the first closed one counts, and
    // what is behind it is replaced by itself.
    let (first, behind) = match closing_brace(whole) {
        Some(at) => whole.split_at_checked(at + 1).unwrap_or((whole, "")),
        None => (whole, ""),
    };
    let again = pattern.captures(first).ok_or(MALFORMED)?;
    if again.get(1).is_some() {
        return Ok("$".to_owned());
    }
    if let Some(name) = again.get(2) {
        return Ok(values.get(name.as_str()).cloned().unwrap_or_default());
    }
    let inner = again.get(3).map_or("", |m| m.as_str());
    let end = inner.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at_checked(end).unwrap_or((inner, ""));
    if name.is_empty() {
        return Err(MALFORMED);
    }
    let value = values.get(name);
    let if_empty = rest.starts_with(':');
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let set = value.is_some_and(|value| !if_empty || !value.is_empty());
    let word = rest.get(1..).unwrap_or_default();
    let value = value.cloned().unwrap_or_default();
    let mut text = match rest.chars().next() {
        None => return Ok(value),
        Some('-') if !set => level(word, values, depth + 1)?,
        Some('+') if set => level(word, values, depth + 1)?,
        Some('?') if !set => return Err("a required variable is not set"),
        Some(_) => value,
    };
    text.push_str(&level(behind, values, depth + 1)?);
    Ok(text)
}

/// The brace that closes the first reference.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_i32;
    let mut before = 0;
    for (at, c) in text.bytes().enumerate() {
        match c {
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            b'{' if before == b'$' => open += 1,
            _ => {}
        }
        before = c;
    }
    None
}
