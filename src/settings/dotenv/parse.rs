//! Dotenv text to lines and entries with positions, every problem at once, in linear time.
//!
//! Every byte of the input is in exactly one [`Line`], so that a file can be written again as it
//! was, or with single parts of it replaced.

use super::cursor::{BOM, Cursor, position};
use super::found::Found;
use super::is_name;
use super::line::{Assignment, Ending, Line, LineKind, Quote, Span};
use super::template::{Around, Template, escape, push, reference};
use crate::report::{Place, Problem};
use crate::settings::secretish::name_for_message;
use std::collections::BTreeMap;
use std::path::Path;

/// What stands for a byte that is no text: one byte long, so that offsets stay true.
const STAND_IN: char = '\u{1a}';

/// A dotenv file: its lines, and its entries in order, each name once.
pub(crate) struct Document {
    /// All of the file, byte by byte.
    pub(crate) lines: Vec<Line>,
    /// What it assigns.
    pub(crate) entries: Vec<Entry>,
}

/// One assignment. It has no `Debug`: the value may be a secret.
pub(crate) struct Entry {
    /// The variable.
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) place: Place,
    /// The value, references not yet replaced.
    pub(crate) value: Template,
}

/// Reads `bytes`, the content of `file`. Entries with an error are left out.
pub(crate) fn parse(file: &Path, bytes: &[u8], problems: &mut Vec<Problem>) -> Document {
    let mut found = Found::default();
    let text = decode(file, bytes, &mut found);
    let mut parser = Parser {
        file,
        cursor: Cursor::new(&text),
        problems: found,
        seen: BTreeMap::new(),
        entries: Vec::new(),
        // A growing list would need twice the memory while it is moved.
        lines: Vec::with_capacity(memchr::memchr_iter(b'\n', bytes).count() + 2),
        unclosed: [false; 2],
    };
    if parser.cursor.take_mark() {
        let span = Span { start: 0, end: BOM.len() };
        parser.lines.push(Line { span, number: 1, ending: Ending::None, kind: LineKind::Bom });
    }
    while parser.cursor.peek().is_some() {
        parser.line();
    }
    let Parser { entries, lines, problems: found, .. } = parser;
    found.finish(file, problems);
    Document { lines, entries }
}

/// The bytes as text of the same length. What is no UTF-8 is reported and stood in for byte by
/// byte; NUL is reported.
fn decode(file: &Path, bytes: &[u8], problems: &mut Found) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut offset = 0;
    // The place of a problem is counted from the start of the file, but only for what is shown.
    let place = |offset: usize| {
        let (line, column) = position(bytes, offset);
        Place::at(file, line, column)
    };
    for chunk in bytes.utf8_chunks() {
        for n in memchr::memchr_iter(0, chunk.valid().as_bytes()) {
            problems.error(|| Problem::error("nul", "a NUL byte").at(place(offset + n)));
        }
        text.push_str(chunk.valid());
        offset += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            problems.error(|| Problem::error("not-utf8", "not UTF-8").at(place(offset)));
            chunk.invalid().iter().for_each(|_| text.push(STAND_IN));
            offset += chunk.invalid().len();
        }
    }
    text
}

struct Parser<'a> {
    file: &'a Path,
    cursor: Cursor<'a>,
    problems: Found,
    seen: BTreeMap<&'a str, Place>,
    entries: Vec<Entry>,
    lines: Vec<Line>,
    /// Whether a quote of this kind (single, double) was found open to the end of the text: then
    /// every later one is too, and need not be searched for its end again.
    unclosed: [bool; 2],
}

