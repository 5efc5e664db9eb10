//! `ultra env export`: the variables of a profile as code for a shell, or as JSON or dotenv; and
//! `--undo`, which brings back exactly what was there before.
//!
//! The code for a shell keeps what it replaces in variables of the shell that are not exported,
//! and defines `__ultra_undo`. Undoing touches a variable only if it still has the value that the
//! export gave it. An export begins by undoing the one before it, so they never pile up.

mod fish;
mod nu;
mod posix;
mod pwsh;
mod reserved;

use super::super::on_record::Act;
use super::gateway::Gateway;
use super::handed::{Given, Handed, Selection, collect};
use crate::report::{Block, Console, Fault, Problem, Report};
use crate::secrets::VaultSource;
use crate::settings::environment::{EXPORTED, Environment};
use crate::settings::service_key::KeySource;
use crate::settings::{Layer, Workspace, dotenv};
use serde_json::{Map, Value as Json};

/// Who reads the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// Any POSIX shell: dash, ash, ksh.
    Posix,
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// PowerShell 7.
    Pwsh,
    /// Nushell.
    Nu,
    /// One JSON object.
    Json,
    /// A dotenv file.
    Dotenv,
}

impl Shell {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Pwsh => "pwsh",
            Self::Nu => "nu",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
        }
    }

    /// Whether it is a program with an environment of its own.
    fn runs(self) -> bool {
        !matches!(self, Self::Json | Self::Dotenv)
    }
}

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// Who reads it.
    pub(crate) shell: Shell,
    /// Only these variables; all if empty.
    pub(crate) only: Vec<String>,
    /// Whether secrets are written too.
    pub(crate) with_secrets: bool,
    /// Whether clients are sent to our own server.
    pub(crate) gateway: bool,
    /// Whether the last export is to be taken back.
    pub(crate) undo: bool,
    /// Whether a person would see the answer.
    pub(crate) terminal: bool,
}

/// One variable to set.
struct Line<'a> {
    name: &'a str,
    value: Value<'a>,
    /// Whether the shell had it exported before any export of ours.
    exported: bool,
}

/// A value, or how the shell comes by it.
enum Value<'a> {
    Text(&'a str),
    /// The content of a file without its last newline.
    File(&'a str),
    /// The value of another variable.
    Variable(&'static str),
}

/// Answers with the code.
///
/// # Errors
/// Secrets would be shown on a terminal (6); a value that the shell cannot hold (3); as
/// [`collect`] and [`Gateway::find`].
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &VaultSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let shell = request.shell;
    if request.undo {
        let text = undo(shell)?;
        let data = serde_json::json!({"shell": shell.name(), "script": text});
        return Report::new("ultra.env.export-undo/1", data, vec![Block::Verbatim(text)]);
    }
    if request.with_secrets && request.terminal {
        return Err(Fault::refused(
            Problem::error("secrets-on-terminal", "secrets are not written to a terminal").hint(
                format!("eval \"$(ultra env export --with-secrets --shell {})\"", shell.name()),
            ),
        ));
    }
    let gateway = match request.gateway {
        true => Some(Gateway::find(workspace, secrets, console)?),
        false => None,
    };
    let selection = Selection { only: request.only.clone(), secrets: request.with_secrets };
    let mut handed = collect(&selection, gateway.as_ref(), workspace, secrets, console)?;
    if shell.runs() {
        // The shell has these already.
        handed.given.retain(|_, given| given.layer != Layer::Process);
    } else if gateway.is_some() && !request.with_secrets {
        for key in Gateway::keys() {
            handed.given.remove(key);
            handed.left_out.insert(key.to_owned());
        }
    }
    let stamps: Vec<String> = handed
        .given
        .iter()
        .map(|(name, given)| workspace.environment.stamp(name, given.value.expose()))
        .collect();
    let note = Environment::export_note(&workspace.profile, &stamps);
    let mut lines = lines(&handed, gateway.as_ref(), shell, workspace)?;
    lines.push(Line { name: EXPORTED, value: Value::Text(&note), exported: true });
    let text = match shell {
        Shell::Json => json(&handed),
        Shell::Dotenv => dotenv(&handed)?,
        _ => script(shell, &lines, &handed, workspace)?,
    };
    on_record(&handed, shell, workspace, secrets, console);
    if !handed.left_out.is_empty() {
        let names: Vec<&str> = handed.left_out.iter().map(String::as_str).collect();
        console.note(&format!("secrets left out (--with-secrets): {}", names.join(", ")));
    }
    let names: Vec<&str> = handed.given.keys().map(String::as_str).collect();
    let data = serde_json::json!({
        "profile": workspace.profile,
        "shell": shell.name(),
        "names": names,
        "left_out": handed.left_out,
        "script": text,
    });
    Report::new("ultra.env.export/1", data, vec![Block::Verbatim(text)])
}

/// Has the audit know whose values leave the vault so.
fn on_record(
    handed: &Handed,
    shell: Shell,
    workspace: &Workspace,
    vault: &VaultSource,
    console: &dyn Console,
) {
    const MOST: usize = 40;
    let out = |name: &&String| handed.given.contains_key(*name);
    let names: Vec<&str> = handed.from_vault.iter().filter(out).map(String::as_str).collect();
    if names.is_empty() {
        return;
    }
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let detail =
        format!("{}: {}{more}", shell.name(), names.get(..MOST).unwrap_or(&names).join(", "));
    let act = Act { kind: "exported", name: "*".to_owned(), detail };
    act.note(vault, workspace, console);
}

/// The variables for a shell, all of which it can hold.
fn lines<'a>(
    handed: &'a Handed,
    gateway: Option<&'a Gateway>,
    shell: Shell,
    workspace: &Workspace,
) -> Result<Vec<Line<'a>>, Fault> {
    let mut problems = Vec::new();
    let mut lines = Vec::new();
    for (name, given) in &handed.given {
        if let Some(why) = refusal(shell, name, given) {
            problems.push(
                Problem::error("cannot-hold", format!("{} cannot hold `{name}`", shell.name()))
                    .why(why)
                    .hint("leave it out with `--only`, or use `ultra env run`"),
            );
        }
        let key = gateway.filter(|_| Gateway::keys().any(|key| key == name));
        let value = match key.map(|gateway| &gateway.key.source) {
            Some(KeySource::Variable(variable)) => Value::Variable(variable),
            Some(KeySource::File(path)) => match path.to_str() {
                Some(path) => Value::File(path),
                None => Value::Text(given.value.expose()),
            },
            None => Value::Text(given.value.expose()),
        };
        lines.push(Line { name, value, exported: workspace.environment.exports(name) });
    }
    if problems.is_empty() { Ok(lines) } else { Err(Fault::does_not_hold(problems)) }
}

