//! # ULT-CFG-010: public URL and allowed origins are fit for the public
//!
//! ## What it checks
//!
//! In a protected profile `ULTRA_PUBLIC_URL`, if set, is `https` and names no loopback or private
//! host, and `ULTRA_CORS_ORIGINS` holds neither `*` nor a local origin.
//!
//! ## Why
//!
//! Links to `localhost`, plain HTTP and origins of developers turn into outages and stolen
//! sessions in production.
//!
//! ## How to fix
//!
//! Set `ULTRA_PUBLIC_URL` to the address that clients use and list each allowed origin in
//! `ULTRA_CORS_ORIGINS` in full.

use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-010",
    group: Group::Config,
    title: "public URL and allowed origins are fit for the public",
    why: "Links to `localhost`, plain HTTP and origins of developers turn into outages and stolen sessions in production.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    config.only_protected()?;
    let settings = config.settings()?;
    let mut wrong = Vec::new();
    if let Some(url) = &settings.server.public_url {
        if url.scheme() != "https" {
            wrong.push(format!("`ULTRA_PUBLIC_URL` is plain `{}`", url.scheme()));
        }
        if url.host_str().is_some_and(is_local) {
            wrong.push("`ULTRA_PUBLIC_URL` names a local host".to_owned());
        }
    }
    for origin in &settings.server.cors_origins.0 {
        let host = url::Url::parse(origin).ok().and_then(|u| u.host_str().map(str::to_owned));
        if origin == "*" || origin == "null" || host.is_some_and(|host| is_local(&host)) {
            wrong.push(format!("`ULTRA_CORS_ORIGINS` allows `{origin}`"));
        }
    }
    let Some(first) = wrong.first() else { return Ok(Judgement::pass("fit for the public")) };
    let judgement = Judgement::fail(first.clone(), "public https addresses only");
    Ok(wrong
        .iter()
        .fold(judgement, |j, what| j.evidence(what.clone(), None))
        .fix("ultra env explain ULTRA_PUBLIC_URL; ultra env explain ULTRA_CORS_ORIGINS"))
}

/// Whether the host is this machine or in a private network (RFC 1918, RFC 4193).
fn is_local(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    match bare.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        Ok(std::net::IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unspecified()
        }
        Err(_) => bare == "localhost" || bare.ends_with(".localhost") || bare.ends_with(".local"),
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().var("ULTRA_CORS_ORIGINS", "https://a.acme.io,http://localhost:3000").facts()
    }
}
