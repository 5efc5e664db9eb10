//! Where another program's reading differs from ours, in words that show no secret.

use super::reading::{Item, Reach, Reading, Tool, Value};
use super::{bash, compose, dotenvy, motdotla, node, python};
use crate::base::words;
use crate::settings::secretish;
use aho_corasick::AhoCorasick;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A line that a program reads differently.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// The line, from 1.
    pub(crate) line: u32,
    /// The variable; `None` if it is about the line as such, or the name is not fit to be shown.
    pub(crate) name: Option<String>,
    /// The program.
    pub(crate) tool: Tool,
    /// What kind of difference: `value`, `absent`, `extra`, `runs`, `varies`, `refused`,
    /// `ignored` or `unknown`.
    pub(crate) kind: &'static str,
    /// What `ultra` reads, in words.
    pub(crate) ours: String,
    /// What the program reads, in words.
    pub(crate) theirs: String,
}

/// What `ultra` reads. It has no `Debug`: the text may be a secret.
pub(crate) struct Ours {
    /// The variable.
    pub(crate) name: String,
    /// The line of its name.
    pub(crate) line: u32,
    /// Its value.
    pub(crate) text: String,
    /// Whether it is declared a secret, or has one in it.
    pub(crate) secret: bool,
}

impl Ours {
    fn is_secret(&self) -> bool {
        self.secret
            || self.text.len() > EXAMINED
            || secretish::name(&self.name)
            || secretish::perhaps(&self.text)
    }
}

/// Values longer than this are not examined and count as secrets: no part of them is shown.
const EXAMINED: usize = 1 << 16;

/// Values longer than this are described and not shown.
const LONGEST: usize = 60;

/// The differences between our reading of `bytes` and that of `tool`, by line. `program` is this
/// program, which is asked for `dotenvy`.
///
/// # Errors
/// `dotenvy` could not be asked.
pub(crate) fn differences(
    tool: Tool,
    program: &Path,
    bytes: &[u8],
    ours: &[Ours],
) -> std::io::Result<Vec<Difference>> {
    let theirs = match tool {
        Tool::Dotenvy => dotenvy::read(program, bytes)?,
        Tool::Motdotla => motdotla::read(bytes),
        Tool::Python => python::read(bytes),
        Tool::Node => node::read(bytes),
        Tool::Compose => compose::read(bytes),
        Tool::Bash => bash::read(bytes),
    };
    Ok(compare(tool, ours, &theirs))
}

fn compare(tool: Tool, ours: &[Ours], theirs: &Reading) -> Vec<Difference> {
    let mut out = Vec::new();
    let mut push = |line, name: Option<String>, kind, ours: String, theirs: String| {
        out.push(Difference { line, name, tool, kind, ours, theirs });
    };
    if let Some(stop) = &theirs.stop {
        let (kind, reach) = match stop.reach {
            Reach::Whole => ("refused", "the whole file is refused"),
            Reach::Rest => ("ignored", "nothing is read from here on"),
            Reach::Unknown => ("unknown", "what is read from here on is not known"),
        };
        push(stop.line, None, kind, "read".to_owned(), format!("{reach}: {}", stop.why));
    }
    let stopped = theirs.stop.as_ref().map(|stop| match stop.reach {
        Reach::Whole => 0,
        Reach::Rest | Reach::Unknown => stop.line,
    });
    let hidden = Hidden::of(ours, theirs);
    for entry in ours {
        let secret = entry.is_secret();
        let shown = if secret { described(&entry.text) } else { quoted(&entry.text) };
        let name = secretish::fit_name(&entry.name).map(str::to_owned);
        match theirs.values.get(entry.name.as_bytes()) {
            None if stopped.is_some_and(|line| entry.line >= line) => {}
            None => push(entry.line, name, "absent", shown, "not set".to_owned()),
            Some(Item { value: Value::Text(text), .. }) if text == entry.text.as_bytes() => {}
            Some(Item { value, .. }) => {
                let (kind, reading) = reading(value, &entry.text, secret, &hidden);
                push(entry.line, name, kind, shown, reading);
            }
        }
    }
    let known: BTreeSet<&[u8]> = ours.iter().map(|entry| entry.name.as_bytes()).collect();
    for (name, item) in &theirs.values {
        if known.contains(name.as_slice()) {
            continue;
        }
        let reading = match &item.value {
            Value::Text(text) if text.is_empty() => "set, and empty".to_owned(),
            Value::Text(text) => {
                format!("set, to {}", described(&String::from_utf8_lossy(text)))
            }
            Value::Runs(_) => "set, to what a command prints".to_owned(),
            Value::Varies(why) => format!("set, to {why}"),
        };
        // What we take for no name may be a part of a secret.
        let name = String::from_utf8_lossy(name);
        let shown = secretish::name_for_message(&name);
        push(
            item.line,
            None,
            "extra",
            "no such variable".to_owned(),
            format!("{shown} is {reading}"),
        );
    }
    let by_line: BTreeMap<u32, &Ours> = ours.iter().map(|entry| (entry.line, entry)).collect();
    // A command that gives a variable its value has been told with the variable.
    let told: BTreeSet<u32> = theirs
        .values
        .values()
        .filter(|item| matches!(item.value, Value::Runs(_)))
        .map(|item| item.line)
        .collect();
    for (line, command) in &theirs.runs {
        if told.contains(line) {
            continue;
        }
        // A line that is no assignment may be a part of a secret.
        let harmless = by_line.get(line).is_some_and(|entry| !entry.is_secret());
        let command = if harmless { command_for_message(command, &hidden) } else { None };
        let text = command
            .map_or_else(|| "runs a command".to_owned(), |command| format!("runs `{command}`"));
        push(*line, None, "runs", "runs nothing".to_owned(), text);
    }
    out.sort_by_key(|difference| difference.line);
    out
}

