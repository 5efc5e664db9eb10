//! The file that is taken over: read within bounds, its references replaced by its own values.

use super::super::input::{self, Input};
use crate::report::{Fault, Place, Problem};
use crate::settings::Workspace;
use crate::settings::dotenv::{self, Expanded};
use std::path::{Path, PathBuf};

/// Where the entries come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A file, as the operator named it.
    File(PathBuf),
}

/// What was read. It has no `Debug`: it holds secrets.
pub(super) struct Text {
    /// The file; `None` for standard input.
    pub(super) path: Option<PathBuf>,
    /// How it is called in messages.
    pub(super) shown: PathBuf,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// Its text; what is no UTF-8 is replaced, and reported by [`entries`].
    pub(super) text: String,
}

/// Reads the source.
///
/// # Errors
/// There is no such file (2), or it cannot be read (5).
pub(super) fn read(source: &Source, workspace: &Workspace) -> Result<Text, Fault> {
    let file = match source {
        Source::Stdin => Path::new("-"),
        Source::File(path) => path,
    };
    let Input { shown, path, bytes } =
        input::read(file, "cannot read the file to import", workspace)?;
    if dotenv::is_generated(&bytes) {
        return Err(Fault::refused(
            Problem::error("generated-file", format!("`{}` is generated", shown.display()))
                .at(Place::file(&shown))
                .why("what it says comes from the profile and its layers, and is there already"),
        ));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Text { path, shown, bytes, text })
}

/// Its entries. A reference that only another place could fill would freeze or lose a value, so it
/// is an error.
pub(super) fn entries(source: &Text, problems: &mut Vec<Problem>) -> Vec<Expanded> {
    let document = dotenv::parse(&source.shown, &source.bytes, problems);
    let mut found = Vec::new();
    let entries = dotenv::expand(&document, &dotenv::Outside::NOTHING, &mut found);
    for problem in found {
        problems.push(match problem.code {
            "unset-reference" => Problem {
                level: crate::report::Level::Error,
                hint: Some("write the value itself, or `\\$` in double quotes".to_owned()),
                ..problem
            },
            _ => problem,
        });
    }
    entries
}
