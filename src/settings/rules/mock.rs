//! No mocks where it counts.

use super::Rule;
use super::view::View;
use crate::report::Problem;

pub(super) const RULE: Rule = Rule {
    id: "mock-in-protected",
    doc: "A protected profile answers from real providers.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    if !view.profile().protected {
        return;
    }
    if let Some(("mock", origin)) = view.text("ULTRA_MODE") {
        problems.push(
            Problem::error(RULE.id, "`ULTRA_MODE` is `mock` in a protected profile")
                .at(origin.place.clone())
                .why(format!("clients would get made-up answers; set by {origin}"))
                .hint(format!("in {} write `mode: real`", view.profile_file())),
        );
    }
}