/// The kind of a difference, and the program's reading in words.
fn reading(value: &Value, ours: &str, secret: bool, hidden: &Hidden) -> (&'static str, String) {
    match value {
        Value::Text(text) => {
            let secret = secret || hidden.within(text);
            let text = String::from_utf8_lossy(text);
            // A program may take for a value what we take for a comment; a long one is not shown.
            let secret = secret || (!is_long(&text) && secretish::remark(&text));
            let shown = if secret { relation(ours, &text) } else { quoted(&text) };
            ("value", shown)
        }
        Value::Runs(command) => {
            let command = if secret { None } else { command_for_message(command, hidden) };
            let text = command.map_or_else(
                || "what a command prints".to_owned(),
                |command| format!("what `{command}` prints"),
            );
            ("runs", text)
        }
        Value::Varies(why) => ("varies", format!("with {why} in it")),
    }
}

/// The secrets of a file, as either side reads them: a program may put one where we read `$NAME`.
struct Hidden(Option<AhoCorasick>);

impl Hidden {
    fn of(ours: &[Ours], theirs: &Reading) -> Self {
        let own = ours.iter().filter(|entry| entry.is_secret());
        let names: BTreeSet<&[u8]> = own.clone().map(|entry| entry.name.as_bytes()).collect();
        let own = own.map(|entry| entry.text.as_bytes());
        let their = theirs.values.iter().filter_map(|(name, item)| match &item.value {
            Value::Text(text)
                if names.contains(name.as_slice())
                    || secretish::name(&String::from_utf8_lossy(name)) =>
            {
                Some(text.as_slice())
            }
            _ => None,
        });
        // Only what is short is shown, and a longer secret does not fit into it.
        let fits = |text: &&[u8]| (1..=4 * LONGEST).contains(&text.len());
        let texts: BTreeSet<&[u8]> = own.chain(their).filter(fits).collect();
        Self((!texts.is_empty()).then(|| AhoCorasick::new(texts).ok()).flatten())
    }

    fn within(&self, text: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|secrets| secrets.is_match(text))
    }
}

fn command_for_message<'a>(command: &'a str, hidden: &Hidden) -> Option<&'a str> {
    let fit = command.len() <= 40
        && !hidden.within(command.as_bytes())
        && !secretish::perhaps(command)
        && !command.chars().any(char::is_control);
    fit.then_some(command)
}

/// A text that may be shown, with its special characters made visible.
fn quoted(text: &str) -> String {
    if is_long(text) { described(text) } else { format!("{text:?}") }
}

fn is_long(text: &str) -> bool {
    text.chars().nth(LONGEST).is_some()
}

/// A text that is not shown.
fn described(text: &str) -> String {
    match text.chars().count() {
        0 => "nothing".to_owned(),
        n => format!("a text of {}", words::count(n, "character")),
    }
}

