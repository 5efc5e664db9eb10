//! The project's own files as facts: what the scan found in them, which documents are there, and
//! the texts of container files.

use crate::scan::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The project's own files.
#[derive(Clone, Debug, Default)]
pub(crate) struct TreeFacts {
    /// Files that were read.
    pub(crate) files: usize,
    /// Files of source code among them.
    pub(crate) sources: usize,
    /// Files and folders that could not be read.
    pub(crate) unreadable: usize,
    /// What the scan found.
    pub(crate) findings: Vec<Finding>,
    /// Files and folders at the root, by name.
    pub(crate) top: BTreeSet<String>,
    /// Texts of Dockerfiles and compose files, by path from the root.
    pub(crate) containers: BTreeMap<PathBuf, String>,
}
