//! YAML files as our own tree: every scalar and key with its line and column.
//!
//! Only here is the YAML library spoken to. Its snippets are off and its messages are filtered,
//! because both quote what stands in the file; its limits are narrow, because a profile is small.

use crate::report::{Place, Problem};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{DuplicateKeyPolicy, Spanned};
use std::fmt;
use std::path::{Path, PathBuf};

/// A value and where it stands. It has no `Debug`: what stands in a file may be a secret.
pub(crate) struct Node {
    /// Where it stands.
    pub(crate) place: Place,
    /// The value.
    pub(crate) data: Data,
}

/// A value.
pub(crate) enum Data {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`; no other word is a boolean.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; no key occurs twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
pub(crate) struct Key {
    /// Where it stands.
    pub(crate) place: Place,
    /// The text of the key.
    pub(crate) text: String,
}

impl Data {
    /// What it is, for "found …".
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Reads `text`, the content of `file`. Duplicate keys and keys that are no scalars are reported
/// all at once and left out; a syntax error ends the reading.
///
/// # Errors
/// The syntax error, or the limit that was passed.
pub(crate) fn parse(
    file: &Path,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Result<Node, Box<Problem>> {
    let options = serde_yaml::options! {
        with_snippet: false,
        emit_comments: false,
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        budget: serde_yaml::budget! {
            max_events: 100_000,
            max_nodes: 50_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_depth: 32,
            max_documents: 1,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 16,
        },
    };
    let raw: Spanned<Raw> = serde_yaml::from_str_with_options(text, options)
        .map_err(|e| Box::new(syntax_error(file, text, &e)))?;
    Ok(Walk { file: file.to_owned(), text, problems }.node(raw))
}

fn syntax_error(file: &Path, text: &str, error: &serde_yaml::Error) -> Problem {
    let problem = Problem::error("yaml-syntax", "malformed YAML");
    let Some(at) = error.location() else {
        return problem.at(Place::file(file)).why(without_quotations(error));
    };
    let found = place(file, at);
    let odd = error.to_string().contains("unexpected character").then(|| odd(text, &found));
    let Some((c, column)) = odd.flatten() else {
        return problem.at(found).why(without_quotations(error));
    };
    let problem = problem.at(Place { column: Some(column), ..found });
    let code = u32::from(c);
    match c {
        '`' => problem.why("nothing may begin with a backtick").hint("put it in quotes"),
        c if c.is_ascii_punctuation() => {
            problem.why(format!("nothing may begin with `{c}`")).hint("put it in quotes")
        }
        '\x01'..='\x7f' => problem
            .why(format!("U+{code:04X} is no character of YAML"))
            .hint(format!("take it away; in double quotes `\\x{code:02x}` stands for it")),
        _ => problem.why(format!("U+{code:04X} is no character of YAML")).hint("take it away"),
    }
}

/// The character that the library complains of at a place without naming it, and its column: the
/// place is that of the scalar which holds it.
fn odd(text: &str, found: &Place) -> Option<(char, u32)> {
    // YAML 1.2 §5.1, `c-printable`, without line ends.
    let printable =
        |c: char| matches!(c, '\t' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    let (line, column) = (found.line?.checked_sub(1)?, found.column?);
    let text = text.replace("\r\n", "\n");
    let line = text.split(['\n', '\r']).nth(usize::try_from(line).ok()?)?;
    let mut rest = (1..).zip(line.chars()).skip_while(|(n, _)| *n < column).map(|(n, c)| (c, n));
    let first = rest.clone().next()?;
    let odd = rest.find(|(c, _)| !printable(*c));
    odd.or_else(|| first.0.is_ascii_punctuation().then_some(first))
}

fn place(file: &Path, at: serde_yaml::Location) -> Place {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Place::at(file, number(at.line()), number(at.column()))
}

/// The library's message without its position, which we say ourselves, and without anything that
/// may come from the file: quoted pieces, and words that are not small letters.
fn without_quotations(error: &serde_yaml::Error) -> String {
    let message = error.to_string();
    if message.contains("documents") && message.contains("budget") {
        return "the file holds more than one document; remove what follows the second `---`"
            .to_owned();
    }
    let message = message.lines().next().unwrap_or_default();
    let message = message.split(" at line ").next().unwrap_or_default();
    let mut quoted = None;
    let mut kept = String::new();
    for c in message.chars() {
        match quoted {
            Some(mark) if mark == c => quoted = None,
            Some(_) => {}
            None if matches!(c, '`' | '"' | '\'' | '“' | '«') => quoted = Some(c),
            None => kept.push(c),
        }
    }
    let plain = |word: &&str| {
        word.len() <= 14 && word.chars().all(|c| c.is_ascii_lowercase() || ",;:()-[]{}".contains(c))
    };
    let words: Vec<&str> = kept.split_whitespace().filter(plain).collect();
    if words.is_empty() { "it cannot be read".to_owned() } else { words.join(" ") }
}

/// What the library gives: the type of a scalar by the rules of YAML 1.2; a number's text is
/// looked up in the source by its span, so that `1.10` stays `1.10`.
enum Raw {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Raw::Map(entries))
    }
}

/// Turns what the library gives into our tree.
struct Walk<'a> {
    file: PathBuf,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let place = place(&self.file, raw.referenced);
        let data = match raw.value {
            Raw::Null => Data::Null,
            // YAML takes `True` and `TRUE` for booleans; one spelling is enough.
            Raw::Bool(value) => match self.written(raw.defined).as_deref() {
                Some("true" | "false") | None => Data::Bool(value),
                Some(other) => Data::Text(other.to_owned()),
            },
            Raw::Number => match self.written(raw.defined) {
                Some(text) => Data::Number(text),
                None => Data::Null,
            },
            Raw::Text(text) => Data::Text(text),
            Raw::List(items) => Data::List(items.into_iter().map(|i| self.node(i)).collect()),
            Raw::Map(entries) => Data::Map(self.map(entries)),
        };
        Node { place, data }
    }

    fn map(&mut self, entries: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Vec<(Key, Node)> {
        let mut seen: std::collections::BTreeMap<String, Place> = std::collections::BTreeMap::new();
        let mut out = Vec::new();
        for (key, value) in entries {
            let key = self.node(key);
            let text = match key.data {
                Data::Text(text) | Data::Number(text) => text,
                Data::Bool(value) => value.to_string(),
                Data::Null | Data::List(_) | Data::Map(_) => {
                    self.problems
                        .push(Problem::error("yaml-key", "a key must be a text").at(key.place));
                    continue;
                }
            };
            if let Some(first) = seen.get(&text) {
                // A key can be anything that somebody typed, a secret in the wrong column too.
                let name = crate::settings::secretish::name_for_message(&text);
                self.problems.push(
                    Problem::error("duplicate-key", format!("{name} stands here again"))
                        .at(key.place)
                        .why(format!("the first is at {first}")),
                );
                continue;
            }
            seen.insert(text.clone(), key.place.clone());
            let value = self.node(value);
            out.push((Key { place: key.place, text }, value));
        }
        out
    }

    /// The text of a scalar as it was written.
    fn written(&self, at: serde_yaml::Location) -> Option<String> {
        let (start, len) = at.span().byte_offset().zip(at.span().byte_len())?;
        let (start, len) = (usize::try_from(start).ok()?, usize::try_from(len).ok()?);
        self.text.get(start..start.checked_add(len)?).map(|text| text.trim().to_owned())
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
