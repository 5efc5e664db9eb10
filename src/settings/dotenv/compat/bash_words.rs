//! The words and commands of a bash script, as far as dotenv files have them.

/// A piece of a word.
pub(super) enum Part {
    /// Text, and whether it was quoted.
    Text(Vec<u8>, bool),
    /// `$NAME` or `${NAME…}`.
    Variable(Variable),
    /// `${#NAME}`.
    Length(Vec<u8>),
    /// A command whose output stands here.
    Command(String),
    /// What the file does not tell, and why.
    Varies(&'static str),
    /// An expansion that bash refuses when it comes to it.
    Bad,
    /// The words of an array.
    Array(Vec<Word>),
}

/// A reference to a variable.
pub(super) struct Variable {
    pub(super) name: Vec<u8>,
    /// One of `- = ? +`, if there is one.
    pub(super) operator: Option<u8>,
    /// Whether `:` stands before the operator.
    pub(super) colon: bool,
    /// What follows the operator.
    pub(super) word: Word,
    /// Whether it stands in double quotes.
    pub(super) quoted: bool,
}

/// A word: its parts in order.
pub(super) type Word = Vec<Part>;

/// A command without its redirections.
pub(super) struct Command {
    pub(super) line: u32,
    pub(super) words: Vec<Word>,
    /// Files that it opens for writing.
    pub(super) writes: Vec<Word>,
    /// What stands behind it.
    pub(super) end: End,
}

/// What ends a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `;` or the end of the line.
    Next,
    /// `&`
    Background,
    /// `&&` or `||`
    Conditional,
    /// `|`
    Pipe,
}

/// Why a line cannot be taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A quote or bracket has no end.
    Unclosed,
    /// Something stands where bash does not allow it.
    Syntax,
    /// A construct that is not followed here.
    Program,
}

const RESERVED: &[&[u8]] = &[
    b"if",
    b"then",
    b"else",
    b"elif",
    b"fi",
    b"for",
    b"while",
    b"until",
    b"do",
    b"done",
    b"case",
    b"esac",
    b"select",
    b"function",
    b"time",
    b"coproc",
    b"{",
    b"}",
    b"!",
    b"[[",
    b"]]",
];

/// Takes a script apart, line by line.
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    begin: u32,
}

impl<'a> Lexer<'a> {
    /// At the beginning of `text`.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1, begin: 1 }
    }

    /// The line that the last commands began on.
    pub(super) fn began(&self) -> u32 {
        self.begin
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn second(&self) -> Option<u8> {
        self.text.get(self.at + 1).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(byte)
    }

    fn take(&mut self, text: &[u8]) -> bool {
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
        let mut command =
            Command { line: self.line, words: Vec::new(), writes: Vec::new(), end: End::Next };
        let mut redirected = false;
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
                    let may_assign = command.words.iter().all(|w| assignment(w).is_some());
                    let word = self.word(may_assign)?;
                    if command.words.is_empty() && is_reserved(&word) {
                        return Err(Trouble::Program);
                    }
                    let number = matches!(word.as_slice(), [Part::Text(t, false)] if t.iter().all(u8::is_ascii_digit));
                    if number && matches!(self.peek(), Some(b'<' | b'>')) {
                        continue;
                    }
                    command.words.push(word);
                }
            }
        }
    }

    fn redirection(&mut self, command: &mut Command) -> Result<(), Trouble> {
        let out = self.bump() == Some(b'>');
        if self.take(b"<<") {
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
    fn part(&mut self, word: &mut Word, in_double: bool) -> Result<(), Trouble> {
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
    fn double(&mut self, word: &mut Word) -> Result<(), Trouble> {
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

    fn command_text(&mut self, word: &mut Word, begin: usize) {
        let inner = self.text.get(begin..self.at.saturating_sub(1)).unwrap_or_default();
        let inner = String::from_utf8_lossy(inner).trim().to_owned();
        word.push(if inner.is_empty() {
            Part::Text(Vec::new(), true)
        } else {
            Part::Command(inner)
        });
    }

    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<(), Trouble> {
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
    fn escaped(&mut self, word: &mut Word) -> Result<(), Trouble> {
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

impl Variable {
    fn plain(name: Vec<u8>, quoted: bool) -> Self {
        Self { name, operator: None, colon: false, word: Word::new(), quoted }
    }
}

/// Adds a byte of text.
fn text(word: &mut Word, byte: u8, quoted: bool) {
    match word.last_mut() {
        Some(Part::Text(text, same)) if *same == quoted => text.push(byte),
        _ => word.push(Part::Text(vec![byte], quoted)),
    }
}

fn is_reserved(word: &Word) -> bool {
    matches!(word.as_slice(), [Part::Text(text, false)] if RESERVED.contains(&text.as_slice()))
}

/// A word that is an assignment.
pub(super) struct Assignment<'a> {
    pub(super) name: &'a [u8],
    /// Whether the value is added to the old one: `+=`.
    pub(super) adds: bool,
    /// What of the word's first part belongs to the value.
    pub(super) rest: &'a [u8],
    /// Whether it is an element of an array, which has no place in the environment.
    pub(super) element: bool,
}

/// The assignment that a word is, if it is one.
pub(super) fn assignment(word: &Word) -> Option<Assignment<'_>> {
    let Some(Part::Text(text, false)) = word.first() else { return None };
    let equals = memchr::memchr(b'=', text)?;
    let (before, rest) = (text.get(..equals)?, text.get(equals + 1..)?);
    let adds = before.ends_with(b"+");
    let before = before.strip_suffix(b"+").unwrap_or(before);
    let (name, element) = match memchr::memchr(b'[', before) {
        Some(open) if before.ends_with(b"]") => (before.get(..open)?, true),
        _ => (before, false),
    };
    is_name(name).then_some(Assignment { name, adds, rest, element })
}

/// Whether bash takes this as the name of a variable.
pub(super) fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|b| !b.is_ascii_digit())
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}
