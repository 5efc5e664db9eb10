//! Phase one: where we are and which profile is meant, before any profile or dotenv file is read.

use super::environment::Environment;
use crate::base::Clock;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What the command line says, in terms of the catalogue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// `--profile`.
    pub(crate) profile: Option<String>,
    /// `--dir`.
    pub(crate) dir: Option<PathBuf>,
    /// Variables that flags of the subcommand set, such as `--port` → `ULTRA_PORT`.
    pub(crate) variables: BTreeMap<&'static str, String>,
}

/// Who decided which profile is in use, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProfileSource {
    /// `--profile`.
    Flag,
    /// `ULTRA_PROFILE` or its alias `ENVIRONMENT`.
    Environment,
    /// The switch record in the state directory.
    SwitchRecord,
    /// Nobody: `dev`.
    Default,
}

/// Where a command works: root, state directory, profile.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The process environment.
    pub(crate) environment: Environment,
    /// What the command line says.
    pub(crate) flags: Flags,
    /// The root, if there is one.
    pub(crate) root: Option<PathBuf>,
    /// The state directory; it need not exist yet.
    pub(crate) state_dir: PathBuf,
    /// The profile in use: its canonical name.
    pub(crate) profile: String,
    /// Who decided so.
    pub(crate) profile_source: ProfileSource,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}
