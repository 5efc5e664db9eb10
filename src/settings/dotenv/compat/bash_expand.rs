//! What bash puts in the place of a word.

use super::bash_words::{Part, Variable};
use super::reading::{Budget, Value};
use std::collections::BTreeMap;

/// The variables that bash has of its own; what they hold the file does not tell.
const OWN: &[&[u8]] = &[
    b"BASH",
    b"BASHOPTS",
    b"BASHPID",
    b"BASH_VERSION",
    b"COLUMNS",
    b"DIRSTACK",
    b"EPOCHREALTIME",
    b"EPOCHSECONDS",
    b"EUID",
    b"GROUPS",
    b"HOSTNAME",
    b"HOSTTYPE",
    b"IFS",
    b"LINENO",
    b"LINES",
    b"MACHTYPE",
    b"OLDPWD",
    b"OPTERR",
    b"OPTIND",
    b"OSTYPE",
    b"PATH",
    b"PIPESTATUS",
    b"PPID",
    b"PS4",
    b"PWD",
    b"RANDOM",
    b"SECONDS",
    b"SHELL",
    b"SHELLOPTS",
    b"SHLVL",
    b"SRANDOM",
    b"TERM",
    b"UID",
    b"_",
];

/// Why an expansion ends more than itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The rest of the line is not carried out.
    Line,
    /// The shell exits.
    Shell,
    /// Values become too large to follow.
    Large,
}

/// A word after expansion. It has no `Debug`: it may be a secret.
pub(super) struct Expanded {
    pub(super) value: Value,
    /// Whether anything of it was quoted, so that it counts even if empty.
    pub(super) quoted: bool,
    /// Whether it may fall apart into several words.
    pub(super) splits: bool,
}

/// The line of a variable and its value.
pub(super) type Entry = (u32, Value);

/// The variables so far.
pub(super) struct Variables {
    pub(super) values: BTreeMap<Vec<u8>, Entry>,
    /// The commands run so far.
    pub(super) runs: Vec<(u32, String)>,
    /// The line being carried out.
    pub(super) line: u32,
    /// How much more may be copied from variables.
    pub(super) budget: Budget,
    /// What the command being carried out has set, and what was there before.
    pub(super) written: Vec<(Vec<u8>, Option<Entry>)>,
}

impl Variables {
    /// Sets a variable, or removes it from the environment.
    pub(super) fn set(&mut self, name: Vec<u8>, value: Option<Value>) {
        let line = self.line;
        let old = match value {
            Some(value) => self.values.insert(name.clone(), (line, value)),
            None => self.values.remove(&name),
        };
        self.written.push((name, old));
    }

    /// Expands a word. With `tilde` a `~` at the start and behind each `:` is a home directory.
    pub(super) fn expand(&mut self, word: &[Part], tilde: bool) -> Result<Expanded, Failure> {
        let parts: Vec<&Part> = word.iter().collect();
        self.parts(&parts, tilde)
    }

    /// Expands the parts of a word.
    pub(super) fn parts(&mut self, word: &[&Part], tilde: bool) -> Result<Expanded, Failure> {
        let mut out = Expanded { value: Value::Text(Vec::new()), quoted: false, splits: false };
        for (n, part) in word.iter().enumerate() {
            let value = match *part {
                Part::Text(text, quoted) => {
                    out.quoted |= quoted;
                    let last = n + 1 == word.len();
                    if tilde && !quoted && has_tilde(text, n == 0, last) {
                        Value::Varies("the home directory")
                    } else {
                        Value::Text(text.clone())
                    }
                }
                Part::Variable(variable) => {
                    out.quoted |= variable.quoted;
                    out.splits |= !variable.quoted;
                    self.variable(variable)?
                }
                Part::Nothing => Value::Text(Vec::new()),
                Part::Length(name) => match self.get(name)? {
                    Some(Value::Text(text)) => {
                        let count = String::from_utf8_lossy(&text).chars().count();
                        Value::Text(count.to_string().into_bytes())
                    }
                    Some(other) => other,
                    None => Value::Text(b"0".to_vec()),
                },
                Part::Command(command) => {
                    out.splits = true;
                    self.runs.push((self.line, command.clone()));
                    Value::Runs(command.clone())
                }
                Part::Varies(why) => Value::Varies(why),
                Part::Bad => return Err(Failure::Line),
                Part::Array(words) => {
                    for word in words {
                        self.expand(word, false)?;
                    }
                    Value::Text(Vec::new())
                }
            };
            join(&mut out.value, value);
        }
        Ok(out)
    }

    /// The value of a variable; `None` if it is not set.
    pub(super) fn get(&mut self, name: &[u8]) -> Result<Option<Value>, Failure> {
        let Some((_, value)) = self.values.get(name) else {
            let own = OWN.contains(&name);
            return Ok(own.then_some(Value::Varies("a variable of the shell")));
        };
        self.budget.take(size(value)).ok_or(Failure::Large)?;
        Ok(Some(value.clone()))
    }

    /// Whether a variable is set; with `filled`, and not empty.
    fn is_set(&self, name: &[u8], filled: bool) -> bool {
        let text = self.values.get(name).map(|(_, value)| value);
        let empty = matches!(text, Some(Value::Text(text)) if text.is_empty());
        text.map_or_else(|| OWN.contains(&name), |_| !(filled && empty))
    }

    fn variable(&mut self, variable: &Variable) -> Result<Value, Failure> {
        let set = self.is_set(&variable.name, variable.colon);
        match (variable.operator, set) {
            (Some(b'?'), false) => {
                self.expand(&variable.word, false)?;
                Err(Failure::Shell)
            }
            (Some(b'-'), false) | (Some(b'+'), true) => self.word(variable),
            (Some(b'='), false) => {
                let value = self.word(variable)?;
                if variable.name.is_empty() {
                    return Err(Failure::Line);
                }
                self.budget.take(size(&value)).ok_or(Failure::Large)?;
                self.set(variable.name.clone(), Some(value.clone()));
                Ok(value)
            }
            (Some(b'+'), false) => Ok(Value::Text(Vec::new())),
            _ => Ok(self.get(&variable.name)?.unwrap_or_else(|| Value::Text(Vec::new()))),
        }
    }

    fn word(&mut self, variable: &Variable) -> Result<Value, Failure> {
        Ok(self.expand(&variable.word, !variable.quoted)?.value)
    }
}

/// How many bytes a copy of a value has.
fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Runs(command) => command.len(),
        Value::Varies(_) => 0,
    }
}

/// Adds to a value; what is not known makes the whole unknown.
pub(super) fn join(left: &mut Value, right: Value) {
    match (&mut *left, right) {
        (Value::Text(text), Value::Text(more)) if text.is_empty() => *text = more,
        (Value::Text(text), Value::Text(more)) => text.extend_from_slice(&more),
        (Value::Text(_), more) => *left = more,
        (Value::Varies(_), more @ Value::Runs(_)) => *left = more,
        _ => {}
    }
}

/// Whether a home directory stands in this text.
fn has_tilde(text: &[u8], first: bool, last: bool) -> bool {
    text.iter().enumerate().any(|(at, byte)| {
        let begins = match at.checked_sub(1) {
            None => first,
            Some(before) => text.get(before) == Some(&b':'),
        };
        let behind = text.get(at + 1..).unwrap_or_default();
        *byte == b'~' && begins && (last || behind.iter().any(|b| matches!(b, b'/' | b':')))
    })
}
