//! `ultra generate`: writes the generated files that differ, or says which do.

use crate::base::file;
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Place, Problem, Report};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

/// The largest file that is compared; a generated file is far below it.
const LIMIT: u64 = 16 << 20;

/// A file that is made from the program's own declarations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    /// Its path below the root, with slashes.
    pub(crate) path: String,
    /// Its whole content.
    pub(crate) content: Vec<u8>,
}

/// A folder in which generated files may be left over from an older version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folder {
    /// Its path below the root.
    pub(crate) path: &'static str,
    /// What the first line of a generated file in it begins with, by which it is told from others.
    pub(crate) mark: &'static str,
}

/// What to do.
#[derive(Debug)]
pub(crate) struct Request {
    /// Where the files belong.
    pub(crate) root: PathBuf,
    /// All generated files.
    pub(crate) files: Vec<Generated>,
    /// Folders to look for left-over files in.
    pub(crate) folders: Vec<Folder>,
    /// Only these files or folders; all if empty.
    pub(crate) only: Vec<String>,
    /// Whether to compare only.
    pub(crate) check: bool,
}

/// What was found about one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Same,
    Missing,
    Differs,
    LeftOver,
}

#[derive(Debug, Serialize)]
struct Row {
    path: String,
    state: State,
}

/// Writes or checks. A check that finds a difference ends with exit 3.
pub(crate) fn run(request: &Request) -> Result<Report, Fault> {
    let wanted = select(request)?;
    let mut rows = Vec::new();
    for generated in wanted {
        let path = request.root.join(&generated.path);
        let state = match file::read_bounded(&path, LIMIT).map_err(|e| unreadable(&path, &e))? {
            Some(bytes) if bytes == generated.content => State::Same,
            Some(_) => State::Differs,
            None => State::Missing,
        };
        if state != State::Same && !request.check {
            write(&path, &generated.content)?;
        }
        rows.push(Row { path: generated.path.clone(), state });
    }
    for path in left_over(request)? {
        if !request.check {
            let full = request.root.join(&path);
            file::remove(&full).map_err(|e| unwritable(&full, &e))?;
        }
        rows.push(Row { path, state: State::LeftOver });
    }
    report(request, &rows)
}

fn report(request: &Request, rows: &[Row]) -> Result<Report, Fault> {
    let changed: Vec<&Row> = rows.iter().filter(|row| row.state != State::Same).collect();
    let view = if changed.is_empty() {
        vec![Block::text(format!("{} generated files are up to date", rows.len()))]
    } else if request.check {
        let items = changed.iter().map(|row| format!("{} {}", row.path, finding(row.state)));
        vec![
            Block::text(format!("{} of {} generated files differ", changed.len(), rows.len())),
            Block::List(items.collect()),
            Block::text("write them with `ultra generate`"),
        ]
    } else {
        let items = changed.iter().map(|row| match row.state {
            State::LeftOver => format!("removed {}", row.path),
            State::Same | State::Missing | State::Differs => format!("wrote {}", row.path),
        });
        vec![Block::List(items.collect())]
    };
    let status = if request.check && !changed.is_empty() {
        ExitStatus::DoesNotHold
    } else {
        ExitStatus::Holds
    };
    let data = serde_json::json!({"check": request.check, "files": rows});
    Ok(Report::new("ultra.generate/1", data, view)?.status(status))
}

fn finding(state: State) -> &'static str {
    match state {
        State::Same => "is up to date",
        State::Missing => "is missing",
        State::Differs => "is out of date",
        State::LeftOver => "is left over from an older version",
    }
}

/// The files that `only` names; a name that fits none is a usage error.
fn select(request: &Request) -> Result<Vec<&Generated>, Fault> {
    let mut problems = Vec::new();
    for name in &request.only {
        if !request.files.iter().any(|f| within(&f.path, name)) {
            let paths = request.files.iter().map(|f| f.path.as_str());
            problems.push(
                Problem::error("unknown-file", format!("`{name}` is no generated file"))
                    .maybe_hint(crate::base::near::hint(name, paths)),
            );
        }
    }
    if !problems.is_empty() {
        return Err(Fault::new(ExitStatus::Usage, problems));
    }
    Ok(request.files.iter().filter(|f| chosen(request, &f.path)).collect())
}

fn chosen(request: &Request, path: &str) -> bool {
    request.only.is_empty() || request.only.iter().any(|name| within(path, name))
}

/// Whether `path` is `name` or stands below it.
fn within(path: &str, name: &str) -> bool {
    Path::new(path).starts_with(name.strip_prefix("./").unwrap_or(name))
}

/// Files that carry the mark of a generated one and are none any more.
fn left_over(request: &Request) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for folder in &request.folders {
        let full = request.root.join(folder.path);
        let entries = match std::fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(unreadable(&full, &e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| unreadable(&full, &e))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{}/{name}", folder.path);
            if request.files.iter().any(|f| f.path == path) || !chosen(request, &path) {
                continue;
            }
            // What cannot be read as a file of ours is none of ours.
            let Ok(Some(bytes)) = file::read_bounded(&entry.path(), LIMIT) else { continue };
            if bytes.starts_with(folder.mark.as_bytes()) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn write(path: &Path, content: &[u8]) -> Result<(), Fault> {
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| file::write_atomic(path, content, 0o644))
        .map_err(|e| unwritable(path, &e))
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault::unreachable(
        Problem::error("unreadable-file", format!("cannot read `{}`", path.display()))
            .at(Place::file(path))
            .why(error),
    )
}

pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Fault {
    Fault::unreachable(Problem::unwritable(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(root: &Path, check: bool) -> Request {
        Request {
            root: root.to_owned(),
            files: vec![
                Generated { path: "a.md".to_owned(), content: b"a\n".to_vec() },
                Generated { path: "man/x.1".to_owned(), content: b".\\\" m\nx\n".to_vec() },
            ],
            folders: vec![Folder { path: "man", mark: ".\\\" m\n" }],
            only: Vec::new(),
            check,
        }
    }

    #[test]
    fn a_check_finds_what_a_write_mends() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(run(&request(dir.path(), true)).unwrap().status, ExitStatus::DoesNotHold);
        assert!(!dir.path().join("a.md").exists());
        run(&request(dir.path(), false)).unwrap();
        assert_eq!(run(&request(dir.path(), true)).unwrap().status, ExitStatus::Holds);
        std::fs::write(dir.path().join("a.md"), "b").unwrap();
        let report = run(&request(dir.path(), true)).unwrap();
        assert_eq!(report.status, ExitStatus::DoesNotHold);
        assert_eq!(report.data["files"][0]["state"], "differs");
    }

    #[test]
    fn only_left_over_files_with_the_mark_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        run(&request(dir.path(), false)).unwrap();
        std::fs::write(dir.path().join("man/old.1"), b".\\\" m\nold").unwrap();
        std::fs::write(dir.path().join("man/mine.1"), b"mine").unwrap();
        assert_eq!(run(&request(dir.path(), true)).unwrap().status, ExitStatus::DoesNotHold);
        run(&request(dir.path(), false)).unwrap();
        assert!(!dir.path().join("man/old.1").exists());
        assert!(dir.path().join("man/mine.1").exists());
    }

    #[test]
    fn a_name_that_is_no_generated_file_is_a_usage_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut request = request(dir.path(), true);
        request.only = vec!["a.mb".to_owned()];
        let fault = run(&request).unwrap_err();
        assert_eq!(fault.status, ExitStatus::Usage);
        assert_eq!(fault.problems[0].hint.as_deref(), Some("did you mean `a.md`?"));
    }
}
