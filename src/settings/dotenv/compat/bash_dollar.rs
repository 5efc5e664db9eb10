//! What begins with a `$` in a bash script, and `$'…'`.

use super::bash_lexer::{Lexer, Trouble};
use super::bash_words::{Part, Variable, Word, text};

/// How deep references may stand in each other before we give up; bash has no limit.
const DEEPEST: usize = 200;

impl Lexer<'_> {
    /// What begins with `$`. Whatever is read within itself is read through here.
    pub(super) fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<(), Trouble> {
        if self.depth == DEEPEST {
            return Err(Trouble::Deep);
        }
        self.depth += 1;
        self.reference(word, quoted)?;
        self.depth -= 1;
        Ok(())
    }

    fn reference(&mut self, word: &mut Word, quoted: bool) -> Result<(), Trouble> {
        self.bump();
        while self.peek() == Some(b'\\') && self.second() == Some(b'\n') {
            self.bump();
            self.bump();
        }
        match self.peek() {
            Some(b'(') if self.second() == Some(b'(') => {
                self.brackets(b'(', b')')?;
                word.push(Part::Varies("a sum that the shell works out"));
            }
            Some(b'(') => {
                let begin = self.at + 1;
                self.brackets(b'(', b')')?;
                self.command_text(word, begin);
            }
            Some(b'[') => {
                self.brackets(b'[', b']')?;
                word.push(Part::Varies("a sum that the shell works out"));
            }
            Some(b'{') => {
                self.bump();
                let part = self.braces(quoted)?;
                word.push(part);
            }
            Some(b'$') => {
                self.bump();
                word.push(Part::Varies("the id of the shell's process"));
            }
            Some(b'#') => {
                self.bump();
                text(word, b'0', true);
            }
            Some(b'0' | b'-' | b'?' | b'_')
                if self.peek() != Some(b'_') || !self.name_follows() =>
            {
                self.bump();
                word.push(Part::Varies("a state of the shell"));
            }
            Some(b'1'..=b'9' | b'*' | b'@' | b'!') => {
                self.bump();
                word.push(Part::Variable(Variable::plain(Vec::new(), quoted)));
            }
            Some(c) if c.is_ascii_alphabetic() || c == b'_' => {
                let name = self.name();
                word.push(Part::Variable(Variable::plain(name, quoted)));
            }
            _ => text(word, b'$', quoted),
        }
        Ok(())
    }

    fn name_follows(&self) -> bool {
        self.second().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    fn name(&mut self) -> Vec<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        self.at += len;
        rest.get(..len).unwrap_or_default().to_vec()
    }

    /// Passes over balanced brackets, quotes within them heeded.
    fn brackets(&mut self, open: u8, close: u8) -> Result<(), Trouble> {
        let mut depth = 0_usize;
        loop {
            match self.bump().ok_or(Trouble::Unclosed)? {
                b'\\' => {
                    self.bump();
                }
                b'\'' => while self.bump().ok_or(Trouble::Unclosed)? != b'\'' {},
                b'"' => self.double(&mut Word::new())?,
                c if c == open => depth += 1,
                c if c == close => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }

    /// `${…}`, behind the brace.
    fn braces(&mut self, quoted: bool) -> Result<Part, Trouble> {
        if self.peek() == Some(b'#') {
            self.bump();
            let name = self.name();
            if self.take(b"}") {
                let length = name.first().is_some_and(|b| !b.is_ascii_digit());
                return Ok(match (name.is_empty(), length) {
                    (true, _) => Part::Text(b"0".to_vec(), true),
                    (_, true) => Part::Length(name),
                    _ => Part::Bad,
                });
            }
            self.rest_of_braces(quoted)?;
            return Ok(Part::Varies("an expansion that is not followed here"));
        }
        let name = self.name();
        let positional = name.iter().all(u8::is_ascii_digit);
        if name.is_empty() || (name.first().is_some_and(u8::is_ascii_digit) && !positional) {
            let special = name.is_empty()
                && matches!(self.peek(), Some(b'!' | b'@' | b'*' | b'?' | b'$' | b'-'));
            self.rest_of_braces(quoted)?;
            return Ok(if special {
                Part::Varies("an expansion that is not followed here")
            } else {
                Part::Bad
            });
        }
        let name = if positional { Vec::new() } else { name };
        let colon =
            self.peek() == Some(b':') && matches!(self.second(), Some(b'-' | b'=' | b'?' | b'+'));
        if colon {
            self.bump();
        }
        let operator = match self.peek() {
            Some(c @ (b'-' | b'=' | b'?' | b'+')) => {
                self.bump();
                Some(c)
            }
            Some(b'}') | None => None,
            Some(b':' | b'#' | b'%' | b'/' | b'^' | b',' | b'@' | b'[') => {
                self.rest_of_braces(quoted)?;
                return Ok(Part::Varies("an expansion that is not followed here"));
            }
            Some(_) => {
                self.rest_of_braces(quoted)?;
                return Ok(Part::Bad);
            }
        };
        let word = self.rest_of_braces(quoted)?;
        Ok(Part::Variable(Variable { name, operator, colon, word, quoted }))
    }

    fn rest_of_braces(&mut self, quoted: bool) -> Result<Word, Trouble> {
        let mut word = Word::new();
        loop {
            match self.peek().ok_or(Trouble::Unclosed)? {
                b'}' => {
                    self.bump();
                    return Ok(word);
                }
                _ => self.part(&mut word, quoted)?,
            }
        }
    }

    /// `$'…'`, behind the opening quote.
    pub(super) fn escaped(&mut self, word: &mut Word) -> Result<(), Trouble> {
        word.push(Part::Text(Vec::new(), true));
        loop {
            match self.bump().ok_or(Trouble::Unclosed)? {
                b'\'' => return Ok(()),
                b'\\' => {
                    let c = self.bump().ok_or(Trouble::Unclosed)?;
                    let meant = match c {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        b'a' => 7,
                        b'b' => 8,
                        b'e' | b'E' => 27,
                        b'f' => 12,
                        b'v' => 11,
                        b'\\' | b'\'' | b'"' | b'?' => c,
                        b'0'..=b'7' | b'x' | b'u' | b'U' | b'c' => {
                            word.push(Part::Varies("an escape that is not followed here"));
                            continue;
                        }
                        _ => {
                            text(word, b'\\', true);
                            c
                        }
                    };
                    text(word, meant, true);
                }
                c => text(word, c, true),
            }
        }
    }
}
