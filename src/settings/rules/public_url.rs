//! The public URL is one that clients can reach safely.

use super::Rule;
use super::view::View;
use crate::report::Problem;
use url::Url;

pub(super) const RULE: Rule = Rule {
    id: "public-url",
    doc: "The public URL of a protected profile is `https` and not this machine.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let Some((text, origin)) = view.text("ULTRA_PUBLIC_URL") else { return };
    let Ok(url) = Url::parse(text) else { return };
    if !view.profile().protected {
        return;
    }
    let problem = |what: &str| {
        Problem::error(RULE.id, what)
            .at(origin.place.clone())
            .why(format!("set by {origin}"))
            .hint("give it the `https://` address that clients use")
    };
    if url.scheme() == "http" {
        problems
            .push(problem("`ULTRA_PUBLIC_URL` is plain http: keys and prompts would be readable"));
    }
    if url.host_str().is_some_and(is_local) {
        problems.push(problem("`ULTRA_PUBLIC_URL` is this machine"));
    }
}

/// Whether a host is this machine.
pub(super) fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}
