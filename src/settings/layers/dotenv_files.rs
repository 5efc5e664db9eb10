//! The layers of dotenv files.

use super::absorb::{Said, absorb};
use super::{Gather, trust};
use crate::base::file;
use crate::report::{Place, Problem};
use crate::settings::catalogue;
use crate::settings::dotenv::{self, Entry, Expanded};
use crate::settings::names::{self, Meaning};
use crate::settings::origin::Layer;
use crate::settings::profile::ALIASES;
use crate::settings::secret::ValueRef;
use crate::settings::{dotenv::Document, secretish};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Adds the four files, lowest first.
pub(super) fn add(gather: &mut Gather<'_>) {
    let Some(dir) = gather.workspace.dotenv_dir().map(Path::to_owned) else {
        not_read(gather);
        return;
    };
    let profile = gather.resolution.profile.name.clone();
    // A file that is about to be adopted is judged as what it becomes; there is no other
    // `.env.local` then.
    let (base, local) =
        if gather.workspace.adopting { (None, ".env") } else { (Some(".env"), ".env.local") };
    if let Some(base) = base {
        add_file(gather, Layer::DotenvBase, &dir.join(base));
    }
    for (layer, path) in [
        (Layer::DotenvLocal, dir.join(local)),
        (Layer::DotenvProfile, of_profile(gather, &dir, &profile, "")),
        (Layer::DotenvProfileLocal, of_profile(gather, &dir, &profile, ".local")),
    ] {
        add_file(gather, layer, &path);
    }
}

/// Says that the files here are not read because of what belongs to another user, if there are any.
fn not_read(gather: &mut Gather<'_>) {
    let (dir, profile) = (&gather.workspace.current_dir, &gather.resolution.profile.name);
    let of_profile = [".env", ".env.local"].map(str::to_owned).into_iter().chain(
        std::iter::once(&**profile)
            .chain(ALIASES.iter().filter(|(_, name)| name == profile).map(|(alias, _)| *alias))
            .flat_map(|name| [format!(".env.{name}"), format!(".env.{name}.local")]),
    );
    if !{ of_profile }.any(|name| is_there(&dir.join(name))) {
        return;
    }
    let problem = Problem::warning("foreign-dotenv", "the dotenv files here are not read");
    gather.problems.push(gather.workspace.no_dotenv_dir(problem));
}

/// `.env.<profile>`, or the same with an alias of the profile's name if only that exists.
fn of_profile(gather: &mut Gather<'_>, dir: &Path, profile: &str, ending: &str) -> PathBuf {
    let path = dir.join(format!(".env.{profile}{ending}"));
    let Some((alias, _)) = ALIASES.iter().find(|(_, canonical)| *canonical == profile) else {
        return path;
    };
    let other = dir.join(format!(".env.{alias}{ending}"));
    match (is_there(&path), is_there(&other)) {
        (false, true) => other,
        (true, true) => {
            let shown = gather.workspace.shown(&path);
            gather.problems.push(
                Problem::error("two-files", "two files are the same layer")
                    .at(Place::file(gather.workspace.shown(&other)))
                    .why(format!("`{}` is the other", shown.display()))
                    .hint("move what is in one of them to the other"),
            );
            path
        }
        _ => path,
    }
}

/// Whether there is something at `path`, be it a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    path.exists() || path.is_symlink()
}

/// Adds the files that the command line names, in its order: a later one wins. A missing one is an
/// error here, because somebody asked for it.
pub(super) fn add_named(gather: &mut Gather<'_>) {
    for path in gather.workspace.flags.files.clone() {
        let path = gather.workspace.current_dir.join(path);
        if let Err(e) = std::fs::metadata(&path) {
            let shown = gather.workspace.shown(&path);
            gather.problems.push(Problem::unreadable_named(
                "cannot read the file that `--file` names",
                &shown,
                &e,
            ));
            continue;
        }
        add_file(gather, Layer::NamedFile, &path);
    }
}

fn add_file(gather: &mut Gather<'_>, layer: Layer, path: &Path) {
    let shown = gather.workspace.shown(path);
    let what = "cannot read the dotenv file";
    let bytes = match file::read_bounded(path, dotenv::LIMIT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            // Somebody put a link there: what it should lead to is meant to count.
            if let Some(to) = file::leads_nowhere(path) {
                let to = gather.workspace.shown(&to);
                gather.problems.push(Problem::leads_nowhere(what, &shown, &to));
            }
            return;
        }
        Err(e) => {
            let problem = match layer {
                Layer::NamedFile => Problem::unreadable_named(what, &shown, &e),
                _ => Problem::unreadable(what, &shown, &e),
            };
            // A file may be named twice, or be a layer anyway.
            if !gather.problems.contains(&problem) {
                gather.problems.push(problem);
            }
            return;
        }
    };
    let generated = dotenv::is_generated(&bytes);
    if layer == Layer::DotenvBase && generated {
        return;
    }
    let document = dotenv::parse(&shown, &bytes, gather.problems);
    let expanded = expand(gather, &document);
    let refers = if trust::is_dotenv(layer) { referring(&document) } else { BTreeSet::new() };
    let mut counts = Vec::with_capacity(expanded.len());
    for entry in expanded {
        // The line that we wrote for other tools, in a generated file that was edited and adopted.
        if generated && entry.name == "ULTRA_PROFILE" {
            continue;
        }
        if refers.contains(&*entry.name)
            && let Some(variable) = key(gather, &entry.name)
            && let Some(why) = trust::bars_taking(gather, variable)
        {
            gather.pass_over(variable, layer, Some(entry.place.clone()), &entry.name, why);
            continue;
        }
        counts.push(said(entry));
    }
    absorb(gather, layer, counts);
}

/// The variable of the secret that an entry sets, if it is one.
fn key<'a>(gather: &Gather<'_>, name: &'a str) -> Option<&'a str> {
    match names::meaning(name) {
        Meaning::Variable(spec) | Meaning::Alias(spec, _) => spec.secret.then_some(spec.name),
        Meaning::Foreign => gather.declared.contains(name).then_some(name),
        Meaning::FileOf(_) | Meaning::UnknownOurs => None,
    }
}

/// The entries whose values refer to other variables.
fn referring(document: &Document) -> BTreeSet<&str> {
    let refers = |entry: &&Entry| {
        let mut any = false;
        dotenv::references(&entry.value, &mut |_| any = true);
        any
    };
    document.entries.iter().filter(refers).map(|entry| entry.name.as_str()).collect()
}

fn expand(gather: &mut Gather<'_>, document: &Document) -> Vec<Expanded> {
    let environment = &gather.workspace.environment;
    let resolution = &gather.resolution;
    let declared = &gather.declared;
    let outside = dotenv::Outside {
        first: &|name| environment.get(name).map(str::to_owned),
        last: &|name| match &resolution.winner(name)?.value {
            ValueRef::Text(text) => Some(text.clone()),
            ValueRef::Literal(secret) => Some(secret.expose().to_owned()),
            // Not opened here: a reference in a dotenv file sees plain layers only.
            ValueRef::Vault { .. } | ValueRef::File(_) => None,
        },
        secret: &|name| {
            catalogue::find(name).is_some_and(|spec| spec.secret)
                || declared.contains(name)
                || secretish::name(name)
        },
    };
    dotenv::expand(document, &outside, gather.problems)
}

fn said(entry: Expanded) -> Said {
    Said {
        name: entry.name,
        text: entry.text,
        place: Some(entry.place),
        name_place: None,
        secret: entry.secret,
    }
}
