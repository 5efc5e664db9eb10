//! What several checks have in common.

use crate::base::words;
use crate::check::Facts;
use crate::check::facts::ConfigFacts;
use crate::check::live::{LiveFacts, Probe};
use crate::check::model::{Judged, Judgement, NoJudgement};
use crate::report::{Outcome, Problem};
use crate::scan::{Finding, Rule};
use crate::settings::catalogue;
use crate::smoke::Exchange;

/// What every check imports.
pub(super) mod prelude {
    pub(crate) use crate::check::{CheckMeta, Facts, Group, Judged, Judgement, Severity, Stage};
    pub(crate) use crate::settings::profile::Gate;
}

/// Judges by the problems of the configuration that `concerns` picks: an error fails, a warning
/// warns.
pub(super) fn by_problems(
    config: &ConfigFacts,
    concerns: impl Fn(&Problem) -> bool,
    holds: &str,
    expected: &str,
) -> Judgement {
    let mut found: Vec<&Problem> = config.problems.iter().filter(|p| concerns(p)).collect();
    found.sort_by_key(|p| std::cmp::Reverse(p.level));
    let Some(first) = found.first() else { return Judgement::pass(holds) };
    let errors: Vec<&&Problem> = found.iter().filter(|p| p.is_error()).collect();
    let observed = summary(&found);
    let mut judgement = if errors.is_empty() {
        Judgement::warn(observed, expected)
    } else {
        Judgement::fail(observed, expected)
    };
    for problem in &found {
        let place = problem.place.as_ref().map(ToString::to_string);
        let why = problem.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        judgement = judgement.evidence(format!("{}{why}", problem.what), place);
    }
    let hints: Vec<&str> = found.iter().filter_map(|p| p.hint.as_deref()).collect();
    judgement.fix(match hints.first() {
        Some(hint) if hints.len() == 1 => (*hint).to_owned(),
        Some(hint) => format!("{hint}; `ultra env validate` lists all {}", found.len()),
        None if first.is_error() => "ultra env validate".to_owned(),
        None => "ultra env validate --verbose".to_owned(),
    })
}

/// The first few problems in one line.
fn summary(found: &[&Problem]) -> String {
    const SHOWN: usize = 3;
    let first: Vec<&str> = found.iter().take(SHOWN).map(|p| p.what.as_str()).collect();
    let more = match found.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    format!("{}{more}", first.join("; "))
}

/// Whether a problem says that something that must be there is not.
pub(super) fn says_missing(problem: &Problem) -> bool {
    match problem.code {
        "missing-secret" | "missing-variable" | "postgres-required" | "real-without-key" => true,
        "cors-origins" => problem.what.contains("is not set"),
        _ => false,
    }
}

/// Whether a problem says that a secret is not there, which CI need not have.
pub(super) fn says_secret_missing(problem: &Problem) -> bool {
    let named = || problem.what.split('`').nth(1).and_then(catalogue::find);
    match problem.code {
        "missing-secret" | "postgres-required" | "real-without-key" => true,
        "missing-variable" => named().is_some_and(|spec| spec.secret),
        _ => false,
    }
}