impl<'a> Parser<'a> {
    fn line(&mut self) {
        let begin = self.cursor;
        self.cursor.skip_blanks();
        let kind = if self.cursor.at_line_end() {
            LineKind::Blank
        } else if self.cursor.peek() == Some('#') {
            LineKind::Comment(self.rest_of_line())
        } else {
            self.assignment().map_or(LineKind::Error, |parts| LineKind::Assignment(Box::new(parts)))
        };
        self.cursor.skip_line();
        let span = Span { start: begin.offset(), end: self.cursor.offset() };
        let ending = match begin.rest().as_bytes().get(..span.len()).unwrap_or_default() {
            [.., b'\r', b'\n'] => Ending::CrLf,
            [.., b'\n'] => Ending::Lf,
            _ => Ending::None,
        };
        self.lines.push(Line { span, number: begin.line(), ending, kind });
    }

    /// From here to the end of the line, without what ends it.
    fn rest_of_line(&self) -> Span {
        let rest = self.cursor.rest();
        let line = rest.find('\n').map_or(rest, |end| rest.get(..end).unwrap_or(rest));
        let line = line.strip_suffix('\r').unwrap_or(line);
        Span { start: self.cursor.offset(), end: self.cursor.offset() + line.len() }
    }

    /// An assignment, the cursor before `export` or the name. `None` for a line that has no form.
    fn assignment(&mut self) -> Option<Assignment> {
        let mut ahead = self.cursor;
        let export = ahead.take("export") && ahead.skip_blanks();
        // `export = 1` assigns to a variable of that name.
        let export = export && !ahead.rest().starts_with('=');
        if export {
            self.cursor = ahead;
        }
        let begin = self.cursor;
        let name = self.cursor.take_name();
        let name_span = Span { start: begin.offset(), end: self.cursor.offset() };
        self.cursor.skip_blanks();
        if !is_name(name) || !self.cursor.take("=") {
            // What stands here may be the rest of a secret that spans lines, so it is not shown.
            let file = self.file;
            self.problems.error(|| {
                Problem::error("bad-name", "the line is no assignment")
                    .at(begin.place(file))
                    .why("expected `NAME=value`; a name has letters, digits and `_` and does not begin with a digit")
                    .hint("put a value of several lines in quotes")
            });
            return None;
        }
        let before = self.problems.mark();
        let (value, span, quote) = self.value()?;
        let comment = {
            let mut ahead = self.cursor;
            ahead.skip_blanks();
            self.cursor = ahead;
            (ahead.peek() == Some('#')).then(|| self.rest_of_line())
        };
        let mut assignment =
            Assignment { export, name: name_span, value: span, quote, comment, entry: None };
        let place = begin.place(self.file);
        if let Some(first) = self.seen.get(name) {
            self.problems.error(|| {
                Problem::error(
                    "duplicate-name",
                    format!("{} is assigned again", name_for_message(name)),
                )
                .at(place)
                .why(format!("the first is at {first}"))
            });
            return Some(assignment);
        }
        self.seen.insert(name, place.clone());
        if !self.problems.errors_since(before) {
            assignment.entry = Some(self.entries.len());
            self.entries.push(Entry { name: name.to_owned(), place, value });
        }
        Some(assignment)
    }

    /// The value behind `=`, where it stands and how it is quoted; `None` if it has no end, or
    /// more follows it than a comment.
    fn value(&mut self) -> Option<(Template, Span, Quote)> {
        let blanks = self.cursor.skip_blanks();
        let open = self.cursor;
        let start = open.offset();
        match self.cursor.peek() {
            Some('#') if blanks => {
                Some((Template::new(), Span { start, end: start }, Quote::Nothing))
            }
            Some(mark @ ('\'' | '"')) => {
                let Some(value) = self.quoted(mark) else {
                    self.cursor = open;
                    let file = self.file;
                    self.problems.error(|| {
                        Problem::error("unclosed-quote", "a quote is not closed")
                            .at(open.place(file))
                    });
                    return None;
                };
                let span = Span { start, end: self.cursor.offset() };
                let quote = if mark == '"' { Quote::Double } else { Quote::Single };
                self.behind_quotes(&open).then_some((value, span, quote))
            }
            _ => {
                let (value, end) = self.unquoted();
                Some((value, Span { start, end }, Quote::Nothing))
            }
        }
    }

