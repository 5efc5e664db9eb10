//! The search for what encoders break into lines, at whatever column and after whatever stands
//! before it: line ends and blanks at the beginning of a line count as if they were not there. It is
//! made twice, because a backslash and `n` are a line end in a string of JSON and two characters
//! elsewhere.

use super::automaton::Found;
use super::search::{Lane, Search};
use std::collections::VecDeque;

/// So many characters before a line end are not held back for a form that may go on behind it:
/// otherwise every other line would come without its end until the next one is written. They hold
/// twelve bits of a secret in base64.
const FEW: u32 = 2;

/// What was passed over last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing.
    Text,
    /// A line end, or a blank behind it.
    LineEnd,
    /// A backslash.
    Backslash,
}

/// Where that search stands.
pub(super) struct Folded {
    lane: Lane,
    /// Whether backslashes escape.
    escapes: bool,
    last: Last,
    /// How many bytes were passed over in all.
    passed: u64,
    /// Of these how many stand before the first byte that may be the beginning of a form.
    before: u64,
    /// Where bytes were passed over since: how many others came in before them, and how many were
    /// passed over up to there in all.
    breaks: VecDeque<(u64, u64)>,
    /// No match begins before this position.
    floor: u64,
}

impl Folded {
    /// At the beginning of a stream in which backslashes escape, or do not.
    pub(super) fn new(escapes: bool) -> Self {
        Self {
            lane: Lane::new(),
            escapes,
            last: Last::Text,
            passed: 0,
            before: 0,
            breaks: VecDeque::new(),
            floor: 0,
        }
    }

    /// Whether no form may have begun.
    pub(super) fn idle(&self) -> bool {
        self.lane.depth() == 0
    }

    /// As at the beginning of a stream.
    pub(super) fn reset(&mut self) {
        self.lane.reset();
        self.last = Last::Text;
        self.breaks.clear();
        self.before = self.passed;
    }

    /// Takes the byte that ends at `position` and adds to `found` what ends with it, its length
    /// with what is passed over.
    pub(super) fn step(
        &mut self,
        search: &Search,
        byte: u8,
        position: u64,
        found: &mut Vec<Found>,
    ) {
        let idle = self.idle();
        if idle && !search.automaton().begins_with(byte) {
            return;
        }
        let passed = match (byte, self.last) {
            // Nothing is begun that could go on.
            _ if idle => None,
            (b'\r' | b'\n', _) | (b'n' | b'r', Last::Backslash) | (b' ' | b'\t', Last::LineEnd) => {
                Some(Last::LineEnd)
            }
            (b'\\', _) if self.escapes => Some(Last::Backslash),
            _ => None,
        };
        if let Some(passed) = passed {
            self.pass(search, passed, position);
            return;
        }
        // `\/` is how some writers of JSON have the slash.
        if self.last == Last::Backslash && byte != b'/' {
            self.reset();
        }
        self.last = Last::Text;
        let mut ended = Vec::new();
        self.lane.step(search, byte, &mut ended);
        for one in ended {
            let length = position - self.start(one.length, position).max(self.floor);
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            found.push(Found { length, pattern: one.pattern });
        }
        if !self.breaks.is_empty() {
            self.forget(position);
        }
    }

    /// Passes over the byte that ends at `position`.
    fn pass(&mut self, search: &Search, passed: Last, position: u64) {
        self.last = passed;
        self.passed += 1;
        let others = position - self.passed;
        match self.breaks.back_mut().filter(|(at, _)| *at == others) {
            Some((_, passed)) => *passed = self.passed,
            None => self.breaks.push_back((others, self.passed)),
        }
        if passed == Last::LineEnd && !self.lane.open(search, FEW) {
            self.floor = position;
        }
    }

    /// Where the last `depth` bytes that were not passed over begin.
    fn start(&self, depth: u32, position: u64) -> u64 {
        let others = (position - self.passed).saturating_sub(u64::from(depth));
        if self.breaks.is_empty() {
            return others + self.before;
        }
        let behind = self.breaks.partition_point(|(at, _)| *at <= others);
        let before = behind.checked_sub(1).and_then(|n| self.breaks.get(n));
        others + before.map_or(self.before, |(_, passed)| *passed)
    }

    /// Forgets what was passed over before what may be the beginning of a form.
    fn forget(&mut self, position: u64) {
        let others = (position - self.passed).saturating_sub(u64::from(self.lane.depth()));
        while let Some((_, passed)) = self.breaks.front().filter(|(at, _)| *at <= others) {
            self.before = *passed;
            self.breaks.pop_front();
        }
    }

    /// How many of the bytes up to `position` may be the beginning of a form.
    pub(super) fn held(&self, position: u64) -> u64 {
        match self.idle() {
            true => 0,
            false => position - self.start(self.lane.depth(), position).max(self.floor),
        }
    }
}
