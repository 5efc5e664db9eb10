//! Redaction of a stream: known secrets are masked wherever they stand in what a program writes,
//! in every form in which programs write them, however the stream is cut into chunks.
//!
//! All forms of all secrets are searched for at once (Aho and Corasick). Every byte that belongs
//! to any match is masked; matches that overlap share one mark. What cannot be the beginning of a
//! match goes on at once, so never more than the longest form less one byte is held back. Memory and
//! time to prepare grow with what is short; of a long value they take what it takes itself.

mod automaton;
mod forms;
mod long;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use forms::percent_decoded;
pub(crate) use stream::Stream;

use super::Secret;
use automaton::Automaton;
use long::{Collect, LONGEST_WHOLE, Long};

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
    /// Values that are too long to be in it.
    long: Long,
    /// `[redacted:NAME]`, by the number of the pattern.
    marks: Vec<String>,
}

impl Redaction {
    /// Prepares to look for these; values shorter than [`SHORTEST`] are passed over.
    pub(crate) fn new(patterns: &[Pattern]) -> Self {
        let mut automaton = Automaton::new();
        let mut long = Collect::default();
        let mut marks = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            if pattern.value.expose().len() >= SHORTEST {
                let number = u32::try_from(marks.len()).unwrap_or(u32::MAX);
                let value = pattern.value.expose();
                if value.len() > LONGEST_WHOLE {
                    long.add(value, number, forms::ways());
                } else {
                    forms::of(value).iter().for_each(|form| automaton.add(form, number));
                }
                for line in forms::lines(value) {
                    if line.len() > LONGEST_WHOLE {
                        long.add(line, number, std::iter::once(forms::Way::Plain));
                    } else {
                        automaton.add(line.as_bytes(), number);
                    }
                }
            }
            marks.push(format!("[redacted:{}]", pattern.name));
        }
        let (long, heads) = long.done();
        for (head, number) in &heads {
            automaton.add_head(head, *number);
        }
        automaton.link();
        Self { automaton, long, marks }
    }

    fn mark(&self, number: u32) -> &[u8] {
        let mark = usize::try_from(number).ok().and_then(|number| self.marks.get(number));
        mark.map_or(b"[redacted]", |mark| mark.as_bytes())
    }
}
