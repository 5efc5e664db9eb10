//! The file that values go into: what it says afterwards, and how it is written.

use super::decision::{Decision, What};
use crate::base::file;
use crate::report::{Fault, Place, Problem};
use crate::settings::dotenv::{self, Ending, LineKind};
use crate::settings::secretish;
use std::collections::BTreeMap;
use std::path::Path;

/// A file as it is and as it will be. It has no `Debug`: it may hold secrets.
pub(super) struct Merge {
    before: Option<(Vec<u8>, u32)>,
    after: String,
    /// Names that the file says already.
    pub(super) present: Vec<String>,
    private: bool,
}

/// What a file says, by name, with the lines (from 0) that say it.
struct Said {
    text: String,
    place: Place,
    first: usize,
    last: usize,
}

impl Merge {
    /// What `path` says once the decisions are written into it. `source` is the text that they come
    /// from; with `in_place` it is the same file, which then loses what went elsewhere.
    ///
    /// # Errors
    /// The file cannot be read (5), is malformed or says otherwise (3), or is generated (6).
    pub(super) fn plan(
        path: &Path,
        shown: &Path,
        source: (&Path, &str),
        in_place: bool,
        replace: bool,
        decisions: &[Decision],
    ) -> Result<Self, Fault> {
        let before = read(path, shown)?;
        let bytes = before.as_ref().map(|(bytes, _)| &**bytes).unwrap_or_default();
        if dotenv::is_generated(bytes) {
            return Err(Fault::refused(
                Problem::error("generated-file", format!("`{}` is generated", shown.display()))
                    .at(Place::file(shown))
                    .why("the next switch writes it anew")
                    .hint("name another file with `--into`"),
            ));
        }
        let private = decisions.iter().any(|d| {
            d.written() && !d.text.is_empty() && (d.secret || secretish::perhaps(&d.text))
        });
        let mut merge =
            Self { before: before.clone(), after: String::new(), present: Vec::new(), private };
        let text = String::from_utf8_lossy(bytes).into_owned();
        if in_place {
            merge.after = rewritten(&text, shown, decisions);
        } else {
            merge.after = merge.added(&text, shown, source, replace, decisions)?;
        }
        Ok(merge)
    }

    /// Whether there is anything in the file afterwards.
    pub(super) fn says_anything(&self) -> bool {
        !self.after.is_empty()
    }

    /// No file changes.
    pub(super) fn nothing() -> Self {
        Self { before: None, after: String::new(), present: Vec::new(), private: false }
    }

    /// Whether the file changes.
    pub(super) fn changes(&self) -> bool {
        match &self.before {
            Some((bytes, mode)) => {
                *bytes != self.after.as_bytes() || (self.private && mode & 0o077 != 0)
            }
            None => !self.after.is_empty(),
        }
    }

    /// Writes the file, unless somebody else has meanwhile.
    ///
    /// # Errors
    /// The file changed (6) or cannot be written (5).
    pub(super) fn write(&self, path: &Path, shown: &Path) -> Result<(), Fault> {
        if !self.changes() {
            return Ok(());
        }
        let now = read(path, shown)?;
        if now.as_ref().map(|(bytes, _)| bytes) != self.before.as_ref().map(|(bytes, _)| bytes) {
            return Err(Fault::refused(
                Problem::error("changed-meanwhile", format!("`{}` changed", shown.display()))
                    .at(Place::file(shown))
                    .why("another program wrote it; what is in the vault already is skipped next time")
                    .hint("run the command again"),
            ));
        }
        let mode = match &self.before {
            Some((_, mode)) if !self.private => *mode,
            Some((_, mode)) => *mode & 0o700,
            None => file::PRIVATE,
        };
        // Through a link to the file itself, which stays one.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        file::write_atomic(&real, self.after.as_bytes(), mode)
            .map_err(|e| crate::commands::generate::unwritable(shown, &e))
    }

