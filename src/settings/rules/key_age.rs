//! Keys are replaced in time.

use super::Rule;
use super::view::View;
use crate::base::time;
use crate::report::Problem;
use crate::settings::key_age::{self, KeyAge};
use crate::settings::secret::ValueRef;

pub(super) const RULE: Rule = Rule {
    id: "key-age",
    doc: "Keys in the vault are not older than the policy allows; from 80 % of that age on it warns.",
    judge,
};

/// An old key is never an error here: it still works, and refusing to start would turn a reminder
/// into an outage.
fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    for name in view.resolution.names() {
        let Some(ValueRef::Vault { profile, name: entry }) =
            view.resolution.winner(name).map(|winner| &winner.value)
        else {
            continue;
        };
        let Some(limit) = key_age::limit(view.profile(), name) else { continue };
        let Ok(Some(facts)) = view.secrets.facts(profile, entry) else { continue };
        let age = view.workspace.clock.now().as_second() - facts.created_at.as_second();
        let limit = limit.as_secs();
        let what = match KeyAge::of(age, limit) {
            KeyAge::Fine => continue,
            KeyAge::Over => {
                format!("`{name}` is {} old, older than the policy allows", time::human(age))
            }
            KeyAge::Due => format!("`{name}` is {} old and soon to be replaced", time::human(age)),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        problems.push(
            Problem::warning(RULE.id, what)
                .why(format!("the greatest age is {}", time::human(limit)))
                .hint(format!("ultra keys rotate {entry} --profile {profile}")),
        );
    }
}
