//! One stream: chunks in, masked bytes out.

use super::Redaction;
use super::automaton::{Found, ROOT};
use super::long::HEAD;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How much more than needed is held before it is looked through for what can go.
const SLACK: usize = 256;

/// A stream under redaction. The output does not depend on how the input is cut into chunks.
pub(crate) struct Stream {
    redaction: Arc<Redaction>,
    /// Where the automaton stands.
    at: u32,
    /// By group the long forms that are being followed: how much of each stands at the end of what
    /// came in, 0 if too little to be followed.
    followed: BTreeMap<u32, Vec<u32>>,
    /// How many of the last bytes may be the beginning of a form.
    depth: u32,
    /// How many bytes came in so far.
    position: u64,
    /// The last of these, not yet written or masked.
    held: Vec<u8>,
    /// Masked stretches that are not yet written, in order and apart from each other.
    matches: VecDeque<Match>,
    /// Up to where everything is masked by the mark that was written last.
    masked: u64,
}

/// A masked stretch of the input.
struct Match {
    start: u64,
    end: u64,
    pattern: u32,
}

impl Stream {
    /// A stream at its beginning.
    pub(crate) fn new(redaction: Arc<Redaction>) -> Self {
        Self {
            redaction,
            at: ROOT,
            followed: BTreeMap::new(),
            depth: 0,
            position: 0,
            held: Vec::new(),
            matches: VecDeque::new(),
            masked: 0,
        }
    }

    /// Takes the next chunk and adds to `out` what can be written now: all but what may be the
    /// beginning of a form.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let redaction = Arc::clone(&self.redaction);
        let automaton = &redaction.automaton;
        let mut rest = chunk;
        while let Some((byte, behind)) = rest.split_first() {
            if self.depth == 0 && self.held.is_empty() && self.position >= self.masked {
                let clear = automaton.clear(rest);
                if clear > 0 {
                    let (plain, suspect) = rest.split_at(clear);
                    out.extend_from_slice(plain);
                    self.position += clear as u64;
                    rest = suspect;
                    continue;
                }
            }
            self.held.push(*byte);
            self.position += 1;
            self.at = automaton.step(self.at, *byte);
            let standing = automaton.standing(self.at);
            if let Some(found) = standing.found {
                self.found(found);
            }
            self.depth = standing.depth;
            if standing.head.is_some() || !self.followed.is_empty() {
                self.follow(*byte, standing.head);
            }
            let depth = self.depth;
            if depth == 0 || self.held.len() > depth as usize + SLACK {
                self.release(u64::from(depth), out);
            }
            rest = behind;
        }
        self.release(u64::from(self.depth), out);
    }

    /// Ends the stream: what was held back is no secret any more.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.at = ROOT;
        self.depth = 0;
        self.followed.clear();
        self.release(0, out);
    }

    /// Follows the long forms that were begun by one more byte, and those whose beginning ends with
    /// it from here on.
    fn follow(&mut self, byte: u8, begun: Option<u32>) {
        let redaction = Arc::clone(&self.redaction);
        let mut followed = std::mem::take(&mut self.followed);
        followed.retain(|group, states| {
            let mut any = false;
            for (chain, state) in redaction.long.chains(*group).iter().zip(states) {
                if *state == 0 {
                    continue;
                }
                *state = chain.step(*state, byte);
                if *state == chain.length() {
                    self.found(Found { length: *state, pattern: chain.pattern });
                }
                // Of less than its beginning the automaton knows.
                if (*state as usize) < HEAD {
                    *state = 0;
                }
                any |= *state > 0;
                self.depth = self.depth.max(*state);
            }
            any
        });
        if let Some(group) = begun {
            let count = redaction.long.chains(group).len();
            for state in followed.entry(group).or_insert_with(|| vec![0; count]) {
                if *state == 0 {
                    *state = HEAD as u32;
                }
            }
        }
        self.followed = followed;
    }

    fn found(&mut self, found: Found) {
        let end = self.position;
        let mut new = Match {
            start: end.saturating_sub(u64::from(found.length)),
            end,
            pattern: found.pattern,
        };
        while let Some(last) = self.matches.back() {
            if last.end <= new.start {
                break;
            }
            let same = (last.start, last.end) == (new.start, new.end);
            if last.start < new.start || same {
                new.start = last.start;
                new.pattern = last.pattern;
            }
            self.matches.pop_back();
        }
        if new.start < self.masked {
            // It goes on where the last mark ends.
            self.masked = end;
        } else {
            self.matches.push_back(new);
        }
    }

    /// Writes everything but the last `keep` bytes.
    fn release(&mut self, keep: u64, out: &mut Vec<u8>) {
        let frontier = self.position - keep;
        loop {
            let base = self.position - self.held.len() as u64;
            if base >= frontier {
                return;
            }
            if base < self.masked {
                self.drop_held(self.masked.min(frontier) - base);
                continue;
            }
            match self.matches.front() {
                // What begins before the frontier cannot grow to the left any more.
                Some(first) if first.start < frontier => {
                    let (start, end, pattern) = (first.start, first.end, first.pattern);
                    self.write_held(start - base, out);
                    out.extend_from_slice(self.redaction.mark(pattern));
                    self.masked = end;
                    self.matches.pop_front();
                }
                _ => self.write_held(frontier - base, out),
            }
        }
    }

    fn write_held(&mut self, count: u64, out: &mut Vec<u8>) {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.held.len());
        out.extend(self.held.drain(..count));
    }

    fn drop_held(&mut self, count: u64) {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.held.len());
        self.held.drain(..count);
    }
}
