//! `set -a; . FILE` in bash 5.2, started with an empty environment.
//!
//! - The file is a shell script. A line may hold several assignments; `NAME=a b` runs the command
//!   `b`, and so does every line that is no assignment: nothing is set, and reading goes on.
//! - `$NAME`, `${NAME}`, `${NAME…}` are expanded, `$(…)` and backticks run commands, `~` is a home
//!   directory, `$$` a process id. `\` escapes outside quotes; in double quotes `\n` is two
//!   characters. A carriage return stays in the value.
//! - An unclosed quote or a syntax error ends the reading at that line; what stands above stays.
//! - What is a program rather than a list of assignments (`if`, functions, here-documents) is not
//!   followed: the model says so and stops.
//!
//! Nothing is ever run here.

use super::bash_expand::{Failure, Variables, join};
use super::bash_lexer::{Lexer, Trouble};
use super::bash_words::{Command, End, Part, Word, assignment, is_name};
use super::reading::{Budget, Item, Reach, Reading, Stop, TOO_DEEP, TOO_LARGE, Value, step};
use std::collections::BTreeMap;

/// Variables that bash does not let anybody set.
const READONLY: &[&[u8]] = &[b"BASHOPTS", b"BASH_VERSINFO", b"EUID", b"PPID", b"SHELLOPTS", b"UID"];

/// Built-in commands that change the state of the shell: what follows is not known.
const CHANGING: &[&str] = &[
    ".",
    "alias",
    "break",
    "builtin",
    "cd",
    "command",
    "continue",
    "declare",
    "enable",
    "eval",
    "exec",
    "exit",
    "getopts",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "trap",
    "typeset",
    "unalias",
    "unset",
    "wait",
];

/// What bash reads.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut shell = Variables {
        values: BTreeMap::new(),
        runs: Vec::new(),
        line: 1,
        budget: Budget::default(),
        written: Vec::new(),
    };
    // A NUL is dropped wherever it stands.
    let text: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
    let mut lexer = Lexer::new(&text);
    let mut stop = None;
    while let Some(unit) = lexer.unit() {
        let done = unit.map_err(ended_by).and_then(|commands| run(&mut shell, &commands));
        if let Err((why, reach)) = done {
            stop = Some(Stop { line: lexer.began(), why, reach });
            break;
        }
    }
    let values = shell
        .values
        .into_iter()
        .map(|(name, (line, value))| (name, Item { line, value }))
        .collect();
    Reading { values, stop, runs: shell.runs }
}

fn ended_by(trouble: Trouble) -> (&'static str, Reach) {
    match trouble {
        Trouble::Unclosed => ("a quote or bracket is not closed", Reach::Rest),
        Trouble::Syntax => ("the line is a syntax error", Reach::Rest),
        Trouble::Program => ("from here on the file is a shell program", Reach::Unknown),
        Trouble::Deep => (TOO_DEEP, Reach::Unknown),
    }
}

/// Carries out the commands of a line.
///
/// # Errors
/// Why reading ends.
fn run(shell: &mut Variables, commands: &[Command]) -> Result<(), (&'static str, Reach)> {
    let mut before = End::Next;
    for (command, behind) in commands.iter().zip(ends(commands)) {
        shell.line = command.line;
        // `a && b &` runs all of it in the background, in a shell of its own.
        let apart =
            before == End::Pipe || command.end == End::Pipe || behind == Some(End::Background);
        // Whether it is carried out depends on how the one before it ends.
        let conditional = before == End::Conditional;
        shell.written.clear();
        let done = simple(shell, command);
        if apart {
            while let Some((name, old)) = shell.written.pop() {
                match old {
                    Some(old) => shell.values.insert(name, old),
                    None => shell.values.remove(&name),
                };
            }
        } else if conditional {
            for (name, _) in shell.written.drain(..) {
                if let Some((_, value)) = shell.values.get_mut(&name) {
                    *value = Value::Varies("set or not by how the command before it ends");
                }
            }
        }
        match done {
            Ok(()) => {}
            Err(Ended::Line) => return Ok(()),
            Err(Ended::Large) => return Err((TOO_LARGE, Reach::Unknown)),
            Err(Ended::Shell) if apart => {}
            Err(Ended::Shell) => return Err(("the shell exits", Reach::Rest)),
            Err(Ended::Unknown) => {
                return Err(("a command changes the shell itself", Reach::Unknown));
            }
        }
        before = command.end;
    }
    Ok(())
}

/// For each command what ends the list that it is a part of, if anything does.
fn ends(commands: &[Command]) -> Vec<Option<End>> {
    let mut behind = None;
    let mut out: Vec<_> = commands
        .iter()
        .rev()
        .map(|command| {
            step(1);
            if !matches!(command.end, End::Conditional | End::Pipe) {
                behind = Some(command.end);
            }
            behind
        })
        .collect();
    out.reverse();
    out
}

