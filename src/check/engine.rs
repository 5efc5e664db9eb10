//! Runs checks: what each needs first, the rest in parallel, the answers in the order of ids.

use super::Facts;
use super::model::{Check, Judgement};
use crate::report::Outcome;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Checks that are judged at a time: they mostly wait for facts.
const WORKERS: usize = 8;

/// What came of one check.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The check.
    pub(crate) meta: &'static super::CheckMeta,
    /// What it says.
    pub(crate) judgement: Judgement,
    /// How long it took, waiting for facts included.
    pub(crate) took: Duration,
}

/// Runs `selected` and, without reporting them, what they need. Answers come in the order of ids.
pub(crate) fn run(all: &[Check], selected: &[&'static str], facts: &Facts) -> Vec<Answer> {
    let mut answers: BTreeMap<&'static str, Answer> = BTreeMap::new();
    let mut open = closure(all, selected);
    while !open.is_empty() {
        let (wave, later): (Vec<&Check>, Vec<&Check>) = open.iter().partition(|check| {
            check.meta.needs.iter().all(|need| !open.iter().any(|other| other.meta.id == *need))
        });
        if wave.is_empty() {
            // A circle of needs: nobody can be first. The registry's test keeps this out.
            for check in later {
                let judgement = Judgement::unknown("it needs itself");
                answers.insert(check.meta.id, answer(check, judgement, Duration::ZERO));
            }
            break;
        }
        let judged = judge_wave(&wave, &answers, selected, facts);
        answers.extend(judged.into_iter().map(|a| (a.meta.id, a)));
        open = later;
    }
    answers.into_values().filter(|a| selected.contains(&a.meta.id)).collect()
}

/// The selected checks and everything they need, directly or not.
fn closure<'a>(all: &'a [Check], selected: &[&'static str]) -> Vec<&'a Check> {
    let mut wanted: Vec<&str> = selected.to_vec();
    let mut at = 0;
    while let Some(id) = wanted.get(at).copied() {
        if let Some(check) = all.iter().find(|c| c.meta.id == id) {
            for need in check.meta.needs {
                if !wanted.contains(need) {
                    wanted.push(need);
                }
            }
        }
        at += 1;
    }
    all.iter().filter(|c| wanted.contains(&c.meta.id)).collect()
}

fn judge_wave(
    wave: &[&Check],
    before: &BTreeMap<&'static str, Answer>,
    selected: &[&'static str],
    facts: &Facts,
) -> Vec<Answer> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(wave.len()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(wave.len()) {
            scope.spawn(|| {
                while let Some(check) = wave.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = judge(check, before, selected, facts);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(answer);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn judge(
    check: &Check,
    before: &BTreeMap<&'static str, Answer>,
    selected: &[&'static str],
    facts: &Facts,
) -> Answer {
    let began = Instant::now();
    let judgement = match blocked(check, before, selected) {
        Some(judgement) => judgement,
        // A judge with a bug must not take the other checks with it, nor look like a pass.
        None => catch_unwind(AssertUnwindSafe(|| (check.judge)(facts)))
            .unwrap_or_else(|_| {
                Ok(Judgement::unknown("the check itself failed; please report this as a bug"))
            })
            .unwrap_or_else(Judgement::from),
    };
    answer(check, judgement, began.elapsed())
}

/// What a check says whose needs do not hold. A need that is in the report speaks for itself; one
/// that was left out of the selection must not let its dependents look harmless.
fn blocked(
    check: &Check,
    before: &BTreeMap<&'static str, Answer>,
    selected: &[&'static str],
) -> Option<Judgement> {
    for need in check.meta.needs {
        let Some(outcome) = before.get(need).map(|a| a.judgement.outcome) else { continue };
        match outcome {
            Outcome::Pass | Outcome::Warn | Outcome::Waived => {}
            Outcome::Fail | Outcome::Skip if selected.contains(need) => {
                return Some(Judgement::skip(format!("blocked by {need} ({})", outcome.word())));
            }
            Outcome::Fail | Outcome::Skip | Outcome::Unknown => {
                return Some(Judgement::unknown(format!("blocked by {need} ({})", outcome.word())));
            }
        }
    }
    None
}

fn answer(check: &Check, judgement: Judgement, took: Duration) -> Answer {
    Answer { meta: check.meta, judgement, took }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::Fixture;
    use crate::check::model::{CheckMeta, Group, Judged, NoJudgement, Severity, Stage};
    use crate::settings::profile::Gate;

    const fn meta(id: &'static str, needs: &'static [&'static str]) -> CheckMeta {
        CheckMeta {
            id,
            group: Group::Config,
            title: "",
            why: "",
            severity: Severity::High,
            gate: Gate::P0,
            stage: Stage::Config,
            needs,
        }
    }

    static A: CheckMeta = meta("A", &[]);
    static B: CheckMeta = meta("B", &["A"]);
    static C: CheckMeta = meta("C", &["B"]);
    static D: CheckMeta = meta("D", &[]);

    fn check(meta: &'static CheckMeta, judge: fn(&Facts) -> Judged) -> Check {
        Check { meta, judge, source: "", good: Fixture::dev, bad: Fixture::dev }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature of a judge")]
    fn pass(_: &Facts) -> Judged {
        Ok(Judgement::pass("fine"))
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature of a judge")]
    fn fail(_: &Facts) -> Judged {
        Ok(Judgement::fail("bad", "good"))
    }

    fn unknown(_: &Facts) -> Judged {
        Err(NoJudgement::Unknown("gone".to_owned()))
    }

    fn panics(_: &Facts) -> Judged {
        panic!("a bug in a judge")
    }

    fn outcomes(all: &[Check], selected: &[&'static str]) -> Vec<(&'static str, Outcome, String)> {
        run(all, selected, &Fixture::dev())
            .into_iter()
            .map(|a| (a.meta.id, a.judgement.outcome, a.judgement.observed))
            .collect()
    }

    #[test]
    fn answers_come_in_the_order_of_ids_and_needs_come_first() {
        let all = [check(&C, pass), check(&D, pass), check(&B, pass), check(&A, pass)];
        let ids: Vec<&str> =
            outcomes(&all, &["D", "C", "B", "A"]).into_iter().map(|(id, _, _)| id).collect();
        assert_eq!(ids, ["A", "B", "C", "D"]);
    }

    #[test]
    fn a_failed_need_in_the_report_skips_what_needs_it() {
        let all = [check(&A, fail), check(&B, pass), check(&C, pass)];
        let answers = outcomes(&all, &["A", "B", "C"]);
        assert_eq!(answers[1].1, Outcome::Skip);
        assert_eq!(answers[1].2, "blocked by A (fail)");
        assert_eq!(answers[2].2, "blocked by B (skip)");
    }

    #[test]
    fn a_failed_need_outside_the_selection_is_not_harmless() {
        let all = [check(&A, fail), check(&B, pass)];
        let answers = outcomes(&all, &["B"]);
        assert_eq!(answers, [("B", Outcome::Unknown, "blocked by A (fail)".to_owned())]);
    }

    #[test]
    fn an_unknown_need_leaves_its_dependents_unknown() {
        let all = [check(&A, unknown), check(&B, pass)];
        assert_eq!(outcomes(&all, &["A", "B"])[1].1, Outcome::Unknown);
    }

    #[test]
    fn a_judge_that_panics_is_unknown_and_harms_nobody() {
        let all = [check(&A, panics), check(&D, pass)];
        let answers = outcomes(&all, &["A", "D"]);
        assert_eq!(answers[0].1, Outcome::Unknown);
        assert_eq!(answers[1].1, Outcome::Pass);
    }
}
