//! The crate `dotenvy`, which answers for itself.
//!
//! It takes references from the process environment before the file, so it is asked in a child
//! process with an empty one: `answer` runs there, `read` talks to it.
//!
//! What it does, in version 0.15.7: the first of two assignments of a name counts; `$NAME` and
//! `${NAME}` are expanded, of a name only letters and digits; a value without quotes holds no
//! blanks, and of escapes only `\\ \' \" \$ \n` and `\ ` are allowed; at the first error reading
//! ends, and what stands above stays.

use super::reading::{Item, LARGEST, Reach, Reading, Stop, TOO_LARGE, Value};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

/// What the child process tells. It has no `Debug`: values may be secrets.
#[derive(Deserialize, Serialize)]
pub(crate) struct Answer {
    /// Names with the line that their assignment begins on and their value.
    values: BTreeMap<String, (u32, String)>,
    /// The line it did not take.
    stop: Option<u32>,
    /// Whether it would take the line, and only we stop there: values become too large.
    large: bool,
}

/// Asks the crate, in this process: its environment must be empty, and is filled by the crate
/// itself. `environment` tells what is in it in the end.
pub(crate) fn answer(bytes: &[u8], environment: impl FnOnce() -> Vec<(String, String)>) -> Answer {
    // The first pass finds the lines, the second sets the variables as a program would.
    let mut seen: BTreeMap<String, (u32, String)> = BTreeMap::new();
    let mut stop = None;
    // The second pass passes over a byte order mark by itself.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let statements = statements(text);
    let reader = LineByLine::new(text);
    let passed = Rc::clone(&reader.passed);
    let mut before = 0;
    let mut nul = false;
    let mut size = 0_usize;
    for item in ::dotenvy::from_read_iter(reader) {
        let begin = statements.get(before).copied().unwrap_or(1);
        before = passed.get();
        match item {
            Ok((_, value)) if size + value.len() > LARGEST => {
                return Answer { values: seen, stop: Some(begin), large: true };
            }
            Ok((name, value)) if !value.contains('\0') => {
                size += value.len();
                seen.entry(name).or_insert((begin, value));
            }
            // No variable can hold a NUL: the crate panics when it sets one.
            Ok(_) => nul = true,
            Err(_) => stop = Some(begin),
        }
        if nul || stop.is_some() {
            stop = Some(begin);
            break;
        }
    }
    if nul {
        return Answer { values: seen, stop, large: false };
    }
    // The error says nothing that the first pass has not.
    let _ = ::dotenvy::from_read(bytes);
    let mut values = BTreeMap::new();
    for (name, value) in environment() {
        if let Some((line, _)) = seen.get(&name) {
            values.insert(name, (*line, value));
        }
    }
    Answer { values, stop, large: false }
}

/// For every line the next one, itself included, that is neither blank nor a comment.
fn statements(bytes: &[u8]) -> Vec<u32> {
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    let mut next = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate().rev() {
        let line = line.trim_ascii_start();
        if !line.is_empty() && !line.starts_with(b"#") {
            next = u32::try_from(n + 1).unwrap_or(u32::MAX);
        }
        out.push(next);
    }
    out.reverse();
    out
}

/// Gives out one line for each request, and counts them: so it is known how far the crate is.
struct LineByLine<'a> {
    rest: &'a [u8],
    passed: Rc<Cell<usize>>,
}

impl<'a> LineByLine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, passed: Rc::default() }
    }
}

impl Read for LineByLine<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let line = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |n| n + 1);
        let len = line.min(out.len());
        let (given, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, b""));
        if let Some(space) = out.get_mut(..given.len()) {
            space.copy_from_slice(given);
        }
        self.rest = rest;
        if given.ends_with(b"\n") {
            self.passed.set(self.passed.get() + 1);
        }
        Ok(given.len())
    }
}

/// What the crate reads, asked in a child process of `program`, which is this one.
///
/// # Errors
/// The child process could not be started or did not answer.
pub(super) fn read(program: &Path, bytes: &[u8]) -> std::io::Result<Reading> {
    let mut child = Command::new(program)
        .args(CHILD)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It reads everything before it writes, so this cannot wait for ever. One that died is
        // told by its answer.
        let _ = stdin.write_all(bytes);
    }
    let output = child.wait_with_output()?;
    let Ok(answer) = serde_json::from_slice::<Answer>(&output.stdout) else {
        if output.status.code() == Some(2) {
            return Err(std::io::Error::other("the process that asks dotenvy gave no answer"));
        }
        return Ok(Reading::default().unknown_from(1, "dotenvy broke down over the file"));
    };
    let values = answer
        .values
        .into_iter()
        .map(|(name, (line, text))| {
            (name.into_bytes(), Item { line, value: Value::Text(text.into_bytes()) })
        })
        .collect();
    let (why, reach) = if answer.large {
        (TOO_LARGE, Reach::Unknown)
    } else {
        ("dotenvy does not take this line", Reach::Rest)
    };
    let stop = answer.stop.map(|line| Stop { line, why, reach });
    Ok(Reading { values, stop, runs: Vec::new() })
}

/// The arguments that make this program answer for the crate.
pub(crate) const CHILD: [&str; 2] = ["env", "read-with-dotenvy"];
