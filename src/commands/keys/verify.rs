//! `ultra keys verify [NAME]`: asks of every key whether it is good: its provider, the server it
//! opens, or its own form.

use super::judged::{self, Judge, Verdict};
use super::names::{self, Key};
use super::noted::{Noted, recognised, remember};
use super::{Desk, caller};
use crate::base::Secret;
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Problem, Report, Table, Tone};
use crate::secrets::State;
use crate::secrets::index::VersionFacts;
use crate::settings::Workspace;
use crate::settings::secret::ValueRef;
use serde::Serialize;
use url::Url;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// One name; `None` for every key that somebody can be asked about.
    pub(crate) name: Option<String>,
    /// Whether superseded versions are asked about too.
    pub(crate) old: bool,
    /// The server that is asked about the service key of this machine.
    pub(crate) url: Option<Url>,
}

/// What came of one value.
#[derive(Debug, Serialize)]
struct Outcome {
    name: String,
    verdict: &'static str,
    by: Option<Judge>,
    destination: Option<String>,
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// The state of the version; `None` for a value that is not in the vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip)]
    detail: Option<String>,
}

/// Asks about the keys.
///
/// # Errors
/// Unknown name, or nothing to ask about (2); the answers themselves decide 0, 3 or 5. What is said
/// of superseded versions is no failure, whatever it is.
pub(crate) fn run(
    request: &Request,
    desk: &Desk<'_>,
    workspace: &Workspace,
) -> Result<Report, Fault> {
    let caller = match &request.name {
        Some(name) if caller::is_meant(name) => Some(caller::key(request.url.as_ref(), workspace)?),
        None if request.url.is_some() => Some(caller::key(request.url.as_ref(), workspace)?),
        Some(name) if request.url.is_some() => return Err(caller::no_server_asked(name)),
        _ => None,
    };
    let keys = match &request.name {
        Some(_) if caller.is_some() => Vec::new(),
        // A name that only the vault knows is not unknown while that cannot be opened.
        Some(name) => {
            let unknown = |fault| desk.gone().unwrap_or_else(|| names::or_service_key(fault, name));
            vec![names::find(desk, name).map_err(unknown)?]
        }
        None => names::all(desk.resolution, &*desk.vault.overview()?)
            .into_iter()
            .filter(|key| judged::judge_of(key).is_some())
            .filter(|key| winner(desk, key).is_some() || desk.withheld(key))
            .collect(),
    };
    desk.announce();
    let nobody = keys.is_empty() && caller.is_none();
    if nobody && let Some(gone) = desk.gone() {
        return Err(gone);
    }
    if nobody {
        return Err(Fault::usage(
            Problem::error("nothing-to-verify", "there is no key that anybody can be asked about")
                .hint(format!("ultra keys set openai --profile {}", desk.profile())),
        ));
    }
    let mut outcomes = Vec::new();
    for key in &keys {
        let mut noted = Vec::new();
        outcomes.push(in_use(desk, key, &mut noted)?);
        if request.old {
            superseded(desk, key, &mut outcomes, &mut noted)?;
        }
        remember(desk, key, &noted);
    }
    if let Some(caller) = caller {
        let mut outcome = Outcome::named(caller::NAME.to_owned(), Some(Judge::Server));
        outcome.source = Some(caller.source());
        outcome.destination = Some(caller.at());
        outcome.told(caller.judged(desk.console));
        outcomes.push(outcome);
    }
    let refused = |o: &Outcome| o.verdict == "refused" && !o.is_superseded();
    let status = if outcomes.iter().any(refused) {
        ExitStatus::DoesNotHold
    } else if outcomes.iter().any(|o| matches!(o.verdict, "unverified" | "rate-limited")) {
        ExitStatus::Unreachable
    } else {
        ExitStatus::Holds
    };
    let data = serde_json::json!({ "profile": desk.profile(), "keys": outcomes });
    Ok(Report::new("ultra.keys.verify/1", data, vec![table(&outcomes)])?.status(status))
}

