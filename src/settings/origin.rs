//! Where a value came from.

use crate::report::Place;
use serde::Serialize;
use std::fmt;

/// The layers, lowest first: a value of a higher layer wins. The derived order *is* the precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Layer {
    /// The default of the catalogue.
    Default,
    /// `profiles/<p>.yaml` or a built-in profile, along `extends`.
    Profile,
    /// A hand-written `.env`.
    DotenvBase,
    /// `.env.local`.
    DotenvLocal,
    /// `.env.<profile>`.
    DotenvProfile,
    /// `.env.<profile>.local`.
    DotenvProfileLocal,
    /// The vault.
    Vault,
    /// A dotenv file that the command line names (`--file`).
    NamedFile,
    /// The process environment, `NAME` or `NAME_FILE`.
    Process,
    /// A flag of the command line.
    Flag,
}

impl Layer {
    /// Every layer, lowest first.
    pub(crate) const ALL: [Self; 10] = [
        Self::Default,
        Self::Profile,
        Self::DotenvBase,
        Self::DotenvLocal,
        Self::DotenvProfile,
        Self::DotenvProfileLocal,
        Self::Vault,
        Self::NamedFile,
        Self::Process,
        Self::Flag,
    ];

    /// The layer in words.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Default => "built-in default",
            Self::Profile => "profile",
            Self::DotenvBase => ".env",
            Self::DotenvLocal => ".env.local",
            Self::DotenvProfile => ".env.<profile>",
            Self::DotenvProfileLocal => ".env.<profile>.local",
            Self::Vault => "vault",
            Self::NamedFile => "`--file`",
            Self::Process => "process environment",
            Self::Flag => "flag",
        }
    }
}

/// Where a value came from: the layer, the file and line if it stands in one, and the name it was
/// written under if that was an alias or `NAME_FILE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Origin {
    /// The layer.
    pub(crate) layer: Layer,
    /// The position, if it stands in a file.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// The name it was written under, if another than the variable's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written_as: Option<String>,
}

impl Origin {
    /// A value of `layer` that stands in no file.
    pub(crate) fn of(layer: Layer) -> Self {
        Self { layer, place: None, written_as: None }
    }

    /// A value of `layer` at `place`.
    #[cfg(test)]
    pub(crate) fn at(layer: Layer, place: Place) -> Self {
        Self { layer, place: Some(place), written_as: None }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}")?,
            None => f.write_str(self.layer.describe())?,
        }
        match &self.written_as {
            Some(name) => write!(f, " (as `{name}`)"),
            None => Ok(()),
        }
    }
}
