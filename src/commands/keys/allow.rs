//! `ultra keys allow NAME --host …`: lets the version in use go to one more destination.

use super::desk::not_confirmed;
use super::{Desk, names};
use crate::report::{Block, Fault, Problem, Report};
use crate::secrets::audit::Event;
use crate::secrets::{Edited, State, destination};
use crate::settings::SecretSource as _;
use serde_json::json;
use std::net::IpAddr;
use url::Url;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name, a variable or its alias.
    pub(crate) name: String,
    /// A host, a host and a port, or a URL.
    pub(crate) host: String,
}

/// Adds the destination to those of the version in use.
///
/// # Errors
/// Unknown name, no entry, no provider's key, or a host that is none (2), the vault cannot be
/// opened or written (5), not confirmed, protected, or a way without encryption (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let key = names::find(desk, &request.name)?;
    let profile = desk.profile();
    let to = destination(&origin(&request.host)?);
    if desk.vault.facts(profile, &key.name).map_err(Fault::unreachable)?.is_none() {
        return Err(desk.no_entry(&key));
    }
    let act = format!("Let `{}` be sent to {to}", key.name);
    desk.may_change(&act)?;
    if !desk.is_protected() {
        match desk.console.confirm(&act) {
            Ok(true) => {}
            Ok(false) => return Err(not_confirmed(&act)),
            Err(unanswered) => return Err(unanswered.fault(&act, "add `--yes` if that is meant")),
        }
    }
    let written = desk.vault.write(None, &format!("keys allow {}", key.name), |document| {
        let entry = document.entry_mut(profile, &key.name);
        let Some(version) = entry.versions.iter_mut().find(|v| v.state == State::Current) else {
            return Err(desk.no_entry(&key));
        };
        let number = version.number;
        if version.bound.iter().chain(&version.allowed).any(|known| *known == to) {
            return Ok(Edited { value: (number, false), events: Vec::new() });
        }
        version.allowed.push(to.clone());
        let event = Event {
            event: "allow".to_owned(),
            profile: profile.to_owned(),
            name: key.name.clone(),
            version: number,
            fingerprint: None,
            detail: Some(to.clone()),
        };
        Ok(Edited { value: (number, true), events: vec![event] })
    })?;
    for warning in &written.warnings {
        desk.console.warn(warning);
    }
    let (version, changed) = written.value;
    let word = if changed { "may now be sent" } else { "could already be sent" };
    let view = vec![Block::text(format!(
        "version {version} of `{}` in profile `{profile}` {word} to {to}",
        key.name
    ))];
    Report::new(
        "ultra.keys.allow/1",
        json!({
            "profile": profile,
            "name": key.name,
            "version": version,
            "destination": to,
            "changed": changed,
            "generation": written.generation,
        }),
        view,
    )
}

/// The URL of a host, with `https` unless a URL says otherwise.
fn origin(host: &str) -> Result<Url, Fault> {
    let wrong = |why: String| {
        Fault::usage(
            Problem::error("no-host", "`--host` names no host")
                .why(why)
                .hint("`--host api.example.com`, `--host api.example.com:8443` or a URL"),
        )
    };
    let text = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let url = Url::parse(&text).map_err(|e| wrong(e.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it has a user or a password in it".to_owned()));
    }
    let loopback = url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => Err(Fault::refused(
            Problem::error("plain-destination", "a key is not sent without encryption")
                .why("`http://` is for addresses of this machine only")
                .hint("use the `https://` address"),
        )),
        other => Err(wrong(format!("its scheme is `{}`", other.escape_debug()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(host: &str) -> Result<String, i32> {
        origin(host).map(|url| destination(&url)).map_err(|fault| fault.status.code().into())
    }

    #[test]
    fn hosts_ports_and_urls_name_destinations() {
        assert_eq!(to("api.example.com"), Ok("https://api.example.com:443".into()));
        assert_eq!(to("api.example.com:8443"), Ok("https://api.example.com:8443".into()));
        assert_eq!(to("https://api.example.com/v1"), Ok("https://api.example.com:443".into()));
        assert_eq!(to("http://127.0.0.1:9/v1"), Ok("http://127.0.0.1:9".into()));
        assert_eq!(to("http://[::1]:9"), Ok("http://[::1]:9".into()));
        assert_eq!(to("http://api.example.com"), Err(6));
        for wrong in ["", "a b", "ftp://h", "https://u:p@h", "h:99999"] {
            assert_eq!(to(wrong), Err(2), "{wrong}");
        }
    }
}