fn table(outcomes: &[Outcome]) -> Block {
    let mut table = Table::new(&["name", "verdict", "source", "destination", "detail"]);
    for o in outcomes {
        let tone = match o.verdict {
            // An old value that is still good is what is to be ended; one that is refused is done.
            "accepted" if o.is_superseded() => Tone::Warn,
            "refused" if o.is_superseded() => Tone::Good,
            "accepted" => Tone::Good,
            "refused" => Tone::Bad,
            "not-tested" => Tone::Plain,
            _ => Tone::Warn,
        };
        let detail = match (&o.why, &o.detail, o.retry_after_seconds) {
            (Some(text), ..) | (None, Some(text), _) => text.clone(),
            (None, None, Some(seconds)) => format!("come back in {seconds} s"),
            (None, None, None) => "-".to_owned(),
        };
        let name = match o.version.filter(|_| o.is_superseded()) {
            Some(version) => format!("{} v{version}", o.name),
            None => o.name.clone(),
        };
        let plain =
            |text: &Option<String>| (text.clone().unwrap_or_else(|| "-".into()), Tone::Plain);
        table.rows.push(vec![
            (name, Tone::Strong),
            (o.verdict.to_owned(), tone),
            plain(&o.source),
            plain(&o.destination),
            (detail, Tone::Plain),
        ]);
    }
    Block::Table(table)
}

impl Outcome {
    fn of(key: &Key) -> Self {
        let destination = key.provider.as_ref().map(names::Provider::destination);
        Self { destination, ..Self::named(key.name.clone(), judged::judge_of(key)) }
    }

    fn named(name: String, by: Option<Judge>) -> Self {
        Self {
            name,
            verdict: "not-tested",
            by,
            destination: None,
            source: None,
            version: None,
            state: None,
            models: None,
            status: None,
            retry_after_seconds: None,
            why: None,
            detail: None,
        }
    }

    /// Whether it is about a version that is not in use any more.
    fn is_superseded(&self) -> bool {
        matches!(self.state, Some(State::Old | State::Disabled))
    }

    /// Asks about the value, unless its version is bound to another destination.
    fn ask(
        &mut self,
        desk: &Desk<'_>,
        key: &Key,
        of: &str,
        facts: Option<&VersionFacts>,
        value: impl FnOnce() -> Result<Secret, Fault>,
    ) -> Result<Option<Secret>, Fault> {
        let destination = key.provider.as_ref().map(names::Provider::destination);
        if let (Some(version), Some(to)) = (facts, &destination)
            && !version.may_go_to(to)
        {
            self.verdict = "unverified";
            let bound = version.destinations_text();
            self.why = Some(match self.is_superseded() {
                true => format!("it is bound to {bound} and is sent nowhere else"),
                false => format!(
                    "it is bound to {bound} and is sent nowhere else; if it may: `ultra keys allow \
                     {} --host {to} --profile {of}`",
                    key.name
                ),
            });
            return Ok(None);
        }
        let value = value()?;
        let Some((at, verdict)) = judged::judged(desk, key, &value) else {
            self.why = Some("nobody can be asked about a key of this kind".to_owned());
            return Ok(None);
        };
        if self.by != Some(Judge::Form) {
            self.destination = Some(at);
        }
        self.told(verdict);
        Ok(Some(value))
    }

