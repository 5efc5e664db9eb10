//! Takes a bash script apart into commands and their words.

use super::bash_words::{Command, End, Part, Word, assignment, is_reserved, text};
use super::reading::step;

/// Why a line cannot be taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A quote or bracket has no end.
    Unclosed,
    /// Something stands where bash does not allow it.
    Syntax,
    /// A construct that is not followed here.
    Program,
    /// Quotes and references stand too deep in each other.
    Deep,
}

/// Takes a script apart, line by line.
pub(super) struct Lexer<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// In how many references it is.
    pub(super) depth: usize,
    line: u32,
    begin: u32,
}

impl<'a> Lexer<'a> {
    /// At the beginning of `text`.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0, line: 1, begin: 1 }
    }

    /// The line that the last commands began on.
    pub(super) fn began(&self) -> u32 {
        self.begin
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn second(&self) -> Option<u8> {
        self.text.get(self.at + 1).copied()
    }

    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        step(1);
        self.at += 1;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(byte)
    }

    pub(super) fn take(&mut self, text: &[u8]) -> bool {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        if found {
            self.at += text.len();
        }
        found
    }

    /// Blanks and joined lines; whether a comment follows it is passed over too.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.second() == Some(b'\n') => {
                    self.bump();
                    self.bump();
                }
                Some(b'#') => {
                    while self.peek().is_some_and(|b| b != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// The commands up to the end of a line; `None` at the end of the text.
    pub(super) fn unit(&mut self) -> Option<Result<Vec<Command>, Trouble>> {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                break;
            }
            self.bump();
        }
        self.peek()?;
        self.begin = self.line;
        Some(self.commands())
    }

    fn commands(&mut self) -> Result<Vec<Command>, Trouble> {
        let mut out = Vec::new();
        loop {
            let command = self.command()?;
            let end = command.end;
            out.push(command);
            self.skip_blanks();
            while matches!(end, End::Conditional | End::Pipe) && self.peek() == Some(b'\n') {
                self.bump();
                self.skip_blanks();
            }
            match self.peek() {
                None if matches!(end, End::Conditional | End::Pipe) => return Err(Trouble::Syntax),
                None => return Ok(out),
                Some(b'\n') => {
                    self.bump();
                    return Ok(out);
                }
                Some(_) => {}
            }
        }
    }

    fn command(&mut self) -> Result<Command, Trouble> {
        let mut command = Command {
            line: self.line,
            words: Vec::new(),
            writes: Vec::new(),
            opens: false,
            end: End::Next,
        };
        let mut redirected = false;
        let mut may_assign = true;
        loop {
            self.skip_blanks();
            let nothing = command.words.is_empty() && !redirected;
            match self.peek() {
                None | Some(b'\n') => return Ok(command),
                Some(b';' | b'&' | b'|') if nothing => return Err(Trouble::Syntax),
                Some(b';') => {
                    self.bump();
                    if matches!(self.peek(), Some(b';' | b'&')) {
                        return Err(Trouble::Syntax);
                    }
                    return Ok(command);
                }
                Some(b'&') if self.second() == Some(b'>') => {
                    self.bump();
                    redirected = true;
                    self.redirection(&mut command)?;
                }
                Some(b'&') => {
                    self.bump();
                    let and = self.take(b"&");
                    command.end = if and { End::Conditional } else { End::Background };
                    return Ok(command);
                }
                Some(b'|') => {
                    self.bump();
                    let or = self.take(b"|");
                    let _ = !or && self.take(b"&");
                    command.end = if or { End::Conditional } else { End::Pipe };
                    return Ok(command);
                }
                Some(b'(') if nothing => return Err(Trouble::Program),
                Some(b'(') => {
                    let function = command.words.len() == 1 && self.second() == Some(b')');
                    return Err(if function { Trouble::Program } else { Trouble::Syntax });
                }
                Some(b')') => return Err(Trouble::Syntax),
                Some(b'<' | b'>') => {
                    redirected = true;
                    self.redirection(&mut command)?;
                }
                Some(_) => {
                    let word = self.word(may_assign)?;
                    if command.words.is_empty() && is_reserved(&word) {
                        return Err(Trouble::Program);
                    }
                    let number = matches!(word.as_slice(), [Part::Text(t, false)] if t.iter().all(u8::is_ascii_digit));
                    if number && matches!(self.peek(), Some(b'<' | b'>')) {
                        continue;
                    }
                    may_assign = may_assign && assignment(&word).is_some();
                    command.words.push(word);
                }
            }
        }
    }

    fn redirection(&mut self, command: &mut Command) -> Result<(), Trouble> {
        let out = self.bump() == Some(b'>');
        let text = self.take(b"<<");
        command.opens |= !out && !text;
        if text {
            // A here-string: its word follows.
        } else if self.peek() == Some(b'(') || (!out && self.peek() == Some(b'<')) {
            return Err(Trouble::Program);
        } else if matches!(self.peek(), Some(b'>' | b'&' | b'|')) {
            self.bump();
        }
        self.skip_blanks();
        if matches!(
            self.peek(),
            None | Some(b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
        ) {
            return Err(Trouble::Syntax);
        }
        let word = self.word(false)?;
        if out {
            command.writes.push(word);
        }
        Ok(())
    }

    /// A word; in front of a command `NAME=(…)` is an array.
    fn word(&mut self, may_assign: bool) -> Result<Word, Trouble> {
        let mut word = Word::new();
        loop {
            match self.peek() {
                None | Some(b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b')') => {
                    return Ok(word);
                }
                Some(b'(') => {
                    let array = may_assign
                        && matches!(assignment(&word), Some(a) if a.rest.is_empty())
                        && word.len() == 1;
                    if !array {
                        return Ok(word);
                    }
                    self.bump();
                    let words = self.array()?;
                    word.push(Part::Array(words));
                }
                Some(_) => self.part(&mut word, false)?,
            }
        }
    }

    fn array(&mut self) -> Result<Vec<Word>, Trouble> {
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return Err(Trouble::Unclosed),
                Some(b'\n') => {
                    self.bump();
                }
                Some(b')') => {
                    self.bump();
                    return Ok(words);
                }
                Some(b'(' | b';' | b'&' | b'|' | b'<' | b'>') => return Err(Trouble::Syntax),
                Some(_) => words.push(self.word(false)?),
            }
        }
    }

    /// One part of a word. In the word of a `${…}` within double quotes `'` is no quote.
    pub(super) fn part(&mut self, word: &mut Word, in_double: bool) -> Result<(), Trouble> {
        match self.peek() {
            Some(b'\\') => {
                self.bump();
                match self.bump() {
                    Some(b'\n') => {}
                    Some(c) if !in_double || matches!(c, b'$' | b'`' | b'"' | b'\\' | b'}') => {
                        text(word, c, true);
                    }
                    Some(c) => {
                        text(word, b'\\', true);
                        text(word, c, true);
                    }
                    None => text(word, b'\\', false),
                }
            }
            Some(b'\'') if !in_double => {
                self.bump();
                word.push(Part::Text(Vec::new(), true));
                loop {
                    match self.bump().ok_or(Trouble::Unclosed)? {
                        b'\'' => break,
                        c => text(word, c, true),
                    }
                }
            }
            Some(b'"') => {
                self.bump();
                self.double(word)?;
            }
            Some(b'$') if !in_double && self.second() == Some(b'\'') => {
                self.at += 2;
                self.escaped(word)?;
            }
            Some(b'$') if !in_double && self.second() == Some(b'"') => {
                self.at += 2;
                self.double(word)?;
            }
            Some(b'$') => self.dollar(word, in_double)?,
            Some(b'`') => self.backtick(word)?,
            Some(c) => {
                self.bump();
                text(word, c, in_double);
            }
            None => {}
        }
        Ok(())
    }

    /// Double quotes, behind the opening one.
    pub(super) fn double(&mut self, word: &mut Word) -> Result<(), Trouble> {
        word.push(Part::Text(Vec::new(), true));
        loop {
            match self.peek().ok_or(Trouble::Unclosed)? {
                b'"' => {
                    self.bump();
                    return Ok(());
                }
                b'\\' => {
                    self.bump();
                    match self.bump().ok_or(Trouble::Unclosed)? {
                        b'\n' => {}
                        c @ (b'$' | b'`' | b'"' | b'\\') => text(word, c, true),
                        c => {
                            text(word, b'\\', true);
                            text(word, c, true);
                        }
                    }
                }
                b'$' => self.dollar(word, true)?,
                b'`' => self.backtick(word)?,
                c => {
                    self.bump();
                    text(word, c, true);
                }
            }
        }
    }

    fn backtick(&mut self, word: &mut Word) -> Result<(), Trouble> {
        self.bump();
        let begin = self.at;
        loop {
            match self.bump().ok_or(Trouble::Unclosed)? {
                b'\\' => {
                    self.bump();
                }
                b'`' => break,
                _ => {}
            }
        }
        self.command_text(word, begin);
        Ok(())
    }

    pub(super) fn command_text(&mut self, word: &mut Word, begin: usize) {
        let inner = self.text.get(begin..self.at.saturating_sub(1)).unwrap_or_default();
        let inner = String::from_utf8_lossy(inner).trim().to_owned();
        word.push(match inner.as_str() {
            "" => Part::Nothing,
            // It would stand for the content of a file, and names none.
            "<" => Part::Bad,
            _ => Part::Command(inner),
        });
    }
}
