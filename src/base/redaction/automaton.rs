//! The automaton: a tree of all forms with a link from each node to the longest proper ending of
//! its text that is in the tree too (A. Aho and M. Corasick, 1975). Nearly every node has one
//! child, so children are a list and a node takes 32 bytes.

/// The node of the empty text.
pub(super) const ROOT: u32 = 0;

/// No node.
const NONE: u32 = u32::MAX;

/// A node: a text that a form begins with.
#[derive(Clone, Copy)]
struct Node {
    /// The first child.
    child: u32,
    /// The next child of the same parent.
    sibling: u32,
    /// The longest proper ending of this text that is in the tree.
    fail: u32,
    /// The length of the text.
    depth: u32,
    /// The length of the longest form that this text ends with; 0 for none.
    found: u32,
    /// The pattern of that form.
    pattern: u32,
    /// The long forms whose beginning this text ends with; [`NONE`] for none.
    head: u32,
    /// The last byte of the text.
    byte: u8,
}

/// A form that ends where the automaton stands.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// Its length in bytes.
    pub(super) length: u32,
    /// Its pattern.
    pub(super) pattern: u32,
}

/// What is known where the automaton stands.
pub(super) struct Standing {
    /// How many of the last bytes may be the beginning of a form.
    pub(super) depth: u32,
    /// The longest form that ends here.
    pub(super) found: Option<Found>,
    /// The number of the beginning of long forms that ends here.
    pub(super) head: Option<u32>,
}

/// The automaton. Add forms, link, then step.
pub(super) struct Automaton {
    nodes: Vec<Node>,
    /// The nodes of one byte, by that byte.
    first: Vec<u32>,
    /// What a form begins with.
    pairs: Pairs,
}

impl Automaton {
    /// An automaton that finds nothing.
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::new(0, 0)], first: vec![ROOT; 256], pairs: Pairs::none() }
    }

    /// Adds a form of at least two bytes.
    pub(super) fn add(&mut self, form: &[u8], pattern: u32) {
        let at = self.insert(form);
        if let Some(node) = self.node_mut(at)
            && node.found == 0
        {
            node.found = node.depth;
            node.pattern = pattern;
        }
    }

    /// Adds what long forms begin with, under a number. All of these must be equally long.
    pub(super) fn add_head(&mut self, head: &[u8], number: u32) {
        let at = self.insert(head);
        if let Some(node) = self.node_mut(at) {
            node.head = number;
        }
    }

    fn insert(&mut self, form: &[u8]) -> u32 {
        let mut at = ROOT;
        for byte in form {
            at = match self.child(at, *byte) {
                NONE => self.grow(at, *byte),
                child => child,
            };
        }
        if let [first, second, ..] = form {
            self.pairs.add(*first, *second);
        }
        at
    }

    fn grow(&mut self, parent: u32, byte: u8) -> u32 {
        let new = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let (depth, sibling) = self.node(parent).map_or((0, NONE), |n| (n.depth, n.child));
        self.nodes.push(Node { sibling, ..Node::new(byte, depth + 1) });
        if let Some(parent) = self.node_mut(parent) {
            parent.child = new;
        }
        if parent == ROOT
            && let Some(first) = self.first.get_mut(usize::from(byte))
        {
            *first = new;
        }
        new
    }

    /// Sets the links, level by level.
    pub(super) fn link(&mut self) {
        let mut level: Vec<u32> = self.children(ROOT);
        while !level.is_empty() {
            let mut next = Vec::new();
            for parent in level {
                for child in self.children(parent) {
                    let Some((byte, fail)) =
                        self.node(child).zip(self.node(parent)).map(|(c, p)| (c.byte, p.fail))
                    else {
                        continue;
                    };
                    let fail = self.step(fail, byte);
                    let inherited = self.node(fail).copied();
                    if let (Some(node), Some(shorter)) = (self.node_mut(child), inherited) {
                        node.fail = fail;
                        if node.found == 0 {
                            node.found = shorter.found;
                            node.pattern = shorter.pattern;
                        }
                        if node.head == NONE {
                            node.head = shorter.head;
                        }
                    }
                    next.push(child);
                }
            }
            level = next;
        }
    }

    /// Where the automaton stands after one more byte.
    pub(super) fn step(&self, mut at: u32, byte: u8) -> u32 {
        while at != ROOT {
            match self.child(at, byte) {
                NONE => at = self.node(at).map_or(ROOT, |node| node.fail),
                child => return child,
            }
        }
        self.first.get(usize::from(byte)).copied().unwrap_or(ROOT)
    }

    /// What is known where the automaton stands.
    pub(super) fn standing(&self, at: u32) -> Standing {
        let Some(node) = self.node(at) else {
            return Standing { depth: 0, found: None, head: None };
        };
        let found = Found { length: node.found, pattern: node.pattern };
        Standing {
            depth: node.depth,
            found: (node.found > 0).then_some(found),
            head: (node.head != NONE).then_some(node.head),
        }
    }

    /// The pairs of bytes that a form begins with.
    pub(super) fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// Whether a form begins with this byte.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.step(ROOT, byte) != ROOT
    }

    fn children(&self, at: u32) -> Vec<u32> {
        let mut out = Vec::new();
        let mut child = self.node(at).map_or(NONE, |node| node.child);
        while let Some(node) = self.node(child) {
            out.push(child);
            child = node.sibling;
        }
        out
    }

    fn child(&self, at: u32, byte: u8) -> u32 {
        let mut child = self.node(at).map_or(NONE, |node| node.child);
        while let Some(node) = self.node(child) {
            if node.byte == byte {
                return child;
            }
            child = node.sibling;
        }
        NONE
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(at).ok()?)
    }

    fn node_mut(&mut self, at: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(at).ok()?)
    }
}

impl Node {
    fn new(byte: u8, depth: u32) -> Self {
        Self {
            child: NONE,
            sibling: NONE,
            fail: ROOT,
            depth,
            found: 0,
            pattern: 0,
            head: NONE,
            byte,
        }
    }
}

/// A set of pairs of bytes.
pub(super) struct Pairs {
    /// One bit for each pair.
    bits: Vec<u64>,
}

impl Pairs {
    /// The empty set.
    pub(super) fn none() -> Self {
        Self { bits: vec![0; (1 << 16) / 64] }
    }

    /// Adds one.
    pub(super) fn add(&mut self, first: u8, second: u8) {
        let pair = u16::from_be_bytes([first, second]);
        if let Some(word) = self.bits.get_mut(usize::from(pair >> 6)) {
            *word |= 1 << (pair & 63);
        }
    }

    /// Adds all of another set.
    pub(super) fn extend(&mut self, others: &Self) {
        self.bits.iter_mut().zip(&others.bits).for_each(|(word, other)| *word |= other);
    }

    /// Whether one is in it.
    pub(super) fn contains(&self, first: u8, second: u8) -> bool {
        let pair = u16::from_be_bytes([first, second]);
        self.bits.get(usize::from(pair >> 6)).is_some_and(|word| word >> (pair & 63) & 1 == 1)
    }
}
