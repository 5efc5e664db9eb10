//! `--gateway`: the variables that send official clients to our own server.

use super::handed::{Given, Handed};
use crate::base::Secret;
use crate::report::{Console, Fault, Problem};
use crate::rotation::control::{self, Asked};
use crate::settings::servers::{self, ServerRecord};
use crate::settings::service_key::{self, ServiceKey};
use crate::settings::{Layer, SecretSource, Workspace, load};
use serde_json::Value;

/// A server that runs, and a service key for it.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// `http://host:port`, without a slash at the end.
    pub(crate) url: String,
    /// The key.
    pub(crate) key: ServiceKey,
}

/// The base URLs and keys of the official clients: variable, and what `/v1` it wants.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("OPENAI_BASE_URL", "/v1", "OPENAI_API_KEY"),
    ("ANTHROPIC_BASE_URL", "", "ANTHROPIC_API_KEY"),
];

impl Gateway {
    /// The server that runs on the workspace's state directory under the profile in use, and the
    /// key of `ULTRA_SERVICE_KEY`, `ULTRA_SERVICE_KEY_FILE`, or the one that development has.
    ///
    /// # Errors
    /// No server runs (5), or there is no key (2), none that can be read or none because the server
    /// could not make it (5).
    pub(crate) fn find(
        workspace: &Workspace,
        secrets: &dyn SecretSource,
        console: &dyn Console,
    ) -> Result<Self, Fault> {
        let running = servers::running(&workspace.state_dir);
        let mut ours: Vec<_> =
            running.iter().filter(|server| server.profile == workspace.profile).collect();
        let Some(server) = ours.pop() else {
            let profile = &workspace.profile;
            let mut problem =
                Problem::error("no-gateway", format!("no server runs under profile `{profile}`"))
                    .hint(format!("start one: ultra serve --profile {profile}"));
            if let Some(other) = running.first() {
                problem = problem
                    .why(format!("the one at {} runs under `{}`", other.addr, other.profile));
            }
            return Err(Fault::unreachable(problem));
        };
        if !ours.is_empty() {
            console.note(&format!(
                "{} servers run; the newest is taken: {}",
                ours.len() + 1,
                server.addr
            ));
        }
        let key = match service_key::given(workspace)? {
            None => service_key::kept(workspace)?,
            given => given,
        };
        let key = key.ok_or_else(|| keyless(workspace, secrets, server))?;
        Ok(Self { url: format!("http://{}", server.reachable()), key })
    }

    /// The variables of keys.
    pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
        CLIENTS.iter().map(|(_, _, key)| *key)
    }

    /// Adds the variables, whatever the profile says of them.
    pub(crate) fn hand_on(&self, handed: &mut Handed) {
        let mut give = |name: &str, value: Secret, secret: bool| {
            handed.kept.remove(name);
            handed.left_out.remove(name);
            handed.given.insert(name.to_owned(), Given { value, secret, layer: Layer::Flag });
        };
        for (url, path, key) in CLIENTS {
            give(url, Secret::new(format!("{}{path}", self.url)), false);
            give(key, self.key.secret.clone(), true);
        }
    }
}

/// Why there is no key: a protected profile has none of its own; another's server makes one when it
/// starts, unless it cannot.
fn keyless(workspace: &Workspace, secrets: &dyn SecretSource, server: &ServerRecord) -> Fault {
    let problem = Problem::error("no-service-key", "there is no service key for the gateway");
    let resolution = load(workspace, &workspace.profile, secrets).resolution;
    if resolution.is_some_and(|resolution| resolution.profile.protected) {
        return Fault::usage(
            problem
                .why(format!("`{}` is protected, and such profiles keep none", workspace.profile))
                .hint("ultra auth service-key create, then set `ULTRA_SERVICE_KEY_FILE`"),
        );
    }
    let at = &server.addr;
    let (why, hint) = match away(workspace) {
        Some(why) => (
            format!("the server at {at} could not make one: {why}"),
            "start the server again once that can be reached, or set `ULTRA_SERVICE_KEY_FILE`",
        ),
        None => (
            format!("the server at {at} could not make one when it started, and said why"),
            "start the server again, or set `ULTRA_SERVICE_KEY_FILE`",
        ),
    };
    Fault::unreachable(problem.why(why).hint(hint))
}

/// Why the server cannot reach its store, which has to know a key, in the server's own words.
fn away(workspace: &Workspace) -> Option<String> {
    let away = |health: &Value| {
        if health.get("profile")?.as_str()? != workspace.profile {
            return None;
        }
        let store = health.get("services")?.get("database")?;
        if store.get("status")?.as_str()? == "ok" {
            return None;
        }
        let message = store.get("message").and_then(Value::as_str);
        Some(message.unwrap_or("its store is away").to_owned())
    };
    control::sockets(&workspace.state_dir).iter().find_map(|socket| {
        match control::ask::<Value>(&workspace.state_dir, socket, "GET", "/health") {
            Asked::Answered(health) => away(&health),
            Asked::Nobody | Asked::Silent(_) => None,
        }
    })
}
