//! The service key that a command speaks to a running server with. Whoever asks adds what is to be
//! done if there is none.

use super::Workspace;
use crate::base::{Secret, file};
use crate::report::{Fault, Place, Problem};
use std::path::{Path, PathBuf};

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
