//! What the answers mean together: the verdict, the score, the counts.

use super::engine::Answer;
use crate::exit::ExitStatus;
use crate::report::Outcome;
use crate::settings::profile::Gate;
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether the profile may go live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Nothing at the gate fails or is unknown.
    Ready,
    /// Something at the gate fails.
    NotReady,
    /// Something at the gate could not be judged, or not all was asked.
    Unverified,
}

impl Verdict {
    /// The word in JSON and on the screen.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not-ready",
            Self::Unverified => "unverified",
        }
    }
}

/// The answers, summed up.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    /// What they mean.
    pub(crate) verdict: Verdict,
    /// Whether what was selected holds although the release is not verified by it.
    pub(crate) selection_holds: bool,
    /// How much holds, in per cent: each check weighs by its severity, a warning counts half, what
    /// does not apply counts not at all.
    pub(crate) score: u32,
    /// How often each outcome came.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// How the process ends.
    pub(crate) status: ExitStatus,
}

/// The gates at which a failure counts: the weakest of `gates` and all above it.
pub(crate) fn at_or_above(gates: &[Gate]) -> Vec<Gate> {
    let order = [Gate::P0, Gate::P1, Gate::P2];
    let last = order.iter().rposition(|gate| gates.contains(gate)).unwrap_or(0);
    order.into_iter().take(last + 1).collect()
}

/// Sums up. `gates` are those at which a failure counts, `partial` says that not everything was
/// asked, `fail_on_warn` that warnings alone end with their own code.
pub(crate) fn summarise(
    answers: &[Answer],
    gates: &[Gate],
    partial: bool,
    fail_on_warn: bool,
) -> Summary {
    let any = |outcome: Outcome, gated: bool| {
        answers
            .iter()
            .any(|a| a.judgement.outcome == outcome && (!gated || gates.contains(&a.meta.gate)))
    };
    let mut counts: BTreeMap<&'static str, usize> =
        Outcome::ALL.iter().map(|o| (o.word(), 0)).collect();
    for answer in answers {
        *counts.entry(answer.judgement.outcome.word()).or_default() += 1;
    }
    let (verdict, status) = if any(Outcome::Fail, true) {
        (Verdict::NotReady, ExitStatus::DoesNotHold)
    } else if any(Outcome::Unknown, true) {
        (Verdict::Unverified, ExitStatus::Unreachable)
    } else {
        let warned = any(Outcome::Warn, false) || any(Outcome::Fail, false);
        let status = if fail_on_warn && warned { ExitStatus::Warnings } else { ExitStatus::Holds };
        (if partial { Verdict::Unverified } else { Verdict::Ready }, status)
    };
    let selection_holds = partial && matches!(status, ExitStatus::Holds | ExitStatus::Warnings);
    Summary { verdict, selection_holds, score: score(answers), counts, status }
}

/// Per cent of the weight that holds; 100 only if nothing is missing, 0 if nothing applies.
fn score(answers: &[Answer]) -> u32 {
    let (mut got, mut all) = (0, 0);
    for answer in answers {
        let weight = 2 * answer.meta.severity.weight();
        let share = match answer.judgement.outcome {
            Outcome::Pass => weight,
            Outcome::Warn => weight / 2,
            Outcome::Fail | Outcome::Unknown => 0,
            Outcome::Skip | Outcome::Waived => continue,
        };
        got += share;
        all += weight;
    }
    (got * 100).checked_div(all).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::model::{CheckMeta, Group, Judgement, Severity, Stage};
    use std::time::Duration;

    const fn meta(gate: Gate, severity: Severity) -> CheckMeta {
        CheckMeta {
            id: "ULT-X-001",
            group: Group::Config,
            title: "",
            why: "",
            severity,
            gate,
            stage: Stage::Config,
            needs: &[],
        }
    }

    static P0: CheckMeta = meta(Gate::P0, Severity::Critical);
    static P1: CheckMeta = meta(Gate::P1, Severity::Low);

    fn answers(list: &[(&'static CheckMeta, Judgement)]) -> Vec<Answer> {
        list.iter()
            .map(|(meta, judgement)| Answer {
                meta,
                judgement: judgement.clone(),
                took: Duration::ZERO,
            })
            .collect()
    }

    fn verdict(list: &[(&'static CheckMeta, Judgement)], partial: bool) -> (Verdict, u8) {
        let summary = summarise(&answers(list), &[Gate::P0], partial, false);
        (summary.verdict, summary.status.code())
    }

    #[test]
    fn fail_beats_unknown_and_only_the_gate_counts() {
        let fail = Judgement::fail("a", "b");
        let unknown = Judgement::unknown("a");
        assert_eq!(
            verdict(&[(&P0, unknown.clone()), (&P0, fail.clone())], false),
            (Verdict::NotReady, 3)
        );
        assert_eq!(verdict(&[(&P0, unknown.clone())], false), (Verdict::Unverified, 5));
        assert_eq!(verdict(&[(&P1, fail), (&P1, unknown)], false), (Verdict::Ready, 0));
    }

    #[test]
    fn a_part_that_holds_verifies_no_release() {
        let summary = summarise(&answers(&[(&P0, Judgement::pass("a"))]), &[Gate::P0], true, false);
        assert_eq!(summary.verdict, Verdict::Unverified);
        assert!(summary.selection_holds);
        assert_eq!(summary.status, ExitStatus::Holds);
        assert_eq!(verdict(&[(&P0, Judgement::fail("a", "b"))], true), (Verdict::NotReady, 3));
    }

    #[test]
    fn warnings_end_with_their_own_code_on_demand() {
        let list = answers(&[(&P0, Judgement::warn("a", "b"))]);
        assert_eq!(summarise(&list, &[Gate::P0], false, false).status, ExitStatus::Holds);
        assert_eq!(summarise(&list, &[Gate::P0], false, true).status, ExitStatus::Warnings);
    }

    #[test]
    fn the_score_weighs_by_severity_and_leaves_out_what_does_not_apply() {
        let list = answers(&[
            (&P0, Judgement::pass("a")),
            (&P1, Judgement::fail("a", "b")),
            (&P0, Judgement::skip("a")),
        ]);
        assert_eq!(summarise(&list, &[Gate::P0], false, false).score, 88);
    }

    #[test]
    fn a_gate_includes_those_above_it() {
        assert_eq!(at_or_above(&[Gate::P1]), [Gate::P0, Gate::P1]);
        assert_eq!(at_or_above(&[]), [Gate::P0]);
    }
}
