//! PostgreSQL where the policy wants it.

use super::Rule;
use super::required::supply;
use super::view::View;
use crate::report::Problem;
use crate::settings::catalogue;

pub(super) const RULE: Rule = Rule {
    id: "postgres-required",
    doc: "The store is PostgreSQL where the profile's policy says so.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    if !view.profile().policy.require_postgres {
        return;
    }
    let problem = |what: &str| {
        let hint = catalogue::find("DATABASE_URL").map(|spec| supply(spec, view));
        Problem::error(RULE.id, what)
            .why(format!("`policy.require_postgres` of `{}`", view.profile().name))
            .maybe_hint(hint)
    };
    if view.resolution.winner("DATABASE_URL").is_none() {
        problems.push(problem("`DATABASE_URL` is not set, and the embedded SQLite is not enough"));
    } else if let Some(url) = view.opened.get("DATABASE_URL") {
        let scheme = url.expose().split(':').next().unwrap_or_default();
        if !matches!(scheme, "postgres" | "postgresql") {
            problems.push(
                problem("`DATABASE_URL` names no PostgreSQL database")
                    .at(view.place("DATABASE_URL"))
                    .hint("give it the form `postgres://USER@HOST/DATABASE?sslmode=verify-full`"),
            );
        }
    }
}
