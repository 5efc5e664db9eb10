//! A digest of JSON that does not depend on the order of an object's fields nor on white space
//! between them; anything else that differs makes another one. Numbers and texts count as they are
//! written, so that none is ever taken for another.
//!
//! Each field of an object is hashed for itself and only the digests are sorted: every byte is read
//! once, however deeply it is nested.

use sha2::{Digest as _, Sha256};

/// What is known to nest no deeper than this has been let in.
const DEEPEST: usize = 256;

/// The digest of a JSON text; `None` if it is none. The text is known to be JSON: what it may be is
/// only told apart as far as the digest needs it.
pub(super) fn digest(text: &[u8]) -> Option<[u8; 32]> {
    let mut reader = Reader { text, at: 0 };
    let mut into = Sha256::new();
    reader.value(&mut into, 0)?;
    reader.blank();
    (reader.at == text.len()).then(|| into.finalize().into())
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn blank(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.blank();
        self.text.get(self.at).copied()
    }

    /// Whether that byte is this one, which is then read.
    fn takes(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn value(&mut self, into: &mut Sha256, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(into, depth),
            b'[' => self.array(into, depth),
            b'"' => {
                let string = self.string()?;
                scalar(into, b's', string);
                Some(())
            }
            _ => {
                let literal = self.literal()?;
                scalar(into, b'l', literal);
                Some(())
            }
        }
    }

    fn object(&mut self, into: &mut Sha256, depth: usize) -> Option<()> {
        self.at += 1;
        let mut fields: Vec<(&[u8], [u8; 32])> = Vec::new();
        if !self.takes(b'}') {
            loop {
                self.peek()?;
                let mut field = Sha256::new();
                let name = self.string()?;
                scalar(&mut field, b'k', name);
                self.takes(b':').then_some(())?;
                self.value(&mut field, depth + 1)?;
                fields.push((name, field.finalize().into()));
                if self.takes(b'}') {
                    break;
                }
                self.takes(b',').then_some(())?;
            }
        }
        let written = fields.clone();
        fields.sort_unstable();
        // Of fields with one name the last counts, or the first: their order is part of what is
        // asked. A name with an escape may be another's.
        let same = fields.windows(2).any(|two| matches!(two, [(a, _), (b, _)] if a == b));
        let ordered = same || fields.iter().any(|(name, _)| name.contains(&b'\\'));
        into.update(if ordered { b"w" } else { b"o" });
        into.update(length(fields.len()));
        for (_, field) in if ordered { written } else { fields } {
            into.update(field);
        }
        Some(())
    }

    fn array(&mut self, into: &mut Sha256, depth: usize) -> Option<()> {
        self.at += 1;
        into.update(b"a");
        if !self.takes(b']') {
            loop {
                self.value(into, depth + 1)?;
                if self.takes(b']') {
                    break;
                }
                self.takes(b',').then_some(())?;
            }
        }
        into.update(b"e");
        Some(())
    }

    /// A string as it is written, without its quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        if self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let from = self.at + 1;
        let mut at = from;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.text.get(at..)?)?;
            if self.text.get(at) == Some(&b'"') {
                self.at = at + 1;
                return self.text.get(from..at);
            }
            at += 2;
        }
    }

    /// A number, `true`, `false` or `null` as it is written.
    fn literal(&mut self) -> Option<&'a [u8]> {
        let from = self.at;
        let of_it = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        while self.text.get(self.at).is_some_and(of_it) {
            self.at += 1;
        }
        self.text.get(from..self.at).filter(|literal| !literal.is_empty())
    }
}

fn scalar(into: &mut Sha256, kind: u8, text: &[u8]) {
    into.update([kind]);
    into.update(length(text.len()));
    into.update(text);
}

/// A length, so that what follows cannot run into what comes after.
pub(super) fn length(n: usize) -> [u8; 8] {
    u64::try_from(n).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn of(text: &str) -> [u8; 32] {
        digest(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    /// Any JSON.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no other", |f| f.is_finite()).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                // Names with escapes keep their order.
                prop::collection::btree_map("[a-z0-9 ß€]{0,6}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// The same with the fields of every object the other way round.
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(reversed).collect(),
            Value::Object(map) => {
                Value::Object(map.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect())
            }
            other => other.clone(),
        }
    }

    /// The places of all values within a value.
    fn places(value: &Value, at: &str, into: &mut Vec<String>) {
        into.push(at.to_owned());
        match value {
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    places(item, &format!("{at}/{n}"), into);
                }
            }
            Value::Object(map) => {
                for (key, item) in map {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    places(item, &format!("{at}/{key}"), into);
                }
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn order_and_white_space_do_not_matter(value in any_json()) {
            let plain = value.to_string();
            prop_assert_eq!(of(&plain), of(&reversed(&value).to_string()));
            prop_assert_eq!(of(&plain), of(&format!(" \n{value:#}\t")));
        }

        #[test]
        fn whatever_is_changed_makes_another(value in any_json(), which in any::<prop::sample::Index>()) {
            let mut all = Vec::new();
            places(&value, "", &mut all);
            let mut changed = value.clone();
            let place = &all[which.index(all.len())];
            let at = changed.pointer_mut(place).unwrap();
            *at = match &*at {
                Value::Bool(b) => Value::from(!*b),
                Value::Number(n) => Value::from(format!("{n}")),
                Value::String(s) => Value::from(format!("{s}x")),
                Value::Null => Value::from(0),
                Value::Array(items) => items.iter().cloned().chain([Value::Null]).collect(),
                Value::Object(map) => {
                    let mut map = map.clone();
                    map.insert("a new one".to_owned(), Value::Null);
                    Value::Object(map)
                }
            };
            prop_assert_ne!(of(&value.to_string()), of(&changed.to_string()));
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            digest(&bytes);
        }
    }

    #[test]
    fn fields_of_one_name_keep_their_order() {
        for (one, other) in [
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
            (r#"{"x":[{"a":1,"b":0,"a":2}]}"#, r#"{"x":[{"a":2,"b":0,"a":1}]}"#),
            (r#"{"a":1,"\u0061":2}"#, r#"{"\u0061":2,"a":1}"#),
        ] {
            assert_ne!(of(one), of(other), "{one}");
        }
    }

    #[test]
    fn what_looks_alike_differs() {
        let alike = [
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":"1","b":2}"#,
            r#"{"a":1,"b":2,"b":2}"#,
            r#"{"a":{"b":2}}"#,
            r#"{"a":[{"b":2}]}"#,
            r#"{"a":1.0,"b":2}"#,
            r#"[1,2]"#,
            r#"[2,1]"#,
            r#"[[1],2]"#,
            r#"[[1,2]]"#,
            r#"[12]"#,
            r#"["1,2"]"#,
            r#"[]"#,
            r#"{}"#,
            r#"[[]]"#,
            r#"null"#,
            r#""null""#,
            // Beyond what a floating-point number can tell apart.
            "[123456789012345678901234567890]",
            "[123456789012345678901234567891]",
        ];
        for (n, one) in alike.iter().enumerate() {
            for other in alike.iter().skip(n + 1) {
                assert_ne!(of(one), of(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn what_is_no_json_has_none() {
        for text in ["", "{", "[1", "{\"a\"}", "{\"a\":1,}", "[1 2]", "1 2", "\"a", "{a:1}"] {
            assert_eq!(digest(text.as_bytes()), None, "{text}");
        }
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(digest(deep(DEEPEST).as_bytes()).is_some());
        assert!(digest(deep(100_000).as_bytes()).is_none());
    }
}
