//! One secret, one purpose.

use super::Rule;
use super::view::View;
use crate::report::Problem;
use crate::settings::catalogue;

pub(super) const RULE: Rule =
    Rule { id: "shared-secret", doc: "No two variables hold the same secret.", judge };

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let mut secrets: Vec<(&str, &crate::base::Secret)> = view
        .opened
        .iter()
        .filter(|(name, value)| catalogue::find(name).is_some() && !value.is_empty())
        .map(|(name, value)| (*name, value))
        .collect();
    // Neighbours after sorting are the same; each group is told once per further name.
    secrets.sort_by(|a, b| a.1.expose().cmp(b.1.expose()).then(a.0.cmp(b.0)));
    for pair in secrets.windows(2) {
        let [(first, a), (second, b)] = pair else { continue };
        if a.same_as(b) {
            problems.push(
                view.problem(&RULE, format!("`{first}` and `{second}` hold the same secret"))
                    .at(view.place(second))
                    .why("whoever learns one has both")
                    .hint("give each its own"),
            );
        }
    }
}
