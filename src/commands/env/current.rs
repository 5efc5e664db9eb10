//! `ultra env current`: the profile in use, and who decided so.

use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Problem, Report};
use crate::settings::Workspace;
use crate::settings::profile_file::assemble;
use crate::settings::workspace::{Claim, ProfileSource};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Answer<'a> {
    profile: &'a str,
    /// `None` if the profile cannot be read.
    protected: Option<bool>,
    source: ProfileSource,
    claims: &'a [Claim],
    root: Option<&'a Path>,
    state_dir: &'a Path,
    problems: &'a [Problem],
}

/// Answers without opening or resolving anything.
pub(crate) fn run(workspace: &Workspace) -> Result<Report, Fault> {
    let mut problems = Vec::new();
    let assembled = assemble(workspace, &workspace.profile, &mut problems);
    let protected = assembled.as_ref().map(|assembled| assembled.profile.protected);
    let broken = problems.iter().any(Problem::is_error);
    problems.extend(workspace.disagreement());
    let mut pairs = vec![
        ("profile", workspace.profile.clone()),
        (
            "protected",
            match protected {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            }
            .to_owned(),
        ),
        ("decided by", workspace.profile_source.describe().to_owned()),
    ];
    if let Some(root) = &workspace.root {
        pairs.push(("root", root.display().to_string()));
    }
    let mut view = vec![Block::pairs(pairs)];
    view.extend(problems.iter().cloned().map(Block::Finding));
    let answer = Answer {
        profile: &workspace.profile,
        protected,
        source: workspace.profile_source,
        claims: &workspace.claims,
        root: workspace.root.as_deref(),
        state_dir: &workspace.state_dir,
        problems: &problems,
    };
    let status = if broken { ExitStatus::DoesNotHold } else { ExitStatus::Holds };
    Ok(Report::new("ultra.env.current/1", answer, view)?.status(status))
}
