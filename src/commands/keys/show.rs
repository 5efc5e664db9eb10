//! `ultra keys show NAME`: the versions of a key, and its value only on a terminal.

use super::{Desk, names};
use crate::base::{process, time};
use crate::report::{Block, Fault, Problem, Report, Table};
use crate::secrets::audit::Event;
use crate::settings::SecretSource as _;
use serde_json::json;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name, a variable or its alias.
    pub(crate) name: String,
    /// Whether the value in use is shown.
    pub(crate) reveal: bool,
    /// Whether the answer goes to a person at a terminal, and to nothing else.
    pub(crate) to_terminal: bool,
}

/// Shows the versions.
///
/// # Errors
/// Unknown name or no entry (2), the vault cannot be opened (5), a value for anything but a
/// terminal (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let key = names::find(desk, &request.name)?;
    let profile = desk.profile();
    let overview = desk.vault.overview()?;
    let entry = overview.entry(profile, &key.name).ok_or_else(|| desk.no_entry(&key))?;
    if request.reveal && !request.to_terminal {
        return Err(Fault::refused(
            Problem::error("reveal-to-terminal", "a value is shown on a terminal only")
                .why("the answer goes to a file, a pipe or as JSON")
                .hint("run it on a terminal, without `-o json`"),
        ));
    }
    let now = desk.vault.clock().now();
    let mut table =
        Table::new(&["version", "state", "age", "by", "verified", "fingerprint", "destination"]);
    for v in entry.versions.iter().rev() {
        let ago = |at: crate::base::Timestamp| time::human(now.as_second() - at.as_second());
        table.row([
            format!("v{}", v.number),
            v.standing(),
            ago(v.created_at),
            v.by.map_or("-".to_owned(), process::user),
            v.verified_at.map_or("-".to_owned(), |at| format!("{} ago", ago(at))),
            v.fingerprint.clone(),
            v.destinations_text(),
        ]);
    }
    let mut view = vec![
        Block::pairs([
            ("profile", profile.to_owned()),
            ("name", key.name.clone()),
            ("variable", key.variable.clone().unwrap_or_else(|| "-".to_owned())),
        ]),
        Block::Table(table),
    ];
    if request.reveal {
        desk.may_change(&format!("Show the value of `{}`", key.name))?;
        let value = desk.vault.open(profile, &key.name).map_err(Fault::unreachable)?;
        let value = value.ok_or_else(|| desk.no_entry(&key))?;
        // On record before it is shown: what cannot be recorded is not shown.
        desk.vault.note(
            &format!("keys show {}", key.name),
            Event {
                event: "revealed".to_owned(),
                profile: profile.to_owned(),
                name: key.name.clone(),
                version: entry.current().map_or(0, |version| version.number),
                fingerprint: desk.vault.fingerprint(&value).ok(),
                detail: None,
            },
        )?;
        // One of the three declared exceptions: by request, to a person, on a terminal.
        view.push(Block::Verbatim(format!("{}\n", value.expose())));
    } else {
        desk.announce();
    }
    Report::new(
        "ultra.keys.show/1",
        json!({
            "profile": profile,
            "name": key.name,
            "variable": key.variable,
            "versions": entry.versions,
        }),
        view,
    )
}
