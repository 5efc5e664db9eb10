//! Redaction of a stream: known secrets are masked wherever they stand in what a program writes,
//! in every form in which programs write them, however the stream is cut into chunks, and base64 and
//! hexadecimal however they are cut into lines.
//!
//! All forms of all secrets are searched for at once (Aho and Corasick). Every byte that belongs
//! to any match is masked; matches that overlap share one mark. What cannot be the beginning of a
//! match goes on at once, so never more than the longest form less one byte is held back. Memory and
//! time to prepare grow with what is short; of a long value they take what it takes itself.

mod automaton;
mod folded;
mod forms;
mod long;
mod search;
mod stream;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use forms::percent_decoded;
pub(crate) use stream::Stream;
pub(crate) use value::Value;

use super::Secret;
use automaton::Pairs;
use search::{Building, Search};
use std::sync::Arc;

/// The shortest value, in bytes, that is looked for: shorter ones are ordinary words, and masking
/// them would blacken everything and hide nothing.
pub(crate) const SHORTEST: usize = 6;

/// A secret to be masked.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// The variable it is the value of, which the mark names.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: Value,
}

/// Everything that is looked for; streams share it. It has no `Debug`: it is made of secrets.
pub(crate) struct Redaction {
    /// What is looked for in the text as it comes.
    plain: Search,
    /// What is looked for as if the text had no line ends.
    folded: Search,
    /// What any of these begins with.
    pairs: Pairs,
    /// `[redacted:NAME]`, by the number of the pattern.
    marks: Vec<String>,
}

impl Redaction {
    /// Prepares to look for these; values shorter than [`SHORTEST`] are passed over.
    pub(crate) fn new(patterns: &[Pattern]) -> Self {
        let (mut plain, mut folded) = (Building::new(), Building::new());
        let mut marks = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let number = u32::try_from(marks.len()).unwrap_or(u32::MAX);
            let decoded = match &pattern.value {
                Value::Text(_) => None,
                // Programs that take it for a text have U+FFFD for what is none.
                Value::Bytes(bytes) => {
                    let text = String::from_utf8_lossy(bytes.expose());
                    Some(Value::Text(Secret::new(text)))
                }
            };
            for value in [Some(pattern.value.clone()), decoded].into_iter().flatten() {
                if value.bytes().len() < SHORTEST {
                    continue;
                }
                for line in value.lines() {
                    plain.add(&Arc::new(line), number, std::iter::once(forms::Way::Plain));
                }
                let value = Arc::new(value);
                plain.add(&value, number, forms::ways().filter(|way| !way.is_broken()));
                folded.add(&value, number, forms::ways().filter(|way| way.is_broken()));
            }
            marks.push(format!("[redacted:{}]", pattern.name));
        }
        let (plain, folded) = (plain.done(), folded.done());
        let mut pairs = Pairs::none();
        pairs.extend(plain.automaton().pairs());
        pairs.extend(folded.automaton().pairs());
        for first in (0..=u8::MAX).filter(|byte| folded.automaton().begins_with(*byte)) {
            for line_end in *b"\r\n\\" {
                pairs.add(first, line_end);
            }
        }
        Self { plain, folded, pairs, marks }
    }

    /// The number of bytes at the beginning of `text` at which no form begins. The last byte is
    /// only counted if no form begins with it.
    fn clear(&self, text: &[u8]) -> usize {
        let (plain, folded) = (self.plain.automaton(), self.folded.automaton());
        let begins = |window: &[u8]| match window {
            [first, second] => self.pairs.contains(*first, *second),
            _ => false,
        };
        if let Some(at) = text.windows(2).position(begins) {
            return at;
        }
        match text.last() {
            Some(last) if plain.begins_with(*last) || folded.begins_with(*last) => text.len() - 1,
            _ => text.len(),
        }
    }

    fn mark(&self, number: u32) -> &[u8] {
        let mark = usize::try_from(number).ok().and_then(|number| self.marks.get(number));
        mark.map_or(b"[redacted]", |mark| mark.as_bytes())
    }
}
