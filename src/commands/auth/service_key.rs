//! `ultra auth service-key`: keys with which programs use the server.

use super::super::backing::{confirm, options, with_store};
use super::super::on_record::Act;
use super::super::service_keys::{Row, Standing, find, problems, rows, unknown};
use crate::base::{Secret, Timestamp, time};
use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::secrets::VaultSource;
use crate::serve::auth::{self, KeyRequest};
use crate::settings::{SecretSource, Workspace};
use crate::store::ServiceKey;
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

#[derive(Serialize)]
struct Created<'a> {
    profile: &'a str,
    /// The one time that the key itself is shown.
    key: &'a str,
    #[serde(flatten)]
    shown: Row,
}

#[derive(Serialize)]
struct Listed<'a> {
    profile: &'a str,
    keys: &'a [Row],
    problems: &'a [Problem],
}

#[derive(Serialize)]
struct Revoked<'a> {
    profile: &'a str,
    changed: bool,
    #[serde(flatten)]
    shown: Row,
}

/// Makes a key. The answer for people is the key alone, so that a script can take it.
///
/// # Errors
/// A malformed name, scope or span, or a name in use (2); a protected profile without
/// confirmation (6); the store's errors.
pub(crate) fn create(
    request: &CreateRequest,
    workspace: &Workspace,
    secrets: &VaultSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let now = workspace.clock.now();
    let name = super::name("name of the key", &request.name)?;
    let scopes = super::scopes(&request.scopes)?;
    let expires_at = request.expires.as_deref().map(|text| expiry(text, now)).transpose()?;
    let (settings, options) = options(workspace, secrets)?;
    confirm(&settings, &format!("make the service key `{name}`"), console)?;
    workspace.prepare_state_dir()?;
    let new = auth::generate(KeyRequest { name, scopes, expires_at, rate: request.rate }, now);
    let profile = &settings.profile.name;
    let end = match new.key.expires_at {
        Some(end) => format!("until {end}"),
        None => "until it is revoked".to_owned(),
    };
    let detail = format!("{}: scopes {scopes}, {end}", new.key.id);
    let act = Act::of_service_key("service-key.create", &new.key.name, detail);
    act.around(secrets, workspace, console, || {
        with_store(&options, None, async |store| store.create_service_key(&new.key).await)
    })
    .map_err(|mut fault| {
        for problem in fault.problems.iter_mut().filter(|p| p.code == "store-conflict") {
            let name = shell_word(&new.key.name);
            let flag = profile_flag(workspace);
            problem.hint = Some(format!(
                "`ultra auth service-key rotate {name}{flag}` makes another in its place, \
                 `ultra auth service-key revoke {name}{flag}` takes it back"
            ));
        }
        fault
    })?;
    console.note(&format!(
        "service key `{}` ({}) of profile `{profile}`: scopes {scopes}, {end}; it is shown this once",
        new.key.name, new.key.id
    ));
    let shown = Row::of(&new.key, &settings.profile, now);
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
    let profile = &settings.profile;
    // To look is not to create.
    let keys = if options.is_absent() {
        Vec::new()
    } else {
        with_store(&options, None, async |store| rows(&*store, profile, now).await)?
    };
    let problems = problems(&keys, &profile.name);
    let name = &profile.name;
    let view = if keys.is_empty() {
        vec![
            Block::text(format!("profile `{name}` has no service keys")),
            Block::text("make one with `ultra auth service-key create NAME`"),
        ]
    } else {
        let mut view =
            vec![Block::text(format!("service keys of profile `{name}`")), table(&keys, now)];
        view.extend(problems.iter().cloned().map(Block::Finding));
        view
    };
    let data = Listed { profile: name, keys: &keys, problems: &problems };
    Report::new("ultra.auth.service-keys/1", data, view)
}

