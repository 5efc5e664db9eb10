//! # ULT-LIVE-001: the server answers
//!
//! ## What it checks
//!
//! With `--url` the server that is named answers `GET /api/health/live` with 200 and the health
//! document of `ultra serve`: a proxy's page or another program's answer is none. Without, `ultra
//! serve --probe` is started with this profile on a free port of the loopback and must get as
//! far.
//!
//! ## Why
//!
//! A server that cannot be reached serves nobody, and nothing else about it can be known.
//!
//! ## How to fix
//!
//! Start the server or mend the address. `ultra serve --profile PROFILE` shows why it does not
//! start.

use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-LIVE-001",
    group: Group::Live,
    title: "the server answers",
    why: "A server that cannot be reached serves nobody, and nothing else about it can be known.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-CFG-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let target = &live.target;
    if let Some(why) = &live.unreachable {
        return Ok(Judgement::fail(format!("{target}: {why}"), "an answer").fix(if live.spawned {
            format!("ultra serve --profile {}", facts.profile)
        } else {
            format!("curl -sS {target}/api/health/live")
        }));
    }
    let alive = live.answer(Probe::Live)?;
    if !alive.is_ours() {
        let observed =
            format!("{target} does not answer as an ultra server: it answers {}", alive.manner());
        return Ok(Judgement::fail(observed, "the health document of `ultra serve`")
            .evidence(alive.manner(), Some(alive.request.clone()))
            .fix("name the address that `ultra serve` listens on: `--url http://HOST:PORT`"));
    }
    if alive.status == 200 {
        return Ok(Judgement::pass(format!("{target} answers")));
    }
    Ok(Judgement::fail(format!("{target} answers {}", alive.summary()), "200")
        .evidence(alive.summary(), Some(alive.request.clone()))
        .fix(alive.request.clone()))
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
        Fixture::prod().live(|l| l.unreachable = Some("refused".to_owned())).facts()
    }

    #[test]
    fn the_page_of_another_server_is_no_answer() {
        let page =
            |body: &str| Fixture::prod().answer(super::Probe::Live, |e| e.body = body.into());
        for body in ["<html>canary</html>", r#"{"status":"canary"}"#] {
            let judged = super::judge(&page(body).facts()).unwrap();
            assert_eq!(judged.outcome, crate::report::Outcome::Fail, "{body}");
            assert!(judged.observed.contains("does not answer as an ultra server"));
            assert!(!format!("{judged:?}").contains("canary"));
        }
    }
}