    /// Whether only a comment follows after a closing quote, as it should.
    fn behind_quotes(&mut self, open: &Cursor<'_>) -> bool {
        let mut ahead = self.cursor;
        let blanks = ahead.skip_blanks();
        if ahead.at_line_end() || (blanks && ahead.peek() == Some('#')) {
            return true;
        }
        let file = self.file;
        self.problems.error(|| {
            Problem::error("text-after-quotes", "text follows the closing quote")
                .at(ahead.place(file))
                .why(format!("the quotes were opened at {}", open.place(file)))
                .hint("put the whole value in one pair of quotes")
        });
        false
    }

    /// A value without quotes, and where it ends: before the blanks at the end of the line.
    fn unquoted(&mut self) -> (Template, usize) {
        let mut value = Template::new();
        let mut end = self.cursor.offset();
        let mut blanks = String::new();
        let mut bare = None;
        while !self.cursor.at_line_end() {
            let here = self.cursor;
            let Some(c) = self.cursor.peek() else { break };
            if c == '#' && !blanks.is_empty() {
                break;
            }
            if c == ' ' || c == '\t' {
                self.cursor.bump();
                blanks.push(c);
                continue;
            }
            blanks.drain(..).for_each(|blank| push(&mut value, blank));
            if c == '$' && self.dollar(&mut value, Around::Nothing, &mut bare) {
                end = self.cursor.offset();
                continue;
            }
            self.cursor = here;
            self.cursor.bump();
            end = self.cursor.offset();
            push(&mut value, c);
        }
        self.warn_bare(bare);
        (value, end)
    }

    /// A value in quotes, the cursor at the opening one; `None` if there is no closing one.
    fn quoted(&mut self, quote: char) -> Option<Template> {
        let double = quote == '"';
        let [single_unclosed, double_unclosed] = &mut self.unclosed;
        if *(if double { double_unclosed } else { single_unclosed }) {
            return None;
        }
        self.cursor.bump();
        let mut value = Template::new();
        let mut bare = None;
        let before = self.problems.mark();
        loop {
            match self.cursor.peek() {
                None => {
                    // What was found on the way belongs to other lines.
                    self.problems.reset(before);
                    let [single_unclosed, double_unclosed] = &mut self.unclosed;
                    *(if double { double_unclosed } else { single_unclosed }) = true;
                    return None;
                }
                Some(c) if c == quote => {
                    self.cursor.bump();
                    self.warn_bare(bare);
                    return Some(value);
                }
                Some('\\') if double => escape(&mut self.cursor, &mut value),
                Some('\\') if self.cursor.peek_second() == Some('\'') => {
                    self.cursor.bump();
                    self.cursor.bump();
                    push(&mut value, '\'');
                }
                Some('$') if double && self.dollar(&mut value, Around::DoubleQuotes, &mut bare) => {
                }
                Some(c) => {
                    self.cursor.bump();
                    push(&mut value, c);
                }
            }
        }
    }

    /// Takes a reference at `$`, if it is one; else nothing is taken and a `$` that other
    /// programs would expand is remembered.
    fn dollar(&mut self, value: &mut Template, around: Around, bare: &mut Option<Place>) -> bool {
        match self.cursor.peek_second() {
            Some('{') => match reference(&mut self.cursor, self.file, around, 0) {
                Ok(piece) => {
                    value.push(piece);
                    true
                }
                Err(problem) => {
                    self.problems.push(*problem);
                    false
                }
            },
            Some(c) if c.is_ascii_alphabetic() || c == '_' || c == '(' => {
                bare.get_or_insert_with(|| self.cursor.place(self.file));
                false
            }
            _ => false,
        }
    }

    fn warn_bare(&mut self, bare: Option<Place>) {
        if let Some(place) = bare {
            self.problems.warning(|| {
                Problem::warning("bare-dollar", "`$` without braces is taken literally")
                    .at(place)
                    .why("other programs would replace it")
                    .hint("write `${NAME}` for a reference, or put the value in single quotes")
            });
        }
    }
}
