//! One stream: chunks in, masked bytes out.

use super::Redaction;
use super::automaton::Found;
use super::folded::Folded;
use super::search::Lane;
use std::collections::VecDeque;
use std::sync::Arc;

/// How much more than needed is held before it is looked through for what can go.
const SLACK: u64 = 256;

/// A stream under redaction. The output does not depend on how the input is cut into chunks.
pub(crate) struct Stream {
    redaction: Arc<Redaction>,
    /// Where the search in the text as it comes stands.
    plain: Lane,
    /// Where the searches in the text without its line ends stand.
    folded: [Folded; 2],
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
            plain: Lane::new(),
            folded: [false, true].map(Folded::new),
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
        let mut found = Vec::new();
        let mut rest = chunk;
        while let Some((byte, behind)) = rest.split_first() {
            if self.plain.depth() == 0
                && self.folded.iter().all(Folded::idle)
                && self.held.is_empty()
                && self.position >= self.masked
            {
                let clear = redaction.clear(rest);
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
            self.plain.step(&redaction.plain, *byte, &mut found);
            for folded in &mut self.folded {
                folded.step(&redaction.folded, *byte, self.position, &mut found);
            }
            found.drain(..).for_each(|found| self.found(found));
            let keep = self.keep();
            if keep == 0 || self.held.len() as u64 > keep + SLACK {
                self.release(keep, out);
            }
            rest = behind;
        }
        self.release(self.keep(), out);
    }

    /// Ends the stream: what was held back is no secret any more.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.plain.reset();
        self.folded.iter_mut().for_each(Folded::reset);
        self.release(0, out);
    }

    /// How many of the last bytes may be the beginning of a form.
    fn keep(&self) -> u64 {
        let folded = self.folded.iter().map(|folded| folded.held(self.position));
        folded.fold(u64::from(self.plain.depth()), u64::max)
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
