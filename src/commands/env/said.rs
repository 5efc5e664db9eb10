//! What every layer says of a variable, for `ultra env explain`.

use super::show::{fingerprint, with_print};
use crate::base::file;
use crate::report::{Place, Table, Tone};
use crate::settings::catalogue;
use crate::settings::dotenv;
use crate::settings::resolution::Resolution;
use crate::settings::secret::SecretSource;
use crate::settings::shown::shown;
use crate::settings::{Layer, Workspace};
use serde::Serialize;

/// What one layer says.
#[derive(Serialize)]
pub(super) struct Said {
    layer: Layer,
    set: bool,
    /// `None` for what must not be shown.
    value: Option<String>,
    #[serde(rename = "where")]
    place: Option<Place>,
    written_as: Option<String>,
    /// The keyed fingerprint of what must not be shown.
    fingerprint: Option<String>,
    /// Why the layer was not asked, or what it says does not count.
    note: Option<String>,
    pub(super) wins: bool,
    /// What people see of the value.
    #[serde(skip)]
    shown: String,
}

/// What every layer says, highest first.
pub(super) fn layers(
    resolution: &Resolution,
    name: &str,
    kept_back: bool,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
) -> Vec<Said> {
    let winner = resolution.winner(name);
    let withheld = resolution.why_withheld(name);
    let candidates =
        if withheld.is_some() { resolution.withheld(name) } else { resolution.candidates(name) };
    let mut said = Vec::new();
    for layer in Layer::ALL.into_iter().rev() {
        let before = said.len();
        for candidate in candidates.iter().rev().filter(|c| c.origin.layer == layer) {
            let wins = winner.is_some_and(|winner| std::ptr::eq(winner, candidate));
            let note = if let Some(why) = withheld {
                Some(why.text())
            } else if wins {
                kept_back.then_some("withheld from commands")
            } else {
                Some("shadowed")
            };
            let shown = shown(name, candidate);
            let print = fingerprint(name, candidate, secrets);
            said.push(Said {
                layer,
                set: true,
                value: shown.plain().map(str::to_owned),
                place: candidate.origin.place.clone(),
                written_as: candidate.origin.written_as.clone(),
                shown: with_print(shown.text(), print.as_deref()),
                fingerprint: print,
                note: note.map(str::to_owned),
                wins,
            });
        }
        for passed in resolution.passed_over(name).filter(|p| p.origin.layer == layer) {
            said.push(Said {
                place: passed.origin.place.clone(),
                written_as: passed.origin.written_as.clone(),
                note: Some(passed.why.text().to_owned()),
                ..Said::nothing(layer)
            });
        }
        if said.len() == before {
            let note = unasked(layer, name, workspace).map(str::to_owned);
            said.push(Said { note, ..Said::nothing(layer) });
        }
    }
    said
}

impl Said {
    fn nothing(layer: Layer) -> Self {
        Self {
            layer,
            set: false,
            value: None,
            place: None,
            written_as: None,
            fingerprint: None,
            note: None,
            wins: false,
            shown: "–".to_owned(),
        }
    }
}

/// Why a layer that says nothing was not asked; `None` if it was.
fn unasked(layer: Layer, name: &str, workspace: &Workspace) -> Option<&'static str> {
    let spec = catalogue::find(name);
    let between = layer > Layer::Default && layer < Layer::Process;
    if between && spec.is_some_and(|spec| spec.bootstrap) {
        return Some("not asked: it is needed before any file is read");
    }
    let ending = match layer {
        Layer::DotenvBase => String::new(),
        Layer::DotenvLocal => ".local".to_owned(),
        Layer::DotenvProfile => format!(".{}", workspace.profile),
        Layer::DotenvProfileLocal => format!(".{}.local", workspace.profile),
        Layer::Vault if spec.is_none_or(|spec| spec.vault.is_none()) => {
            return Some("not asked: it is not kept in the vault");
        }
        _ => return None,
    };
    let Some(dir) = workspace.dotenv_dir() else { return Some("there is no such file") };
    let path = dir.join(format!(".env{ending}"));
    match file::read_bounded(&path, dotenv::LIMIT) {
        Ok(None) if path.is_symlink() => Some("cannot be read: the link leads nowhere"),
        Ok(None) => Some("there is no such file"),
        Ok(Some(bytes)) if layer == Layer::DotenvBase && dotenv::is_generated(&bytes) => {
            Some("not read: a switch wrote it, for other tools")
        }
        Ok(Some(_)) => None,
        Err(_) => Some("cannot be read"),
    }
}

pub(super) fn table(layers: &[Said], profile: &str) -> Table {
    let mut table = Table::new(&["", "layer", "value", "where", "note"]);
    for said in layers {
        let mut place = said.place.as_ref().map(ToString::to_string).unwrap_or_default();
        if let Some(written_as) = &said.written_as {
            place.push_str(&format!(" as `{written_as}`"));
        }
        let (mark, tone) = match (said.wins, said.set) {
            (true, _) => ("→", Tone::Good),
            (_, true) => ("", Tone::Plain),
            (_, false) => ("", Tone::Faint),
        };
        table.rows.push(vec![
            (mark.to_owned(), tone),
            (said.layer.describe().replace("<profile>", profile), tone),
            (said.shown.clone(), tone),
            (place.trim().to_owned(), Tone::Faint),
            (said.note.clone().unwrap_or_default(), Tone::Faint),
        ]);
    }
    table
}
