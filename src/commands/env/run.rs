//! `ultra env run -- CMD`: what a command is started with. Starting it is the last thing that the
//! process does, and so is left to its caller.

use super::gateway::Gateway;
use super::handed::{Handed, Selection, collect};
use super::masked;
use crate::base::Secret;
use crate::base::redaction::Pattern;
use crate::report::{Console, Fault, Problem};
use crate::settings::environment::{self, APPLICATION};
use crate::settings::secret::SecretSource;
use crate::settings::{Layer, Workspace, secretish};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The command and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Only these variables; all if empty.
    pub(crate) only: Vec<String>,
    /// Whether clients are sent to our own server.
    pub(crate) gateway: bool,
    /// Whether secrets are masked in what the command writes.
    pub(crate) redact: bool,
}

/// A command, ready to be started. Everything of the process environment reaches it but what is
/// removed here.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The program.
    pub(crate) program: OsString,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// Variables to set.
    pub(crate) set: BTreeMap<String, Secret>,
    /// Variables to remove.
    pub(crate) remove: Vec<String>,
    /// The directories in which the program is looked for, as `PATH` has them; `None` if that is not
    /// set, or the program was looked for already.
    pub(crate) path: Option<OsString>,
    /// What is masked in its output; `None` if its output is its own.
    pub(crate) redact: Option<Vec<Pattern>>,
}

/// Resolves what the command gets.
///
/// # Errors
/// No command (2), and as [`collect`] and [`Gateway::find`].
pub(crate) fn run(
    request: Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Ready, Fault> {
    let mut words = request.command.into_iter();
    let Some(program) = words.next().filter(|program| !program.is_empty()) else {
        return Err(Fault::usage(
            Problem::error("no-command", "there is no command to run")
                .hint("ultra env run -- CMD ARGS"),
        ));
    };
    let gateway = match request.gateway {
        true => Some(Gateway::find(workspace, secrets, console)?),
        false => None,
    };
    let selection = Selection { only: request.only, secrets: true };
    let handed = collect(&selection, gateway.as_ref(), workspace, secrets, console)?;
    let redact = request.redact.then(|| {
        let given = handed.given.iter().filter(|(_, given)| given.secret);
        let mut secrets: BTreeMap<&str, Secret> =
            given.map(|(name, given)| (name.as_str(), given.value.clone())).collect();
        for (name, text) in workspace.environment.iter() {
            let ours = handed.kept.contains(name) || handed.given.contains_key(name);
            if !ours && (secretish::name(name) || secretish::value(text)) {
                secrets.insert(name, Secret::new(text));
            }
        }
        // What is no text the command inherits as it is, unless a file's value goes in its place.
        let bytes = workspace.environment.broken().filter(|(name, value)| {
            let ours = handed.kept.contains(*name) || handed.given.contains_key(*name);
            let text = || String::from_utf8_lossy(value.expose());
            let declared = handed.secret_bytes.contains(*name);
            !ours && (declared || secretish::name(name) || secretish::value(&text()))
        });
        let bytes = bytes.map(|(name, value)| (name, value.clone())).collect();
        masked::patterns(secrets, bytes, console)
    });
    let application = applications_own(&handed, workspace);
    let path = match handed.given.get("PATH") {
        Some(given) => Some(OsString::from(given.value.expose())),
        None => workspace.environment.get("PATH").map(OsString::from),
    };
    let given = handed.given.into_iter().map(|(name, given)| (name, given.value));
    Ok(Ready {
        program,
        path,
        args: words.collect(),
        set: given.chain(application).collect(),
        remove: handed.kept.into_iter().collect(),
        redact,
    })
}

/// What tells an `ultra` further down that the `ENVIRONMENT` which it finds is the application's,
/// and names no profile.
fn applications_own(handed: &Handed, workspace: &Workspace) -> Option<(String, Secret)> {
    const NAME: &str = "ENVIRONMENT";
    let value = match handed.given.get(NAME) {
        Some(given) => (given.layer != Layer::Flag).then(|| given.value.expose()),
        None => {
            workspace.environment.get(NAME).filter(|_| workspace.environment.is_applications(NAME))
        }
    };
    Some((APPLICATION.to_owned(), Secret::new(environment::stamp(NAME, value?))))
}