/// How the program's text differs from ours, without showing either.
fn relation(ours: &str, theirs: &str) -> String {
    let length = described(theirs);
    if theirs.is_empty() {
        return length;
    }
    if let Some(rest) = theirs.strip_prefix(ours) {
        if rest == "\r" {
            return format!("{length}: a carriage return is added");
        }
        return format!("{length}: more follows at its end");
    }
    if ours.starts_with(theirs) {
        return format!("{length}: cut short");
    }
    let inner =
        ["\"", "'", "`"].iter().find_map(|quote| theirs.strip_prefix(quote)?.strip_suffix(quote));
    if inner.is_some() {
        return format!("{length}: its quotes are kept");
    }
    if theirs.matches('\\').count() > ours.matches('\\').count() {
        return format!("{length}: backslashes are kept");
    }
    let same = ours.chars().zip(theirs.chars()).take_while(|(a, b)| a == b).count();
    format!("{length}: different from character {} on", same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(name: &str, text: &str) -> Ours {
        Ours { name: name.into(), line: 1, text: text.into(), secret: false }
    }

    fn found(tool: Tool, read: fn(&[u8]) -> Reading, file: &str, ours: &[Ours]) -> String {
        let all = compare(tool, ours, &read(file.as_bytes()));
        all.iter()
            .map(|d| format!("{} {} {}", d.line, d.kind, d.theirs))
            .collect::<Vec<_>>()
            .join("|")
    }

    #[test]
    fn a_secret_is_never_shown_whichever_way_it_is_read() {
        let canary = "hunter2-canary";
        for (read, file) in [
            (motdotla::read as fn(&[u8]) -> Reading, format!("DB_PASSWORD={canary}#x")),
            (bash::read, format!("DB_PASSWORD=x {canary}")),
            (bash::read, format!("DB_PASSWORD=$({canary})")),
            (bash::read, format!("{canary} {canary}")),
            (python::read, format!("DB_PASSWORD='{canary}")),
            (node::read, format!("{canary}\nDB_PASSWORD=x")),
        ] {
            let ours = [ours("DB_PASSWORD", &format!("{canary}#x"))];
            let all = format!("{:?}", compare(Tool::Node, &ours, &read(file.as_bytes())));
            assert!(!all.contains("hunter2"), "{all}");
        }
    }

    #[test]
    fn a_secret_within_a_text_or_a_comment_is_not_shown() {
        for (read, line, text) in [
            (
                motdotla::read as fn(&[u8]) -> Reading,
                "P=key sk-proj-hunter2canary#x",
                "key sk-proj-hunter2canary#x",
            ),
            (node::read, "P=\"key sk-proj-hunter2canary\"x#", "a"),
            (bash::read, "P=host=db password=hunter2canary", "host=db password=hunter2canary"),
            (
                motdotla::read,
                "P=host=db;password=hunter2canary#x",
                "host=db;password=hunter2canary#x",
            ),
            (
                python::read,
                "P={\"token\": \"hunter2canary\"} #x",
                "{\"token\": \"hunter2canary\"} #x",
            ),
            (compose::read, "P= # password: hunter2canary", ""),
            (compose::read, "P= # the password (hunter2canary)", ""),
        ] {
            let all =
                format!("{:?}", compare(Tool::Bash, &[ours("P", text)], &read(line.as_bytes())));
            assert!(!all.contains("hunter2"), "{line}: {all}");
            assert!(all.contains("name: Some(\"P\")"), "{line}: {all}");
        }
    }

    #[test]
    fn a_name_that_may_be_a_secret_is_not_shown() {
        let name = "q7Gm2xVt9LrB4nWz8KdY5c";
        let ours = [ours(name, "a#b")];
        let found = compare(Tool::Node, &ours, &node::read(format!("{name}=a#b").as_bytes()));
        let shown: Vec<_> = found.iter().map(|d| (d.name.as_deref(), d.theirs.as_str())).collect();
        assert_eq!(shown, [(None, "\"a\"")]);
    }

    #[test]
    fn a_secret_that_a_program_puts_elsewhere_is_not_shown_there() {
        let canary = "hunter2-canary";
        for (line, text) in [
            ("NOTE=$DB_PASSWORD", "$DB_PASSWORD"),
            ("NOTE=x $DB_PASSWORD", "x $DB_PASSWORD"),
            ("A=$DB_PASSWORD\nNOTE=$A", "$A"),
        ] {
            let file = format!("DB_PASSWORD={canary}\n{line}\n");
            let mut note = ours("NOTE", text);
            note.line = 2;
            let ours = [ours("DB_PASSWORD", canary), note];
            for read in [bash::read as fn(&[u8]) -> Reading, compose::read] {
                let all = format!("{:?}", compare(Tool::Bash, &ours, &read(file.as_bytes())));
                assert!(!all.contains("hunter2"), "{line}: {all}");
                assert!(all.contains("NOTE"), "{line}: {all}");
            }
        }
    }

    #[test]
    fn each_kind_of_difference_has_its_words() {
        let x = |text: &str| [ours("X", text)];
        let bash = |file: &str, text: &str| found(Tool::Bash, bash::read, file, &x(text));
        assert_eq!(bash("X=a", "a"), "");
        assert_eq!(bash("X=a b", "a b"), "1 absent not set|1 runs runs `b`");
        assert_eq!(bash("X=$(date)", "$(date)"), "1 runs what `date` prints");
        assert_eq!(bash("X=a$$", "a$$"), "1 varies with the id of the shell's process in it");
        assert_eq!(
            bash("X='a", "a"),
            "1 ignored nothing is read from here on: a quote or bracket is not closed"
        );
        assert_eq!(
            found(Tool::Node, node::read, "X=a\nY: b\nZ=c", &x("a")),
            "2 extra a name that cannot be shown is set, to a text of 1 character"
        );
        let secret = |text: &str| [ours("API_KEY", text)];
        assert_eq!(
            found(Tool::Motdotla, motdotla::read, "API_KEY=ab#cd", &secret("ab#cd")),
            "1 value a text of 2 characters: cut short"
        );
        assert_eq!(
            found(Tool::Bash, bash::read, "API_KEY=ab\r\n", &secret("ab")),
            "1 value a text of 3 characters: a carriage return is added"
        );
    }
}
