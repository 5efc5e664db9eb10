//! What one dotenv file asks for.

use super::said::Veiled;
use super::told::{hook, keys_sent_to};
use crate::settings::Workspace;
use crate::settings::catalogue;
use crate::settings::dotenv::{self, Document};
use crate::settings::hook_names::is_hook;
use crate::settings::names::{self, Meaning};
use crate::settings::trust::{Claims, Destination, Hook, Wanted, value_digest};
use std::collections::BTreeMap;

/// A dotenv file.
pub(in crate::settings) struct File<'a> {
    /// Its name.
    pub(in crate::settings) name: &'a str,
    /// The profile under which alone it counts.
    pub(in crate::settings) profile: Option<&'a str>,
}

/// Whether it has to be agreed to what a dotenv file says under this name.
pub(super) fn is_claimed(name: &str) -> bool {
    is_hook(name)
        || match names::meaning(name) {
            Meaning::Variable(spec) | Meaning::Alias(spec, _) => {
                !keys_sent_to(spec.name).is_empty()
            }
            Meaning::FileOf(_) => true,
            Meaning::UnknownOurs | Meaning::Foreign => false,
        }
}

pub(super) fn in_dotenv_file(
    workspace: &Workspace,
    file: &File<'_>,
    document: &Document,
    veiled: &Veiled<'_>,
    built_in: &BTreeMap<String, String>,
    found: &mut Claims,
) {
    let File { name, profile } = *file;
    // What is agreed to is what stands there, whatever the environment is: a value of this
    // environment only says later that it is the same.
    let outside = dotenv::Outside {
        first: &|name| {
            let environment = &workspace.environment;
            environment.get(name).filter(|_| !veiled.has(name)).map(str::to_owned)
        },
        // What only the program says: no file of the root can change that. Where one says
        // something else, the value is another, and this one speaks of nothing.
        last: &|name| {
            let default = || catalogue::find(name)?.default.map(str::to_owned);
            built_in.get(name).cloned().or_else(default)
        },
        ..dotenv::Outside::NOTHING
    };
    let expanded = dotenv::expand(document, &outside, &mut Vec::new());
    let expanded = expanded.into_iter().filter(|entry| is_claimed(&entry.name));
    let mut now: BTreeMap<String, String> =
        expanded.map(|entry| (entry.name, entry.text)).collect();
    let mut spelled = dotenv::spelled(document, &is_claimed);
    for entry in &document.entries {
        let Some(written) = spelled.remove(&entry.name) else { continue };
        let now = now.remove(&entry.name);
        let profile = profile.map(str::to_owned);
        if is_hook(&entry.name) {
            let hook = hook(workspace, &entry.name, &written, Some(&entry.place));
            let now = now.as_deref().map(value_digest);
            found.hooks.insert(Hook { profile, dotenv: true, now, ..hook });
            continue;
        }
        let (spec, now) = match names::meaning(&entry.name) {
            Meaning::Variable(spec) => (spec, now),
            Meaning::Alias(spec, alias) => (spec, now.and_then(|text| (alias.convert)(&text))),
            Meaning::FileOf(spec) if !written.is_empty() => {
                let live = now.as_ref().is_none_or(|path| !path.is_empty());
                found.wanted.insert(Wanted {
                    profile,
                    file: Some(name.to_owned()),
                    variable: spec.name.to_owned(),
                    reference: file_reference(&written),
                    now,
                    live,
                });
                continue;
            }
            _ => continue,
        };
        found.destinations.insert(Destination {
            profile,
            file: Some(name.to_owned()),
            name: spec.name.to_owned(),
            url: written,
            now,
            keys: keys_sent_to(spec.name),
        });
    }
}

/// How a `NAME_FILE` of a dotenv file is told.
fn file_reference(path: &str) -> String {
    format!("file:{path}")
}
