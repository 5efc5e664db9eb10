//! Secrets do not stand in files that others read.

use super::Rule;
use super::view::{Depth, View};
use crate::base::file;
use crate::report::{Level, Place, Problem};
use crate::settings::catalogue;
use crate::settings::git;
use crate::settings::origin::Layer;
use crate::settings::secret::ValueRef;
use crate::settings::secretish;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub(super) const RULE: Rule = Rule {
    id: "literal-secret",
    doc: "No secret stands in a profile, in a file that git tracks, or in a file that others can read.",
    judge,
};

/// Secrets that stand in one file.
struct InFile {
    names: BTreeSet<String>,
    first: Place,
}

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let mut files: BTreeMap<PathBuf, InFile> = BTreeMap::new();
    for name in view.resolution.names() {
        for candidate in view.resolution.candidates(name) {
            let Some(place) = &candidate.origin.place else { continue };
            let literal = match &candidate.value {
                ValueRef::Literal(_) => {
                    candidate.origin.written_as.is_none()
                        || candidate.origin.layer != Layer::Profile
                }
                ValueRef::Text(text) => secretish::value(text),
                ValueRef::Vault { .. } | ValueRef::File(_) => false,
            };
            if !literal {
                continue;
            }
            if candidate.origin.layer == Layer::Profile {
                problems.push(
                    view.problem(
                        &RULE,
                        format!("`{name}` looks like a secret and stands in a profile"),
                    )
                    .at(place.clone())
                    .why("profiles are shared")
                    .hint(format!(
                        "name its source under `secrets:`, such as `{name}: env:{name}`"
                    )),
                );
                continue;
            }
            let entry = files
                .entry(place.file.clone())
                .or_insert_with(|| InFile { names: BTreeSet::new(), first: place.clone() });
            entry.names.insert(name.to_owned());
            entry.first = entry.first.clone().min(place.clone());
        }
    }
    let paths: Vec<PathBuf> =
        files.keys().map(|file| view.workspace.current_dir.join(file)).collect();
    let tracked = match (view.depth, view.workspace.dotenv_dir()) {
        (Depth::Full, Some(dir)) if !paths.is_empty() => git::tracked(dir, &paths),
        _ => BTreeSet::new(),
    };
    for ((file, found), path) in files.into_iter().zip(&paths) {
        problems.extend(in_file(view, &file, found, path, &tracked));
    }
}

fn in_file(
    view: &View<'_>,
    file: &std::path::Path,
    found: InFile,
    path: &std::path::Path,
    tracked: &BTreeSet<PathBuf>,
) -> Option<Problem> {
    let names: Vec<String> = found.names.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    let shown = file.display();
    let moved = into_vault(&found.names, &shown.to_string(), &view.profile().name);
    let problem = if tracked.contains(path) {
        view.problem(&RULE, format!("git tracks `{shown}`, which holds secrets: {names}"))
            .why("everybody with the repository has them")
            .hint(format!("`git rm --cached {shown}`, replace the secrets, then {moved}"))
    } else if file::others_can_read(path).unwrap_or(false) {
        view.problem(&RULE, format!("others can read `{shown}`, which holds secrets: {names}"))
            .hint(format!("chmod 600 {shown}"))
    } else if view.profile().protected {
        Problem {
            level: Level::Warning,
            ..Problem::error(RULE.id, format!("`{shown}` holds secrets: {names}"))
        }
        .why("they would be safer in the vault")
        .hint(moved)
    } else {
        return None;
    };
    Some(problem.at(found.first))
}

/// The command that moves the secrets into the vault, if one of them has a place there.
fn into_vault(names: &BTreeSet<String>, file: &str, profile: &str) -> String {
    if names.iter().any(|name| catalogue::find(name).is_some_and(|spec| spec.vault.is_some())) {
        return format!("`ultra env import {file} --profile {profile}`");
    }
    "keep them in the process environment".to_owned()
}
