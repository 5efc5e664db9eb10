//! Secrets do not stand in files that others read.

use super::Rule;
use super::view::{Depth, View};
use crate::base::{file, words};
use crate::report::{Level, Place, Problem};
use crate::settings::catalogue;
use crate::settings::git;
use crate::settings::origin::Layer;
use crate::settings::secret::ValueRef;
use crate::settings::secretish;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) const RULE: Rule = Rule {
    id: "literal-secret",
    doc: "No secret stands in a profile, in a file that git tracks, or in a file that others can read.",
    judge,
};

/// Secrets that stand in one file.
struct InFile {
    names: BTreeSet<String>,
    /// Where the file speaks of them, or something else of the file.
    first: Option<Place>,
    /// Whether it is the file of one secret, and no dotenv file.
    own: bool,
}

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let mut files: BTreeMap<PathBuf, InFile> = BTreeMap::new();
    for name in view.resolution.names() {
        for candidate in view.resolution.candidates(name) {
            let place = candidate.origin.place.as_ref();
            if let ValueRef::File(path) = &candidate.value {
                note(&mut files, path.clone(), name, place, true);
                continue;
            }
            let Some(place) = place else { continue };
            let literal = match &candidate.value {
                ValueRef::Literal(_) => candidate.stands_in_file(),
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
            let path = view.workspace.current_dir.join(&place.file);
            note(&mut files, path, name, Some(place), false);
        }
    }
    let root = view.workspace.dotenv_dir();
    let paths: Vec<PathBuf> =
        files.keys().filter(|path| file::within(root, path)).cloned().collect();
    let tracked = match (view.depth, root) {
        (Depth::Full, Some(dir)) if !paths.is_empty() => git::known_to_be_tracked(dir, &paths),
        _ => BTreeSet::new(),
    };
    for (path, found) in files {
        problems.extend(in_file(view, found, &path, tracked.contains(&path)));
    }
}

/// Adds a variable to what is known of a file.
fn note(
    files: &mut BTreeMap<PathBuf, InFile>,
    path: PathBuf,
    name: &str,
    place: Option<&Place>,
    own: bool,
) {
    let new = InFile { names: BTreeSet::new(), first: place.cloned(), own };
    let entry = files.entry(path).or_insert(new);
    entry.names.insert(name.to_owned());
    entry.own &= own;
    if let (Some(first), Some(place)) = (&mut entry.first, place)
        && place < first
    {
        first.clone_from(place);
    }
}

fn in_file(view: &View<'_>, found: InFile, path: &Path, tracked: bool) -> Option<Problem> {
    let names: Vec<String> = found.names.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    let shown = view.workspace.shown(path).display().to_string();
    let holds = if found.own { "is the file of" } else { "holds secrets:" };
    let pasted = words::argument(&view.workspace.shown(path));
    let moved = into_vault(&found.names, &pasted, &view.profile().name);
    let warning = |what: String| Problem { level: Level::Warning, ..Problem::error(RULE.id, what) };
    // What a platform mounts may be for a group to read.
    let mounted = found.own && !file::within(view.workspace.dotenv_dir(), path);
    let problem = if tracked {
        let then = if found.own { String::new() } else { format!(", then {moved}") };
        view.problem(&RULE, format!("git tracks `{shown}`, which {holds} {names}"))
            .why("everybody with the repository has them")
            .hint(format!("`git rm --cached {pasted}`, replace the secrets{then}"))
    } else if mounted {
        if !file::everybody_can_read(path).unwrap_or(false) {
            return None;
        }
        warning(format!("everybody can read `{shown}`, which {holds} {names}"))
            .hint("have the platform mount it for the server's own user or group")
    } else if file::others_can_read(path).unwrap_or(false) {
        view.problem(&RULE, format!("others can read `{shown}`, which {holds} {names}"))
            .hint(format!("chmod 600 {pasted}"))
    } else if view.profile().protected && !found.own {
        warning(format!("`{shown}` holds secrets: {names}"))
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
