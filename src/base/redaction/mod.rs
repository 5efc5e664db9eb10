//! Redaction of a stream: known secrets are masked wherever they stand in what a program writes,
//! in every form in which programs write them, however the stream is cut into chunks.
//!
//! All forms of all secrets are searched for at once (Aho and Corasick). Every byte that belongs
//! to any match is masked; matches that overlap share one mark. What cannot be the beginning of a
//! match goes on at once, so never more than the longest form less one byte is held back.

mod automaton;
mod forms;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use forms::percent_decoded;
pub(crate) use stream::Stream;

use super::Secret;
use automaton::Automaton;

/// The shortest value, in bytes, that is looked for: shorter ones are ordinary words, and masking
/// them would blacken everything and hide nothing.
pub(crate) const SHORTEST: usize = 6;

/// A secret to be masked.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// The variable it is the value of, which the mark names.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: Secret,
}

/// Everything that is looked for; streams share it. It has no `Debug`: it is made of secrets.
pub(crate) struct Redaction {
    automaton: Automaton,
    /// `[redacted:NAME]`, by the number of the pattern.
    marks: Vec<String>,
}

impl Redaction {
    /// Prepares to look for these; values shorter than [`SHORTEST`] are passed over.
    pub(crate) fn new(patterns: &[Pattern]) -> Self {
        let mut automaton = Automaton::new();
        let mut marks = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            if pattern.value.expose().len() >= SHORTEST {
                let number = u32::try_from(marks.len()).unwrap_or(u32::MAX);
                for form in forms::of(pattern.value.expose()) {
                    automaton.add(&form, number);
                }
            }
            marks.push(format!("[redacted:{}]", pattern.name));
        }
        automaton.link();
        Self { automaton, marks }
    }

    fn mark(&self, number: u32) -> &[u8] {
        let mark = usize::try_from(number).ok().and_then(|number| self.marks.get(number));
        mark.map_or(b"[redacted]", |mark| mark.as_bytes())
    }
}
