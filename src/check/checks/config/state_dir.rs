//! # ULT-CFG-008: the state directory can be written
//!
//! ## What it checks
//!
//! The state directory is there and can be written, or could be made where it belongs, judged as
//! `ultra serve` judges it at its start. It is skipped for a server behind `--url`, which has its
//! own.
//!
//! ## Why
//!
//! Journal, embedded database and vault live there: a server that cannot write them does not start.
//!
//! ## How to fix
//!
//! Give the directory to the user that runs the server, or name another one with
//! `ULTRA_STATE_DIR`. In `/` and in the home directory there is none unless it is named.

use crate::check::checks::support::prelude::*;
use crate::check::model::NoJudgement;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-008",
    group: Group::Config,
    title: "the state directory can be written",
    why: "Journal, embedded database and vault live there: a server that cannot write them does not start.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    match &facts.config.get()?.state_dir {
        None => Err(NoJudgement::Skip("the server that is judged has its own".to_owned())),
        Some(Ok(())) => Ok(Judgement::pass("it can be written")),
        Some(Err(problem)) => {
            let why = problem.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let observed = format!("{}{why}", problem.what);
            let judgement = Judgement::fail(observed, "a directory that can be written");
            Ok(judgement.fix(problem.hint.as_deref().unwrap_or("set `ULTRA_STATE_DIR`")))
        }
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;
    use crate::report::Problem;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        let problem = Problem::error("state-dir", "cannot write the state directory `.ultra`");
        Fixture::prod().state_dir(problem.why("permission denied")).facts()
    }
}
