//! How Docker Compose replaces references in a value.

use super::reading::{Budget, TOO_DEEP, TOO_LARGE, step};
use memchr::{memchr, memrchr};
use std::collections::BTreeMap;

/// How deep references may stand in each other's words before we give up; compose has no limit.
const DEEPEST: usize = 32;

/// Why a value has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Compose refuses it, for this reason.
    Bad(&'static str),
    /// What compose makes of it is not followed here, for this reason.
    Unknown(&'static str),
}

const MALFORMED: Refusal = Refusal::Bad("a reference is malformed");

/// The value with its references replaced: `$$`, `$NAME`, `${NAME}` and `${NAME` with an operator
/// and a word. One with a word needs a brace further on its line; it ends at the brace that closes
/// it, or at the last one of the line if none does.
///
/// # Errors
/// Why there is none.
pub(super) fn substitute(
    text: &str,
    values: &BTreeMap<String, String>,
    budget: &mut Budget,
) -> Result<String, Refusal> {
    level(text, values, budget, 0)
}

fn level(
    text: &str,
    values: &BTreeMap<String, String>,
    budget: &mut Budget,
    depth: usize,
) -> Result<String, Refusal> {
    if depth > DEEPEST {
        return Err(Refusal::Unknown(TOO_DEEP));
    }
    step(text.len());
    let mut out = String::new();
    let mut line = Line::default();
    let mut at = 0;
    while let Some(dollar) = memchr(b'$', text.get(at..).unwrap_or_default().as_bytes()) {
        let before = at;
        at += dollar + 1;
        out.push_str(text.get(before..at - 1).unwrap_or_default());
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with('$') {
            out.push('$');
            at += 1;
            continue;
        }
        let Some(inner) = rest.strip_prefix('{') else {
            let name = name(rest);
            if name.is_empty() {
                out.push('$');
            } else {
                out.push_str(copied(values.get(name), budget)?);
            }
            at += name.len();
            continue;
        };
        let name = name(inner);
        let behind = inner.get(name.len()..).unwrap_or_default();
        if name.is_empty() {
            return Err(MALFORMED);
        }
        if behind.starts_with('}') {
            out.push_str(copied(values.get(name), budget)?);
            at += 1 + name.len() + 1;
            continue;
        }
        let if_empty = behind.starts_with(':');
        let word = behind.strip_prefix(':').unwrap_or(behind);
        let operator = word.chars().next().filter(|c| matches!(c, '-' | '+' | '?'));
        let (Some(operator), Some(last)) = (operator, line.last_brace(text, at)) else {
            return Err(MALFORMED);
        };
        let word_at = text.len() - word.len() + 1;
        if last < word_at {
            return Err(MALFORMED);
        }
        let end = closing_brace(text.get(at..=last).unwrap_or_default()).map_or(last, |n| at + n);
        let word = text.get(word_at..end).unwrap_or_default();
        let value = values.get(name);
        let set = value.is_some_and(|value| !if_empty || !value.is_empty());
        // A mistake in the word counts even if the word does not.
        let word = level(word, values, budget, depth + 1)?;
        match operator {
            '-' if !set => out.push_str(&word),
            '+' if set => out.push_str(&word),
            '?' if !set => return Err(Refusal::Bad("a required variable is not set")),
            _ => out.push_str(copied(value, budget)?),
        }
        at = end + 1;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

fn copied<'a>(value: Option<&'a String>, budget: &mut Budget) -> Result<&'a str, Refusal> {
    let value = value.map_or("", String::as_str);
    budget.take(value.len()).ok_or(Refusal::Unknown(TOO_LARGE))?;
    Ok(value)
}

/// The name at the beginning of a text. Compose compares without regard to case, and so takes two
/// signs for letters that only become some in another case.
fn name(text: &str) -> &str {
    let begins = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '\u{17f}' | '\u{212a}');
    if !text.starts_with(begins) {
        return "";
    }
    let end = text.find(|c: char| !begins(c) && !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The line that was looked at last.
#[derive(Default)]
struct Line {
    end: usize,
    last: Option<usize>,
}

impl Line {
    /// Where the last `}` of the line stands on which `at` is. Asked for in rising order, so that
    /// no line is searched twice.
    fn last_brace(&mut self, text: &str, at: usize) -> Option<usize> {
        if at >= self.end {
            let rest = text.get(at..).unwrap_or_default().as_bytes();
            let len = memchr(b'\n', rest).unwrap_or(rest.len());
            step(len);
            self.end = at + len;
            self.last = memrchr(b'}', rest.get(..len).unwrap_or_default()).map(|n| at + n);
        }
        self.last.filter(|last| *last >= at)
    }
}

/// The brace that closes a reference, in the text behind its `$`. Every brace counts, but compose
/// passes over whatever stands right behind an opening one.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_i32;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, c)) = bytes.next() {
        step(1);
        match c {
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            b'{' => {
                open += 1;
                bytes.next();
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::reading::steps;
    use super::*;

    fn read(text: &str) -> Result<String, Refusal> {
        let values = BTreeMap::from([("B".to_owned(), "b".to_owned())]);
        substitute(text, &values, &mut Budget::default())
    }

    #[test]
    fn references_are_taken_apart_in_steps_in_proportion_to_the_line() {
        let shapes: [fn(usize) -> String; 6] = [
            |n| "${A:-1}".repeat(n),
            |n| "${A:-".repeat(n),
            |n| format!("{}}}", "${A:-".repeat(n)),
            |n| format!("{}{}", "${B:-".repeat(n), "}".repeat(n)),
            |n| format!("{}{}", "${A:-".repeat(n), "}".repeat(n / 2)),
            |n| "${B:-${A}${B:+x}}\n".repeat(n),
        ];
        for (n, shape) in shapes.into_iter().enumerate() {
            let cost = |size: usize| {
                let text = shape(size);
                steps(|| drop(read(&text))) as f64 / text.len() as f64
            };
            let (small, large) = (cost(1_000), cost(8_000));
            assert!(large <= small * 1.2 + 1.0, "shape {n}: {small} and {large} steps for a byte");
        }
    }

    #[test]
    fn many_references_stand_side_by_side_and_few_within_each_other() {
        let deep = |n: usize| format!("{}x{}", "${A:-".repeat(n), "}".repeat(n));
        assert_eq!(read(&"${A:-1}".repeat(100)), Ok("1".repeat(100)));
        assert_eq!(read(&deep(32)), Ok("x".to_owned()));
        assert_eq!(read(&deep(33)), Err(Refusal::Unknown(TOO_DEEP)));
        assert_eq!(read(&"${A:-".repeat(100_000)), Err(MALFORMED));
    }
}
