//! The words of a bash script, as far as dotenv files have them.

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
    /// A command without words: nothing is run, and nothing is left of it.
    Nothing,
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
    /// Whether it opens one for reading, which may not be there.
    pub(super) opens: bool,
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

impl Variable {
    pub(super) fn plain(name: Vec<u8>, quoted: bool) -> Self {
        Self { name, operator: None, colon: false, word: Word::new(), quoted }
    }
}

/// Adds a byte of text.
pub(super) fn text(word: &mut Word, byte: u8, quoted: bool) {
    match word.last_mut() {
        Some(Part::Text(text, same)) if *same == quoted => text.push(byte),
        _ => word.push(Part::Text(vec![byte], quoted)),
    }
}

/// Whether bash takes a word in front of a command as one of its own language.
pub(super) fn is_reserved(word: &Word) -> bool {
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
