//! `ultra keys set NAME`: keeps a value in the vault.

use super::judged::{self, Judge, Verdict};
use super::names::{self, Key, Provider};
use super::winner::{self, Unasked};
use super::{Desk, rotate, value};
use crate::base::{Secret, Timestamp};
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::Rotation;
use crate::secrets::audit::Event;
use crate::secrets::{BackendKind, Edited, Entry, State, Written};
use crate::settings::SecretSource as _;
use serde_json::json;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name, a variable or its alias.
    pub(crate) name: String,
    /// Whether a value that is there may be replaced.
    pub(crate) replace: bool,
    /// Whether the value is made here.
    pub(crate) generate: bool,
    /// Whether somebody is asked whether it is good.
    pub(crate) verify: bool,
    /// Whether it may be written although a higher layer wins.
    pub(crate) shadowed: bool,
    /// What keeps the identity of a new vault.
    pub(crate) backend: Option<BackendKind>,
}

/// Keeps a value.
///
/// # Errors
/// Unknown name (2), a value that cannot be right or that the provider refuses (3), no backend or
/// locked (5), an existing, shadowed or protected entry (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let key = names::find(desk, &request.name)?;
    if request.generate && !key.kind.generated() {
        return Err(Fault::usage(
            Problem::error(
                "not-generated",
                format!("a value for `{}` cannot be made here", key.name),
            )
            .hint("leave out `--generate` and paste the value"),
        ));
    }
    let profile = desk.profile();
    let facts = desk.vault.facts(profile, &key.name).map_err(Fault::unreachable)?;
    if let Some(facts) = facts.filter(|_| !request.replace) {
        return Err(exists(desk, &key, facts.version));
    }
    winner::not_shadowed(desk, &key, request.shadowed, Unasked::Told)?;
    desk.may_change(&format!("Set `{}`", key.name))?;
    no_rotation(desk, &key)?;
    let overview = desk.vault.overview()?;
    let bound = overview.entry(profile, &key.name).and_then(|e| e.current());
    rotate::same_destination(desk, &key, bound)?;
    let secret = if request.generate { generate() } else { ask(desk, &key.name)? };
    value::check(&key, &secret)?;
    // A value that could not be kept is not sent anywhere either.
    desk.vault.document()?;
    let test = match request.verify {
        true => test(desk, &key, &secret)?,
        false => not_asked(&key),
    };

    // Taken only now: a person who looks for the value keeps nobody waiting.
    let _rotation = no_rotation(desk, &key)?;
    let fingerprint = desk.vault.fingerprint(&secret).map_err(Fault::unreachable)?;
    let written = keep(request, desk, &key, secret, &fingerprint, &test)?;
    for warning in &written.warnings {
        desk.console.warn(warning);
    }
    if let Some(why) = &test.untested {
        desk.console.warn(&untested(desk, &key, why));
    }
    report(desk, &key, &fingerprint, &written, &test)
}

/// What was said of the value.
#[derive(Debug, Default)]
pub(super) struct Test {
    /// Where it may be sent from now on: where it was accepted. `None` if that is not settled yet:
    /// an address that nobody answered at may be a mistake.
    pub(super) destination: Option<String>,
    /// Whether it was accepted by somebody who can say so.
    pub(super) accepted: bool,
    /// Why it is not known whether it is good, if somebody could say.
    pub(super) untested: Option<String>,
}

/// What is known of a value that nobody is asked about.
pub(super) fn not_asked(key: &Key) -> Test {
    let judge = judged::judge_of(key).filter(|judge| *judge != Judge::Form);
    Test {
        untested: judge.map(|_| "`--no-verify`: nobody was asked".to_owned()),
        ..Test::default()
    }
}

/// Asks about the value before it is kept: its provider, or the server that it opens.
///
/// # Errors
/// It is refused (3).
pub(super) fn test(desk: &Desk<'_>, key: &Key, secret: &Secret) -> Result<Test, Fault> {
    if let Some(provider) = key.provider.as_ref().filter(|_| desk.withheld(key)) {
        // The address is not agreed to: nothing is sent there, and the key is not bound to it.
        let to = provider.destination();
        let why = format!("it is not sent to {to} before `ultra env trust`");
        return Ok(Test { untested: Some(why), ..Test::default() });
    }
    if judged::judge_of(key).is_none_or(|judge| judge == Judge::Form) {
        return Ok(Test::default());
    }
    let Some((at, verdict)) = judged::judged(desk, key, secret) else { return Ok(Test::default()) };
    let untested = match verdict {
        Verdict::Accepted { .. } => {
            let destination = key.provider.as_ref().map(Provider::destination);
            return Ok(Test { destination, accepted: true, untested: None });
        }
        Verdict::Refused { why, .. } => {
            let (who, which) = match key.provider {
                Some(_) => ("the provider refuses", "the provider accepts"),
                None => ("the server does not take", "it takes"),
            };
            return Err(Fault::does_not_hold(vec![
                Problem::error("key-refused", format!("{who} the value for `{}`", key.name))
                    .why(format!("{at} {why}; nothing was stored"))
                    .hint(format!("`{}` with a value that {which}", desk.command("set", key))),
            ]));
        }
        Verdict::RateLimited { retry_after } => {
            let when = retry_after.map_or(String::new(), |s| format!(", in {s} s"));
            format!("{at} asks to come back later{when}")
        }
        Verdict::Unverified(why) => format!("{at}: {why}"),
    };
    Ok(Test { untested: Some(untested), ..Test::default() })
}

