//! The vocabulary of results: what a command found, and how it talks to people.

pub(crate) mod console;
pub(crate) mod outcome;
pub(crate) mod problem;
pub(crate) mod view;

pub(crate) use console::{Console, Unanswered};
pub(crate) use outcome::Outcome;
pub(crate) use problem::{Fault, Level, Place, Problem};
pub(crate) use view::{Block, Table, Tone};

use crate::exit::ExitStatus;
use serde::Serialize;
use serde_json::Value;

/// What a command answers with: the same facts once as data and once as blocks for people.
///
/// As JSON it is one document: `"schema"` first, then the keys of `data`, sorted.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The versioned shape of `data`, such as `ultra.env.current/1`.
    pub(crate) schema: &'static str,
    /// The answer as a JSON object.
    pub(crate) data: Value,
    /// The answer for people.
    pub(crate) view: Vec<Block>,
    /// How the process ends.
    pub(crate) status: ExitStatus,
}

impl Report {
    /// A report of `data`, which must serialise to a JSON object, ending with
    /// [`ExitStatus::Holds`] until [`Report::status`] says otherwise.
    ///
    /// # Errors
    /// A value that JSON cannot hold is a bug, reported as [`ExitStatus::Failure`].
    pub(crate) fn new(
        schema: &'static str,
        data: impl Serialize,
        view: Vec<Block>,
    ) -> Result<Self, Fault> {
        let data = serde_json::to_value(data).map_err(|e| {
            Fault::bug(format!("the answer `{schema}` cannot be written as JSON: {e}"))
        })?;
        Ok(Self { schema, data, view, status: ExitStatus::Holds })
    }

    /// The same report with another way to end.
    pub(crate) fn status(mut self, status: ExitStatus) -> Self {
        self.status = status;
        self
    }

    /// The JSON document: `"schema"` first, all other keys sorted at every depth.
    pub(crate) fn document(&self) -> Value {
        let mut document = serde_json::Map::new();
        document.insert("schema".to_owned(), Value::from(self.schema));
        match sorted(self.data.clone()) {
            Value::Object(map) => document.extend(map),
            other => {
                document.insert("data".to_owned(), other);
            }
        }
        Value::Object(document)
    }
}

/// `value` with the keys of every object sorted, so that output can be compared byte by byte.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> =
                map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_document_has_the_schema_first_and_sorted_keys() {
        let report = Report::new(
            "ultra.x/1",
            json!({"b": 1, "a": {"z": 1, "y": [{"d": 1, "c": 2}]}}),
            vec![],
        )
        .unwrap();
        assert_eq!(
            report.document().to_string(),
            r#"{"schema":"ultra.x/1","a":{"y":[{"c":2,"d":1}],"z":1},"b":1}"#
        );
    }
}
