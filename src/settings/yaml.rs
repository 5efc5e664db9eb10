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
mod tests {
    use super::*;

    fn read(text: &str) -> (Result<Node, Box<Problem>>, Vec<Problem>) {
        let mut problems = Vec::new();
        (parse(Path::new("f.yaml"), text, &mut problems), problems)
    }

    #[test]
    fn numbers_keep_their_text_and_words_are_no_booleans() {
        let (node, problems) = read("a: 1.10\nb: yes\nc: True\nd: 010\ne: true\n");
        assert_eq!(problems, []);
        let Data::Map(entries) = node.ok().unwrap().data else { panic!("no map") };
        let shown: Vec<String> = entries
            .iter()
            .map(|(k, v)| match &v.data {
                Data::Number(t) => format!("{} number {t} {}", k.text, v.place),
                Data::Text(t) => format!("{} text {t}", k.text),
                Data::Bool(b) => format!("{} bool {b}", k.text),
                _ => k.text.clone(),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "a number 1.10 f.yaml:1:4",
                "b text yes",
                "c text True",
                "d number 010 f.yaml:4:4",
                "e bool true"
            ]
        );
    }

    #[test]
    fn all_duplicate_keys_are_told_with_their_positions() {
        let (_, problems) = read("a: 1\na: 2\nm:\n  x: 1\n  x: 2\n? [k]\n: 1\n");
        let places: Vec<String> =
            problems.iter().map(|p| p.place.as_ref().unwrap().to_string()).collect();
        assert_eq!(places, ["f.yaml:2:1", "f.yaml:5:3", "f.yaml:6:3"]);
    }

    #[test]
    fn a_character_that_cannot_stand_there_is_named() {
        for (text, place, why) in [
            ("a: 1\nb: \"x\0y\"\n", "f.yaml:2:6", "U+0000 is"),
            ("a: x\u{1}y\n", "f.yaml:1:5", "U+0001 is"),
            ("a: 1\r\n\r\n# é\u{1b}[31m\r\n", "f.yaml:3:4", "U+001B is"),
            ("a: 1\rb: |\r  x\u{fffe}\r", "f.yaml:3:4", "U+FFFE is"),
            ("a: @canary\n", "f.yaml:1:4", "begin with `@`"),
            ("a: `canary`\n", "f.yaml:1:4", "a backtick"),
        ] {
            let problem = *read(text).0.err().unwrap_or_else(|| panic!("{text:?} was read"));
            assert_eq!(problem.place.unwrap().to_string(), place, "{text:?}");
            let said = problem.why.unwrap();
            assert!(said.contains(why) && !said.contains("canary"), "{text:?}: {said}");
        }
    }

    #[test]
    fn syntax_errors_have_a_position_and_quote_nothing() {
        for text in [
            "a: 'canary\nb: 1\n",
            "a: b: canary\n",
            "- [canary\n",
            "a: *canary\n",
            "a: !!int canary\n",
            "a: 1\n\tcanary: x\n",
            "a: \"canary \\x\"\n",
            "a: !canary x\n---\nb: 1\n",
            "canary: 1e999\n",
            "%canary\na: 1\n",
            "a: &canary [*canary]\n",
        ] {
            let (node, _) = read(text);
            let problem = *node.err().unwrap_or_else(|| panic!("{text:?} was read"));
            assert!(problem.place.as_ref().unwrap().line.is_some(), "{problem}");
            let shown = format!("{problem:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_yaml_like_text_is_read_or_refused_without_quoting_it(
            parts in proptest::collection::vec("[ab:,\\[\\]{}&*!|>'\"#%@`?\n -]{0,5}", 0..12),
        ) {
            let text = parts.join("sk-CANARY-0123456789");
            let (node, problems) = read(&text);
            let shown = format!("{problems:?} {:?}", node.err());
            proptest::prop_assert!(!shown.contains("CANARY"), "{text:?}: {shown}");
        }
    }

    #[test]
    fn an_alias_bomb_is_refused_quickly() {
        let mut text = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (n, (new, old)) in "bcdefghi".chars().zip("abcdefgh".chars()).enumerate() {
            let refs = vec![format!("*{old}"); 9].join(",");
            text.push_str(&format!("{new}: &{new} [{refs}] # {n}\n"));
        }
        let begun = std::time::Instant::now();
        assert!(read(&text).0.is_err());
        assert!(read(&"[".repeat(100_000)).0.is_err());
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }
}