/// Whether the server that an address leads to takes its credentials; nothing is asked about keys
/// of other kinds.
///
/// # Errors
/// It does not (3), or could not be asked (5).
pub(super) fn connects(desk: &Desk<'_>, key: &Key, secret: &Secret) -> Result<(), Fault> {
    if judged::judge_of(key) != Some(Judge::Connection) {
        return Ok(());
    }
    match test(desk, key, secret)?.untested {
        None => Ok(()),
        Some(why) => Err(Fault::unreachable(
            Problem::error(
                "key-unverified",
                format!("the new value of `{}` could not be tested and is not used", key.name),
            )
            .why(why)
            .hint(format!("`{}` when the server can be reached", desk.command("rotate", key))),
        )),
    }
}

/// The warning about a value that was kept without a test.
pub(super) fn untested(desk: &Desk<'_>, key: &Key, why: &str) -> Problem {
    Problem::warning("key-unverified", format!("the value for `{}` could not be tested", key.name))
        .why(format!("{why}; it is kept all the same"))
        .hint(format!("test it later: `{}`", desk.command("verify", key)))
}

/// The right to change the entry while no rotation does.
///
/// # Errors
/// A rotation is at work (5), or was left unfinished (6).
pub(super) fn no_rotation<'a>(desk: &'a Desk<'_>, key: &'a Key) -> Result<Rotation<'a>, Fault> {
    let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    match rotation.unfinished()? {
        Some(journal) => Err(rotation.pending(&journal)),
        None => Ok(rotation),
    }
}

/// The fault of a value that is there.
fn exists(desk: &Desk<'_>, key: &Key, version: u32) -> Fault {
    Fault::refused(
        Problem::error("entry-exists", format!("the vault has a value for `{}`", key.name))
            .why(format!("version {version} is in use in profile `{}`", desk.profile()))
            .hint(format!(
                "`{}` tells running servers and has a way back; `--replace` puts the new value there at once",
                desk.command("rotate", key)
            )),
    )
}

/// Writes the value as the current version.
fn keep(
    request: &Request,
    desk: &Desk<'_>,
    key: &Key,
    secret: Secret,
    fingerprint: &str,
    test: &Test,
) -> Result<Written<u32>, Fault> {
    let now = desk.vault.clock().now();
    let purpose = format!("keys set {}", key.name);
    desk.vault.write(request.backend, &purpose, |document| {
        let entry = document.entry_mut(desk.profile(), &key.name);
        // Asked again under the lock: another writer may have been faster.
        if let Some(current) = entry.current().filter(|_| !request.replace) {
            return Err(exists(desk, key, current.number));
        }
        let version = put(entry, secret, test, now);
        let event = Event {
            event: if request.replace { "replace" } else { "set" }.to_owned(),
            profile: desk.profile().to_owned(),
            name: key.name.clone(),
            version,
            fingerprint: Some(fingerprint.to_owned()),
            detail: test.destination.clone(),
        };
        Ok(Edited { value: version, events: vec![event] })
    })
}

/// Adds the value as the current version and says its number. Where the one before may go, the new
/// one may go too.
pub(super) fn put(entry: &mut Entry, secret: Secret, test: &Test, now: Timestamp) -> u32 {
    let before = entry.current().map(|v| (v.bound.clone(), v.allowed.clone()));
    let (bound, allowed) = before.unwrap_or_default();
    let number = entry.add(secret, State::Current, now, test.destination.clone().or(bound));
    if let Some(version) = entry.version_mut(number) {
        version.verified_at = test.accepted.then_some(now);
        version.allowed = allowed;
    }
    number
}

fn report(
    desk: &Desk<'_>,
    key: &Key,
    fingerprint: &str,
    written: &Written<u32>,
    test: &Test,
) -> Result<Report, Fault> {
    let profile = desk.profile();
    let version = written.value;
    let mut view = vec![Block::text(format!(
        "`{}` is set: version {version} in profile `{profile}`, fingerprint {fingerprint}",
        key.name
    ))];
    if written.first {
        view.push(Block::text(format!(
            "made the vault; its identity is kept by `{}`",
            written.backend.word()
        )));
    }
    match &test.destination {
        Some(destination) => view.push(Block::text(format!("accepted by {destination}"))),
        None if test.accepted => view.push(Block::text("the server takes it")),
        None => {}
    }
    Report::new(
        "ultra.keys.set/1",
        json!({
            "profile": profile,
            "name": key.name,
            "version": version,
            "fingerprint": fingerprint,
            "generation": written.generation,
            "backend": written.backend,
            "created_vault": written.first,
            "destination": test.destination,
            "tested": test.accepted,
            "untested_because": test.untested,
        }),
        view,
    )
}

/// A new value of 256 random bits.
pub(super) fn generate() -> Secret {
    crate::secrets::random_key()
}

/// A new value that is right by its form, and to whom it is shown next.
///
/// # Errors
/// As [`ask`], or it cannot be right (3).
pub(super) fn ask_for_test(desk: &Desk<'_>, key: &Key) -> Result<Secret, Fault> {
    let value = ask(desk, &key.name)?;
    value::check(key, &value)?;
    if let Some(provider) = &key.provider {
        desk.console.note(&format!("the new value is tested at {}", provider.destination()));
    }
    Ok(value)
}

/// The value, by hidden prompt or as one line of stdin.
pub(super) fn ask(desk: &Desk<'_>, name: &str) -> Result<Secret, Fault> {
    desk.console.secret(&format!("Value for `{name}`")).map_err(|e| {
        e.fault(&format!("the value for `{name}`"), "pipe it into the command as one line")
    })
}
