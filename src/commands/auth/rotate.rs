//! `ultra auth service-key rotate`: a new service key in the place of another; both are accepted until
//! the old one ends.

use super::super::backing::{confirm, options, with_store};
use super::super::on_record::Act;
use super::super::service_keys::{Row, Standing, find, unknown};
use super::service_key::{expiry, profile_flag, shell_word};
use crate::base::{Secret, Timestamp, time};
use crate::report::{Block, Console, Fault, Problem, Report};
use crate::secrets::VaultSource;
use crate::serve::auth::{self, KeyRequest};
use crate::settings::profile::Profile;
use crate::settings::value::Value as _;
use crate::settings::{Workspace, service_key};
use crate::store::ServiceKey;
use serde::Serialize;
use std::time::Duration;

/// How long the old key is accepted if nobody says.
const GRACE: Duration = Duration::from_secs(24 * 3_600);

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The old key, by name or id.
    pub(crate) key: String,
    /// How long it is accepted, such as `24h`; `0` ends it at once.
    pub(crate) grace: Option<String>,
    /// How long the new one lives, such as `30d`; as long as the old one was made to live if left
    /// out.
    pub(crate) expires: Option<String>,
}

#[derive(Serialize)]
struct Rotated<'a> {
    profile: &'a str,
    /// The one time that the key itself is shown.
    key: &'a str,
    #[serde(flatten)]
    shown: Row,
    replaces: Row,
    /// How to take the new key back while the old one is accepted.
    undo: Option<String>,
}

/// Replaces the key. The answer for people is the new key alone, so that a script can take it.
///
/// # Errors
/// No such key, or a malformed span (2); a key that has ended or is being replaced already, one that
/// a developer's server keeps, or a protected profile without confirmation (6); the store's errors.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &VaultSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let now = workspace.clock.now();
    // As precise as the stores are, so that what is told is what is kept.
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    let grace = request.grace.as_deref().map_or(Ok(GRACE), grace)?;
    let until = (!grace.is_zero()).then(|| later(now, grace, "--grace")).transpose()?;
    let asked = request.expires.as_deref().map(|text| expiry(text, now)).transpose()?;
    let (settings, options) = options(workspace, secrets)?;
    let keys = if options.is_absent() {
        Vec::new()
    } else {
        with_store(&options, None, async |store| store.service_keys().await)?
    };
    let pasted = Secret::new(&*request.key);
    let wanted = auth::id_of(&pasted).unwrap_or(&request.key);
    let old = find(&keys, wanted, now).ok_or_else(|| unknown(wanted, &keys))?;
    let profile = &settings.profile;
    let flag = profile_flag(workspace);
    not_kept(old, profile, &flag)?;
    not_over(old, &keys, now, &flag)?;
    let expires_at = match asked {
        Some(at) => Some(at),
        None => life(old, &keys).map(|life| later(now, life, "--expires")).transpose()?,
    };
    confirm(&settings, &format!("replace the service key {}", told(old)), console)?;
    let (name, scopes, rate) = (old.name.clone(), old.scopes, old.rate);
    let new = auth::generate(KeyRequest { name, scopes, expires_at, rate }, now);
    let end = until.map_or_else(|| "now".to_owned(), |until| until.to_string());
    let detail = format!("{} ends {end}, {} in its place", old.id, new.key.id);
    let act = Act::of_service_key("service-key.rotate", &old.name, detail);
    let replaced = act
        .around(secrets, workspace, console, || {
            with_store(&options, None, async |store| {
                store.replace_service_key(&old.id, until, &new.key).await
            })
        })
        .map_err(|mut fault| {
            for problem in fault.problems.iter_mut().filter(|p| p.code == "store-conflict") {
                (problem.why, problem.hint) = held(old, &keys, &flag);
            }
            fault
        })?;
    if !replaced {
        act.failed(secrets, workspace, console);
        return Err(Fault::refused(
            Problem::error("service-key-changed", format!("{} is replaced already", told(old)))
                .why("somebody else replaced or revoked it at the same time; nothing was changed")
                .hint(format!("ultra auth service-key list{flag}")),
        ));
    }

    let old = ServiceKey {
        replaced_by: Some(new.key.id.clone()),
        expires_at: match (old.expires_at, until) {
            (Some(end), Some(until)) => Some(end.min(until)),
            (end, until) => until.or(end),
        },
        revoked_at: until.is_none().then_some(new.key.created_at),
        ..old.clone()
    };
    let undo = tell(&new.key, &old, profile, &flag, console);
    let data = Rotated {
        profile: &profile.name,
        key: new.text.expose(),
        shown: Row::of(&new.key, profile, now),
        replaces: Row::of(&old, profile, now),
        undo,
    };
    let view = vec![Block::Verbatim(format!("{}\n", new.text.expose()))];
    Report::new("ultra.auth.service-key-rotated/1", data, view)
}

