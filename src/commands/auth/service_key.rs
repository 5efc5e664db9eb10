//! `ultra auth service-key`: keys with which programs use the server.

use super::super::backing::{confirm, options, with_store};
use crate::base::{Secret, Timestamp, near};
use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::serve::auth::{self, KeyRequest};
use crate::settings::secretish::name_for_message;
use crate::settings::{SecretSource, Workspace};
use crate::store::{Scopes, ServiceKey};
use serde::Serialize;

/// What a new key is to be, as the operator said it.
#[derive(Debug)]
pub(crate) struct CreateRequest {
    /// Its name.
    pub(crate) name: String,
    /// Words for scopes.
    pub(crate) scopes: Vec<String>,
    /// How long it lives, such as `30d`.
    pub(crate) expires: Option<String>,
    /// Requests per minute.
    pub(crate) rate: Option<u32>,
}

/// A key as it is shown: never its hash.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    scopes: Scopes,
    state: &'static str,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    requests_per_minute: Option<u32>,
    revoked_at: Option<Timestamp>,
}

impl<'a> Shown<'a> {
    fn of(key: &'a ServiceKey, now: Timestamp) -> Self {
        let state = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now => "expired",
            _ => "active",
        };
        Self {
            id: &key.id,
            name: &key.name,
            scopes: key.scopes,
            state,
            created_at: key.created_at,
            expires_at: key.expires_at,
            requests_per_minute: key.rate,
            revoked_at: key.revoked_at,
        }
    }
}

#[derive(Serialize)]
struct Created<'a> {
    profile: &'a str,
    /// The one time that the key itself is shown.
    key: &'a str,
    #[serde(flatten)]
    shown: Shown<'a>,
}

#[derive(Serialize)]
struct Listed<'a> {
    profile: &'a str,
    keys: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Revoked<'a> {
    profile: &'a str,
    changed: bool,
    #[serde(flatten)]
    shown: Shown<'a>,
}

/// Makes a key. The answer for people is the key alone, so that a script can take it.
///
/// # Errors
/// A malformed name, scope or span, or a name in use (2); a protected profile without
/// confirmation (6); the store's errors.
pub(crate) fn create(
    request: &CreateRequest,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let now = workspace.clock.now();
    let name = super::name("name of the key", &request.name)?;
    let scopes = super::scopes(&request.scopes)?;
    let expires_at = request
        .expires
        .as_deref()
        .map(|text| -> Result<Timestamp, Fault> {
            let span = super::span("--expires", text)?;
            now.checked_add(span).map_err(|_| {
                Fault::usage(Problem::error(
                    "malformed-value",
                    format!("`--expires {text}` is beyond all time"),
                ))
            })
        })
        .transpose()?;
    let (settings, options) = options(workspace, secrets)?;
    confirm(&settings, &format!("make the service key `{name}`"), console)?;
    workspace.prepare_state_dir()?;
    let new = auth::generate(KeyRequest { name, scopes, expires_at, rate: request.rate }, now);
    with_store(&options, None, async |store| store.create_service_key(&new.key).await).map_err(
        |mut fault| {
            for problem in fault.problems.iter_mut().filter(|p| p.code == "store-conflict") {
                let name = shell_word(&new.key.name);
                problem.hint = Some(format!("ultra auth service-key revoke {name}"));
            }
            fault
        },
    )?;
    let profile = &settings.profile.name;
    let end = match new.key.expires_at {
        Some(end) => format!("until {end}"),
        None => "until it is revoked".to_owned(),
    };
    console.note(&format!(
        "service key `{}` ({}) of profile `{profile}`: scopes {scopes}, {end}; it is shown this once",
        new.key.name, new.key.id
    ));
    let shown = Shown::of(&new.key, now);
    let view = vec![Block::Verbatim(format!("{}\n", new.text.expose()))];
    Report::new(
        "ultra.auth.service-key/1",
        Created { profile, key: new.text.expose(), shown },
        view,
    )
}

