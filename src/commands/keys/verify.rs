//! `ultra keys verify [NAME]`: asks each provider whether it accepts the key in use.

use super::Desk;
use super::names::{self, Key};
use crate::base::words;
use crate::exit::ExitStatus;
use crate::provider::KeyVerdict;
use crate::report::{Block, Fault, Problem, Report, Table, Tone};
use crate::secrets::Edited;
use crate::secrets::audit::Event;
use crate::secrets::index::VersionFacts;
use crate::settings::secret::ValueRef;
use serde::Serialize;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// One name; `None` for every provider that has a key.
    pub(crate) name: Option<String>,
}

/// What came of one key.
#[derive(Debug, Serialize)]
struct Outcome {
    name: String,
    verdict: &'static str,
    destination: Option<String>,
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Asks about the keys.
///
/// # Errors
/// Unknown name, or nothing to ask about (2); the answers themselves decide 0, 3 or 5.
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let keys = match &request.name {
        Some(name) => vec![names::find(desk, name)?],
        None => names::all(desk.resolution, &*desk.vault.overview()?)
            .into_iter()
            .filter(|key| key.provider.is_some())
            .filter(|key| winner(desk, key).is_some() || desk.withheld(key))
            .collect(),
    };
    desk.announce();
    if keys.is_empty() {
        return Err(Fault::usage(
            Problem::error("nothing-to-verify", "no provider has a key")
                .hint(format!("ultra keys set openai --profile {}", desk.profile())),
        ));
    }
    let outcomes = keys.iter().map(|key| verify(desk, key)).collect::<Result<Vec<_>, Fault>>()?;
    let status = if outcomes.iter().any(|o| o.verdict == "refused") {
        ExitStatus::DoesNotHold
    } else if outcomes.iter().any(|o| matches!(o.verdict, "unverified" | "rate-limited")) {
        ExitStatus::Unreachable
    } else {
        ExitStatus::Holds
    };
    let mut table = Table::new(&["name", "verdict", "source", "destination", "detail"]);
    for o in &outcomes {
        let tone = match o.verdict {
            "accepted" => Tone::Good,
            "refused" => Tone::Bad,
            "not-tested" => Tone::Plain,
            _ => Tone::Warn,
        };
        let detail = match (&o.why, o.status, o.models, o.retry_after_seconds) {
            (Some(why), ..) => why.clone(),
            (_, Some(status), ..) => format!("answers {status}"),
            (_, _, Some(models), _) => words::count(models, "model"),
            (.., Some(seconds)) => format!("come back in {seconds} s"),
            _ => "-".to_owned(),
        };
        let plain =
            |text: &Option<String>| (text.clone().unwrap_or_else(|| "-".into()), Tone::Plain);
        table.rows.push(vec![
            (o.name.clone(), Tone::Strong),
            (o.verdict.to_owned(), tone),
            plain(&o.source),
            plain(&o.destination),
            (detail, Tone::Plain),
        ]);
    }
    let data = serde_json::json!({ "profile": desk.profile(), "keys": outcomes });
    Ok(Report::new("ultra.keys.verify/1", data, vec![Block::Table(table)])?.status(status))
}

fn winner<'a>(desk: &'a Desk<'_>, key: &Key) -> Option<&'a crate::settings::resolution::Candidate> {
    desk.resolution.winner(key.variable.as_deref()?)
}

fn verify(desk: &Desk<'_>, key: &Key) -> Result<Outcome, Fault> {
    let source = winner(desk, key).map(|w| w.origin.clone());
    let reference = key.variable.as_deref().and_then(|v| desk.resolution.secret(v));
    let mut outcome = Outcome {
        name: key.name.clone(),
        verdict: "not-tested",
        destination: key.provider.as_ref().map(names::Provider::destination),
        source: source.as_ref().map(ToString::to_string),
        models: None,
        status: None,
        retry_after_seconds: None,
        why: None,
    };
    desk.may_send(key)?;
    let Some(reference) = reference else { return Err(desk.no_entry(key)) };
    let Some(provider) = &key.provider else {
        outcome.why = Some("nobody can be asked about a key of this kind".to_owned());
        return Ok(outcome);
    };
    let destination = provider.destination();
    let overview = desk.vault.overview()?;
    // A profile may refer to an entry of another one; it is bound all the same.
    let current = match &reference.value {
        ValueRef::Vault { profile, name } => {
            overview.entry(profile, name).and_then(|e| e.current()).map(|v| (profile, v))
        }
        _ => None,
    };
    if let Some((of, version)) = current.filter(|(_, v)| !v.may_go_to(&destination)) {
        outcome.verdict = "unverified";
        outcome.why = Some(format!(
            "it is bound to {} and is sent nowhere else; if it may: `ultra keys allow {} --host \
             {destination} --profile {of}`",
            version.destinations_text(),
            key.name
        ));
        return Ok(outcome);
    }
    let value = reference.reveal(desk.vault).map_err(Fault::unreachable)?;
    match desk.ask(provider, &value) {
        KeyVerdict::Accepted { models } => {
            outcome.verdict = "accepted";
            outcome.models = Some(models.len());
            if let Some((profile, version)) = current
                && profile == desk.profile()
            {
                remember(desk, key, version, destination, true);
            }
        }
        KeyVerdict::Refused { status } => {
            outcome.verdict = "refused";
            outcome.status = Some(status);
            if let Some((profile, version)) = current
                && profile == desk.profile()
            {
                remember(desk, key, version, destination, false);
            }
        }
        KeyVerdict::RateLimited { retry_after } => {
            outcome.verdict = "rate-limited";
            outcome.retry_after_seconds = retry_after;
        }
        KeyVerdict::Unverified { why } => {
            outcome.verdict = "unverified";
            outcome.why = Some(why);
        }
    }
    Ok(outcome)
}

/// Notes in the vault when and for which destination the version was accepted or refused. The
/// answer stands without it, so a failure is a warning.
fn remember(desk: &Desk<'_>, key: &Key, facts: &VersionFacts, destination: String, accepted: bool) {
    let now = desk.vault.clock().now();
    let written = desk.vault.write(None, &format!("keys verify {}", key.name), |document| {
        let entry = document.entry_mut(desk.profile(), &key.name);
        let Some(version) = entry.version_mut(facts.number) else {
            return Ok(Edited { value: (), events: Vec::new() });
        };
        if accepted {
            version.verified_at = Some(now);
        }
        version.refused_at = (!accepted).then_some(now);
        // One that the operator allowed besides stays beside.
        if accepted && !version.allowed.contains(&destination) {
            version.bound = Some(destination.clone());
        }
        let event = Event {
            event: if accepted { "verified" } else { "refused" }.to_owned(),
            profile: desk.profile().to_owned(),
            name: key.name.clone(),
            version: facts.number,
            fingerprint: Some(facts.fingerprint.clone()),
            detail: Some(destination),
        };
        Ok(Edited { value: (), events: vec![event] })
    });
    let problems = match written {
        Ok(written) => written.warnings,
        Err(fault) => fault.problems,
    };
    for problem in problems {
        let what = format!("the answer is not noted in the vault: {}", problem.what);
        desk.console.warn(&Problem { what, level: crate::report::Level::Warning, ..problem });
    }
}
