//! What is worth knowing about a dotenv file beyond its errors. One file a theme, one entry a
//! rule; each looks at the file as it is written and changes nothing.

mod hygiene;
mod names;
mod values;

use super::dotenv::{Assignment, Document, Entry, Line, LineKind, Span};
use crate::report::{Level, Place, Problem};
use std::path::Path;

/// More findings than this of one rule are counted, not shown.
const MOST: usize = 50;

/// A dotenv file that is judged.
pub(crate) struct File<'a> {
    /// Its name in findings.
    pub(crate) shown: &'a Path,
    /// Its content.
    pub(crate) bytes: &'a [u8],
    /// The same, parsed.
    pub(crate) document: &'a Document,
    /// Who else sees it.
    pub(crate) exposure: Exposure,
}

/// Who sees a file beside its owner.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exposure {
    /// Git tracks it.
    pub(crate) tracked: bool,
    /// Its mode lets the group or others read it.
    pub(crate) others_read: bool,
}

impl Exposure {
    /// Looks at the file at `path`.
    pub(crate) fn of(path: &Path) -> Self {
        let Ok(path) = path.canonicalize() else { return Self::default() };
        let dir = path.parent().unwrap_or(Path::new("/"));
        Self {
            tracked: !super::git::known_to_be_tracked(dir, std::slice::from_ref(&path)).is_empty(),
            others_read: crate::base::file::others_can_read(&path).unwrap_or(false),
        }
    }
}

/// Something that is looked for.
pub(crate) struct Rule {
    /// The code of its findings.
    pub(crate) code: &'static str,
    /// What it looks for, in a sentence.
    pub(crate) doc: &'static str,
    judge: fn(&File<'_>, &mut Findings<'_>),
}

/// Every rule.
pub(crate) const RULES: &[Rule] = &[
    hygiene::BYTE_ORDER_MARK,
    hygiene::CRLF,
    hygiene::FINAL_NEWLINE,
    hygiene::TRAILING_BLANKS,
    hygiene::SPACING,
    names::LOWER_CASE,
    names::UNKNOWN,
    names::NEAR_MISS,
    names::RENAMED,
    values::UNQUOTED,
    values::CHARACTERS,
    values::NOT_PORTABLE,
    values::PLACEHOLDER,
    values::EXPOSED,
];

/// Adds what the rules find. No finding shows a value.
pub(crate) fn judge(file: &File<'_>, problems: &mut Vec<Problem>) {
    for rule in RULES {
        let mut findings = Findings { file, rule, found: Vec::new(), more: 0 };
        (rule.judge)(file, &mut findings);
        let Findings { mut found, more, .. } = findings;
        if more > 0 {
            let level = found.last().map_or(Level::Warning, |last| last.level);
            let text = format!("{more} more of these");
            found.push(
                Problem { level, ..Problem::error(rule.code, text) }.at(Place::file(file.shown)),
            );
        }
        problems.append(&mut found);
    }
}

/// What one rule finds.
struct Findings<'a> {
    file: &'a File<'a>,
    rule: &'static Rule,
    found: Vec<Problem>,
    more: usize,
}

impl Findings<'_> {
    /// A finding at a byte of a line. `finish` adds cause and hint.
    fn warn(
        &mut self,
        line: &Line,
        offset: usize,
        what: impl FnOnce() -> String,
        finish: impl FnOnce(Problem) -> Problem,
    ) {
        if self.found.len() == MOST {
            self.more += 1;
            return;
        }
        let place = self.file.place(line, offset);
        self.found.push(finish(Problem::warning(self.rule.code, what()).at(place)));
    }

    /// The same, as an error.
    fn error(
        &mut self,
        line: &Line,
        offset: usize,
        what: impl FnOnce() -> String,
        finish: impl FnOnce(Problem) -> Problem,
    ) {
        self.warn(line, offset, what, |problem| finish(Problem { level: Level::Error, ..problem }));
    }
}

impl<'a> File<'a> {
    /// The place of a byte of a line.
    fn place(&self, line: &Line, offset: usize) -> Place {
        let before = Span { start: line.span.start, end: offset }.of(self.bytes);
        let (row, column) = super::dotenv::position(before, before.len());
        Place::at(self.shown, line.number + row - 1, column)
    }

    /// The assignments, with their lines.
    fn assignments(&self) -> impl Iterator<Item = (&'a Line, &'a Assignment)> + use<'a> {
        self.document.lines.iter().filter_map(|line| match &line.kind {
            LineKind::Assignment(parts) => Some((line, parts.as_ref())),
            _ => None,
        })
    }

    /// The assignments that count, with their entries.
    fn entries(&self) -> impl Iterator<Item = (&'a Line, &'a Assignment, &'a Entry)> + use<'a> {
        let document = self.document;
        self.assignments()
            .filter_map(|(line, parts)| Some((line, parts, document.entries.get(parts.entry?)?)))
    }
}

#[cfg(test)]
mod tests;
