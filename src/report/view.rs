//! Blocks: the shape of an answer for people, without saying how it is drawn.

use super::Problem;

/// What a cell, line or mark means; a renderer may colour it, never by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Good: passed, active, ready.
    Good,
    /// Attention: warnings, degraded.
    Warn,
    /// Bad: failed, missing.
    Bad,
    /// Less important than its surroundings.
    Faint,
    /// More important than its surroundings.
    Strong,
}

/// A table: column heads and rows of the same length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Column heads, upper-case by the renderer.
    pub(crate) head: Vec<&'static str>,
    /// Rows; a cell is a text and its tone.
    pub(crate) rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    /// A table with these column heads.
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row of plain cells.
    pub(crate) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|c| (c.into(), Tone::Plain)).collect());
    }
}

/// One piece of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A paragraph with a tone, such as a verdict.
    Toned(Tone, String),
    /// Items under each other.
    List(Vec<String>),
    /// Names with values, aligned.
    Pairs(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// A table whose cells wrap where a terminal is too narrow for it.
    Fitted(Table),
    /// Lines that were added (`+`), removed (`-`), changed (`~`) or are the same (` `).
    Diff(Vec<(char, String)>),
    /// A problem with its place, cause and way out.
    Finding(Problem),
    /// Text for a machine, shown as it is (a file, a script).
    Verbatim(String),
}

impl Block {
    /// A heading.
    pub(crate) fn heading(text: impl Into<String>) -> Self {
        Self::Heading(text.into())
    }

    /// A paragraph.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Aligned pairs of name and value.
    pub(crate) fn pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::Pairs(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}