/// Says what became of both keys; how to go back, while there is a way.
fn tell(
    new: &ServiceKey,
    old: &ServiceKey,
    profile: &Profile,
    flag: &str,
    console: &dyn Console,
) -> Option<String> {
    let end = match new.expires_at {
        Some(end) => format!("until {end}"),
        None => "until it is revoked".to_owned(),
    };
    let id = &new.id;
    console.note(&format!(
        "service key `{}` ({id}) of profile `{}`: scopes {}, {end}; it is shown this once",
        new.name, profile.name, new.scopes
    ));
    let undo = old.expires_at.filter(|_| old.revoked_at.is_none()).map(|end| {
        let left = time::human(end.as_second() - new.created_at.as_second());
        console.note(&format!("the old one ({}) is accepted until {end}, in {left}", old.id));
        let undo = format!("ultra auth service-key revoke {id}{flag}");
        console.note(&format!(
            "to go back before then: `{undo}`; the old one keeps its end, and can be replaced again"
        ));
        undo
    });
    if undo.is_none() {
        console.note(&format!(
            "the old one ({}) is revoked; running servers refuse it within 5 seconds",
            old.id
        ));
    }
    undo
}

/// Refuses the key that a developer's server keeps for itself.
fn not_kept(old: &ServiceKey, profile: &Profile, flag: &str) -> Result<(), Fault> {
    if !profile.protected && service_key::is_kept(&old.name) {
        return Err(Fault::refused(
            Problem::error("kept-key", format!("{} is kept by a developer's server", told(old)))
                .why("that reads it from its file, so that a new one would not be used")
                .hint(format!(
                    "`ultra auth service-key revoke {}{flag}`; the next start makes another",
                    old.id
                )),
        ));
    }
    Ok(())
}

/// Refuses a key that has ended or is in the middle of being replaced.
fn not_over(
    old: &ServiceKey,
    keys: &[ServiceKey],
    now: Timestamp,
    flag: &str,
) -> Result<(), Fault> {
    let ended = |how: &str| {
        let word = shell_word(&old.name);
        // One that expired still has the name, unless another has it by now.
        let first = match old.revoked_at.is_none() && old.replaced_by.is_none() {
            true => format!("`ultra auth service-key revoke {}{flag}`, then ", old.id),
            false => String::new(),
        };
        Fault::refused(
            Problem::error("service-key-ended", format!("{} {how}", told(old)))
                .why("what has ended cannot be replaced without an outage, so nothing was changed")
                .hint(format!("{first}`ultra auth service-key create {word}{flag}`")),
        )
    };
    match (Standing::of(old, now), old.expires_at) {
        (Standing::Revoked, _) => return Err(ended("was revoked")),
        (Standing::Expired, Some(end)) => return Err(ended(&format!("expired at {end}"))),
        _ => {}
    }
    let by_id = |id: &String| keys.iter().find(|key| key.id == *id);
    let next = old.replaced_by.as_ref().and_then(by_id).filter(|next| next.revoked_at.is_none());
    if let Some(next) = next {
        return Err(Fault::refused(
            Problem::error("service-key-ending", format!("{} is being replaced", told(old)))
                .why(format!(
                    "{} takes its place; it ends {}",
                    next.id,
                    old.expires_at.map_or_else(String::new, |end| format!("at {end}"))
                ))
                .hint(format!(
                    "give {} to who uses it; if that value is lost: `ultra auth service-key revoke \
                     {}{flag}`, then rotate again",
                    next.id, next.id
                )),
        ));
    }
    let before = keys.iter().find(|key| {
        key.replaced_by.as_ref() == Some(&old.id) && Standing::of(key, now) == Standing::Ending
    });
    let Some(before) = before else { return Ok(()) };
    Err(Fault::refused(
        Problem::error("service-key-ending", format!("{} is replacing another", told(old)))
            .why(format!(
                "{} is accepted {}, and three keys of a name at a time are one too many",
                before.id,
                before.expires_at.map_or_else(String::new, |end| format!("until {end}"))
            ))
            .hint(format!(
                "wait, or `ultra auth service-key revoke {}{flag}` if nobody uses it any more; if the \
                 value of {} is lost, revoke that one instead, then rotate again",
                before.id, old.id
            )),
    ))
}

