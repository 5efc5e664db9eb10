//! Long values. All forms of one together are some forty times as long as it is, and most are never
//! written by anybody: the automaton holds only what they begin with, and a form is made when its
//! beginning is met. From there on it is followed byte by byte (Knuth, Morris and Pratt, 1977), so
//! that it is found whole, or not at all, as if it were in the automaton.

use super::forms::Way;
use super::value::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The longest value, in bytes, whose forms are in the automaton as a whole.
pub(super) const LONGEST_WHOLE: usize = 128;

/// How many bytes of a form are in the automaton otherwise.
pub(super) const HEAD: usize = 32;

/// How much of a value is written to learn what its form begins with: enough for every way.
const BEGINNING: usize = 96;

/// A long value. It has no `Debug`.
struct Text {
    value: Arc<Value>,
    pattern: u32,
}

/// The long values, with the forms that begin alike together.
#[derive(Default)]
pub(super) struct Long {
    texts: Vec<Text>,
    groups: Vec<Group>,
}

/// Forms that begin with the same bytes.
#[derive(Default)]
struct Group {
    /// Which value, written which way.
    members: Vec<(usize, Way)>,
    /// Made when the beginning is met for the first time.
    chains: OnceLock<Vec<Chain>>,
}

/// A form, with how far one can fall back in it.
pub(super) struct Chain {
    form: Vec<u8>,
    /// For each byte the length of the longest proper ending of the form up to there that the form
    /// begins with.
    fall: Vec<u32>,
    /// The pattern it belongs to.
    pub(super) pattern: u32,
}

/// Collects long values.
#[derive(Default)]
pub(super) struct Collect {
    long: Long,
    heads: BTreeMap<Vec<u8>, u32>,
}

impl Collect {
    /// Adds a value of more than [`LONGEST_WHOLE`] bytes, written in these ways.
    pub(super) fn add(
        &mut self,
        value: &Arc<Value>,
        pattern: u32,
        ways: impl Iterator<Item = Way>,
    ) {
        let text = self.long.texts.len();
        let beginning = value.beginning(BEGINNING);
        for way in ways {
            let Some(written) = beginning.written(way) else { continue };
            let Some(head) = written.get(..HEAD) else { continue };
            let next = u32::try_from(self.long.groups.len()).unwrap_or(u32::MAX);
            let number = *self.heads.entry(head.to_vec()).or_insert(next);
            if number == next {
                self.long.groups.push(Group::default());
            }
            let group = usize::try_from(number).ok().and_then(|n| self.long.groups.get_mut(n));
            if let Some(group) = group {
                group.members.push((text, way));
            }
        }
        self.long.texts.push(Text { value: Arc::clone(value), pattern });
    }

    /// The values, and what their forms begin with, with the number of the group.
    pub(super) fn done(self) -> (Long, BTreeMap<Vec<u8>, u32>) {
        (self.long, self.heads)
    }
}

impl Long {
    /// The forms of a group, each once.
    pub(super) fn chains(&self, group: u32) -> &[Chain] {
        let Some(group) = usize::try_from(group).ok().and_then(|n| self.groups.get(n)) else {
            return &[];
        };
        group.chains.get_or_init(|| {
            let mut forms: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            for (text, way) in &group.members {
                let Some(text) = self.texts.get(*text) else { continue };
                if let Some(form) = text.value.written(*way) {
                    forms.entry(form).or_insert(text.pattern);
                }
            }
            forms.into_iter().map(|(form, pattern)| Chain::new(form, pattern)).collect()
        })
    }
}

impl Chain {
    fn new(form: Vec<u8>, pattern: u32) -> Self {
        let mut chain = Self { fall: Vec::with_capacity(form.len()), form, pattern };
        let mut at = 0;
        for n in 0..chain.form.len() {
            if let Some(byte) = chain.form.get(n).filter(|_| n > 0) {
                at = chain.step(at, *byte);
            }
            chain.fall.push(at);
        }
        chain
    }

    /// The length of the form.
    pub(super) fn length(&self) -> u32 {
        u32::try_from(self.form.len()).unwrap_or(u32::MAX)
    }

    /// How much of the form stands at the end of the text after one more byte, if that was `at`.
    pub(super) fn step(&self, mut at: u32, byte: u8) -> u32 {
        loop {
            let index = usize::try_from(at).unwrap_or(usize::MAX);
            if self.form.get(index) == Some(&byte) {
                return at + 1;
            }
            match index.checked_sub(1).and_then(|before| self.fall.get(before)) {
                Some(shorter) => at = *shorter,
                None => return 0,
            }
        }
    }
}
