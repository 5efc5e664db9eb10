//! Where the mock's words, ids and counts come from.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What everything about an answer is derived from.
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// The digest of these values, in this order.
    pub(super) fn of(values: &[&Value]) -> Self {
        let mut hash = Sha256::new();
        for value in values {
            // JSON has no zero byte, so the parts cannot run into each other.
            hash.update(value.to_string());
            hash.update([0]);
        }
        Self(hash.finalize().into())
    }

    /// A number for the purpose `n`.
    pub(super) fn number(&self, n: u64) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(n.to_be_bytes());
        let bytes: [u8; 32] = hash.finalize().into();
        bytes.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }

    /// 24 hexadecimal digits for ids.
    pub(super) fn id(&self) -> String {
        data_encoding::HEXLOWER.encode(self.0.get(..12).unwrap_or(&self.0))
    }
}

const WORDS: &[&str] = &[
    "river", "stone", "quiet", "morning", "answers", "carry", "small", "lantern", "over", "open",
    "field", "and", "every", "window", "keeps", "a", "steady", "light", "while", "patient",
    "clocks", "measure", "the", "long", "road", "between", "harbour", "garden", "with", "plain",
    "careful", "words", "that", "repeat", "exactly", "when", "asked", "again", "under", "same",
    "sky", "where", "nothing", "is", "guessed", "or", "lost",
];

/// The word that `number` falls on.
pub(super) fn word(number: u64) -> &'static str {
    let pick = usize::try_from(number % super::count(WORDS.len())).unwrap_or(0);
    WORDS.get(pick).copied().unwrap_or("word")
}

/// The words of answer number `index`: the first names the model and says that this is a mock.
pub(super) fn words(digest: &Digest, index: u64, model: &str) -> Vec<String> {
    let mut words: Vec<String> =
        ["This", " is", " a", " mock", " answer"].map(str::to_owned).to_vec();
    words.push(format!(" from {model}:"));
    let mut state = digest.number(index + 1) | 1;
    let length = 8 + state % 24;
    for _ in 0..length {
        // xorshift64: good enough to pick words, and the same everywhere.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        words.push(format!(" {}", word(state)));
    }
    if let Some(last) = words.last_mut() {
        last.push('.');
    }
    words
}

/// A count of tokens that depends on nothing but the text: a quarter of its characters, rounded
/// up.
pub(super) fn tokens(content: &Value) -> u64 {
    super::count(characters(content).div_ceil(4))
}

fn characters(content: &Value) -> usize {
    match content {
        Value::String(text) => text.chars().count(),
        Value::Array(parts) => parts.iter().map(characters).sum(),
        Value::Object(part) => part.get("text").map_or(0, characters),
        _ => 0,
    }
}
