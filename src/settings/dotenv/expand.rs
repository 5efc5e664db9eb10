//! References replaced by values.

use super::found::Found as Findings;
use super::parse::{Document, Entry};
use super::template::{Operator, Piece, Template};
use crate::report::{Place, Problem};
use crate::settings::secretish;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

/// How much text all values of a file may become together: references could double it line by
/// line. A file without references is never larger.
const LARGEST: usize = 64 << 20;

/// So many circles are looked for; each costs as much as reading the file.
const MOST_CIRCLES: u8 = 20;

/// What is known outside the file.
pub(crate) struct Outside<'a> {
    /// Counts before the file: the process environment.
    pub(crate) first: &'a dyn Fn(&str) -> Option<String>,
    /// Counts after the file: lower layers.
    pub(crate) last: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the value of this variable is a secret.
    pub(crate) secret: &'a dyn Fn(&str) -> bool,
}

impl Outside<'static> {
    /// Nothing is known but the file.
    pub(crate) const NOTHING: Self =
        Outside { first: &|_| None, last: &|_| None, secret: &secretish::variable };
}

/// An entry whose references are replaced. It has no `Debug`: it may be a secret.
pub(crate) struct Expanded {
    /// The variable.
    pub(crate) name: String,
    /// Its value.
    pub(crate) text: String,
    /// Where its name stands.
    pub(crate) place: Place,
    /// Whether a secret went into it by a reference, directly or through another entry.
    pub(crate) secret: bool,
}

/// Replaces the references of a file, in time that grows with the file and what comes out. An
/// entry sees only what stands above it, so it cannot go round in circles; an entry that only a
/// circle could give a value is an error.
pub(crate) fn expand(
    document: &Document,
    outside: &Outside<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Expanded> {
    let lines = document.entries.iter().enumerate().map(|(n, e)| (e.name.as_str(), n)).collect();
    let mut expander = Expander {
        outside,
        entries: &document.entries,
        lines,
        done: Vec::new(),
        known: BTreeMap::new(),
        failed: BTreeSet::new(),
        asked: BTreeMap::new(),
        size: 0,
        full: false,
        circles: MOST_CIRCLES,
        problems: Findings::default(),
        warned: BTreeSet::new(),
    };
    for entry in &document.entries {
        expander.warned.clear();
        let mut value = Value { name: &entry.name, text: String::new(), secret: false };
        let whole = expander.template(&entry.value, &mut value);
        if expander.full {
            expander.problems.error(|| {
                let name = secretish::name_for_message(&entry.name);
                Problem::error("too-large", format!("{name} and those above become too large"))
                    .at(entry.place.clone())
                    .why(format!("the limit is {LARGEST} bytes"))
            });
            break;
        }
        if !whole {
            expander.failed.insert(&entry.name);
            continue;
        }
        expander.size += value.text.len();
        expander.known.insert(&entry.name, expander.done.len());
        let Value { text, secret, .. } = value;
        let (name, place) = (entry.name.clone(), entry.place.clone());
        expander.done.push(Expanded { name, text, place, secret });
    }
    let Expander { done, problems: found, .. } = expander;
    let file = document.entries.first().map_or(Path::new(""), |entry| &entry.place.file);
    found.finish(file, problems);
    done
}

/// A value on its way.
struct Value<'a> {
    name: &'a str,
    text: String,
    secret: bool,
}

/// Where a value was found.
enum Found {
    Outside(Rc<str>),
    Entry(usize),
}

struct Expander<'a> {
    outside: &'a Outside<'a>,
    entries: &'a [Entry],
    /// All entries by name.
    lines: BTreeMap<&'a str, usize>,
    done: Vec<Expanded>,
    /// Those that are done, by name.
    known: BTreeMap<&'a str, usize>,
    /// Those that have an error.
    failed: BTreeSet<&'a str>,
    /// What was asked outside, before and after the file.
    asked: BTreeMap<String, [Option<Rc<str>>; 2]>,
    size: usize,
    full: bool,
    circles: u8,
    problems: Findings,
    /// Names that the entry at hand has been warned about.
    warned: BTreeSet<String>,
}