/// How long the key was made to live. One that is being replaced has another end by now, but its
/// successor was made to live as long.
fn life(old: &ServiceKey, keys: &[ServiceKey]) -> Option<Duration> {
    let made = match &old.replaced_by {
        Some(id) => keys.iter().find(|key| key.id == *id)?,
        None => old,
    };
    Duration::try_from(made.expires_at?.duration_since(made.created_at)).ok()
}

/// Why the name is not free for a successor, and the way to free it.
fn held(old: &ServiceKey, keys: &[ServiceKey], flag: &str) -> (Option<String>, Option<String>) {
    let holder = keys.iter().find(|key| {
        key.name == old.name
            && key.id != old.id
            && key.revoked_at.is_none()
            && key.replaced_by.is_none()
    });
    match holder {
        Some(holder) => (
            Some(format!("{} has the name until it is revoked, even if it expired", holder.id)),
            Some(format!(
                "`ultra auth service-key revoke {}{flag}` if nobody uses it, then rotate again",
                holder.id
            )),
        ),
        None => (
            Some(format!("only one key named `{}` can be current", old.name)),
            Some(format!("ultra auth service-key list{flag}")),
        ),
    }
}

fn told(key: &ServiceKey) -> String {
    format!("`{}` ({})", key.name, key.id)
}

fn later(now: Timestamp, span: Duration, flag: &str) -> Result<Timestamp, Fault> {
    now.checked_add(span).map_err(|_| {
        Fault::usage(Problem::error(
            "malformed-value",
            format!("`{flag}` of {}d is beyond all time", span.as_secs() / 86_400),
        ))
    })
}

/// The grace of the command line.
fn grace(text: &str) -> Result<Duration, Fault> {
    match Duration::parse(text) {
        _ if text == "0" => Ok(Duration::ZERO),
        Some(span) => Ok(span),
        None => Err(Fault::usage(
            Problem::error(
                "malformed-value",
                format!("`--grace {}` is no time span", text.escape_debug()),
            )
            .hint("--grace 12h, or --grace 0"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, made: i64, expires: Option<i64>, by: Option<&str>) -> ServiceKey {
        let at = |second| Timestamp::from_second(second).unwrap();
        ServiceKey {
            id: id.to_owned(),
            hash: [0; 32],
            name: "ci".to_owned(),
            scopes: crate::store::Scopes::default(),
            created_at: at(made),
            expires_at: expires.map(at),
            rate: None,
            revoked_at: None,
            replaced_by: by.map(str::to_owned),
        }
    }

    #[test]
    fn a_successor_lives_as_long_as_the_first_was_made_to() {
        let first = key("a", 100, Some(160), None);
        assert_eq!(life(&first, &[]), Some(Duration::from_secs(60)));
        assert_eq!(life(&key("a", 100, None, None), &[]), None);
        // Cut short by a rotation; its successor tells how long it should have lived.
        let ending = key("a", 100, Some(130), Some("b"));
        let next = key("b", 120, Some(180), None);
        assert_eq!(life(&ending, &[ending.clone(), next]), Some(Duration::from_secs(60)));
        assert_eq!(life(&ending, &[ending.clone(), key("b", 120, None, None)]), None);
    }

    #[test]
    fn no_grace_is_a_grace_and_nonsense_is_not() {
        assert_eq!(grace("0").unwrap(), Duration::ZERO);
        assert_eq!(grace("12h").unwrap(), Duration::from_secs(43_200));
        assert!(grace("soon").is_err() && grace("").is_err());
    }
}
