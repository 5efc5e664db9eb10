//! Blocks and problems as text for people. Each piece is one line: what steers a terminal is escaped
//! here, for all of them but [`Block::Verbatim`].

use super::visible::visible;
use crate::report::{Block, Level, Problem, Table, Tone};
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ContentArrangement};
use std::io::{self, Write};

/// Writes the blocks of a report; headings and tables stand apart from what precedes them.
pub(super) fn blocks(out: &mut impl Write, blocks: &[Block], colour: bool) -> io::Result<()> {
    for (n, block) in blocks.iter().enumerate() {
        if n > 0 && matches!(block, Block::Heading(_)) {
            writeln!(out)?;
        }
        self::block(out, block, colour)?;
    }
    Ok(())
}

fn block(out: &mut impl Write, block: &Block, colour: bool) -> io::Result<()> {
    match block {
        Block::Heading(text) => writeln!(out, "{}", paint(Tone::Strong, text, colour)),
        Block::Text(text) => writeln!(out, "{}", visible(text)),
        Block::Toned(tone, text) => writeln!(out, "{}", paint(*tone, text, colour)),
        Block::List(items) => {
            items.iter().try_for_each(|item| writeln!(out, "  - {}", visible(item)))
        }
        Block::Pairs(pairs) => self::pairs(out, pairs, colour),
        Block::Table(table) => self::table(out, table, colour, None),
        Block::Fitted(table) => self::table(out, table, colour, columns()),
        Block::Diff(lines) => lines.iter().try_for_each(|(mark, text)| {
            let tone = match mark {
                '+' => Tone::Good,
                '-' => Tone::Bad,
                '~' => Tone::Warn,
                _ => Tone::Plain,
            };
            writeln!(out, "{}", paint(tone, &format!("{mark} {text}"), colour))
        }),
        Block::Finding(problem) => self::problem(out, problem, colour),
        Block::Verbatim(text) => out.write_all(text.as_bytes()),
    }
}

fn pairs(out: &mut impl Write, pairs: &[(String, String)], colour: bool) -> io::Result<()> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (visible(name), visible(value))).collect();
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in &pairs {
        let gap = " ".repeat(width - name.chars().count() + 2);
        writeln!(out, "{}{gap}{value}", paint(Tone::Faint, name, colour))?;
    }
    Ok(())
}

/// The columns of the terminal that stdout is; `None` if it is none, for then the reader may be a
/// program that wants one line a row.
fn columns() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col >= 20).then_some(size.ws_col)
}

/// Draws the table; with `width` its cells are wrapped to fit.
fn table(out: &mut impl Write, table: &Table, colour: bool, width: Option<u16>) -> io::Result<()> {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width {
        drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    drawn.set_header(
        table.head.iter().map(|head| Cell::new(paint(Tone::Faint, &head.to_uppercase(), colour))),
    );
    for row in &table.rows {
        drawn.add_row(row.iter().map(|(text, tone)| Cell::new(paint(*tone, text, colour))));
    }
    for line in drawn.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes problems, errors before warnings.
pub(super) fn problems(out: &mut impl Write, problems: &[Problem], colour: bool) -> io::Result<()> {
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    sorted.sort_by_key(|p| std::cmp::Reverse(p.level));
    sorted.iter().try_for_each(|problem| self::problem(out, problem, colour))
}

/// `error: what`, then `at`, `why` and `hint` on lines of their own.
pub(super) fn problem(out: &mut impl Write, problem: &Problem, colour: bool) -> io::Result<()> {
    let (tone, label) = match problem.level {
        Level::Error => (Tone::Bad, "error"),
        Level::Warning => (Tone::Warn, "warning"),
    };
    writeln!(out, "{}: {}", paint(tone, label, colour), visible(&problem.what))?;
    if let Some(place) = &problem.place {
        writeln!(out, "    at: {}", visible(&place.to_string()))?;
    }
    if let Some(why) = &problem.why {
        writeln!(out, "   why: {}", visible(why))?;
    }
    if let Some(hint) = &problem.hint {
        writeln!(out, "  {}: {}", paint(Tone::Good, "hint", colour), visible(hint))?;
    }
    Ok(())
}

/// `text`, which is made [`visible`], in the colour of `tone` (ECMA-48 SGR), if any.
fn paint(tone: Tone, text: &str, colour: bool) -> String {
    let text = visible(text);
    let code = match tone {
        Tone::Plain => return text.into_owned(),
        _ if !colour => return text.into_owned(),
        Tone::Good => "32",
        Tone::Warn => "33",
        Tone::Bad => "31",
        Tone::Faint => "2",
        Tone::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Place;

    #[test]
    fn a_problem_says_what_where_why_and_how() {
        let mut out = Vec::new();
        let problem = Problem::error("x", "unknown variable `ULTRA_PROT`")
            .at(Place::at(".env", 3, 1))
            .why("no variable has this name")
            .hint("did you mean `ULTRA_PORT`?");
        super::problem(&mut out, &problem, false).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "error: unknown variable `ULTRA_PROT`\n    at: .env:3:1\n   why: no variable has this name\n  hint: did you mean `ULTRA_PORT`?\n"
        );
    }

    #[test]
    fn tables_are_aligned_without_borders() {
        let mut table = Table::new(&["name", "state"]);
        table.row(["openai", "active"]);
        table.row(["jwt", "missing"]);
        let mut out = Vec::new();
        blocks(&mut out, &[Block::Table(table)], false).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            " NAME    STATE\n openai  active\n jwt     missing\n"
        );
    }
}