/// Judges by what the scan found.
pub(super) fn by_findings(facts: &Facts, rules: &[Rule], holds: &str, fix: &str) -> Judged {
    let tree = facts.tree.get()?;
    let found: Vec<&Finding> = tree.findings.iter().filter(|f| rules.contains(&f.rule)).collect();
    let Some(first) = found.first() else {
        // What could not be read may hold anything; nothing to read is something else.
        if tree.unreadable > 0 {
            return Err(NoJudgement::Unknown(format!(
                "{} could not be read",
                if tree.unreadable == 1 {
                    "1 file or folder".to_owned()
                } else {
                    format!("{} files or folders", tree.unreadable)
                }
            )));
        }
        let code_only = !rules.iter().any(|rule| rule.is_secret());
        if tree.files == 0 || (code_only && tree.sources == 0) {
            let what = if code_only { "sources" } else { "files" };
            return Err(NoJudgement::Skip(format!("there are no {what} in this directory")));
        }
        return Ok(Judgement::pass(format!("none in {}", words::count(tree.files, "file"))));
    };
    let more = match found.len() {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    let observed = format!("{} at {}{more}", first.what, first.place());
    let mut judgement = Judgement::fail(observed, holds);
    for finding in found.iter().take(20) {
        let summary = format!("{}: `{}`", finding.what, finding.shown);
        judgement = judgement.evidence(summary, Some(finding.place()));
    }
    Ok(judgement.fix(fix))
}

/// Judges that every one of `probes` is refused with 401 and a challenge (RFC 9110 §11.6.1).
pub(super) fn all_refused(live: &LiveFacts, probes: &[Probe], fix: &str) -> Judged {
    let mut wrong = Vec::new();
    for probe in probes {
        let exchange = live.answer(*probe)?;
        if exchange.status != 401 {
            wrong.push((exchange, exchange.summary()));
        } else if exchange.header("www-authenticate").is_none() {
            wrong.push((exchange, "401 without `WWW-Authenticate`".to_owned()));
        }
    }
    let expected = "401 with `WWW-Authenticate`";
    let Some((_, first)) = wrong.first() else {
        return Ok(Judgement::pass(format!(
            "{}, all refused",
            words::count(probes.len(), "request")
        )));
    };
    let observed =
        format!("{first} ({} of {})", wrong.len(), words::count(probes.len(), "request"));
    let judgement =
        wrong.iter().fold(Judgement::fail(observed, expected), |j, (exchange, seen)| {
            j.evidence(seen.clone(), Some(exchange.request.clone()))
        });
    Ok(judgement.fix(fix))
}

/// Judges each of `probes` by `fault`, which says what is wrong with an answer.
pub(super) fn each_answer(
    live: &LiveFacts,
    probes: &[Probe],
    expected: &str,
    fix: &str,
    fault: impl Fn(&Exchange) -> Option<String>,
) -> Judged {
    let mut judgement = Judgement::pass(format!("{} answers of {}", probes.len(), probes.len()));
    for probe in probes {
        let exchange = live.answer(*probe)?;
        if let Some(seen) = fault(exchange) {
            if judgement.outcome == Outcome::Pass {
                judgement = Judgement::fail(seen.clone(), expected).fix(fix);
            }
            judgement = judgement.evidence(seen, Some(exchange.request.clone()));
        }
    }
    Ok(judgement)
}

/// Judges that every one of `probes`, which differ from a token that is taken in one thing each,
/// is refused.
pub(super) fn tokens_refused(facts: &Facts, probes: &[Probe]) -> Judged {
    let live = facts.live.get()?;
    // A server that takes no token at all would refuse these too.
    live.token(Probe::TokenValid)?;
    let fix = "verify tokens with a fixed algorithm, audience and issuer";
    each_answer(live, probes, "401", fix, |e| (e.status != 401).then(|| e.summary()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::Fixture;

    fn judged(fixture: Fixture) -> Result<Outcome, NoJudgement> {
        by_findings(&fixture.facts(), &[Rule::TlsOff], "none", "fix").map(|j| j.outcome)
    }

    #[test]
    fn what_could_not_be_read_is_never_taken_for_clean() {
        assert_eq!(judged(Fixture::open()), Ok(Outcome::Pass));
        let unread = |fixture: Fixture| fixture.tree(|tree| tree.unreadable = 1);
        let unknown = |fixture| matches!(judged(fixture), Err(NoJudgement::Unknown(_)));
        assert!(unknown(unread(Fixture::open())));
        assert!(unknown(unread(Fixture::open().found(Rule::Disabled))));
        let nothing = Fixture::open().tree(|tree| (tree.files, tree.sources) = (0, 0));
        assert!(matches!(judged(nothing), Err(NoJudgement::Skip(_))));
        let nothing = Fixture::open().tree(|tree| (tree.files, tree.sources) = (0, 0));
        assert!(unknown(unread(nothing)));
        assert_eq!(judged(unread(Fixture::open().found(Rule::TlsOff))), Ok(Outcome::Fail));
    }
}