impl Expander<'_> {
    /// Adds the template's text to `out`; `false` if a required variable is missing.
    fn template(&mut self, template: &Template, out: &mut Value<'_>) -> bool {
        let mut whole = true;
        for piece in template {
            if self.full {
                break;
            }
            match piece {
                Piece::Text(text) => add(out, text, self.size, &mut self.full),
                Piece::Reference { name, operator, word, place } => {
                    whole &= self.reference(name, *operator, word, place, out);
                }
            }
        }
        whole
    }

    fn reference(
        &mut self,
        name: &str,
        operator: Operator,
        word: &Template,
        place: &Place,
        out: &mut Value<'_>,
    ) -> bool {
        let found = self.look_up(name);
        let filled = match &found {
            None => false,
            Some(Found::Outside(text)) => !text.is_empty(),
            Some(Found::Entry(index)) => {
                self.done.get(*index).is_some_and(|entry| !entry.text.is_empty())
            }
        };
        let take_word = match operator {
            Operator::Value | Operator::Require => false,
            Operator::OrIfEmpty => !filled,
            Operator::OrIfUnset => found.is_none(),
            Operator::IfSet if filled => true,
            Operator::IfSet => return true,
        };
        if take_word {
            return self.template(word, out);
        }
        if operator == Operator::Require && !filled {
            // The message is part of the value, and so is not shown.
            let shown = self.shown(name, out.name);
            self.problems.error(|| {
                let what = format!("{} is required here and not set", secretish::told(shown));
                Problem::error("required-variable", what).at(place.clone())
            });
            return false;
        }
        match found {
            Some(Found::Outside(text)) => {
                add(out, &text, self.size, &mut self.full);
                out.secret |= (self.outside.secret)(name);
            }
            Some(Found::Entry(index)) => {
                if let Some(entry) = self.done.get(index) {
                    add(out, &entry.text, self.size, &mut self.full);
                    out.secret |= entry.secret || (self.outside.secret)(name);
                }
            }
            // What is wrong with that one has been said.
            None if self.failed.contains(name) => return false,
            None => return self.unset(name, place, out),
        }
        true
    }

    /// A name within a value, fit for a message: in a secret, what is assigned nowhere may be a
    /// part of it.
    fn shown<'n>(&self, name: &'n str, within: &str) -> Option<&'n str> {
        let known = self.lines.contains_key(name) || secretish::is_catalogued(name);
        secretish::fit_name(name).filter(|_| known || !(self.outside.secret)(within))
    }

    /// Says that nothing stands in for the reference; whether the value counts nevertheless.
    fn unset(&mut self, name: &str, place: &Place, out: &Value<'_>) -> bool {
        if let Some(way) = self.circle(name, out.name) {
            self.problems.error(|| {
                let own = secretish::name_for_message(out.name);
                let way = in_short(&way);
                let what = if way.is_empty() {
                    format!("{own} refers to itself")
                } else {
                    format!("{own} refers to itself by way of {}", way.join(", "))
                };
                let name = secretish::fit_name(name).unwrap_or("NAME");
                Problem::error("circular-reference", what)
                    .at(place.clone())
                    .why("nothing else gives it a value")
                    .hint(format!("write `${{{name}:-}}` if it may be empty"))
            });
            return false;
        }
        if !self.warned.insert(name.to_owned()) {
            return true;
        }
        let below = self.lines.get(name).and_then(|index| self.entries.get(*index));
        let below = below.map(|entry| &entry.place).filter(|at| at.line > place.line);
        let why = below.map_or_else(
            || "nothing stands in for it".to_owned(),
            |at| format!("it stands further down, at {at}"),
        );
        let shown = self.shown(name, out.name);
        self.problems.warning(|| {
            let name = shown.unwrap_or("NAME");
            let what = format!("{} is not set here", secretish::told(shown));
            Problem::warning("unset-reference", what)
                .at(place.clone())
                .why(why)
                .hint(format!("write `${{{name}:-}}` if that is meant"))
        });
        true
    }

    /// The names between `from` and `to`, both left out, if `from` needs `to` for its value.
    fn circle(&mut self, from: &str, to: &str) -> Option<Vec<String>> {
        if from == to {
            return Some(Vec::new());
        }
        self.lines.get(from)?;
        self.circles = self.circles.checked_sub(1)?;
        let mut parents: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            if name == to {
                let mut way = Vec::new();
                let mut at = name;
                while let Some(parent) = parents.get(at).filter(|_| at != from) {
                    way.push((*parent).to_owned());
                    at = parent;
                }
                way.reverse();
                return Some(way);
            }
            let entry = self.lines.get(name).and_then(|index| self.entries.get(*index));
            for piece in entry.iter().flat_map(|entry| &entry.value) {
                if let Piece::Reference { name: next, operator: Operator::Value, .. } = piece
                    && next != from
                    && !parents.contains_key(next.as_str())
                {
                    parents.insert(next, name);
                    open.push(next);
                }
            }
        }
        None
    }

    fn look_up(&mut self, name: &str) -> Option<Found> {
        let outside = self.outside;
        let [first, last] = self.asked.entry(name.to_owned()).or_insert_with(|| {
            [(outside.first)(name).map(Rc::from), (outside.last)(name).map(Rc::from)]
        });
        match first {
            Some(text) => Some(Found::Outside(Rc::clone(text))),
            None => match self.known.get(name) {
                Some(index) => Some(Found::Entry(*index)),
                None => last.as_ref().map(|text| Found::Outside(Rc::clone(text))),
            },
        }
    }
}

/// Adds `text`, unless all together becomes too large.
fn add(out: &mut Value<'_>, text: &str, before: usize, full: &mut bool) {
    if before + out.text.len() + text.len() > LARGEST {
        *full = true;
    } else {
        out.text.push_str(text);
    }
}

/// The names of a circle for a message; of a long one the ends.
fn in_short(way: &[String]) -> Vec<String> {
    const MOST: usize = 8;
    let told = |name: &String| secretish::name_for_message(name);
    match way {
        [first, .., last] if way.len() > MOST => {
            vec![told(first), format!("{} more", way.len() - 2), told(last)]
        }
        _ => way.iter().map(told).collect(),
    }
}
