//! What variables are called.

use super::{File, Findings, Rule};
use crate::settings::names::{Meaning, hint, meaning, near_miss};
use crate::settings::secretish::name_for_message;

/// Lower-case names that programs really read.
const CUSTOMARY: &[&str] = &["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

pub(super) const LOWER_CASE: Rule = Rule {
    code: "lower-case-name",
    doc: "Names are in capitals, as programs expect them.",
    judge: |file, findings| {
        for (line, parts, entry) in file.entries() {
            let name = entry.name.as_str();
            if name.bytes().any(|b| b.is_ascii_lowercase()) && !CUSTOMARY.contains(&name) {
                findings.warn(
                    line,
                    parts.name.start,
                    || "the name has lower-case letters".to_owned(),
                    |p| p.why("by custom names are in capitals, and programs look for them so"),
                );
            }
        }
    },
};

pub(super) const UNKNOWN: Rule = Rule {
    code: "unknown-variable",
    doc: "A name that begins with `ULTRA_` is in the catalogue.",
    judge: |file, findings| {
        for (line, parts, entry) in file.entries() {
            if matches!(meaning(&entry.name), Meaning::UnknownOurs) {
                findings.error(
                    line,
                    parts.name.start,
                    || format!("unknown variable {}", name_for_message(&entry.name)),
                    |p| p.maybe_hint(hint(&entry.name)),
                );
            }
        }
    },
};

pub(super) const NEAR_MISS: Rule = Rule {
    code: "near-miss",
    doc: "A name does not miss one of the catalogue by a letter.",
    judge: |file, findings| {
        for (line, parts, entry) in file.entries() {
            if !matches!(meaning(&entry.name), Meaning::Foreign) {
                continue;
            }
            if let Some(near) = near_miss(&entry.name) {
                findings.warn(
                    line,
                    parts.name.start,
                    || format!("{} is nearly `{near}`", name_for_message(&entry.name)),
                    |p| p.hint(format!("did you mean `{near}`?")),
                );
            }
        }
    },
};

pub(super) const RENAMED: Rule =
    Rule { code: "renamed-variable", doc: "No variable has a former name.", judge: renamed };

fn renamed(file: &File<'_>, findings: &mut Findings<'_>) {
    for (line, parts, entry) in file.entries() {
        if let Meaning::Alias(spec, _) = meaning(&entry.name) {
            findings.warn(
                line,
                parts.name.start,
                || format!("{} is now called `{}`", name_for_message(&entry.name), spec.name),
                |p| p.hint("`ultra env import` renames it"),
            );
        }
    }
}