/// Why a shell cannot hold a variable.
fn refusal(shell: Shell, name: &str, given: &Given) -> Option<&'static str> {
    if shell != Shell::Json && !dotenv::is_name(name) {
        return Some("it is no name for a variable there");
    }
    if reserved::is(shell, name) {
        return Some("that name is its own");
    }
    if shell == Shell::Pwsh && given.value.is_empty() {
        return Some("an empty value removes the variable there");
    }
    None
}

fn script(
    shell: Shell,
    lines: &[Line<'_>],
    handed: &Handed,
    workspace: &Workspace,
) -> Result<String, Fault> {
    let mut out = format!(
        "# ultra env export --shell {}: profile {}\n",
        shell.name(),
        workspace.profile.escape_debug()
    );
    for name in &handed.left_out {
        out.push_str(&format!("# {name}: a secret, left out (--with-secrets)\n"));
    }
    match shell {
        Shell::Posix | Shell::Bash | Shell::Zsh => posix::export(&mut out, lines),
        Shell::Fish => fish::export(&mut out, lines),
        Shell::Pwsh => pwsh::export(&mut out, lines),
        Shell::Nu => nu::export(&mut out, lines),
        Shell::Json | Shell::Dotenv => return Err(Fault::bug("no shell")),
    }
    Ok(out)
}

fn undo(shell: Shell) -> Result<String, Fault> {
    Ok(match shell {
        Shell::Posix | Shell::Bash | Shell::Zsh => posix::UNDO.to_owned(),
        Shell::Fish => fish::UNDO.to_owned(),
        Shell::Pwsh => pwsh::UNDO.to_owned(),
        Shell::Nu => nu::undo(),
        Shell::Json | Shell::Dotenv => {
            return Err(Fault::usage(
                Problem::error(
                    "nothing-to-undo",
                    format!("`--undo` is for shells; {} sets nothing", shell.name()),
                )
                .hint("ultra env export --undo --shell posix"),
            ));
        }
    })
}

fn json(handed: &Handed) -> String {
    let value = |given: &Given| Json::from(given.value.expose());
    let map: Map<String, Json> =
        handed.given.iter().map(|(name, given)| (name.clone(), value(given))).collect();
    format!("{:#}\n", Json::Object(map))
}

/// A dotenv file that other programs read as it is meant.
///
/// # Errors
/// Values that have no form which all of them read alike (3).
fn dotenv(handed: &Handed) -> Result<String, Fault> {
    let mut out = String::new();
    let mut problems = Vec::new();
    for name in &handed.left_out {
        out.push_str(&format!("# {name}: a secret, left out (--with-secrets)\n"));
    }
    for (name, given) in &handed.given {
        match dotenv::portable(given.value.expose()) {
            Ok(form) => out.push_str(&format!("{name}={form}\n")),
            Err(why) => problems.push(why.problem(name).hint("ultra env export --shell json")),
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(Fault::does_not_hold(problems)) }
}
