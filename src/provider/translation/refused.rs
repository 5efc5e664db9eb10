//! What goes wrong between two families.

use crate::provider::failure::Class;
use http::StatusCode;
use serde::de::IgnoredAny;

/// Why a request cannot be put to a provider of another family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Untranslatable {
    /// Where in the request, as the client writes it: `n`, `messages[3].content[0].type`.
    pub(crate) param: String,
    /// What is the matter. Of the request it quotes no more than names of fields.
    pub(crate) message: String,
    /// Whether the request is at fault whoever is asked, rather than asks for something that only
    /// its own family can do.
    pub(crate) malformed: bool,
}

impl Untranslatable {
    /// The request is not as its own API wants it.
    pub(crate) fn malformed(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: bounded(param.into(), LONGEST),
            message: bounded(message.into(), LONGEST_MESSAGE),
            malformed: true,
        }
    }

    /// The provider cannot do it.
    pub(crate) fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: bounded(param.into(), LONGEST),
            message: bounded(message.into(), LONGEST_MESSAGE),
            malformed: false,
        }
    }
}

/// The longest place in a request that is told, in bytes: clients choose names of fields.
const LONGEST: usize = 128;

/// The longest message, in bytes: it may name several of them.
const LONGEST_MESSAGE: usize = 1024;

fn bounded(mut text: String, longest: usize) -> String {
    if text.len() > longest || text.chars().any(char::is_control) {
        text.retain(|c| !c.is_control());
        let end = (0..=longest.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
    }
    text
}

/// Why there is nothing to read in what a provider sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not as its API has it. The text quotes nothing of it.
    Malformed(String),
    /// It is an event that can be read and does not go with the others, or lacks what it must have:
    /// without it the rest would say something else, so the stream ends here. The text quotes
    /// nothing of it.
    Broken(String),
    /// It says that the provider failed, or would not.
    Refused(Refused),
}

impl Unread {
    /// An event of a JSON stream that does not have the fields of its API. What is no object is
    /// noise, and says nothing; an object may have said anything.
    pub(super) fn event(data: &str, why: &str) -> Self {
        let is_object = data.starts_with('{') && serde_json::from_str::<IgnoredAny>(data).is_ok();
        match is_object {
            true => Self::Broken(why.to_owned()),
            false => Self::Malformed(why.to_owned()),
        }
    }
}

/// An error of a provider's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its status, or the one that an error in a stream would have had.
    pub(crate) status: StatusCode,
    /// What it means.
    pub(crate) class: Class,
    /// The provider's own words; empty if there are none.
    pub(crate) message: String,
}
