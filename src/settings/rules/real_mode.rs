//! Real answers need a key.

use super::Rule;
use super::view::View;
use crate::report::Problem;

pub(super) const RULE: Rule = Rule {
    id: "real-without-key",
    doc: "Mode `real` has the key of at least one provider, or one that needs none.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let has = |key: &String| view.resolution.winner(key).is_some();
    let mut providers = view.profile().providers.values();
    // One that names no key needs none.
    let usable = providers.any(|p| p.keys.is_empty() || p.keys.iter().any(has));
    if view.real() && !usable {
        problems.push(
            view.problem(&RULE, "mode is `real`, and no provider has a key")
                .at(view.place("ULTRA_MODE"))
                .why("no request for a model could be answered")
                .hint(format!("ultra keys set openai --profile {}", view.profile().name)),
        );
    }
}
