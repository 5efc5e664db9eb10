//! `ultra env fmt FILE..`: dotenv files in their normal form, with the same values.

use super::input::{self, Input, is_stdin};
use crate::base::{file, words};
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Place, Problem, Report, Tone};
use crate::settings::dotenv::{self, Document, Line, LineKind};
use crate::settings::{Workspace, secretish};
use serde::Serialize;
use std::path::PathBuf;

/// More changed lines than this of one file are counted, not shown.
const MOST_SHOWN: usize = 200;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The files, as they were named; `-` is standard input.
    pub(crate) files: Vec<PathBuf>,
    /// Only say what would change.
    pub(crate) check: bool,
    /// Write the result to standard output instead of the file.
    pub(crate) stdout: bool,
    /// Whether standard output is a terminal.
    pub(crate) terminal: bool,
}

/// A file and what it becomes. It has no `Debug`: it may hold secrets.
struct File {
    shown: PathBuf,
    /// Where it stands; `None` for standard input.
    path: Option<PathBuf>,
    before: Vec<u8>,
    document: Document,
    /// For each line what it becomes.
    after: Vec<Vec<u8>>,
}

#[derive(Serialize)]
struct Formatted {
    path: PathBuf,
    changed: bool,
    /// The numbers of the lines that are not in normal form.
    lines: Vec<u32>,
}

/// Brings the files into normal form, or says which lines are not. No file is touched unless all
/// can be formatted.
///
/// # Errors
/// No such file (2), it cannot be read (5), it has errors (3), it is generated or changed
/// meanwhile, or a secret in it would be seen on a terminal (6), it cannot be written (5).
pub(crate) fn run(request: &Request, workspace: &Workspace) -> Result<Report, Fault> {
    let inputs = request.files.iter().filter(|file| is_stdin(file)).count();
    let to_stdout = request.stdout || inputs > 0;
    if inputs > 1 || (!request.check && to_stdout && request.files.len() > 1) {
        return Err(Fault::usage(
            Problem::error("one-file", "only one file can go to standard output")
                .hint("leave out `--stdout` and `-` to change the files in place"),
        ));
    }
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for file in &request.files {
        let Input { shown, path, bytes: before } =
            input::read(file, "cannot read the dotenv file", workspace)?;
        let document = dotenv::parse(&shown, &before, &mut problems);
        problems.retain(Problem::is_error);
        let after = if dotenv::is_generated(&before) && path.is_some() {
            document.lines.iter().map(|line| line.span.of(&before).to_vec()).collect()
        } else if problems.is_empty() {
            dotenv::format(&before, &document).unwrap_or_else(|| {
                problems.push(
                    Problem::error(
                        "not-formatted",
                        "the file has no normal form that says the same",
                    )
                    .at(Place::file(&shown))
                    .hint("look for carriage returns within its lines"),
                );
                Vec::new()
            })
        } else {
            Vec::new()
        };
        files.push(File { shown, path, before, document, after });
    }
    if !problems.is_empty() {
        return Err(Fault::does_not_hold(problems));
    }
    if to_stdout && !request.check {
        if request.terminal {
            files.iter().try_for_each(File::fit_to_be_seen)?;
        }
        let text = files.first().map(|file| file.after.concat()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let answer = serde_json::json!({ "text": text });
        return Report::new("ultra.env.fmt/1", answer, vec![Block::Verbatim(text)]);
    }
    if !request.check {
        for file in files.iter().filter(|file| file.changed()) {
            file.write()?;
        }
    }
    report(request, &files)
}

impl File {
    fn changed(&self) -> bool {
        self.changes().next().is_some()
    }

    /// The lines that become others, with what they become.
    fn changes(&self) -> impl Iterator<Item = (&Line, &[u8])> {
        let lines = self.document.lines.iter().zip(self.after.iter().map(Vec::as_slice));
        lines.filter(|(line, after)| line.span.of(&self.before) != *after)
    }

    fn write(&self) -> Result<(), Fault> {
        let Some(path) = &self.path else { return Ok(()) };
        let now = file::read_bounded(path, dotenv::LIMIT).ok().flatten();
        if now.as_ref() != Some(&self.before) {
            return Err(Fault::refused(
                Problem::error("changed-meanwhile", format!("`{}` changed", self.shown.display()))
                    .at(Place::file(&self.shown))
                    .why("another program wrote it")
                    .hint("run the command again"),
            ));
        }
        file::replace(path, &self.after.concat())
            .map_err(|e| Fault::unreachable(Problem::unwritable(&self.shown, &e)))
    }

    /// That nothing in the file may be a secret.
    fn fit_to_be_seen(&self) -> Result<(), Fault> {
        let lines = self.document.lines.iter().filter(|line| tells(&self.before, line));
        let places: Vec<String> = lines.map(|line| line.number.to_string()).collect();
        let Some(first) = places.first() else { return Ok(()) };
        let instead = match self.path {
            Some(_) => {
                let shown = words::argument(&self.shown);
                format!("`ultra env fmt --check {shown}` shows what would change without them; ")
            }
            None => String::new(),
        };
        let lines = match places.len() {
            1 => format!("line {first} may hold one"),
            n => format!("{n} lines may hold one, the first is {first}"),
        };
        Err(Fault::refused(
            Problem::error("secrets-to-terminal", "secrets would be written to the terminal")
                .at(Place::file(&self.shown))
                .why(lines)
                .hint(format!("{instead}into a file or a pipe all of it is written: `> FILE`")),
        ))
    }

    /// The differences, with what may be a secret left out.
    fn diff(&self) -> Block {
        let mut lines = Vec::new();
        let mut more = 0;
        for (line, after) in self.changes() {
            if lines.len() >= 2 * MOST_SHOWN {
                more += 1;
                continue;
            }
            lines.push(('-', format!("{:>4} {}", line.number, self.masked(line, None))));
            if !after.is_empty() {
                lines.push(('+', format!("{:>4} {}", line.number, self.masked(line, Some(after)))));
            }
        }
        if more > 0 {
            lines.push((' ', words::count(more, "more line")));
        }
        Block::Diff(lines)
    }

    /// The line as it is, or as it becomes, fit to be shown.
    fn masked(&self, line: &Line, after: Option<&[u8]>) -> String {
        let Some(after) = after else { return masked(&self.before, line) };
        let document = dotenv::parse(&self.shown, after, &mut Vec::new());
        document.lines.first().map_or_else(String::new, |line| masked(after, line))
    }
}

/// A line with its secrets left out and what cannot be seen made visible.
fn masked(bytes: &[u8], line: &Line) -> String {
    let text = |span: dotenv::Span| String::from_utf8_lossy(span.of(bytes)).into_owned();
    let whole = text(line.span);
    let secret = match &line.kind {
        LineKind::Assignment(parts) => {
            let value = text(parts.value);
            let bare = value.trim_matches(['"', '\'']);
            (secretish::variable(&text(parts.name)) && !bare.is_empty())
                || secretish::perhaps(bare)
                || bare.chars().count() > 60
        }
        LineKind::Comment(_) => false,
        LineKind::Bom | LineKind::Blank => return whole.escape_debug().to_string(),
        LineKind::Error => return "…".to_owned(),
    };
    let shown = match &line.kind {
        LineKind::Assignment(parts) => {
            let start = text(dotenv::Span { start: line.span.start, end: parts.value.start });
            let value = text(parts.value);
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let quote = quote.map(String::from).unwrap_or_default();
            let value = if secret { format!("{quote}…{quote}") } else { value };
            let rest = text(dotenv::Span { start: parts.value.end, end: line.span.end });
            let rest = if secretish::remark(&rest) { " # …".to_owned() } else { rest };
            start + &value + &rest
        }
        _ if secretish::remark(&whole) => "# …".to_owned(),
        _ => whole,
    };
    visible(shown.strip_suffix('\n').unwrap_or(&shown))
}

/// Whether a line may hold a secret.
fn tells(bytes: &[u8], line: &Line) -> bool {
    let text = |span: dotenv::Span| String::from_utf8_lossy(span.of(bytes)).into_owned();
    let comment = |start: usize| secretish::comment(&text(dotenv::Span { start, ..line.span }));
    match &line.kind {
        LineKind::Assignment(parts) => {
            let value = text(parts.value);
            let bare = value.trim_matches(['"', '\'']);
            secretish::assignment(&text(parts.name), bare) || comment(parts.value.end)
        }
        LineKind::Comment(_) => comment(line.span.start),
        LineKind::Bom | LineKind::Blank => false,
        LineKind::Error => true,
    }
}

/// The text with blanks at its end and what is no text made visible.
fn visible(text: &str) -> String {
    let end = text.trim_end_matches([' ', '\t']);
    let blanks = text.len() - end.len();
    let shown: String = end
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] })
        .collect();
    shown + &"·".repeat(blanks)
}

