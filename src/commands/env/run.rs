//! `ultra env run -- CMD`: what a command is started with. Starting it is the last thing that the
//! process does, and so is left to its caller.

use super::gateway::Gateway;
use super::handed::{Handed, Selection, collect};
use crate::base::Secret;
use crate::base::redaction::{Pattern, SHORTEST};
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
    /// The directories in which the program is looked for, as `PATH` has them.
    pub(crate) path: OsString,
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
        let mut masked: BTreeMap<&str, Secret> =
            given.map(|(name, given)| (name.as_str(), given.value.clone())).collect();
        for (name, text) in workspace.environment.iter() {
            let ours = handed.kept.contains(name) || handed.given.contains_key(name);
            if !ours && (secretish::name(name) || secretish::value(text)) {
                masked.insert(name, Secret::new(text));
            }
        }
        patterns(masked, console)
    });
    let application = applications_own(&handed, workspace);
    let path = match handed.given.get("PATH") {
        Some(given) => OsString::from(given.value.expose()),
        None => workspace.environment.get("PATH").unwrap_or_default().into(),
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

/// What to look for, and a warning for what is too short to be looked for.
fn patterns(secrets: BTreeMap<&str, Secret>, console: &dyn Console) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    let mut short = Vec::new();
    for (name, value) in secrets {
        if value.expose().len() < SHORTEST {
            if !value.is_empty() {
                short.push(format!("`{name}`"));
            }
            continue;
        }
        if let Some(password) = password(value.expose()) {
            patterns.push(Pattern { name: name.to_owned(), value: password });
        }
        patterns.push(Pattern { name: name.to_owned(), value });
    }
    if !short.is_empty() {
        console.warn(
            &Problem::warning("short-secret", format!("not redacted: {}", short.join(", ")))
                .why(format!("shorter than {SHORTEST} bytes, which ordinary words are too")),
        );
    }
    patterns
}

/// The password in a URL, which a program may write alone.
fn password(value: &str) -> Option<Secret> {
    let url = url::Url::parse(value).ok()?;
    let encoded = url.password().filter(|password| !password.is_empty())?;
    let bytes = crate::base::redaction::percent_decoded(encoded);
    let password = String::from_utf8(bytes).ok()?;
    (password.len() >= SHORTEST).then(|| Secret::new(password))
}