    /// Takes over what was said of the value.
    fn told(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Accepted { models, note } => {
                self.verdict = "accepted";
                self.models = models;
                self.detail = Some(note);
            }
            Verdict::Refused { status, why } => {
                self.verdict = "refused";
                self.status = status;
                match status {
                    Some(_) => self.detail = Some(why),
                    None => self.why = Some(why),
                }
            }
            Verdict::RateLimited { retry_after } => {
                self.verdict = "rate-limited";
                self.retry_after_seconds = retry_after;
            }
            Verdict::Unverified(why) => {
                self.verdict = "unverified";
                self.why = Some(why);
            }
        }
    }

    /// What the vault is told of the answer, if it is one.
    fn noted(
        &self,
        desk: &Desk<'_>,
        key: &Key,
        facts: &VersionFacts,
        value: &Secret,
    ) -> Option<Noted> {
        if !matches!(self.verdict, "accepted" | "refused") || self.by == Some(Judge::Form) {
            return None;
        }
        let accepted = self.verdict == "accepted";
        Some(Noted {
            version: facts.number,
            fingerprint: facts.fingerprint.clone(),
            accepted,
            destination: self.destination.clone().unwrap_or_default(),
            binds: accepted && key.provider.is_some(),
            remote: recognised(desk, key, facts, value).filter(|_| accepted),
        })
    }
}

fn winner<'a>(desk: &'a Desk<'_>, key: &Key) -> Option<&'a crate::settings::resolution::Candidate> {
    desk.resolution.winner(key.variable.as_deref()?)
}

/// Asks about the value that is in use, wherever it comes from.
fn in_use(desk: &Desk<'_>, key: &Key, noted: &mut Vec<Noted>) -> Result<Outcome, Fault> {
    let mut outcome = Outcome::of(key);
    outcome.source = winner(desk, key).map(|w| w.origin.to_string());
    desk.may_send(key)?;
    let reference = key.variable.as_deref().and_then(|v| desk.resolution.secret(v));
    let Some(reference) = reference else { return Err(desk.no_entry(key)) };
    // A profile may refer to an entry of another one; it is bound all the same.
    let (of, entry) = match &reference.value {
        ValueRef::Vault { profile, name } => (profile.as_str(), desk.vault.entry(profile, name)?),
        _ => (desk.profile(), None),
    };
    let facts = entry.as_ref().and_then(|entry| entry.current());
    if let Some(facts) = facts {
        (outcome.version, outcome.state) = (Some(facts.number), Some(facts.state));
    }
    let reveal = || reference.reveal(desk.vault).map_err(Fault::unreachable);
    let asked = outcome.ask(desk, key, of, facts, reveal)?;
    if let (Some(value), Some(facts)) = (asked, facts.filter(|_| of == desk.profile())) {
        noted.extend(outcome.noted(desk, key, facts, &value));
    }
    Ok(outcome)
}

/// Asks about the versions that are not in use any more and that nobody refused yet.
fn superseded(
    desk: &Desk<'_>,
    key: &Key,
    outcomes: &mut Vec<Outcome>,
    noted: &mut Vec<Noted>,
) -> Result<(), Fault> {
    if matches!(judged::judge_of(key), None | Some(Judge::Form)) {
        return Ok(());
    }
    let Some(entry) = desk.vault.entry(desk.profile(), &key.name)? else { return Ok(()) };
    let open = |v: &&VersionFacts| {
        matches!(v.state, State::Old | State::Disabled) && v.refused_at.is_none()
    };
    if !entry.versions.iter().any(|v| open(&v)) {
        return Ok(());
    }
    let Some(document) = desk.vault.document()? else { return Ok(()) };
    let Some(values) = document.entry(desk.profile(), &key.name) else { return Ok(()) };
    let mut seen: Vec<&Secret> = values.current().map(|v| &v.value).into_iter().collect();
    for facts in entry.versions.iter().rev().filter(open) {
        let version = values.versions.iter().find(|v| v.number == facts.number);
        // A value that is in use, or that several versions have, is asked about once.
        let Some(version) = version.filter(|v| !seen.iter().any(|s| s.same_as(&v.value))) else {
            continue;
        };
        seen.push(&version.value);
        let mut outcome = Outcome::of(key);
        (outcome.version, outcome.state) = (Some(facts.number), Some(facts.state));
        let value = || Ok(version.value.clone());
        if let Some(value) = outcome.ask(desk, key, desk.profile(), Some(facts), value)? {
            noted.extend(outcome.noted(desk, key, facts, &value));
        }
        outcomes.push(outcome);
    }
    Ok(())
}
