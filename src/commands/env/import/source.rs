//! The file that is taken over: read within bounds, its references replaced by its own values.

use crate::base::file;
use crate::report::{Fault, Place, Problem};
use crate::settings::Workspace;
use crate::settings::dotenv::{self, Expanded};
use std::io::Read as _;
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
    let (path, shown, bytes) = match source {
        Source::Stdin => {
            let shown = PathBuf::from("stdin");
            let mut bytes = Vec::new();
            let limit = dotenv::LIMIT;
            std::io::stdin()
                .lock()
                .take(limit + 1)
                .read_to_end(&mut bytes)
                .map_err(|e| unreadable(&shown, &e.to_string()))?;
            if bytes.len() as u64 > limit {
                let why = format!("larger than the limit of {limit} bytes");
                return Err(unreadable(&shown, &why));
            }
            (None, shown, bytes)
        }
        Source::File(path) => {
            let full = workspace.current_dir.join(path);
            let shown = workspace.shown(&full);
            match file::read_bounded(&full, dotenv::LIMIT) {
                Ok(Some(bytes)) => (Some(full), shown, bytes),
                Ok(None) => {
                    return Err(Fault::usage(
                        Problem::error(
                            "no-file",
                            format!("there is no file `{}`", shown.display()),
                        )
                        .hint("name a dotenv file, such as `.env.local`"),
                    ));
                }
                Err(e) => {
                    let what = "cannot read the file to import";
                    return Err(Fault::unreachable(Problem::unreadable(what, &shown, &e)));
                }
            }
        }
    };
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

fn unreadable(shown: &Path, why: &str) -> Fault {
    Fault::unreachable(
        Problem::error("unreadable-file", "cannot read the file to import")
            .at(Place::file(shown))
            .why(why),
    )
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
