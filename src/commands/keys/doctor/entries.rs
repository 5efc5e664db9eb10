//! The entries of the vault: dated in the future, used by no profile, or shadowed.

use super::super::rows::{self, Policy};
use super::{Patient, Row};
use crate::base::time;
use crate::report::Problem;
use crate::rotation::Journal;
use crate::secrets::Overview;
use crate::settings::profile::SecretReference;
use crate::settings::{catalogue, load};
use std::collections::BTreeSet;

/// How far ahead a date may be before the clock is suspected, in seconds.
const LEEWAY: i64 = 60;

/// Looks at the entries.
pub(super) fn look(patient: &Patient<'_>) -> Vec<Row> {
    let Ok(overview) = patient.desk.vault.overview() else { return Vec::new() };
    vec![clock(patient, &overview), used(patient, &overview), keys(patient)]
}

fn clock(patient: &Patient<'_>, overview: &Overview) -> Row {
    let now = patient.desk.vault.clock().now().as_second();
    let mut problems = Vec::new();
    for (key, entry) in &overview.entries {
        let ahead =
            entry.versions.iter().map(|v| v.created_at.as_second() - now).max().unwrap_or(0);
        if ahead > LEEWAY {
            problems.push(
                Problem::error("made-in-the-future", format!("`{key}` was made in the future"))
                    .why(format!(
                        "{} ahead of this clock; its age and the end of its grace are wrong",
                        time::human(ahead)
                    ))
                    .hint("set the clock right, here or where it was made: `timedatectl set-ntp true`"),
            );
        }
    }
    Row::of("clock", "no key is dated in the future", problems)
}

/// What each profile uses, against what there is.
fn used(patient: &Patient<'_>, overview: &Overview) -> Row {
    const LOOK: &str = "entries";
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut unread = Vec::new();
    let profiles = patient.workspace.profile_names();
    for name in &profiles {
        let loaded;
        let resolution = if name == patient.desk.profile() {
            patient.desk.resolution
        } else {
            loaded = load(patient.workspace, name, patient.desk.vault);
            match &loaded.resolution {
                Some(resolution) => resolution,
                None => {
                    unread.push(name.clone());
                    continue;
                }
            }
        };
        for spec in catalogue::all() {
            wanted.extend(spec.vault.map(|vault| format!("{name}/{vault}")));
        }
        for secret in resolution.profile.secrets.values() {
            if let SecretReference::Vault { profile, name: entry } = &secret.reference {
                wanted.insert(format!("{}/{entry}", profile.as_ref().unwrap_or(name)));
            }
        }
    }
    let mut problems = Vec::new();
    for (key, entry) in overview.entries.iter().filter(|(_, entry)| !entry.versions.is_empty()) {
        let Some((profile, name)) = key.split_once('/') else { continue };
        if wanted.contains(key) || unread.iter().any(|unread| unread == profile) {
            continue;
        }
        let why = if profiles.iter().any(|known| known == profile) {
            format!("no variable of profile `{profile}` is fed by it")
        } else {
            format!("there is no profile `{profile}` here")
        };
        let versions = entry.versions.len();
        problems.push(
            Problem::warning("unused-entry", format!("`{key}` is used by no profile"))
                .why(format!("{why}; versions kept: {versions}"))
                .hint(format!(
                    "if it is not needed: `ultra keys remove {name} --profile {profile}`"
                )),
        );
    }
    Row::of(LOOK, format!("{} in the vault, all used", overview.entries.len()), problems)
}

/// The keys of the profile: shadowed, or older than they may be.
fn keys(patient: &Patient<'_>) -> Row {
    const LOOK: &str = "keys";
    let desk = patient.desk;
    let journals = Journal::all(desk.state_dir).unwrap_or_default();
    let rows = match rows::rows(desk, &journals) {
        Ok(rows) => rows,
        Err(fault) => return Row::fault(LOOK, fault),
    };
    let mut problems = Vec::new();
    for row in &rows {
        if row.shadowed {
            let source = row.source.as_deref().unwrap_or("another layer");
            problems.push(
                Problem::warning("shadowed", format!("`{}` in the vault is not used", row.name))
                    .why(format!("{source} wins over it"))
                    .hint("unset it there, or remove the entry from the vault"),
            );
        }
        if row.policy == Policy::Over {
            problems.push(
                Problem::warning("key-age", format!("`{}` is older than it may be", row.name))
                    .hint(format!("ultra keys rotate {} --profile {}", row.name, desk.profile())),
            );
        }
    }
    Row::of(LOOK, format!("{} in the profile, none shadowed or too old", rows.len()), problems)
}
