//! Variables that must be set.

use super::Rule;
use super::view::View;
use crate::report::Problem;
use crate::settings::catalogue::{self, Need, VarSpec};

pub(super) const RULE: Rule = Rule {
    id: "missing-variable",
    doc: "A variable that the profile or another variable needs has a value.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    for spec in catalogue::all() {
        let why = match spec.need {
            Need::Optional => continue,
            Need::Protected if view.profile().protected => {
                format!("`{}` is a protected profile", view.profile().name)
            }
            Need::Protected => continue,
            Need::When { var, is } => match view.text(var) {
                Some((text, origin)) if text == is => format!("`{var}` is `{is}`, set by {origin}"),
                _ => continue,
            },
        };
        if view.resolution.winner(spec.name).is_none() {
            problems.push(
                Problem::error(RULE.id, format!("`{}` is not set", spec.name))
                    .why(why)
                    .hint(supply(spec, view)),
            );
        }
    }
}

/// How to supply a value, as a command or a line that can be pasted.
pub(super) fn supply(spec: &VarSpec, view: &View<'_>) -> String {
    let name = spec.name;
    match (spec.secret, spec.vault) {
        (true, Some(entry)) => format!(
            "`ultra keys set {entry} --profile {}`, or set `{name}` or `{name}_FILE` in the process environment",
            view.profile().name
        ),
        (true, None) => format!("set `{name}` or `{name}_FILE` in the process environment"),
        (false, _) => {
            let example = spec.example.or(spec.default).unwrap_or("…");
            format!(
                "in {} under `vars:` write `{name}: {example}` with your own value",
                view.profile_file()
            )
        }
    }
}
