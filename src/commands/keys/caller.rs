//! The service key with which this machine speaks to a server, and what that server says of it.

use super::judged::Verdict;
use crate::base::redact;
use crate::report::{Console, Fault, Problem};
use crate::serve::auth;
use crate::settings::service_key::{self, KeySource, ServiceKey};
use crate::settings::{Workspace, servers};
use crate::smoke::{Call, Client, Exchange};
use std::time::Duration;
use url::Url;

/// What the key is called among the names of keys.
pub(crate) const NAME: &str = "service-key";

/// How long one answer may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Whether the name means the service key of this machine.
pub(super) fn is_meant(name: &str) -> bool {
    [NAME, "ULTRA_SERVICE_KEY", "ULTRA_SERVICE_KEY_FILE"].contains(&name)
}

/// A service key and the server that it is to open.
pub(super) struct Caller {
    url: Url,
    key: ServiceKey,
}

/// The service key of this machine for the server at `url`, else for the one that runs on this state
/// directory.
///
/// # Errors
/// No server is named and none runs here (5), there is no key (2), or it cannot be read (3, 5).
pub(super) fn key(url: Option<&Url>, workspace: &Workspace) -> Result<Caller, Fault> {
    let url = match url {
        Some(url) => url.clone(),
        None => running(workspace).ok_or_else(|| {
            Fault::unreachable(
                Problem::error("no-server", "there is no server to ask about the service key")
                    .why("none runs on this state directory, and none was named")
                    .hint("ultra keys verify service-key --url URL"),
            )
        })?,
    };
    match service_key::for_server(&url, workspace)? {
        Some(key) => Ok(Caller { url, key }),
        None => Err(Fault::usage(
            Problem::error("no-service-key", "there is no service key to verify")
                .hint("set ULTRA_SERVICE_KEY_FILE to a file with the key"),
        )),
    }
}

fn running(workspace: &Workspace) -> Option<Url> {
    let servers = servers::running(&workspace.state_dir);
    // Of several, one of the profile in use, and of these the one that started last.
    let of = |profile: &str| servers.iter().rfind(|server| server.profile == profile);
    let server = of(&workspace.profile).or(servers.last())?;
    Url::parse(&format!("http://{}", server.reachable())).ok()
}

/// The fault of a server that is named for a key that no server is asked about (2).
pub(super) fn no_server_asked(name: &str) -> Fault {
    let name = crate::settings::secretish::name_for_message(name);
    Fault::usage(
        Problem::error("url-of-no-use", format!("no ultra server is asked about {name}"))
            .hint("leave out `--url`; with it: `ultra keys verify service-key --url URL`"),
    )
}

impl Caller {
    /// Where the key stands.
    pub(super) fn source(&self) -> String {
        match &self.key.source {
            KeySource::File(path) => path.display().to_string(),
            KeySource::Variable(name) => format!("process environment, `{name}`"),
        }
    }

    /// Where the server is, without credentials.
    pub(super) fn at(&self) -> String {
        redact::url(self.url.as_str()).trim_end_matches('/').to_owned()
    }

    /// What the server says of the key. It is shown only to what has answered as an ultra server
    /// does, and only if it has the form of a service key at all: a key of a provider is none of
    /// the server's business.
    pub(super) fn judged(&self, console: &dyn Console) -> Verdict {
        let Some(id) = auth::id_of(&self.key.secret) else {
            let why = "it has not the form of a service key, so it was sent nowhere".to_owned();
            return Verdict::Refused { status: None, why };
        };
        let _progress = console.progress(&format!("asking {}", self.at()));
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(e) => return Verdict::Unverified(format!("cannot start: {e}")),
        };
        runtime.block_on(self.ask(id))
    }

    async fn ask(&self, id: &str) -> Verdict {
        let client = match Client::new(self.url.clone(), Some(self.key.secret.clone())) {
            Ok(client) => client,
            Err(why) => return Verdict::Unverified(why.to_string()),
        };
        match client.send(&Call::get("/api/health/live").within(DEADLINE)).await {
            Ok(live) if live.is_ours() => {}
            Ok(other) => {
                let manner = other.manner();
                return Verdict::Unverified(format!("it is no ultra server: it answers {manner}"));
            }
            Err(why) => return Verdict::Unverified(why.to_string()),
        }
        match client.send(&Call::get("/api/auth/me").with_key().within(DEADLINE)).await {
            Ok(answer) => said(&answer, id),
            Err(why) => Verdict::Unverified(why.to_string()),
        }
    }
}

/// What an answer of `GET /api/auth/me` says of the key with this id.
fn said(answer: &Exchange, id: &str) -> Verdict {
    match answer.status {
        200 => match note(answer, id) {
            Some(note) => Verdict::Accepted { models: None, note },
            None => Verdict::Unverified("its answer is not understood".to_owned()),
        },
        status @ 401 => {
            Verdict::Refused { status: Some(status), why: format!("answers {}", answer.summary()) }
        }
        429 => {
            let seconds = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
            Verdict::RateLimited { retry_after: seconds }
        }
        _ => Verdict::Unverified(format!("it answers {}", answer.summary())),
    }
}

/// Whom the server takes the key for; `None` if it speaks of another key, or of none.
fn note(answer: &Exchange, id: &str) -> Option<String> {
    let json = answer.json()?;
    if json.get("id")?.as_str()? != id {
        return None;
    }
    let scopes = json.get("scopes")?.as_array()?.iter().filter_map(|scope| scope.as_str());
    let scopes = scopes.collect::<Vec<_>>().join(" ");
    let name = json.get("name")?.as_str()?;
    let plain = |text: &str| text.chars().all(|c| !c.is_control()) && text.len() <= 400;
    (plain(name) && plain(&scopes)).then(|| format!("`{name}` ({id}), scopes {scopes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Exchange {
        Exchange {
            request: String::new(),
            status,
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: body.to_owned(),
            latency: Duration::ZERO,
            first_byte: Duration::ZERO,
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let me = r#"{"id":"abc","name":"ci","scopes":["read","admin"],"credential":"service-key"}"#;
        let good = Verdict::Accepted { models: None, note: "`ci` (abc), scopes read admin".into() };
        assert_eq!(said(&answer(200, &[], me), "abc"), good);
        for body in ["", "{}", r#"{"id":"abc"}"#, "<html>"] {
            assert!(
                matches!(said(&answer(200, &[], body), "abc"), Verdict::Unverified(_)),
                "{body}"
            );
        }
        assert!(matches!(said(&answer(200, &[], me), "other"), Verdict::Unverified(_)));
        let refused = answer(401, &[], r#"{"error":{"code":"api_key_revoked"}}"#);
        let why = "answers 401 api_key_revoked".to_owned();
        assert_eq!(said(&refused, "abc"), Verdict::Refused { status: Some(401), why });
        let later = answer(429, &[("retry-after", "7")], "");
        assert_eq!(said(&later, "abc"), Verdict::RateLimited { retry_after: Some(7) });
        for status in [302, 403, 404, 500, 503] {
            assert!(matches!(said(&answer(status, &[], me), "abc"), Verdict::Unverified(_)));
        }
    }
}
