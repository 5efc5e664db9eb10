//! The fields of a request, taken out one after the other: what is left in the end is what nobody
//! here knows, and that is told instead of left out.

use super::exact;
use super::refused::Untranslatable;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// An object of a request and the place where it stands. A field that is `null` is none.
#[derive(Debug)]
pub(super) struct Fields {
    at: String,
    map: Map<String, Value>,
}

/// So many values of a body are read at most. Each takes some 80 bytes of memory however short it is
/// in the body, so short ones would take many times as much as the limit of bodies means.
const MOST_VALUES: usize = 500_000;

/// How many values a body has, or a few more.
fn values(body: &[u8]) -> usize {
    let (mut count, mut in_text, mut escaped) = (1, false, false);
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => count += 1,
            _ => {}
        }
    }
    count
}

impl Fields {
    /// The whole request.
    pub(super) fn of_body(body: &[u8]) -> Result<Self, Untranslatable> {
        if values(body) > MOST_VALUES {
            let message = format!("the body has more than {MOST_VALUES} values, too many to read");
            return Err(Untranslatable::malformed("", message));
        }
        let map = serde_json::from_slice(&exact::guarded(body)).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            // That it is JSON has been seen; what is left is what no text can hold.
            let what = "the body has an escape that stands for no character";
            Untranslatable::malformed("", format!("{what} (line {line}, column {column})"))
        })?;
        Ok(Self { at: String::new(), map })
    }

    /// An object at a place.
    pub(super) fn of(value: Value, at: impl Into<String>) -> Result<Self, Untranslatable> {
        let at = at.into();
        match value {
            Value::Object(map) => Ok(Self { at, map }),
            _ => {
                let message = format!("`{at}` must be an object");
                Err(Untranslatable::malformed(at, message))
            }
        }
    }

    /// The place of a field.
    pub(super) fn place(&self, name: &str) -> String {
        // Clients choose the names of what nobody knows.
        let name = told(name);
        match self.at.as_str() {
            "" => name.into_owned(),
            at => format!("{at}.{name}"),
        }
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// A field of any kind.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.swap_remove(name).filter(|value| !value.is_null())
    }

    /// That a field is not as it must be.
    pub(super) fn wrong(&self, name: &str, what: &str) -> Untranslatable {
        let place = self.place(name);
        let message = format!("`{place}` {what}");
        Untranslatable::malformed(place, message)
    }

    /// That a field asks for what no other family can do.
    pub(super) fn unsupported(&self, name: &str, what: &str) -> Untranslatable {
        let place = self.place(name);
        let message = format!("`{place}` {what}");
        Untranslatable::unsupported(place, message)
    }

    fn as_kind<T>(
        &mut self,
        name: &str,
        kind: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Untranslatable> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => {
                read(value).map(Some).ok_or_else(|| self.wrong(name, &format!("must be {kind}")))
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Untranslatable> {
        self.as_kind(name, "a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// A text that must be there.
    pub(super) fn need_text(&mut self, name: &str) -> Result<String, Untranslatable> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A text that must be there and say something.
    pub(super) fn need_name(&mut self, name: &str) -> Result<String, Untranslatable> {
        let text = self.need_text(name)?;
        if text.is_empty() { Err(self.wrong(name, "is empty")) } else { Ok(text) }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Untranslatable> {
        self.as_kind(name, "`true` or `false`", |value| value.as_bool())
    }

    /// A whole number from 0 on.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, Untranslatable> {
        self.as_kind(name, "a whole number", |value| value.as_u64())
    }

    /// A number.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<Number>, Untranslatable> {
        self.as_kind(name, "a number", |value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        })
    }

    /// A number from 0 to `most`.
    pub(super) fn up_to(
        &mut self,
        name: &str,
        most: u32,
    ) -> Result<Option<Number>, Untranslatable> {
        let number = self.number(name)?;
        let value = number.as_ref().and_then(Number::as_f64);
        if value.is_some_and(|value| !(0.0..=f64::from(most)).contains(&value)) {
            return Err(self.wrong(name, &format!("must be from 0 to {most}")));
        }
        Ok(number)
    }

    /// A whole number.
    pub(super) fn whole(&mut self, name: &str) -> Result<Option<i64>, Untranslatable> {
        self.as_kind(name, "a whole number", |value| value.as_i64())
    }

    /// A list.
    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Untranslatable> {
        self.as_kind(name, "an array", |value| match value {
            Value::Array(list) => Some(list),
            _ => None,
        })
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Untranslatable> {
        let place = self.place(name);
        self.take(name).map(|value| Self::of(value, place)).transpose()
    }

    /// An object that must be there.
    pub(super) fn need_object(&mut self, name: &str) -> Result<Self, Untranslatable> {
        self.object(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A list of texts, or one text alone.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Untranslatable> {
        const KIND: &str = "a string or an array of strings";
        let read = |value| match value {
            Value::String(text) => Some(vec![text]),
            Value::Array(list) => list.into_iter().map(|v| v.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        Ok(self.as_kind(name, KIND, read)?.unwrap_or_default())
    }

    /// Leaves out fields that change nothing about what is answered.
    pub(super) fn hints(&mut self, names: &[&str]) {
        for name in names {
            self.map.swap_remove(*name);
        }
    }

    /// A field that other families lack: fine as long as it asks for what happens anyway.
    pub(super) fn nothing_but(
        &mut self,
        name: &str,
        usual: impl FnOnce(&Value) -> bool,
    ) -> Result<(), Untranslatable> {
        match self.take(name) {
            Some(value) if !usual(&value) => Err(self.cannot(name)),
            _ => Ok(()),
        }
    }

    /// That the provider of the model has nothing like a field.
    pub(super) fn cannot(&self, name: &str) -> Untranslatable {
        self.unsupported(name, "asks for something that the provider of this model cannot do")
    }

    /// Whether nothing is left that nobody knows.
    pub(super) fn end(self) -> Result<(), Untranslatable> {
        match self.map.iter().find(|(_, value)| !value.is_null()) {
            None => Ok(()),
            Some((name, _)) => Err(self.cannot(name)),
        }
    }
}

/// The longest name of a field that is told, in characters.
const LONGEST_NAME: usize = 64;

/// A name of a field as it is told.
fn told(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Cow::Borrowed(name);
    }
    let kept = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME);
    Cow::Owned(kept.chain(['…']).collect())
}

/// Whether a value is empty, `false` or zero.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) | Value::String(_) => false,
    }
}
