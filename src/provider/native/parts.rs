//! Pieces of conversations, as native APIs want them.

use crate::provider::conversation::{Conversation, Part, Turn};
use std::collections::HashMap;

/// The calls of a conversation by their id: APIs that have no ids know a result by the function.
#[derive(Debug)]
pub(crate) struct Calls<'a>(HashMap<&'a str, &'a str>);

impl<'a> Calls<'a> {
    /// Those of all turns.
    pub(crate) fn of(asked: &'a Conversation) -> Self {
        let parts = asked.turns.iter().flat_map(|turn| &turn.parts);
        Self(
            parts
                .filter_map(|part| match part {
                    Part::ToolCall(call) => Some((call.id.as_str(), call.name.as_str())),
                    _ => None,
                })
                .collect(),
        )
    }

    /// The function that the call with this id is of.
    pub(crate) fn function(&self, id: &str) -> Option<&'a str> {
        self.0.get(id).copied()
    }
}

/// All texts of some parts, one after the other; `None` if there is anything but text.
pub(crate) fn plain_text(parts: &[Part]) -> Option<String> {
    parts
        .iter()
        .map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
        .collect()
}

/// All texts of a turn, one after the other.
pub(crate) fn texts(turn: &Turn) -> String {
    let text = |part: &Part| if let Part::Text(text) = part { Some(text.clone()) } else { None };
    turn.parts.iter().filter_map(text).collect()
}

/// A name as one segment of a path: clients choose the names of models, and none of them may lead
/// to another path.
pub(crate) fn segment(name: &str) -> String {
    use std::fmt::Write as _;
    let dots = name.bytes().all(|byte| byte == b'.');
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~');
        if plain || (byte == b'.' && !dots) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_segment() {
        for (name, sent) in [
            ("gemini-2.5-pro", "gemini-2.5-pro"),
            ("a/../b?x=#%", "a%2F..%2Fb%3Fx%3D%23%25"),
            ("ü:x", "%C3%BC%3Ax"),
            ("..", "%2E%2E"),
        ] {
            assert_eq!(segment(name), sent);
        }
    }

    #[test]
    fn texts_are_only_texts() {
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(plain_text(&[text("a"), text("b")]).as_deref(), Some("ab"));
        assert_eq!(plain_text(&[]).as_deref(), Some(""));
        assert_eq!(plain_text(&[text("a"), Part::Refusal("no".to_owned())]), None);
    }
}
