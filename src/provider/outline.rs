//! The few fields that say how a stream stands, kept of an event that is too long to be kept: the
//! last event of a response repeats all that was asked and answered, and its counts may stand
//! anywhere in it.
//!
//! The document is read byte by byte as it passes. Of its fields, and of those of the objects that
//! hold counts, the short ones that matter here are kept; of the rest only how deep it nests.

use std::collections::BTreeMap;

/// Longer values are not kept.
const LONGEST: usize = 8 << 10;

/// Longer names are none of those that are kept.
const LONGEST_NAME: usize = 16;

/// The fields that are kept.
const KEPT: [&[u8]; 5] = [b"type", b"sequence_number", b"usage", b"error", b"stop_reason"];

/// The objects in which they are kept beside the document itself.
const WITHIN: [&[u8]; 3] = [b"response", b"message", b"delta"];

/// Where a field stands: the object that it is in, empty for the document, and its name.
type Place = (&'static [u8], &'static [u8]);

/// A document that passes.
#[derive(Debug, Default)]
pub(super) struct Outline {
    depth: usize,
    /// Whether what is open at the first two depths is an object.
    objects: [bool; 2],
    /// The object of [`WITHIN`] that is open, or comes next.
    within: Option<&'static [u8]>,
    in_text: bool,
    escaped: bool,
    /// Whether the next text is a name.
    at_name: bool,
    /// The name that comes or came last.
    name: Vec<u8>,
    /// Whether the text that comes is a name.
    naming: bool,
    /// The field whose value comes, and how deep it stands.
    field: Option<(Place, usize)>,
    value: Vec<u8>,
    kept: BTreeMap<Place, Vec<u8>>,
}

fn known(names: &[&'static [u8]], name: &[u8]) -> Option<&'static [u8]> {
    names.iter().find(|known| **known == name).copied()
}

impl Outline {
    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            if self.in_text && !self.escaped && !self.naming && self.field.is_none() {
                // Most of a long document are texts that do not matter.
                let Some(end) = memchr::memchr2(b'"', b'\\', rest) else { return };
                if end > 0 {
                    rest = rest.get(end..).unwrap_or_default();
                    continue;
                }
            }
            self.byte(byte);
            rest = after;
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.in_text {
            self.text(byte);
            return self.keep(byte);
        }
        match byte {
            b'"' => {
                self.in_text = true;
                self.naming = std::mem::take(&mut self.at_name);
                if self.naming {
                    self.name.clear();
                }
            }
            b':' if self.field.is_none() => return self.named(),
            b',' => {
                self.ended();
                self.at_name = self.is_object();
            }
            b'{' | b'[' => {
                self.depth += 1;
                if let Some(object) = self.objects.get_mut(self.depth - 1) {
                    *object = byte == b'{';
                }
                if self.depth == 1 {
                    self.within = None;
                }
                self.at_name = self.is_object();
            }
            b'}' | b']' => {
                self.ended();
                self.depth = self.depth.saturating_sub(1);
                self.at_name = false;
            }
            _ => {}
        }
        self.keep(byte);
    }

    /// A byte of a text.
    fn text(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_text = false;
                self.naming = false;
                return;
            }
            _ => {}
        }
        if self.naming && self.name.len() <= LONGEST_NAME {
            self.name.push(byte);
        }
    }

    /// Whether an object whose fields may be kept is open.
    fn is_object(&self) -> bool {
        match self.depth {
            1 => self.objects[0],
            2 => self.objects[0] && self.objects[1] && self.within.is_some(),
            _ => false,
        }
    }

    /// The value of the field that was named last comes.
    fn named(&mut self) {
        let within: &'static [u8] = match (self.depth, self.within) {
            (1, _) => {
                self.within = known(&WITHIN, &self.name);
                b""
            }
            (2, Some(within)) => within,
            _ => return,
        };
        if let Some(name) = known(&KEPT, &self.name) {
            self.field = Some(((within, name), self.depth));
            self.value.clear();
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.field.is_some() && self.value.len() <= LONGEST {
            self.value.push(byte);
        }
    }

    /// What is open at this depth goes on with another field, or is closed.
    fn ended(&mut self) {
        if let Some((place, _)) = self.field.take_if(|(_, depth)| *depth == self.depth) {
            let value = std::mem::take(&mut self.value);
            if value.len() <= LONGEST {
                self.kept.insert(place, value);
            }
        }
    }

    /// The document with nothing but what was kept of it.
    pub(super) fn document(&self) -> Vec<u8> {
        let mut out = b"{".to_vec();
        for within in [&b""[..]].into_iter().chain(WITHIN) {
            let fields = self.kept.iter().filter(|((at, _), _)| *at == within);
            let mut inner = Vec::new();
            for ((_, name), value) in fields {
                if !inner.is_empty() {
                    inner.push(b',');
                }
                inner.extend([b"\"", *name, b"\":", value.as_slice()].concat());
            }
            if inner.is_empty() {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            match within {
                b"" => out.extend(inner),
                within => out.extend([b"\"", within, b"\":{", inner.as_slice(), b"}"].concat()),
            }
        }
        out.push(b'}');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn outline(document: &str, size: usize) -> Value {
        let mut outline = Outline::default();
        document.as_bytes().chunks(size).for_each(|piece| outline.push(piece));
        serde_json::from_slice(&outline.document()).unwrap()
    }

    #[test]
    fn what_matters_is_kept_wherever_it_stands() {
        let documents = [
            r#"{"type":"response.completed","sequence_number": 7 ,"response":{"tools":[{"type":"function","parameters":{"usage":{"type":"x"}}}],"usage":{"input_tokens":9,"d":{"e":[1,2]}},"metadata":{"type":"y","usage":"z"}}}"#,
            r#"{"response":{"usage":{"input_tokens":9,"d":{"e":[1,2]}},"output":[{"usage":1,"text":"\"},\"usage\":5,\\"}]},"sequence_number":7,"type":"response.completed"}"#,
        ];
        let wanted = json!({
            "type": "response.completed",
            "sequence_number": 7,
            "response": {"usage": {"input_tokens": 9, "d": {"e": [1, 2]}}},
        });
        for document in documents {
            for size in [1, 2, 7, document.len()] {
                assert_eq!(outline(document, size), wanted, "{size} {document}");
            }
        }
        assert_eq!(
            outline(r#"{"type":"a","delta":{"stop_reason":"end_turn"}}"#, 1)["delta"]["stop_reason"],
            "end_turn"
        );
    }

    #[test]
    fn only_a_little_is_kept_of_anything() {
        let mut outline = Outline::default();
        outline.push(b"{\"usage\":\"");
        outline.push(&vec![b'x'; 1 << 20]);
        assert!(outline.value.len() <= LONGEST + 1);
        outline.push(b"\",\"");
        outline.push(&vec![b'n'; 1 << 20]);
        assert!(outline.name.len() <= LONGEST_NAME + 1);
        outline.push(b"\":1,\"usage\":2}");
        assert_eq!(outline.document(), br#"{"usage":2}"#);
    }

    #[test]
    fn what_is_no_document_does_no_harm() {
        for odd in
            ["", "]]}}", "{\"a", "[{\"type\":1}]", "{{\"type\":1}", "{\"usage\"", ",:,:{\"type\":"]
        {
            for size in [1, 100] {
                assert!(outline(odd, size).is_object(), "{odd}");
            }
        }
    }
}
