//! Problems: what is wrong, where, why, and what to do about it.

use crate::base::words;
use crate::exit::ExitStatus;
use serde::Serialize;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Worth knowing; nothing is refused for it.
    Warning,
    /// What was asked for cannot be done, or does not hold.
    Error,
}

/// A position in a file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Place {
    /// The file, as the operator would name it.
    pub(crate) file: PathBuf,
    /// The line, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    /// The column, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u32>,
}

impl Place {
    /// A whole file.
    pub(crate) fn file(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), line: None, column: None }
    }

    /// A position in a file.
    pub(crate) fn at(file: impl Into<PathBuf>, line: u32, column: u32) -> Self {
        Self { file: file.into(), line: Some(line), column: Some(column) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// One problem. Texts are lower-case fragments without a full stop and never hold a secret value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// How bad it is.
    pub(crate) level: Level,
    /// A stable kebab-case name of the kind of problem, such as `unknown-variable`.
    pub(crate) code: &'static str,
    /// What is wrong; names the thing in backticks.
    pub(crate) what: String,
    /// Where it stands.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// Why it is a problem, or its cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// What to do; where possible a command that can be pasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// An error.
    pub(crate) fn error(code: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Error, code, what: what.into(), place: None, why: None, hint: None }
    }

    /// A warning.
    pub(crate) fn warning(code: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, what) }
    }

    /// A file that is there and cannot be read. Nobody named it: it is looked for where it stands.
    pub(crate) fn unreadable(what: impl Into<String>, file: &Path, error: &io::Error) -> Self {
        let shown = words::argument(file);
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                format!(
                    "`ls -lL {shown}` shows who may read it; `chmod u+r {shown}` lets its owner"
                )
            }
            io::ErrorKind::InvalidInput => {
                "put a regular file in its place, or remove it".to_owned()
            }
            io::ErrorKind::FileTooLarge => "divide it".to_owned(),
            _ => format!("`ls -lL {shown}` shows what it is"),
        };
        Self::error("unreadable-file", what).at(Place::file(file)).why(error).hint(hint)
    }

    /// The same of a file that the command line names.
    pub(crate) fn unreadable_named(
        what: impl Into<String>,
        file: &Path,
        error: &io::Error,
    ) -> Self {
        let named =
            (error.kind() == io::ErrorKind::InvalidInput).then(|| "name a regular file".to_owned());
        Self::unreadable(what, file, error).maybe_hint(named)
    }

    /// A file that cannot be read because it is a link to `target`, where nothing is.
    pub(crate) fn leads_nowhere(what: impl Into<String>, file: &Path, target: &Path) -> Self {
        let shown = words::argument(file);
        Self::error("unreadable-file", what)
            .at(Place::file(file))
            .why(format!("it is a link that leads to `{}`, and nothing is there", target.display()))
            .hint(format!("put the file there, or remove the link: `rm {shown}`"))
    }

    /// A file that cannot be written.
    pub(crate) fn unwritable(file: &Path, error: &io::Error) -> Self {
        let dir = above(file).display();
        let hint = match error.kind() {
            _ if is_full(error) => Self::room(file, error),
            io::ErrorKind::NotFound => format!("`mkdir -p {dir}` makes its directory"),
            io::ErrorKind::PermissionDenied => {
                format!("`ls -ld {dir}` shows who may write there")
            }
            io::ErrorKind::ReadOnlyFilesystem => "write where the disk is not read-only".to_owned(),
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
                "name a file in a directory".to_owned()
            }
            _ => format!("`df {dir}` shows whether there is room"),
        };
        Self::error("unwritable-file", format!("cannot write `{}`", file.display()))
            .at(Place::file(file))
            .why(error)
            .hint(hint)
    }

    /// What to do so that `file`, or something in it if it is a directory, can be written after
    /// `error`: first of all there must be room.
    pub(crate) fn room(file: &Path, error: &io::Error) -> String {
        let dir = if file.is_dir() { file } else { above(file) };
        let shown = dir.display();
        match error.kind() {
            _ if is_full(error) => format!("free space: `df {shown}` shows how much there is"),
            io::ErrorKind::PermissionDenied => {
                format!("`ls -ld {shown}` shows who may write there; make it writable")
            }
            io::ErrorKind::ReadOnlyFilesystem => format!("make the disk of {shown} writable"),
            _ => format!("see that {shown} can be written and has room (`df {shown}`)"),
        }
    }

    /// The same problem with its position.
    pub(crate) fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }

    /// The same problem with its cause.
    pub(crate) fn why(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// The same problem with a way out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem with a way out, if there is one.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Whether it is an error.
    pub(crate) fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        Ok(())
    }
}

/// The code of the problem that somebody stopped the command.
const INTERRUPTED: &str = "interrupted";

/// Why a command did not give an answer: all problems of one kind at once, and how to exit.
///
/// Problems go to stderr; a command whose problems *are* the answer (validate, check, lint)
/// returns a [`super::Report`] instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// How the process ends.
    pub(crate) status: ExitStatus,
    /// What is wrong, at least one entry.
    pub(crate) problems: Vec<Problem>,
}

impl Fault {
    /// A fault with these problems. If one of them is that the operator stopped the command, that is
    /// how it ends: whoever judged on without the answer found nothing that is wrong.
    pub(crate) fn new(status: ExitStatus, problems: Vec<Problem>) -> Self {
        if let Err(stopped) = Self::unless_interrupted(&problems) {
            return stopped;
        }
        Self { status, problems }
    }

    /// # Errors
    /// One of the problems is that the operator stopped the command (130).
    pub(crate) fn unless_interrupted(problems: &[Problem]) -> Result<(), Self> {
        match problems.iter().any(|problem| problem.code == INTERRUPTED) {
            true => Err(Self::interrupted()),
            false => Ok(()),
        }
    }

    /// A wrong command line or unknown name (exit 2).
    pub(crate) fn usage(problem: Problem) -> Self {
        Self::new(ExitStatus::Usage, vec![problem])
    }

    /// What was asked for does not hold (exit 3).
    pub(crate) fn does_not_hold(problems: Vec<Problem>) -> Self {
        Self::new(ExitStatus::DoesNotHold, problems)
    }

    /// Something needed could not be reached or verified (exit 5).
    pub(crate) fn unreachable(problem: Problem) -> Self {
        Self::new(ExitStatus::Unreachable, vec![problem])
    }

    /// Refused as unsafe or unconfirmed (exit 6).
    pub(crate) fn refused(problem: Problem) -> Self {
        Self::new(ExitStatus::Refused, vec![problem])
    }

    /// An unexpected failure, such as of the file system (exit 1).
    pub(crate) fn failure(problem: Problem) -> Self {
        Self::new(ExitStatus::Failure, vec![problem])
    }

    /// A state that the program holds to be impossible (exit 1).
    pub(crate) fn bug(what: impl Into<String>) -> Self {
        Self::failure(
            Problem::error("bug", what)
                .hint("please report this as a bug, with the command that you ran"),
        )
    }

    /// The operator stopped the command (exit 130).
    pub(crate) fn interrupted() -> Self {
        let stopped = Problem::error(INTERRUPTED, "interrupted");
        Self { status: ExitStatus::Interrupted, problems: vec![stopped] }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
/// The directory that a file is in.
fn above(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether there is no room for more, on the disk or for this user.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}
