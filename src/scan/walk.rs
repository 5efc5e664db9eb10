//! Walks a directory and reads every file once, in parallel: what git would see, and dotenv files
//! although git passes them over.

use super::finding::{Finding, Hit, Rule};
use super::{code, keyvalue, secrets};
use crate::base::file;
use ignore::{WalkBuilder, WalkState};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Files over this are data.
const FILE_LIMIT: u64 = 1 << 20;

/// Findings that are kept of one file: more say nothing new.
const PER_FILE: usize = 50;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Secrets.
    pub(crate) secrets: bool,
    /// Code that must not go live.
    pub(crate) code: bool,
}

/// What a scan saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    /// Files that were read.
    pub(crate) files: usize,
    /// Files of source code among them.
    pub(crate) sources: usize,
    /// Files that are too large to be read.
    pub(crate) too_large: usize,
    /// Files and folders that could not be read.
    pub(crate) unreadable: Vec<PathBuf>,
    /// What was found, by file and line.
    pub(crate) findings: Vec<Finding>,
}

/// Scans everything below `root`, or the one file that it names.
pub(crate) fn scan(root: &Path, options: Options) -> Scan {
    let whole = Mutex::new(Scan::default());
    let add = |path: &Path| {
        let seen = scan_file(root, path, options);
        merge(&whole, seen);
    };
    WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != ".hg")
        .build_parallel()
        .run(|| {
            Box::new(|entry| {
                match entry {
                    Err(_) => whole_unreadable(&whole, root),
                    Ok(entry) if entry.file_type().is_some_and(|t| t.is_dir()) => {
                        // Dotenv files are what most people ignore and what leaks most.
                        dotenv_files(entry.path()).iter().for_each(|path| add(path));
                    }
                    Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) => {
                        if entry.depth() == 0 || !is_dotenv(entry.path()) {
                            add(entry.path());
                        }
                    }
                    Ok(_) => {}
                }
                WalkState::Continue
            })
        });
    let mut scan = whole.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    scan.findings.sort();
    scan.findings.dedup_by(|a, b| a.file == b.file && a.line == b.line && a.rule == b.rule);
    scan.unreadable.sort();
    scan
}

fn is_dotenv(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".env"))
}

fn dotenv_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|e| e.file_type().is_ok_and(|t| t.is_file()))
        .map(|e| e.path())
        .filter(|path| is_dotenv(path))
        .collect()
}

fn merge(whole: &Mutex<Scan>, part: Scan) {
    let mut whole = whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    whole.files += part.files;
    whole.sources += part.sources;
    whole.too_large += part.too_large;
    whole.unreadable.extend(part.unreadable);
    whole.findings.extend(part.findings);
}

fn whole_unreadable(whole: &Mutex<Scan>, root: &Path) {
    let part = Scan { unreadable: vec![root.to_owned()], ..Scan::default() };
    merge(whole, part);
}

fn scan_file(root: &Path, path: &Path, options: Options) -> Scan {
    let mut scan = Scan::default();
    let shown = match path.strip_prefix(root) {
        Ok(relative) if !relative.as_os_str().is_empty() => relative,
        _ => path,
    };
    let bytes = match file::read_bounded(path, FILE_LIMIT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return scan,
        Err(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
            scan.too_large = 1;
            return scan;
        }
        Err(_) => {
            scan.unreadable.push(shown.to_owned());
            return scan;
        }
    };
    scan.files = 1;
    if bytes.iter().take(8192).any(|b| *b == 0) {
        return scan;
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut hits: Vec<Hit> = Vec::new();
    if options.secrets {
        let test = code::syntax(path).is_some() && code::is_test(shown);
        secrets::find(&text, test, &mut hits);
        keyvalue::find(&text, keyvalue::format(path), &mut hits);
    }
    if let Some(syntax) = code::syntax(path) {
        scan.sources = 1;
        if options.code {
            code::find(&text, syntax, code::is_test(shown), &mut hits);
        }
    } else if options.code && path.file_name().is_some_and(|name| name == "Cargo.toml") {
        code::manifest(&text, &mut hits);
    }
    scan.findings = placed(shown, &text, hits);
    scan
}

/// The hits with their positions. A key that was told by its shape is not told by its name again.
fn placed(file: &Path, text: &str, mut hits: Vec<Hit>) -> Vec<Finding> {
    hits.sort_by_key(|hit| (hit.at, hit.rule));
    hits.truncate(PER_FILE);
    let mut findings: Vec<Finding> = Vec::new();
    for hit in hits {
        let before = text.get(..hit.at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let twin = findings
            .iter()
            .any(|f| f.line == line && hit.rule == Rule::NamedSecret && f.rule.is_secret());
        if twin {
            continue;
        }
        if hit.rule.is_secret() {
            findings.retain(|f| f.line != line || f.rule != Rule::NamedSecret);
        }
        findings.push(Finding {
            file: file.to_owned(),
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
            rule: hit.rule,
            what: hit.what,
            shown: hit.shown,
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Options = Options { secrets: true, code: true };

    fn value() -> String {
        ["9fK2", "mQx7", "Lw0Z", "tB4v", "Rj8N"].concat()
    }

    #[test]
    fn ignored_dotenv_files_are_read_and_other_ignored_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let line = format!("API_TOKEN={}\n", value());
        write(".gitignore", ".env*\nbuild/\n");
        write(".env.local", &format!("\n{line}"));
        write("build/app.conf", &line);
        write("app.conf", &format!("é {line}"));
        let scan = scan(dir.path(), BOTH);
        let places: Vec<String> = scan.findings.iter().map(Finding::place).collect();
        assert_eq!(places, [".env.local:2:11", "app.conf:1:13"]);
        assert!(scan.findings.iter().all(|f| !format!("{f:?}").contains(&value())));
    }

    #[test]
    fn binaries_and_large_files_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let secret = format!("API_TOKEN={}\n", value());
        std::fs::write(dir.path().join("a.conf"), format!("\0{secret}")).unwrap();
        let large = secret + &" ".repeat(usize::try_from(FILE_LIMIT).unwrap());
        std::fs::write(dir.path().join("b.conf"), large).unwrap();
        let scan = scan(dir.path(), BOTH);
        assert_eq!((scan.findings.len(), scan.too_large), (0, 1));
    }

    #[test]
    fn one_value_is_one_finding() {
        let dir = tempfile::tempdir().unwrap();
        let key = format!("sk-{}{}", value(), value());
        std::fs::write(dir.path().join(".env"), format!("OPENAI_API_KEY={key}\n")).unwrap();
        let found = scan(dir.path(), BOTH).findings;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].rule, Rule::ProviderKey);
    }

    #[test]
    fn a_single_file_can_be_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, format!("API_TOKEN={}\n", value())).unwrap();
        assert_eq!(scan(&path, BOTH).findings.len(), 1);
    }
}
