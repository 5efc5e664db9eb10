//! Rules: what must hold of settings beyond their types. One file a rule.

mod cors;
mod debug;
mod form;
mod key_age;
mod literal;
mod mock;
mod own_listener;
pub(crate) mod placeholder;
mod provider_key;
mod provider_url;
mod public_url;
mod real_mode;
mod required;
mod routes;
mod shared;
mod store;
mod view;
mod weak;

pub(crate) use view::Depth;
use view::View;

use super::Workspace;
use super::resolution::Resolution;
use super::secret::SecretSource;
use crate::report::Problem;

/// Something that must hold.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// The code of its problems.
    pub(crate) id: &'static str,
    /// What it demands, in a sentence.
    pub(crate) doc: &'static str,
    /// Reports where it does not hold.
    judge: fn(&View<'_>, &mut Vec<Problem>),
}

/// Every rule, in the order of their reports.
pub(crate) const RULES: &[Rule] = &[
    form::RULE,
    required::RULE,
    mock::RULE,
    debug::RULE,
    store::RULE,
    public_url::RULE,
    cors::RULE,
    real_mode::RULE,
    routes::RULE,
    provider_key::RULE,
    provider_url::RULE,
    provider_url::NOWHERE,
    own_listener::RULE,
    placeholder::RULE,
    weak::RULE,
    shared::RULE,
    literal::RULE,
    key_age::RULE,
];

/// Judges by every rule; answers how many errors say that a secret could not be opened.
pub(super) fn judge(
    workspace: &Workspace,
    resolution: &Resolution,
    secrets: &dyn SecretSource,
    depth: Depth,
    problems: &mut Vec<Problem>,
) -> usize {
    let view = View::open(workspace, resolution, secrets, depth, problems);
    for rule in RULES {
        (rule.judge)(&view, problems);
    }
    view.unverified
}
