//! References replaced by values.

use super::parse::Document;
use super::template::{Operator, Piece, Template};
use crate::report::{Place, Problem};
use std::collections::BTreeMap;

/// How much text all values of a file may become together: references could double it line by
/// line.
const LARGEST: usize = 16 << 20;

/// An entry whose references are replaced. It has no `Debug`: it may be a secret.
pub(crate) struct Expanded {
    /// The variable.
    pub(crate) name: String,
    /// Its value.
    pub(crate) text: String,
    /// Where its name stands.
    pub(crate) place: Place,
    /// The variables whose values went into it, directly or through another entry of the file.
    pub(crate) uses: Vec<String>,
}

/// Replaces the references of a file. What `first` knows (the process environment) counts before
/// entries further up in the file, and what `last` knows (lower layers) after them. An entry sees
/// only what stands above it, so there can be no circle.
pub(crate) fn expand(
    document: Document,
    first: &dyn Fn(&str) -> Option<String>,
    last: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) -> Vec<Expanded> {
    let lines: BTreeMap<String, Place> =
        document.entries.iter().map(|e| (e.name.clone(), e.place.clone())).collect();
    let mut expander = Expander { first, last, done: BTreeMap::new(), lines, size: 0, problems };
    let mut out: Vec<Expanded> = Vec::new();
    for entry in document.entries {
        let mut value = Value::default();
        if !expander.template(&entry.value, &mut value, &out) {
            continue;
        }
        expander.size = expander.size.saturating_add(value.text.len());
        if expander.size > LARGEST {
            expander.problems.push(
                Problem::error(
                    "too-large",
                    format!("`{}` and those above become too large", entry.name),
                )
                .at(entry.place)
                .why(format!("the limit is {LARGEST} bytes")),
            );
            break;
        }
        value.uses.sort();
        value.uses.dedup();
        expander.done.insert(entry.name.clone(), out.len());
        out.push(Expanded {
            name: entry.name,
            text: value.text,
            place: entry.place,
            uses: value.uses,
        });
    }
    out
}

#[derive(Default)]
struct Value {
    text: String,
    uses: Vec<String>,
}

struct Expander<'a> {
    first: &'a dyn Fn(&str) -> Option<String>,
    last: &'a dyn Fn(&str) -> Option<String>,
    /// Entries that are done, by their index.
    done: BTreeMap<String, usize>,
    lines: BTreeMap<String, Place>,
    size: usize,
    problems: &'a mut Vec<Problem>,
}

impl Expander<'_> {
    /// Adds the template's text to `out`; `false` if a required variable is missing.
    fn template(&mut self, template: &Template, out: &mut Value, done: &[Expanded]) -> bool {
        let mut whole = true;
        for piece in template {
            if out.text.len() > LARGEST {
                return whole;
            }
            match piece {
                Piece::Text(text) => out.text.push_str(text),
                Piece::Reference { name, operator, word, place } => {
                    whole &= self.reference(name, *operator, word, place, out, done);
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
        out: &mut Value,
        done: &[Expanded],
    ) -> bool {
        let found = self.look_up(name, done);
        let filled = found.as_ref().is_some_and(|(text, _)| !text.is_empty());
        let take_word = match operator {
            Operator::Value | Operator::Require => false,
            Operator::OrIfEmpty => !filled,
            Operator::OrIfUnset => found.is_none(),
            Operator::IfSet if filled => true,
            Operator::IfSet => return true,
        };
        if take_word {
            return self.template(word, out, done);
        }
        if operator == Operator::Require && !filled {
            // The message is part of the value, and so is not shown.
            self.problems.push(
                Problem::error(
                    "required-variable",
                    format!("`{name}` is required here and not set"),
                )
                .at(place.clone()),
            );
            return false;
        }
        match found {
            Some((text, uses)) => {
                out.text.push_str(&text);
                out.uses.push(name.to_owned());
                out.uses.extend(uses);
            }
            None => {
                let below = self.lines.get(name).filter(|at| at.line > place.line);
                let why = below.map_or_else(
                    || "nothing stands in for it".to_owned(),
                    |at| format!("it stands further down, at {at}"),
                );
                self.problems.push(
                    Problem::warning("unset-reference", format!("`{name}` is not set here"))
                        .at(place.clone())
                        .why(why)
                        .hint(format!("write `${{{name}:-}}` if that is meant")),
                );
            }
        }
        true
    }

    fn look_up(&self, name: &str, done: &[Expanded]) -> Option<(String, Vec<String>)> {
        if let Some(text) = (self.first)(name) {
            return Some((text, Vec::new()));
        }
        if let Some(entry) = self.done.get(name).and_then(|index| done.get(*index)) {
            return Some((entry.text.clone(), entry.uses.clone()));
        }
        (self.last)(name).map(|text| (text, Vec::new()))
    }
}
