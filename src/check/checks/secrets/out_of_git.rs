//! # ULT-SEC-008: files with secrets are not in git
//!
//! ## What it checks
//!
//! No dotenv file that holds a secret and no file of the state directory with keys or data is
//! tracked, and git passes over those that exist. Under git, a git that does not answer is
//! `unknown`.
//!
//! ## Why
//!
//! What was committed once stays in every clone, whatever is deleted later.
//!
//! ## How to fix
//!
//! `git rm --cached FILE`, add it to `.gitignore`, and rotate every key that stood in it.

use crate::base::words;
use crate::check::checks::support::prelude::*;
use crate::check::facts::GitSays;
use crate::check::model::NoJudgement;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SEC-008",
    group: Group::Secrets,
    title: "files with secrets are not in git",
    why: "What was committed once stays in every clone, whatever is deleted later.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let files = facts.files.get()?;
    if files.git == GitSays::Outside {
        return Ok(Judgement::skip("this directory is not under git"));
    }
    let held: Vec<_> = files.files.iter().filter(|f| f.holds_secret).collect();
    if let Some(file) = held.iter().find(|f| f.tracked) {
        let path = file.path.display();
        return Ok(Judgement::fail(format!("`{path}` is tracked"), "no file with secrets in git")
            .evidence("tracked by git", Some(path.to_string()))
            .fix(format!("git rm --cached {path} && echo {path} >> .gitignore")));
    }
    if let GitSays::Unsure(why) = &files.git {
        return Err(NoJudgement::Unknown(why.clone()));
    }
    if let Some(file) = held.iter().find(|f| !f.ignored && !f.mounted) {
        let path = file.path.display();
        return Ok(Judgement::warn(format!("`{path}` is not ignored"), "a line in `.gitignore`")
            .fix(format!("echo {path} >> .gitignore")));
    }
    Ok(Judgement::pass(format!("{} with secrets, none in git", words::count(held.len(), "file"))))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().files(|f| f.files.iter_mut().for_each(|f| f.tracked = true)).facts()
    }
}
