//! The project's own files as facts: what the scan found in them, which documents are there, and
//! the texts of container files.

use super::facts::FileFacts;
use super::model::NoJudgement;
use crate::base::file;
use crate::scan::{self, Finding};
use crate::settings::Workspace;
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

/// The largest container file that is read.
const LIMIT: u64 = 1 << 20;

/// Scans the root. Private dotenv files that git does not track may hold secrets; other checks
/// judge them.
///
/// # Errors
/// There is no root to scan.
pub(super) fn gather(workspace: &Workspace, files: &FileFacts) -> Result<TreeFacts, NoJudgement> {
    let Some(root) = &workspace.root else {
        return Err(NoJudgement::Skip("there is no root here, and so no project".to_owned()));
    };
    let seen = scan::scan(root, scan::Options { secrets: true, code: true });
    let mut tree = TreeFacts {
        files: seen.files,
        sources: seen.sources,
        unreadable: seen.unreadable.len(),
        findings: seen.findings,
        ..TreeFacts::default()
    };
    let private: Vec<PathBuf> = files
        .files
        .iter()
        .filter(|f| !f.tracked && f.mode & 0o077 == 0)
        .map(|f| f.real.clone())
        .collect();
    tree.findings.retain(|f| !(f.rule.is_secret() && private.contains(&root.join(&f.file))));
    for entry in std::fs::read_dir(root).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let container = ["Dockerfile", "Containerfile", "compose"].iter().any(|w| name.contains(w));
        if container && let Ok(Some(bytes)) = file::read_bounded(&entry.path(), LIMIT) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            tree.containers.insert(PathBuf::from(&name), text);
        }
        tree.top.insert(name);
    }
    Ok(tree)
}
