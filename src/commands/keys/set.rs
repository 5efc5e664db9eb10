//! `ultra keys set NAME`: keeps a value in the vault.

use super::names::{self, Key};
use super::{Desk, value};
use crate::base::Secret;
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::Rotation;
use crate::secrets::audit::Event;
use crate::secrets::{BackendKind, Edited, State, Written};
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
    /// Whether it may be written although a higher layer wins.
    pub(crate) shadowed: bool,
    /// What keeps the identity of a new vault.
    pub(crate) backend: Option<BackendKind>,
}

/// Keeps a value.
///
/// # Errors
/// Unknown name (2), a value that cannot be right (3), no backend or locked (5), an existing,
/// shadowed or protected entry (6).
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
    desk.not_shadowed(&key, request.shadowed)?;
    desk.may_change(&format!("Set `{}`", key.name))?;
    no_rotation(desk, &key)?;
    let secret = if request.generate { generate() } else { ask(desk, &key.name)? };
    value::check(&key, &secret)?;

    // Taken only now: a person who looks for the value keeps nobody waiting.
    let _rotation = no_rotation(desk, &key)?;
    let fingerprint = desk.vault.fingerprint(&secret).map_err(Fault::failure)?;
    let written = keep(request, desk, &key, secret, &fingerprint)?;
    for warning in &written.warnings {
        desk.console.warn(warning);
    }
    report(desk, &key, &fingerprint, &written)
}

/// The right to change the entry while no rotation does.
///
/// # Errors
/// A rotation is at work (5), or was left unfinished (6).
fn no_rotation<'a>(desk: &'a Desk<'_>, key: &'a Key) -> Result<Rotation<'a>, Fault> {
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
                "`{}` tests the new value first and keeps the old one; `--replace` does neither",
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
) -> Result<Written<u32>, Fault> {
    let now = desk.vault.clock().now();
    let purpose = format!("keys set {}", key.name);
    desk.vault.write(request.backend, &purpose, |document| {
        let entry = document.entry_mut(desk.profile(), &key.name);
        // Asked again under the lock: another writer may have been faster.
        if let Some(current) = entry.current().filter(|_| !request.replace) {
            return Err(exists(desk, key, current.number));
        }
        let version = entry.add(secret, State::Current, now, None);
        let event = Event {
            event: if request.replace { "replace" } else { "set" }.to_owned(),
            profile: desk.profile().to_owned(),
            name: key.name.clone(),
            version,
            fingerprint: Some(fingerprint.to_owned()),
            detail: None,
        };
        Ok(Edited { value: version, events: vec![event] })
    })
}

fn report(
    desk: &Desk<'_>,
    key: &Key,
    fingerprint: &str,
    written: &Written<u32>,
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
    if key.provider.is_some() {
        view.push(Block::text(format!("try it: {}", desk.command("verify", key))));
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
        }),
        view,
    )
}

/// A new value of 256 random bits.
pub(super) fn generate() -> Secret {
    crate::secrets::random_key()
}

/// The value, by hidden prompt or as one line of stdin.
pub(super) fn ask(desk: &Desk<'_>, name: &str) -> Result<Secret, Fault> {
    desk.console.secret(&format!("Value for `{name}`")).map_err(|e| {
        e.fault(&format!("the value for `{name}`"), "pipe it into the command as one line")
    })
}