    fn added(
        &mut self,
        text: &str,
        shown: &Path,
        (source, source_text): (&Path, &str),
        replace: bool,
        decisions: &[Decision],
    ) -> Result<String, Fault> {
        let mut problems = Vec::new();
        let said = read_said(shown, text, &mut problems);
        problems.retain(Problem::is_error);
        let above = comments(source, source_text);
        let mut new = String::new();
        let mut lines: BTreeMap<usize, (usize, String)> = BTreeMap::new();
        for decision in decisions.iter().filter(|d| d.written()) {
            let Some(to) = &decision.to else { continue };
            let line = format!("{to}={}", dotenv::quote(&decision.text));
            match said.get(to) {
                Some(there) if there.text == decision.text => self.present.push(to.clone()),
                Some(there) if replace => {
                    lines.insert(there.first, (there.last, line));
                }
                Some(there) => problems.push(
                    Problem::error(
                        "says-otherwise",
                        format!("`{}` says something else of `{to}`", shown.display()),
                    )
                    .at(there.place.clone())
                    .why(format!("`{}` at {} would change it", decision.name, decision.place))
                    .hint(format!(
                        "keep it with `--except {}`, or change it with `--replace`",
                        decision.name
                    )),
                ),
                None => {
                    let key = decision.place.line.unwrap_or_default();
                    for comment in above.get(&key).into_iter().flatten() {
                        new.push_str(comment);
                        new.push('\n');
                    }
                    new.push_str(&line);
                    new.push('\n');
                }
            }
        }
        if !problems.is_empty() {
            return Err(Fault::does_not_hold(problems));
        }
        let mut out = edited(text, &lines);
        if !new.is_empty() {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&format!("# Imported from {}.\n{new}", name_of(source)));
        }
        Ok(out)
    }
}

/// The file without what went elsewhere, with new names where they are new.
fn rewritten(text: &str, shown: &Path, decisions: &[Decision]) -> String {
    let said = read_said(shown, text, &mut Vec::new());
    let mut lines = BTreeMap::new();
    let mut gone: Vec<(usize, usize)> = Vec::new();
    for decision in decisions {
        let Some(there) = said.get(&decision.name) else { continue };
        match (&decision.to, decision.what) {
            (_, What::Left) => {}
            (Some(to), What::Kept | What::Renamed) => {
                if *to != decision.name || there.text != decision.text {
                    let line = format!("{to}={}", dotenv::quote(&decision.text));
                    lines.insert(there.first, (there.last, line));
                }
            }
            _ => gone.push((there.first, there.last)),
        }
    }
    for (first, last) in gone {
        lines.insert(first, (last, String::new()));
    }
    edited(text, &lines)
}

/// `text` with ranges of lines (first to last, both inclusive) replaced; by nothing if the new line
/// is empty.
fn edited(text: &str, lines: &BTreeMap<usize, (usize, String)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut until = None;
    for (n, line) in text.split_inclusive('\n').enumerate() {
        if until.is_some_and(|last| n <= last) {
            continue;
        }
        match lines.get(&n) {
            None => out.push_str(line),
            Some((last, new)) => {
                until = Some(*last);
                if !new.is_empty() {
                    out.push_str(new);
                    out.push('\n');
                }
            }
        }
    }
    out
}

/// The entries of a file and the lines they take.
fn read_said(file: &Path, text: &str, problems: &mut Vec<Problem>) -> BTreeMap<String, Said> {
    let document = dotenv::parse(file, text.as_bytes(), problems);
    let entries = dotenv::expand(&document, &dotenv::Outside::NOTHING, &mut Vec::new());
    let mut taken = BTreeMap::new();
    for line in &document.lines {
        let LineKind::Assignment(assignment) = &line.kind else { continue };
        let entry = assignment.entry.and_then(|entry| document.entries.get(entry));
        let Some(entry) = entry else { continue };
        let first = (line.number as usize).saturating_sub(1);
        let breaks = memchr::memchr_iter(b'\n', line.span.of(text.as_bytes())).count();
        let last = first + breaks - usize::from(line.ending != Ending::None);
        taken.insert(entry.name.as_str(), (first, last));
    }
    let said = entries.into_iter().filter_map(|entry| {
        let (first, last) = *taken.get(entry.name.as_str())?;
        let said = Said { text: entry.text, place: entry.place, first, last };
        Some((entry.name, said))
    });
    said.collect()
}

/// The comments that stand right above an entry, by the entry's line. One that may hold a value
/// that was commented out is left behind.
fn comments(file: &Path, text: &str) -> BTreeMap<u32, Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut above = BTreeMap::new();
    for said in read_said(file, text, &mut Vec::new()).into_values() {
        let before = lines.get(..said.first).unwrap_or_default();
        let mut kept: Vec<String> = before
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with('#'))
            .filter(|line| !line.contains('=') && !secretish::perhaps(line))
            .map(|line| line.trim().to_owned())
            .collect();
        kept.reverse();
        above.insert(u32::try_from(said.first + 1).unwrap_or(u32::MAX), kept);
    }
    above
}

fn read(path: &Path, shown: &Path) -> Result<Option<(Vec<u8>, u32)>, Fault> {
    file::read_with_mode(path, dotenv::LIMIT).map_err(|e| {
        Fault::unreachable(
            Problem::error("unreadable-dotenv", "cannot read the file that values go into")
                .at(Place::file(shown))
                .why(e),
        )
    })
}

fn name_of(source: &Path) -> String {
    source.file_name().map_or_else(|| "a file".to_owned(), |name| name.to_string_lossy().into())
}