/// The keys for people.
fn table(keys: &[Row], now: Timestamp) -> Block {
    let mut table = Table::new(&[
        "id",
        "name",
        "scopes",
        "state",
        "age",
        "policy",
        "last used",
        "expires",
        "per minute",
    ]);
    for key in keys {
        let tone = match key.state {
            Standing::Current => Tone::Good,
            Standing::Ending => Tone::Warn,
            Standing::Expired | Standing::Revoked => Tone::Faint,
        };
        let rate = key.requests_per_minute.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let plain = |text: String| (text, Tone::Plain);
        table.rows.push(vec![
            plain(key.id.clone()),
            (key.name.clone(), Tone::Strong),
            plain(key.scopes.to_string()),
            (key.standing(now), tone),
            plain(time::human(key.age_seconds)),
            key.policy.shown(key.max_age_seconds.unwrap_or_default()),
            plain(key.last_use(now)),
            plain(key.end(now)),
            plain(rate),
        ]);
    }
    Block::Table(table)
}

/// Revokes the key of this id or name. A whole key is understood too, and not repeated.
///
/// # Errors
/// No such key, or two of the name that are accepted (2); a protected profile without confirmation
/// (6); the store's errors.
pub(crate) fn revoke(
    wanted: &str,
    workspace: &Workspace,
    secrets: &VaultSource,
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
    let mut key = find(&keys, id, now).ok_or_else(|| unknown(id, &keys))?.clone();
    one_of_the_name(id, &keys, now, &profile_flag(workspace))?;
    let changed = key.revoked_at.is_none();
    if changed {
        let what = format!("revoke the service key `{}` ({})", key.name, key.id);
        confirm(&settings, &what, console)?;
        let act = Act::of_service_key("service-key.revoke", &key.name, key.id.clone());
        act.around(secrets, workspace, console, || {
            with_store(&options, None, async |store| store.revoke_service_key(&key.id, now).await)
        })?;
        key.revoked_at = Some(now);
    }
    let text = if changed {
        format!("revoked `{}` ({}); running servers refuse it within 5 seconds", key.name, key.id)
    } else {
        format!("`{}` ({}) was revoked before", key.name, key.id)
    };
    let profile = &settings.profile.name;
    let shown = Row::of(&key, &settings.profile, now);
    Report::new(
        "ultra.auth.service-key-revoked/1",
        Revoked { profile, changed, shown },
        vec![Block::text(text)],
    )
}

/// Refuses a name that two keys have which are accepted: whoever takes one back must not believe
/// that nobody gets in with the other.
fn one_of_the_name(
    wanted: &str,
    keys: &[ServiceKey],
    now: Timestamp,
    flag: &str,
) -> Result<(), Fault> {
    let accepted = |key: &&ServiceKey| key.name == wanted && Standing::of(key, now).accepted();
    let both: Vec<&ServiceKey> = keys.iter().filter(accepted).collect();
    if both.len() < 2 || keys.iter().any(|key| key.id == wanted) {
        return Ok(());
    }
    let one = |key: &&ServiceKey| {
        let which = match Standing::of(key, now) {
            Standing::Ending => "the old one",
            _ => "the new one",
        };
        format!("`ultra auth service-key revoke {}{flag}` ({which})", key.id)
    };
    let hint = both.iter().map(one).collect::<Vec<_>>().join(", ");
    Err(Fault::usage(
        Problem::error("ambiguous-service-key", format!("two keys named `{wanted}` are accepted"))
            .why("one is taking the place of the other; nothing was changed")
            .hint(hint),
    ))
}

/// When a key ends that is made now.
pub(super) fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Fault> {
    let span = super::span("--expires", text)?;
    now.checked_add(span).map_err(|_| {
        Fault::usage(Problem::error(
            "malformed-value",
            format!("`--expires {text}` is beyond all time"),
        ))
    })
}

/// The flag that makes a command to paste act on the profile of this one.
pub(super) fn profile_flag(workspace: &Workspace) -> String {
    format!(" --profile {}", workspace.profile)
}

/// A name as it can be pasted into a shell.
pub(super) fn shell_word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}
