//! # ULT-PROV-010: provider addresses are safe to send keys to
//!
//! ## What it checks
//!
//! Base URLs are `https` unless they name this machine, and none is a link-local address
//! (169.254.0.0/16, fe80::/10).
//!
//! ## Why
//!
//! A base URL on plain HTTP, or one that leads to the metadata service of a cloud, gives keys
//! away.
//!
//! ## How to fix
//!
//! Mend the base URL at the place that is named; `ultra env explain OPENAI_BASE_URL` says where
//! it comes from.

use crate::base::words;
use crate::check::checks::support::prelude::*;
use url::{Host, Url};

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-PROV-010",
    group: Group::Providers,
    title: "provider addresses are safe to send keys to",
    why: "A base URL on plain HTTP, or one that leads to the metadata service of a cloud, gives keys away.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let settings = facts.config.get()?.settings()?;
    let own = settings.profile.providers.iter().map(|(name, p)| (name.as_str(), &p.base_url));
    let variables = settings.providers.addresses();
    let variables = variables.into_iter().filter_map(|(name, url)| Some((name, url.as_ref()?)));
    let mut seen = 0;
    for (name, url) in own.chain(variables) {
        seen += 1;
        if let Some(why) = unsafe_address(url) {
            return Ok(Judgement::fail(
                format!("`{name}`: {why}"),
                "https, and no link-local address",
            )
            .fix("ultra env explain OPENAI_BASE_URL"));
        }
    }
    Ok(match seen {
        0 => Judgement::pass("the known addresses of the providers"),
        n => Judgement::pass(words::count(n, "address")),
    })
}

/// Why no key should be sent there.
fn unsafe_address(url: &Url) -> Option<&'static str> {
    let (local, link_local) = match url.host()? {
        Host::Domain(name) => (name == "localhost" || name.ends_with(".localhost"), false),
        Host::Ipv4(ip) => (ip.is_loopback(), ip.is_link_local()),
        Host::Ipv6(ip) => (ip.is_loopback(), ip.is_unicast_link_local()),
    };
    if link_local {
        return Some("a link-local address");
    }
    (url.scheme() != "https" && !local).then_some("not encrypted")
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().var("OPENAI_BASE_URL", "https://api.openai.com/v1").facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().var("OPENAI_BASE_URL", "http://169.254.169.254/v1").facts()
    }
}