fn report(request: &Request, files: &[File]) -> Result<Report, Fault> {
    let mut view = Vec::new();
    for file in files {
        let name = file.shown.display();
        if !file.changed() {
            let why = if dotenv::is_generated(&file.before) {
                "generated, left alone"
            } else {
                "unchanged"
            };
            view.push(Block::Toned(Tone::Faint, format!("{name}: {why}")));
        } else if request.check {
            view.push(Block::heading(format!("{name}: not in normal form")));
            view.push(file.diff());
        } else {
            view.push(Block::Toned(
                Tone::Good,
                format!("{name}: {} changed", words::count(file.changes().count(), "line")),
            ));
        }
    }
    let answer: Vec<Formatted> = files
        .iter()
        .map(|file| Formatted {
            path: file.shown.clone(),
            changed: file.changed(),
            lines: file.changes().map(|(line, _)| line.number).collect(),
        })
        .collect();
    let changed = answer.iter().any(|file| file.changed);
    let status = if request.check && changed { ExitStatus::DoesNotHold } else { ExitStatus::Holds };
    if request.check && changed {
        let changed = || files.iter().filter(|file| file.changed());
        let names: Vec<String> = changed()
            .filter(|file| file.path.is_some())
            .map(|file| words::argument(&file.shown))
            .collect();
        if !names.is_empty() {
            view.push(Block::text(format!("to mend: ultra env fmt {}", names.join(" "))));
        }
        if changed().any(|file| file.path.is_none()) {
            view.push(Block::text("to mend: ultra env fmt - < FILE"));
        }
    }
    let answer = serde_json::json!({ "check": request.check, "changed": changed, "files": answer });
    Ok(Report::new("ultra.env.fmt/1", answer, view)?.status(status))
}