/// What a command ends beside itself.
enum Ended {
    Line,
    Shell,
    Large,
    Unknown,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Line => Self::Line,
            Failure::Shell => Self::Shell,
            Failure::Large => Self::Large,
        }
    }
}

fn simple(shell: &mut Variables, command: &Command) -> Result<(), Ended> {
    let assigned = command.words.iter().take_while(|w| assignment(w).is_some()).count();
    let (assignments, words) = command.words.split_at(assigned);
    let mut name = None;
    let mut at = 0;
    while name.is_none() && at < words.len() {
        if let Some(word) = words.get(at) {
            let expanded = shell.expand(word, true)?;
            name = match expanded.value {
                Value::Text(text) if text.is_empty() && !expanded.quoted => None,
                Value::Text(text) if expanded.splits => {
                    String::from_utf8_lossy(&text).split_whitespace().next().map(str::to_owned)
                }
                Value::Text(text) => Some(String::from_utf8_lossy(&text).into_owned()),
                Value::Runs(_) | Value::Varies(_) => {
                    return unknown_command(shell, command, assigned);
                }
            };
        }
        at += 1;
    }
    let arguments = words.get(at..).unwrap_or_default();
    let Some(name) = name else {
        for word in assignments {
            assign(shell, word)?;
        }
        return writes(shell, command);
    };
    if name == "export" {
        for word in assignments {
            shell.expand(word, false)?;
        }
        export(shell, arguments)?;
        if command.opens {
            for (name, _) in &shell.written {
                if let Some((_, value)) = shell.values.get_mut(name) {
                    *value = Value::Varies("set or not by whether a file can be read");
                }
            }
        }
        return writes(shell, command);
    }
    for word in arguments.iter().chain(assignments) {
        shell.expand(word, false)?;
    }
    writes(shell, command)?;
    let changing = CHANGING.contains(&name.as_str());
    shell.runs.push((command.line, name));
    if changing { Err(Ended::Unknown) } else { Ok(()) }
}

/// A command whose name the file does not tell. If it comes out empty, the assignments before it
/// stay.
fn unknown_command(shell: &mut Variables, command: &Command, assigned: usize) -> Result<(), Ended> {
    let (assignments, words) = command.words.split_at_checked(assigned).unwrap_or_default();
    for word in words.iter().skip(1) {
        shell.expand(word, false)?;
    }
    for word in assignments {
        assign(shell, word)?;
        let name = assignment(word).map(|found| found.name.to_vec());
        if let Some((_, value)) = name.and_then(|name| shell.values.get_mut(&name)) {
            *value = Value::Varies("set or not by what a command prints");
        }
    }
    shell.runs.push((command.line, "what another command prints".to_owned()));
    writes(shell, command)
}

/// The files that a command writes are told like commands: nobody expects them of such a file.
fn writes(shell: &mut Variables, command: &Command) -> Result<(), Ended> {
    for word in &command.writes {
        if let Value::Text(text) = shell.expand(word, true)?.value {
            let file = String::from_utf8_lossy(&text).into_owned();
            shell.runs.push((command.line, format!("> {file}")));
        }
    }
    Ok(())
}

fn assign(shell: &mut Variables, word: &Word) -> Result<(), Ended> {
    let Some(found) = assignment(word) else { return Ok(()) };
    if READONLY.contains(&found.name) {
        return Err(Ended::Line);
    }
    let (name, adds) = (found.name.to_vec(), found.adds);
    let array = found.element || word.iter().any(|part| matches!(part, Part::Array(_)));
    let mut value = Value::Text(Vec::new());
    if adds && let Some(old) = shell.get(&name)? {
        value = old;
    }
    let head = Part::Text(found.rest.to_vec(), false);
    let parts: Vec<&Part> = std::iter::once(&head).chain(word.iter().skip(1)).collect();
    join(&mut value, shell.parts(&parts, true)?.value);
    shell.set(name, (!array).then_some(value));
    Ok(())
}

fn export(shell: &mut Variables, arguments: &[Word]) -> Result<(), Ended> {
    for word in arguments {
        if assignment(word).is_some() {
            assign(shell, word)?;
            continue;
        }
        let expanded = shell.expand(word, true)?;
        let Value::Text(text) = expanded.value else { continue };
        if text.starts_with(b"-") {
            return Err(Ended::Unknown);
        }
        let fields: Vec<&[u8]> = if expanded.splits {
            text.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).collect()
        } else {
            vec![&text]
        };
        for field in fields {
            let Some(equals) = memchr::memchr(b'=', field) else { continue };
            let (name, value) = field.split_at_checked(equals).unwrap_or((field, b""));
            if is_name(name) {
                let value = Value::Text(value.get(1..).unwrap_or_default().to_vec());
                shell.set(name.to_vec(), Some(value));
            }
        }
    }
    Ok(())
}
