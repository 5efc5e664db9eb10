//! Who feeds a key: the layer that wins here, and on each running server.

use super::Desk;
use super::around::Servers;
use super::names::Key;
use crate::report::{Fault, Level, Problem};
use crate::rotation::{Fleet as _, Replica, ReplicaSlot};
use crate::settings::Layer;
use crate::settings::secret::ValueRef;
use std::path::PathBuf;

/// Who feeds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Feeder {
    /// The vault, or nobody yet.
    Vault,
    /// A file, which somebody else writes.
    File(Fed),
}

/// The file that feeds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fed {
    /// The variable.
    pub(super) variable: String,
    /// The file, if anybody says which.
    pub(super) file: Option<PathBuf>,
    /// Whether it is read here; else only servers say that there is one.
    pub(super) here: bool,
}

/// What is done about servers that cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unasked {
    /// It is told, and gone on all the same.
    Told,
    /// Nothing is begun.
    Fails,
}

/// The file that wins here, if one does.
pub(super) fn file_here(desk: &Desk<'_>, key: &Key) -> Option<Fed> {
    let variable = key.variable.as_deref()?;
    let mut candidates = desk.resolution.candidates(variable).iter().rev();
    match &candidates.find(|c| !c.value.is_empty())?.value {
        ValueRef::File(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Some(Fed { variable: variable.to_owned(), file: Some(path), here: true })
        }
        _ => None,
    }
}

/// Who feeds a key that is to be rotated.
///
/// # Errors
/// A layer above the vault that cannot be changed while a server runs, here or on a server; a
/// server that is fed otherwise than it looks from here (6); the servers cannot be asked (5).
pub(super) fn feeder(
    desk: &Desk<'_>,
    key: &Key,
    shadowed: bool,
    unasked: Unasked,
) -> Result<Feeder, Fault> {
    if shadowed {
        return Ok(Feeder::Vault);
    }
    let Some(fed) = file_here(desk, key) else {
        desk.not_shadowed(key, false)?;
        let slots = in_use(desk, key, unasked)?;
        let nothing_here = key.variable.as_deref().is_some_and(|variable| {
            desk.resolution.candidates(variable).iter().all(|c| c.value.is_empty())
        });
        return match (&key.variable, fed_everywhere(&slots)) {
            (Some(variable), Some(file)) if nothing_here => {
                Ok(Feeder::File(Fed { variable: variable.clone(), file, here: false }))
            }
            _ => none_over_vault(desk, key, &slots).map(|()| Feeder::Vault),
        };
    };
    let others: Vec<Problem> = in_use(desk, key, unasked)?
        .iter()
        .filter(|(_, slot)| !slot.is_fed())
        .map(|(server, slot)| {
            let from = words(slot);
            Problem::error(
                "fed-otherwise",
                format!("`{}` of server {server} comes from {from}", fed.variable),
            )
            .why(format!("here `{}` feeds it, and that server would not notice", shown(&fed)))
            .hint(match slot.source.as_deref() {
                Some("vault") => format!(
                    "take `{0}_FILE` out of the environment of this command and run it again",
                    fed.variable
                ),
                _ => {
                    format!("give that server `{0}_FILE` instead and start it again", fed.variable)
                }
            })
        })
        .collect();
    if others.is_empty() { Ok(Feeder::File(fed)) } else { Err(refused(others)) }
}

/// Refuses to write a value to the vault that a running server would not use.
///
/// # Errors
/// Another layer wins there (6), or the servers cannot be asked (5).
pub(super) fn not_shadowed(
    desk: &Desk<'_>,
    key: &Key,
    allowed: bool,
    unasked: Unasked,
) -> Result<(), Fault> {
    desk.not_shadowed(key, allowed)?;
    if allowed {
        return Ok(());
    }
    none_over_vault(desk, key, &in_use(desk, key, unasked)?)
}

fn none_over_vault(
    desk: &Desk<'_>,
    key: &Key,
    slots: &[(String, ReplicaSlot)],
) -> Result<(), Fault> {
    let variable = key.variable.as_deref().unwrap_or(&key.name);
    let problems: Vec<Problem> = slots
        .iter()
        .filter(|(_, slot)| slot.is_over_vault())
        .map(|(server, slot)| {
            let way = match slot.is_fed() {
                true => {
                    format!("run `{}` with the same `{variable}_FILE`", desk.command("rotate", key))
                }
                false => format!("take `{variable}` from that server and start it again"),
            };
            Problem::error(
                "shadowed-on-server",
                format!("on server {server} the {} wins over the vault", layer(slot)),
            )
            .why(format!(
                "its `{variable}` comes from {}, and it would not use a value in the vault",
                words(slot)
            ))
            .hint(format!("{way}; or add `--shadowed`"))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(refused(problems)) }
}

fn refused(problems: Vec<Problem>) -> Fault {
    Fault::new(crate::exit::ExitStatus::Refused, problems)
}

/// What the servers of the profile use as the variable of a key, with their instances.
fn in_use(
    desk: &Desk<'_>,
    key: &Key,
    unasked: Unasked,
) -> Result<Vec<(String, ReplicaSlot)>, Fault> {
    // Settings that cannot be read have no servers: what is set here may be what they lack.
    let (Some(variable), Some(_)) = (&key.variable, desk.settings) else { return Ok(Vec::new()) };
    let of = |replica: Replica| {
        let instance = replica.instance;
        let slots = replica.slots.into_iter();
        slots
            .filter(|slot| slot.variable == *variable && slot.in_use())
            .map(move |slot| (instance.clone(), slot))
    };
    match Servers::of(desk).replicas() {
        Ok(replicas) => Ok(replicas.into_iter().flat_map(of).collect()),
        Err(fault) if unasked == Unasked::Fails => Err(fault),
        Err(fault) => {
            for problem in fault.problems {
                desk.console.warn(&Problem { level: Level::Warning, ..problem });
            }
            Ok(Vec::new())
        }
    }
}

/// The file that feeds every server, if one does: `Some(None)` if they do not say which, or name
/// several.
fn fed_everywhere(slots: &[(String, ReplicaSlot)]) -> Option<Option<PathBuf>> {
    let (_, first) = slots.first()?;
    if !slots.iter().all(|(_, slot)| slot.is_fed()) {
        return None;
    }
    let same = slots.iter().all(|(_, slot)| slot.file == first.file);
    Some(first.file.clone().filter(|_| same))
}

/// Where a server has its value from, in words.
fn words(slot: &ReplicaSlot) -> String {
    match (slot.source.as_deref(), &slot.file) {
        (Some("file"), Some(file)) => format!("the file `{}`", file.display()),
        (Some("file"), None) => "a file".to_owned(),
        (Some("environment"), _) => "the process environment".to_owned(),
        (Some("vault"), _) => "the vault".to_owned(),
        (Some(place), _) => format!("{}", place.escape_debug()),
        (None, _) => "somewhere else".to_owned(),
    }
}

/// The layer that wins on a server, in words.
fn layer(slot: &ReplicaSlot) -> &'static str {
    let word = slot.layer.as_deref().unwrap_or("process");
    let layer = match word {
        "named-file" => Layer::NamedFile,
        "flag" => Layer::Flag,
        _ => Layer::Process,
    };
    layer.describe()
}

/// The file in words.
pub(super) fn shown(fed: &Fed) -> String {
    fed.file.as_ref().map_or_else(|| format!("{}_FILE", fed.variable), |f| f.display().to_string())
}