/// Lists all keys, revoked ones too.
///
/// # Errors
/// The store's errors.
pub(crate) fn list(workspace: &Workspace, secrets: &dyn SecretSource) -> Result<Report, Fault> {
    let now = workspace.clock.now();
    let (settings, options) = options(workspace, secrets)?;
    // To look is not to create.
    let keys = if options.is_absent() {
        Vec::new()
    } else {
        with_store(&options, None, async |store| store.service_keys().await)?
    };
    let profile = &settings.profile.name;
    let keys: Vec<Shown<'_>> = keys.iter().map(|key| Shown::of(key, now)).collect();
    let mut table =
        Table::new(&["id", "name", "scopes", "state", "created", "expires", "per minute"]);
    for key in &keys {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
        let tone = if key.state == "active" { Tone::Good } else { Tone::Faint };
        let cells = [
            (key.id.to_owned(), Tone::Plain),
            (key.name.to_owned(), Tone::Strong),
            (key.scopes.to_string(), Tone::Plain),
            (key.state.to_owned(), tone),
            (day(key.created_at), Tone::Plain),
            (key.expires_at.map_or_else(|| "never".to_owned(), day), Tone::Plain),
            (
                key.requests_per_minute.map_or_else(|| "-".to_owned(), |n| n.to_string()),
                Tone::Plain,
            ),
        ];
        table.rows.push(cells.into());
    }
    let view = if keys.is_empty() {
        vec![
            Block::text(format!("profile `{profile}` has no service keys")),
            Block::text("make one with `ultra auth service-key create NAME`"),
        ]
    } else {
        vec![Block::text(format!("service keys of profile `{profile}`")), Block::Table(table)]
    };
    Report::new("ultra.auth.service-keys/1", Listed { profile, keys }, view)
}

/// Revokes the key of this id or name. A whole key is understood too, and not repeated.
///
/// # Errors
/// No such key (2); a protected profile without confirmation (6); the store's errors.
pub(crate) fn revoke(
    wanted: &str,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let now = workspace.clock.now();
    let (settings, options) = options(workspace, secrets)?;
    let keys = if options.is_absent() {
        Vec::new()
    } else {
        with_store(&options, None, async |store| store.service_keys().await)?
    };
    let pasted = Secret::new(wanted);
    let id = auth::id_of(&pasted).unwrap_or(wanted);
    let mut key = find(&keys, id).ok_or_else(|| unknown(id, &keys))?.clone();
    let changed = key.revoked_at.is_none();
    if changed {
        let what = format!("revoke the service key `{}` ({})", key.name, key.id);
        confirm(&settings, &what, console)?;
        with_store(&options, None, async |store| store.revoke_service_key(&key.id, now).await)?;
        key.revoked_at = Some(now);
    }
    let text = if changed {
        format!("revoked `{}` ({}); running servers refuse it within 5 seconds", key.name, key.id)
    } else {
        format!("`{}` ({}) was revoked before", key.name, key.id)
    };
    let profile = &settings.profile.name;
    let shown = Shown::of(&key, now);
    Report::new(
        "ultra.auth.service-key-revoked/1",
        Revoked { profile, changed, shown },
        vec![Block::text(text)],
    )
}

/// An id is always meant as such; of several keys of a name, the one that is not revoked.
fn find<'a>(keys: &'a [ServiceKey], wanted: &str) -> Option<&'a ServiceKey> {
    let named = |key: &&ServiceKey| key.name == wanted;
    keys.iter()
        .find(|key| key.id == wanted)
        .or_else(|| keys.iter().filter(named).find(|key| key.revoked_at.is_none()))
        .or_else(|| keys.iter().rfind(named))
}

fn unknown(wanted: &str, keys: &[ServiceKey]) -> Fault {
    let names: Vec<&str> =
        keys.iter().filter(|k| k.revoked_at.is_none()).map(|k| k.name.as_str()).collect();
    let what = format!("there is no service key {}", name_for_message(wanted));
    Fault::usage(
        Problem::error("unknown-service-key", what)
            .hint("ultra auth service-key list")
            .maybe_hint(near::hint(wanted, names.iter().copied())),
    )
}

/// A name as it can be pasted into a shell.
fn shell_word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}
