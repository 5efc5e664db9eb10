//! No debugging where it counts.

use super::Rule;
use super::view::View;
use crate::report::Problem;

pub(super) const RULE: Rule = Rule {
    id: "debug-in-protected",
    doc: "A protected profile does not run in debug mode.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    if !view.profile().protected {
        return;
    }
    if let Some(("true" | "1", origin)) = view.text("ULTRA_DEBUG") {
        problems.push(
            Problem::error(RULE.id, "`ULTRA_DEBUG` is on in a protected profile")
                .at(origin.place.clone())
                .why(format!("logs would hold more than they may; set by {origin}"))
                .hint("set `ULTRA_DEBUG` to `false`, or take it out"),
        );
    }
}
