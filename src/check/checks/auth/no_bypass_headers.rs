//! # ULT-AUTH-009: no header opens a way around authentication
//!
//! ## What it checks
//!
//! `X-Test-Mode: true` without credentials is still answered 401; with credentials the answer has
//! the same status and mode as without the header.
//!
//! ## Why
//!
//! Switches for tests that reach production are the first thing an attacker tries.
//!
//! ## How to fix
//!
//! Remove the branch. `X-Test-Mode` may mark traffic and must grant nothing.

use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;
use crate::smoke::Exchange;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-AUTH-009",
    group: Group::Auth,
    title: "no header opens a way around authentication",
    why: "Switches for tests that reach production are the first thing an attacker tries.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    live.control()?;
    let anonymous = live.answer(Probe::AnonymousTestMode)?;
    let fix = "remove the branch on the header; it may mark traffic and must grant nothing";
    if anonymous.status != 401 {
        return Ok(Judgement::fail(format!("{} without credentials", anonymous.summary()), "401")
            .evidence(anonymous.summary(), Some(anonymous.request.clone()))
            .fix(fix));
    }
    if live.unasked.is_some() {
        return Ok(Judgement::pass("refused without credentials; completions were not asked for"));
    }
    let (plain, marked) = (live.answer(Probe::Chat)?, live.answer(Probe::ChatTestMode)?);
    if !plain.ok() {
        return Ok(Judgement::unknown(format!(
            "no positive control: a completion with the key is answered {}",
            plain.summary()
        )));
    }
    let mode = |e: &Exchange| e.header("x-ultra-mode").map(str::to_owned);
    if plain.status == marked.status && mode(plain) == mode(marked) {
        return Ok(Judgement::pass("the header changes nothing"));
    }
    Ok(Judgement::fail(
        format!("{} instead of {}", marked.summary(), plain.summary()),
        "the same answer",
    )
    .evidence(marked.summary(), Some(marked.request.clone()))
    .fix(fix))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;
    use crate::check::live::Probe;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().answer(Probe::AnonymousTestMode, |e| e.status = 200).facts()
    }
}
