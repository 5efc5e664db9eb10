//! Walking a YAML tree: each step takes what it expects and reports what it finds instead.

use crate::base::near;
use crate::report::{Place, Problem};
use crate::settings::secretish::{name_for_message, value_for_message};
use crate::settings::value::Value;
use crate::settings::yaml::{Data, Key, Node};

/// Collects what is wrong with a file.
pub(super) struct Reader<'a> {
    /// Every problem so far.
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// The entries of a mapping; nothing at all counts as an empty one.
    pub(super) fn entries(&mut self, node: Node, what: &str) -> Vec<(Key, Node)> {
        match node.data {
            Data::Map(entries) => entries,
            Data::Null => Vec::new(),
            other => {
                self.wrong(&node.place, what, "a mapping", &other);
                Vec::new()
            }
        }
    }

    /// The entries of a mapping whose keys are all `known`; others are reported and left out.
    pub(super) fn fields(
        &mut self,
        node: Node,
        what: &str,
        known: &[&'static str],
    ) -> Vec<(&'static str, Node)> {
        let mut fields = Vec::new();
        for (key, value) in self.entries(node, what) {
            match known.iter().find(|k| **k == key.text) {
                Some(name) => fields.push((*name, value)),
                None => self.problems.push(
                    Problem::error(
                        "unknown-key",
                        format!("unknown key {} in {what}", name_for_message(&key.text)),
                    )
                    .at(key.place)
                    .maybe_hint(near::hint(&key.text, known.iter().copied())),
                ),
            }
        }
        fields
    }

    /// The items of a list.
    pub(super) fn list(&mut self, node: Node, what: &str) -> Vec<Node> {
        match node.data {
            Data::List(items) => items,
            other => {
                self.wrong(&node.place, what, "a list", &other);
                Vec::new()
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, node: Node, what: &str) -> Option<String> {
        match node.data {
            Data::Text(text) => Some(text),
            other => {
                self.wrong(&node.place, what, "a text", &other);
                None
            }
        }
    }

    /// A text that is not empty.
    pub(super) fn name(&mut self, node: Node, what: &str) -> Option<String> {
        let place = node.place.clone();
        let text = self.text(node, what)?;
        if text.is_empty() {
            self.problems
                .push(Problem::error("malformed-value", format!("{what} is empty")).at(place));
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.data {
            Data::Bool(value) => Some(*value),
            other => {
                self.wrong(&node.place, what, "`true` or `false`", other);
                None
            }
        }
    }

    /// A whole number, at least 1.
    pub(super) fn positive(&mut self, node: &Node, what: &str) -> Option<u64> {
        let number = match &node.data {
            Data::Number(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        let number = number.filter(|n| *n >= 1);
        if number.is_none() {
            self.wrong(&node.place, what, "a whole number, at least 1", &node.data);
        }
        number
    }

    /// A text that is a `T`.
    pub(super) fn value<T: Value>(&mut self, node: Node, what: &str) -> Option<T> {
        let place = node.place.clone();
        let text = match node.data {
            Data::Text(text) | Data::Number(text) => text,
            other => {
                self.wrong(&place, what, &T::KIND.expected(), &other);
                return None;
            }
        };
        let value = T::parse(&text);
        if value.is_none() {
            let found = value_for_message(&text);
            self.problems.push(
                Problem::error("malformed-value", format!("{what} is {found}"))
                    .at(place)
                    .why(format!("expected {}", T::KIND.expected())),
            );
        }
        value
    }

    fn wrong(&mut self, place: &Place, what: &str, expected: &str, found: &Data) {
        self.problems.push(
            Problem::error("wrong-type", format!("{what} must be {expected}"))
                .at(place.clone())
                .why(format!("found {}", found.describe())),
        );
    }
}
