//! Texts whose form no type tells: what the server would refuse is refused here, all at once.

use super::Rule;
use super::view::View;
use crate::report::{Level, Problem};
use crate::settings::address;
use crate::settings::catalogue;
use crate::settings::value::{Kind, Value as _};
use std::net::SocketAddr;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

pub(super) const RULE: Rule = Rule {
    id: "malformed-value",
    doc: "Log filters, listeners and addresses of stores have their form, and no time-out is zero.",
    judge,
};

/// Time spans for which zero means "not at all" and makes sense.
const MAY_BE_ZERO: &[&str] = &["ULTRA_DRAIN_TIMEOUT", "ULTRA_AUTH_MAX_STALE"];

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let mut wrong = |name: &str, level: Level, what: &str, why: &str, hint: &str| {
        let problem = Problem { level, ..Problem::error(RULE.id, format!("`{name}` {what}")) };
        problems.push(problem.at(view.place(name)).why(why).hint(hint));
    };
    if let Some((text, origin)) = view.text("RUST_LOG")
        && EnvFilter::try_new(text).is_err()
    {
        let why = format!("expected tracing directives, set by {origin}");
        wrong("RUST_LOG", Level::Error, "is no filter", &why, "RUST_LOG=info");
    }
    if let Some((text, origin)) = view.text("ULTRA_METRICS_ADDR")
        && !text.is_empty()
        && text.parse::<SocketAddr>().is_err()
    {
        let why = format!("expected an IP address with a port, set by {origin}");
        let hint = "ULTRA_METRICS_ADDR=127.0.0.1:9464";
        wrong("ULTRA_METRICS_ADDR", Level::Error, "is no address with a port", &why, hint);
    }
    // The value is never quoted: it may be a password that stands in the wrong place.
    if let Some(url) = view.opened.get("DATABASE_URL")
        && !url.is_empty()
        && !address::database(url.expose())
    {
        let hint = "give it the form `postgres://USER@HOST/DATABASE` or `sqlite:PATH`";
        let why = "expected a `postgres://` or `sqlite:` address";
        wrong("DATABASE_URL", Level::Error, "names no database", why, hint);
    }
    if let Some(url) = view.opened.get("REDIS_URL")
        && !url.is_empty()
        && !address::redis(url.expose())
    {
        let used = view.text("ULTRA_CACHE").is_some_and(|(kind, _)| kind == "redis");
        let level = if used { Level::Error } else { Level::Warning };
        let why = "expected a `redis://` or `rediss://` address";
        let hint = "give it the form `redis://HOST:6379/0`";
        wrong("REDIS_URL", level, "names no Redis server", why, hint);
    }
    for spec in catalogue::all() {
        if spec.kind == Kind::Duration
            && !MAY_BE_ZERO.contains(&spec.name)
            && let Some((text, origin)) = view.text(spec.name)
            && Duration::parse(text).is_some_and(|span| span.is_zero())
        {
            let why = format!("nothing would have the time to happen, set by {origin}");
            let hint = format!("{}={}", spec.name, spec.default.unwrap_or("1s"));
            wrong(spec.name, Level::Error, "is zero", &why, &hint);
        }
    }
}
