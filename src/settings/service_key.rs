//! The service key that a command speaks to a running server with. Whoever asks adds what is to be
//! done if there is none.

use super::{Workspace, servers};
use crate::base::{Secret, file};
use crate::report::{Fault, Place, Problem};
use std::path::{Path, PathBuf};
use url::Url;

/// The variable that holds a service key.
const VARIABLE: &str = "ULTRA_SERVICE_KEY";

/// The variable that names a file with one.
const FILE: &str = "ULTRA_SERVICE_KEY_FILE";

/// A service key, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct ServiceKey {
    /// The key.
    pub(crate) secret: Secret,
    /// Where it stands.
    pub(crate) source: KeySource,
}

/// Where a service key stands, so that a script can read it there instead of holding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// In this file.
    File(PathBuf),
    /// In this variable of the process environment.
    Variable(&'static str),
}

/// The file of the key that a developer's own server keeps.
pub(crate) fn kept_at(state_dir: &Path) -> PathBuf {
    state_dir.join("dev-key")
}

/// How the name in the store begins of a key that a developer's own server keeps. Behind it stands
/// what tells its state directory from others that share the store.
pub(crate) const KEPT: &str = "dev-key";

/// Whether a key of this name is one that a developer's own server keeps: [`KEPT`] and twelve
/// hexadecimal digits, or alone as all of them were called before.
pub(crate) fn is_kept(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(KEPT) else { return false };
    let short = rest.strip_prefix('-').unwrap_or_default();
    rest.is_empty()
        || (short.len() == 12 && short.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// The key that the caller names, with `ULTRA_SERVICE_KEY` or `ULTRA_SERVICE_KEY_FILE`.
///
/// # Errors
/// Both are set (3), or the file cannot be read (5).
pub(crate) fn given(workspace: &Workspace) -> Result<Option<ServiceKey>, Fault> {
    let get = |name: &str| workspace.environment.get(name).filter(|v| !v.is_empty());
    match (get(VARIABLE), get(FILE)) {
        (Some(_), Some(_)) => Err(Fault::does_not_hold(vec![
            Problem::error("name-and-file", format!("`{VARIABLE}` and `{FILE}` are both set"))
                .hint("unset one of them"),
        ])),
        (Some(key), None) => {
            let source = KeySource::Variable(VARIABLE);
            Ok(Some(ServiceKey { secret: Secret::new(key), source }))
        }
        (None, Some(path)) => read(workspace.current_dir.join(path)).map(Some),
        (None, None) => Ok(None),
    }
}

/// The key that a developer's own server keeps in its state directory.
///
/// # Errors
/// It is there and cannot be read (5).
pub(crate) fn kept(workspace: &Workspace) -> Result<Option<ServiceKey>, Fault> {
    let path = kept_at(&workspace.state_dir);
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

/// The key to ask the server at `url` with: the one that the caller names; else the one that
/// development keeps, for a server that runs here on the workspace's own state directory, and for
/// no other.
///
/// # Errors
/// As [`given`] and [`kept`].
pub(crate) fn for_server(url: &Url, workspace: &Workspace) -> Result<Option<ServiceKey>, Fault> {
    if let Some(given) = given(workspace)? {
        return Ok(Some(given));
    }
    let host = url.host_str().map(|host| host.replace("localhost", "127.0.0.1"));
    let address =
        host.zip(url.port_or_known_default()).map(|(host, port)| format!("{host}:{port}"));
    let ours = url.scheme() == "http"
        && servers::running(&workspace.state_dir)
            .iter()
            .any(|server| address.as_deref() == Some(&*server.reachable()));
    if ours { kept(workspace) } else { Ok(None) }
}

fn read(path: PathBuf) -> Result<ServiceKey, Fault> {
    match file::read_secret(&path) {
        Ok(secret) => Ok(ServiceKey { secret, source: KeySource::File(path) }),
        Err(why) => Err(Fault::unreachable(
            Problem::error("service-key", "cannot read the file of the service key")
                .at(Place::file(&path))
                .why(why),
        )),
    }
}
