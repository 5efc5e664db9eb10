//! `ultra env explain NAME`: what a variable means, and what every layer says of it.

use super::show::tell;
use super::{resolved, variable};
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Place, Report, Table, Tone};
use crate::settings::catalogue::{self, VarSpec};
use crate::settings::docs::words;
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::SecretSource;
use crate::settings::shown::{Shown, hidden, shown};
use crate::settings::{Layer, Workspace, load};
use serde::Serialize;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The variable: its name, an alias, or its name in the vault.
    pub(crate) name: String,
}

/// What one layer says.
#[derive(Serialize)]
struct Said {
    layer: Layer,
    set: bool,
    /// `None` for what must not be shown.
    value: Option<String>,
    #[serde(rename = "where")]
    place: Option<Place>,
    written_as: Option<String>,
    wins: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    profile: &'a str,
    asked: Option<&'a str>,
    group: Option<&'static str>,
    doc: String,
    expected: Option<String>,
    default: Option<&'static str>,
    example: Option<&'static str>,
    secret: bool,
    required: Option<String>,
    bootstrap: bool,
    internal: bool,
    reload: Option<&'static str>,
    consumer: Option<&'static str>,
    aliases: Vec<&'static str>,
    vault: Option<&'static str>,
    since: Option<&'static str>,
    set: bool,
    layers: &'a [Said],
}

/// Explains a variable under the profile in use.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let loaded = load(workspace, &workspace.profile, secrets);
    let misread = loaded.misread;
    let (resolution, problems) = resolved(loaded)?;
    let name = variable(&request.name, &resolution, workspace)?;
    let spec = catalogue::find(&name);
    let (layers, lines) = layers(&resolution, &name);
    let set = resolution.winner(&name).is_some();
    let secret = hidden(&name, resolution.candidates(&name));
    let doc = spec.map_or_else(
        || "A variable of the application; ultra passes it on.".to_owned(),
        |spec| words::paragraph(spec.doc),
    );
    let answer = Answer {
        name: &name,
        profile: &workspace.profile,
        asked: (request.name != name).then_some(request.name.as_str()),
        group: spec.map(|spec| spec.group),
        expected: spec.map(|spec| spec.kind.expected()),
        default: spec.and_then(|spec| spec.default),
        example: spec.and_then(|spec| spec.example),
        secret,
        required: spec.and_then(|spec| words::need(spec.need)),
        bootstrap: spec.is_some_and(|spec| spec.bootstrap),
        internal: spec.is_some_and(|spec| spec.internal),
        reload: spec.and_then(words::reload),
        consumer: spec.map(|spec| words::consumer(spec.consumer)),
        aliases: spec.map(aliases).unwrap_or_default(),
        vault: spec.and_then(|spec| spec.vault),
        since: spec.map(|spec| spec.since),
        set,
        layers: &layers,
        doc,
    };
    let mut view =
        vec![Block::heading(&name), Block::text(&answer.doc), Block::pairs(facts(&answer))];
    view.push(Block::heading(format!("What each layer says under `{}`", workspace.profile)));
    view.push(Block::Table(lines));
    if !set {
        view.push(Block::text("Nobody sets it."));
    }
    tell(&problems, misread, workspace, console);
    let status = if misread { ExitStatus::DoesNotHold } else { ExitStatus::Holds };
    Ok(Report::new("ultra.env.explain/1", answer, view)?.status(status))
}

fn aliases(spec: &VarSpec) -> Vec<&'static str> {
    spec.aliases.iter().map(|alias| alias.name).collect()
}

fn facts(answer: &Answer<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &'static str, value: Option<String>| {
        facts.extend(value.filter(|v| !v.is_empty()).map(|value| (name, value)));
    };
    add("asked for as", answer.asked.map(str::to_owned));
    add("group", answer.group.map(str::to_owned));
    add("takes", answer.expected.clone());
    add("secret", answer.secret.then(|| "yes, never shown".to_owned()));
    add("default", answer.default.map(|text| format!("`{text}`")));
    add("example", answer.example.map(|text| format!("`{text}`")));
    add("needed", answer.required.clone());
    add("read by", answer.consumer.map(str::to_owned));
    add("new value counts", answer.reload.map(str::to_owned));
    add("set by", answer.bootstrap.then(|| "flags and the process environment only".to_owned()));
    add("child processes", answer.internal.then(|| "never get it".to_owned()));
    add("also written", Some(answer.aliases.join(", ")));
    add("in the vault", answer.vault.map(str::to_owned));
    add("since", answer.since.map(str::to_owned));
    facts
}

/// What every layer says, highest first, and the same as a table.
fn layers(resolution: &Resolution, name: &str) -> (Vec<Said>, Table) {
    let candidates = resolution.candidates(name);
    let winner = resolution.winner(name);
    let profile = &resolution.profile.name;
    let mut said = Vec::new();
    let mut table = Table::new(&["", "layer", "value", "where"]);
    for layer in Layer::ALL.into_iter().rev() {
        let here: Vec<&Candidate> =
            candidates.iter().rev().filter(|c| c.origin.layer == layer).collect();
        if here.is_empty() {
            table.rows.push(line("", (layer, profile), "–", String::new(), Tone::Faint));
            said.push(Said {
                layer,
                set: false,
                value: None,
                place: None,
                written_as: None,
                wins: false,
            });
        }
        for candidate in here {
            let wins = winner.is_some_and(|winner| std::ptr::eq(winner, candidate));
            let shown = shown(name, candidate);
            let mut place =
                candidate.origin.place.as_ref().map(ToString::to_string).unwrap_or_default();
            if let Some(written_as) = &candidate.origin.written_as {
                place.push_str(&format!(" as `{written_as}`"));
            }
            let (mark, tone) = if wins { ("→", Tone::Good) } else { ("", Tone::Plain) };
            table.rows.push(line(
                mark,
                (layer, profile),
                &shown.text(),
                place.trim().to_owned(),
                tone,
            ));
            said.push(Said {
                layer,
                set: true,
                value: shown_plain(&shown),
                place: candidate.origin.place.clone(),
                written_as: candidate.origin.written_as.clone(),
                wins,
            });
        }
    }
    (said, table)
}

fn shown_plain(shown: &Shown) -> Option<String> {
    shown.plain().map(str::to_owned)
}

fn line(
    mark: &str,
    (layer, profile): (Layer, &str),
    value: &str,
    place: String,
    tone: Tone,
) -> Vec<(String, Tone)> {
    vec![
        (mark.to_owned(), tone),
        (layer.describe().replace("<profile>", profile), tone),
        (value.to_owned(), tone),
        (place, Tone::Faint),
    ]
}
