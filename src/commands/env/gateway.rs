//! `--gateway`: the variables that send official clients to our own server.

use super::handed::{Given, Handed};
use crate::base::{Secret, file};
use crate::report::{Console, Fault, Place, Problem};
use crate::settings::{Layer, Workspace, servers};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// A server that runs, and a service key for it.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// `http://host:port`, without a slash at the end.
    pub(crate) url: String,
    /// The key.
    pub(crate) key: Secret,
    /// Where the key stands.
    pub(crate) key_source: KeySource,
}

/// Where a service key stands, so that a script can read it there instead of holding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// In this file.
    File(PathBuf),
    /// In this variable of the process environment.
    Variable(&'static str),
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
        let (key, key_source) = service_key(workspace)?;
        Ok(Self { url: format!("http://{}", reachable(&server.addr)), key, key_source })
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
            give(key, self.key.clone(), true);
        }
    }
}

/// An address to connect to: a server that listens everywhere is here too.
fn reachable(addr: &str) -> String {
    match addr.parse::<SocketAddr>() {
        Ok(socket) if socket.ip().is_unspecified() => {
            let local: IpAddr = match socket.ip() {
                IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            SocketAddr::new(local, socket.port()).to_string()
        }
        _ => addr.to_owned(),
    }
}

fn service_key(workspace: &Workspace) -> Result<(Secret, KeySource), Fault> {
    let get = |name: &str| workspace.environment.get(name).filter(|v| !v.is_empty());
    let dev = workspace.state_dir.join("dev-key");
    let path = match (get("ULTRA_SERVICE_KEY"), get("ULTRA_SERVICE_KEY_FILE")) {
        (Some(_), Some(_)) => {
            let what = "`ULTRA_SERVICE_KEY` and `ULTRA_SERVICE_KEY_FILE` are both set";
            let problem = Problem::error("name-and-file", what).hint("unset one of them");
            return Err(Fault::does_not_hold(vec![problem]));
        }
        (Some(key), None) => {
            return Ok((Secret::new(key), KeySource::Variable("ULTRA_SERVICE_KEY")));
        }
        (None, Some(path)) => workspace.current_dir.join(path),
        (None, None) if dev.exists() => dev,
        (None, None) => {
            return Err(Fault::usage(
                Problem::error("no-service-key", "there is no service key for the gateway")
                    .why("profiles outside development keep none")
                    .hint("ultra auth service-key create, then set `ULTRA_SERVICE_KEY_FILE`"),
            ));
        }
    };
    match file::read_secret(&path) {
        Ok(key) => Ok((key, KeySource::File(path))),
        Err(why) => Err(Fault::unreachable(
            Problem::error("service-key", "cannot read the file of the service key")
                .at(Place::file(&path))
                .why(why),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn a_server_that_listens_everywhere_is_here_too() {
        assert_eq!(reachable("0.0.0.0:8000"), "127.0.0.1:8000");
        assert_eq!(reachable("[::]:8000"), "[::1]:8000");
        assert_eq!(reachable("127.0.0.1:8085"), "127.0.0.1:8085");
    }
}
