//! `--gateway`: the variables that send official clients to our own server.

use super::handed::{Given, Handed};
use crate::base::Secret;
use crate::report::{Console, Fault, Problem};
use crate::settings::service_key::{self, ServiceKey};
use crate::settings::{Layer, Workspace, servers};

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
    /// No server runs (5), or there is no key (2) or none that can be read (5).
    pub(crate) fn find(workspace: &Workspace, console: &dyn Console) -> Result<Self, Fault> {
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
        let key = service_key(workspace)?;
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

/// The key that the caller names, else the one that development has.
fn service_key(workspace: &Workspace) -> Result<ServiceKey, Fault> {
    let found = match service_key::given(workspace)? {
        None => service_key::kept(workspace)?,
        given => given,
    };
    found.ok_or_else(|| {
        Fault::usage(
            Problem::error("no-service-key", "there is no service key for the gateway")
                .why("profiles outside development keep none")
                .hint("ultra auth service-key create, then set `ULTRA_SERVICE_KEY_FILE`"),
        )
    })
}
