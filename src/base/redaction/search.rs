//! A search for many forms at once: the automaton, with the long forms that it only knows the
//! beginnings of, and where a search stands in a text.

use super::automaton::{Automaton, Found, ROOT};
use super::forms::Way;
use super::long::{Collect, HEAD, LONGEST_WHOLE, Long};
use super::{SHORTEST, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is looked for.
pub(super) struct Search {
    automaton: Automaton,
    /// Values that are too long to be in it.
    long: Long,
}

/// Collects what is to be looked for.
pub(super) struct Building {
    automaton: Automaton,
    long: Collect,
}

impl Building {
    /// A search for nothing.
    pub(super) fn new() -> Self {
        Self { automaton: Automaton::new(), long: Collect::default() }
    }

    /// Adds a value, written in these ways; what is shorter than [`SHORTEST`] is passed over.
    pub(super) fn add(
        &mut self,
        value: &Arc<Value>,
        pattern: u32,
        ways: impl Iterator<Item = Way>,
    ) {
        if value.bytes().len() > LONGEST_WHOLE {
            self.long.add(value, pattern, ways);
            return;
        }
        let forms = ways.filter_map(|way| value.written(way));
        for form in forms.filter(|form| form.len() >= SHORTEST) {
            self.automaton.add(&form, pattern);
        }
    }

    /// The search.
    pub(super) fn done(mut self) -> Search {
        let (long, heads) = self.long.done();
        for (head, number) in &heads {
            self.automaton.add_head(head, *number);
        }
        self.automaton.link();
        Search { automaton: self.automaton, long }
    }
}

impl Search {
    /// What a form can begin with.
    pub(super) fn automaton(&self) -> &Automaton {
        &self.automaton
    }
}

/// Where a search stands after some text.
pub(super) struct Lane {
    /// Where the automaton stands.
    at: u32,
    /// By group the long forms that are being followed: how much of each stands at the end of what
    /// came in, 0 if too little to be followed.
    followed: BTreeMap<u32, Vec<u32>>,
    /// How many of the last bytes may be the beginning of a form.
    depth: u32,
}

impl Lane {
    /// Before any text.
    pub(super) fn new() -> Self {
        Self { at: ROOT, followed: BTreeMap::new(), depth: 0 }
    }

    /// How many of the last bytes may be the beginning of a form.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// As before any text.
    pub(super) fn reset(&mut self) {
        self.at = ROOT;
        self.followed.clear();
        self.depth = 0;
    }

    /// Takes one more byte and adds to `found` what ends with it.
    pub(super) fn step(&mut self, search: &Search, byte: u8, found: &mut Vec<Found>) {
        self.at = search.automaton.step(self.at, byte);
        let standing = search.automaton.standing(self.at);
        found.extend(standing.found);
        self.depth = standing.depth;
        if standing.head.is_some() || !self.followed.is_empty() {
            self.follow(search, byte, standing.head, found);
        }
    }

    /// Follows the long forms that were begun by one more byte, and those whose beginning ends with
    /// it from here on.
    fn follow(&mut self, search: &Search, byte: u8, begun: Option<u32>, found: &mut Vec<Found>) {
        let depth = &mut self.depth;
        self.followed.retain(|group, states| {
            let mut any = false;
            for (chain, state) in search.long.chains(*group).iter().zip(states) {
                if *state == 0 {
                    continue;
                }
                *state = chain.step(*state, byte);
                if *state == chain.length() {
                    found.push(Found { length: *state, pattern: chain.pattern });
                }
                // Of less than its beginning the automaton knows.
                if (*state as usize) < HEAD {
                    *state = 0;
                }
                any |= *state > 0;
                *depth = (*depth).max(*state);
            }
            any
        });
        if let Some(group) = begun {
            let count = search.long.chains(group).len();
            for state in self.followed.entry(group).or_insert_with(|| vec![0; count]) {
                if *state == 0 {
                    *state = HEAD as u32;
                }
            }
        }
    }

    /// Whether something is begun here of which more than `few` bytes are known, and that does not
    /// end here.
    pub(super) fn open(&self, search: &Search, few: u32) -> bool {
        let standing = search.automaton.standing(self.at);
        let ended = standing.found.is_some_and(|found| found.length == standing.depth);
        let following = self.followed.iter().any(|(group, states)| {
            let chains = search.long.chains(*group).iter().zip(states);
            chains.into_iter().any(|(chain, state)| *state > 0 && *state < chain.length())
        });
        following || (standing.depth > few && !ended)
    }
}
