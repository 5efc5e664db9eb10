//! What goes wrong with native APIs, as the gateway understands it.

use crate::provider::failure::Class;
use http::StatusCode;
use std::time::Duration;

/// Why a request cannot be put to a provider of another family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Untranslatable {
    /// Where in the request.
    pub(crate) param: String,
    /// What is the matter.
    pub(crate) message: String,
    /// Whether the request is at fault.
    pub(crate) malformed: bool,
}

impl Untranslatable {
    /// The request is not as its own API wants it.
    pub(crate) fn malformed(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), message: message.into(), malformed: true }
    }

    /// The provider cannot do it.
    pub(crate) fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), message: message.into(), malformed: false }
    }
}

/// Why there is nothing to read in what a provider sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not as its API has it. The text quotes nothing of it.
    Malformed(String),
    /// It says that the provider failed, or would not.
    Refused(Refused),
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
    /// How long it says to wait, if it does so in the body.
    pub(crate) wait: Option<Duration>,
}
