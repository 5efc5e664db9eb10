//! Completion: the scripts of the shells, and the names that they ask this program for.
//!
//! A script calls `ultra __complete INDEX -- WORD…` and gets one candidate a line, with what it
//! means behind a tab. That call says nothing else, fails never, takes no lock, writes nothing and
//! opens no vault.

mod names;

use crate::cli::Cli;
use crate::commands::keys::SERVICE_KEY;
use clap::builder::{StyledStr, ValueHint};
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, complete,
};
use names::{Name, Names};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::sync::Arc;

/// The word behind the program's name that asks for candidates.
const ASKS: &str = "__complete";

/// More candidates than this help nobody.
const MOST: usize = 1000;

/// The script of a shell.
pub(super) fn script(shell: Shell) -> Option<&'static str> {
    match shell {
        Shell::Bash => Some(include_str!("ultra.bash")),
        Shell::Zsh => Some(include_str!("_ultra")),
        Shell::Fish => Some(include_str!("ultra.fish")),
        Shell::PowerShell => Some(include_str!("_ultra.ps1")),
        Shell::Elvish => Some(include_str!("ultra.elv")),
        _ => None,
    }
}

/// The candidates, one a line, if the command line asks for them; `None` for any other command.
/// What cannot be understood has none.
pub(super) fn asked(args: impl IntoIterator<Item = OsString>) -> Option<String> {
    let mut args = args.into_iter().skip(1);
    if args.next()? != ASKS {
        return None;
    }
    let index = args.next().and_then(|index| index.to_str()?.parse::<usize>().ok());
    let words: Vec<OsString> = args.skip_while(|word| word != "--").skip(1).collect();
    Some(index.map_or_else(String::new, |index| candidates(words, index)))
}

fn candidates(mut words: Vec<OsString>, index: usize) -> String {
    // What stands behind the cursor says nothing; an empty last word may not have come through.
    let Some(count) = index.checked_add(1) else { return String::new() };
    words.truncate(count);
    if words.len() == index {
        words.push(OsString::new());
    }
    if index == 0 || words.len() != count {
        return String::new();
    }
    let names = Arc::new(Names::of(&words));
    let begun = words.last().is_some_and(|word| !word.is_empty());
    // Arguments of subcommands are there only once the tree is built.
    let mut command = Cli::command();
    command.build();
    let mut command = naming(command, &names);
    let here = std::env::current_dir().ok();
    let found = complete(&mut command, words, index, here.as_deref()).unwrap_or_default();
    let is_flag = |c: &&CompletionCandidate| c.get_value().to_string_lossy().starts_with("--");
    // Flags are offered to whoever begins one, or where there is nothing else.
    let all = begun || found.iter().all(|c| is_flag(&c));
    let mut out = String::new();
    for candidate in found.iter().filter(|c| all || !is_flag(c)).take(MOST) {
        // A line or a tab in a file's name would be another candidate.
        let Some(value) = candidate.get_value().to_str().filter(|v| !v.contains(char::is_control))
        else {
            continue;
        };
        let _ = match candidate.get_help().map(ToString::to_string) {
            Some(help) if !help.trim().is_empty() => {
                let first = help.lines().next().unwrap_or_default().replace('\t', " ");
                writeln!(out, "{value}\t{first}")
            }
            _ => writeln!(out, "{value}"),
        };
    }
    out
}

/// The command line with sources of names at the arguments that take some, by what the argument's
/// value is called in the help.
fn naming(command: Command, names: &Arc<Names>) -> Command {
    under(command, "", names)
}

fn under(command: Command, path: &str, names: &Arc<Names>) -> Command {
    let subcommands: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command.mut_args(|arg| named(arg, path, names));
    for sub in subcommands {
        let below = format!("{path} {sub}");
        command = command.mut_subcommand(sub, |sub| under(sub, below.trim(), names));
    }
    command
}

fn named(arg: Arg, path: &str, names: &Arc<Names>) -> Arg {
    let called = arg.get_value_names().and_then(|all| all.first()).map(ToString::to_string);
    let group = path.split(' ').next().unwrap_or_default();
    match (group, called.as_deref().unwrap_or_default()) {
        ("env", "PROFILE") if path == "env switch" && arg.is_positional() => {
            arg.add(offer(names, |names| {
                let before = Name::new("-", "the profile before this one");
                names.profiles().into_iter().chain([before]).collect()
            }))
        }
        (_, "PROFILE") => arg.add(offer(names, Names::profiles)),
        ("env", "NAME" | "NAMES" | "VARIABLE") => arg.add(offer(names, Names::variables)),
        ("keys", "NAME") if path == "keys verify" => arg.add(offer(names, |names| {
            let own = Name::new(SERVICE_KEY, "the service key of this machine, at a server");
            names.keys().into_iter().chain([own]).collect()
        })),
        ("keys", "NAME") => arg.add(offer(names, Names::keys)),
        ("models", "NAME") => arg.add(offer(names, Names::models)),
        ("check", "CHECK" | "ID") => arg.add(offer(names, Names::checks)),
        ("env", "A" | "B") => arg.add(offer_or_path(names, Names::profiles)),
        ("env", "TEMPLATE") => arg.add(offer_or_path(names, Names::templates)),
        (_, "FILE" | "PATH") if arg.get_value_hint() == ValueHint::Unknown => {
            arg.value_hint(ValueHint::AnyPath)
        }
        _ => arg,
    }
}

fn offer(names: &Arc<Names>, which: fn(&Names) -> Vec<Name>) -> ArgValueCandidates {
    let names = Arc::clone(names);
    ArgValueCandidates::new(move || which(&names).into_iter().map(candidate).collect::<Vec<_>>())
}

/// Names, and behind them files.
fn offer_or_path(names: &Arc<Names>, which: fn(&Names) -> Vec<Name>) -> ArgValueCompleter {
    let names = Arc::clone(names);
    ArgValueCompleter::new(move |current: &OsStr| {
        let begun = current.to_string_lossy();
        let fitting = which(&names).into_iter().filter(|name| name.value.starts_with(&*begun));
        let mut all: Vec<CompletionCandidate> = fitting.map(candidate).collect();
        let paths = PathCompleter::any();
        all.extend(clap_complete::engine::ValueCompleter::complete(&paths, current));
        all
    })
}

fn candidate(name: Name) -> CompletionCandidate {
    CompletionCandidate::new(name.value).help(Some(StyledStr::from(name.meaning)))
}
