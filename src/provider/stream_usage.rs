//! Exact counts of streams whose client did not ask for them: the provider is asked in its place
//! (`stream_options.include_usage`), and the event that answers this is taken out again by
//! [`super::event_filter`].

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::ops::Range;

/// Bytes of a body that are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    /// Which.
    pub(super) at: Range<usize>,
    /// What stands there then.
    pub(super) with: &'static str,
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    include_usage: Option<&'a RawValue>,
}

/// A field that is there, `null` included: only one that is missing is `None`.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// What makes a provider count the stream that `text`, a JSON object with at least one field, asks
/// for. `options` is its `stream_options`. `None` if the client asks for it by itself, or has
/// written something that is no business of ours: the provider says what it thinks of it.
pub(super) fn patch(text: &str, options: Option<&RawValue>) -> Option<Patch> {
    let Some(options) = options else {
        let inner = text.find('{')? + 1;
        let with = r#""stream_options":{"include_usage":true},"#;
        return Some(Patch { at: inner..inner, with });
    };
    if options.get() == "null" {
        return Some(Patch { at: within(text, options), with: r#"{"include_usage":true}"# });
    }
    match serde_json::from_str::<Options<'_>>(options.get()).ok()?.include_usage {
        Some(said) if matches!(said.get(), "false" | "null") => {
            Some(Patch { at: within(text, said), with: "true" })
        }
        Some(_) => None,
        None => {
            let inner = within(text, options).start + 1;
            let empty = options.get().strip_prefix('{')?.trim_start().starts_with('}');
            let with = if empty { r#""include_usage":true"# } else { r#""include_usage":true,"# };
            Some(Patch { at: inner..inner, with })
        }
    }
}

/// Where a value stands in the text that it was read from: both are slices of the same, so the
/// distance of their beginnings is the position.
pub(super) fn within(text: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + value.get().len()
}

/// The body with all patches applied, which must not overlap. All other bytes are as they were.
pub(super) fn patched(body: &Bytes, mut patches: Vec<(Range<usize>, &str)>) -> Bytes {
    if patches.is_empty() {
        return body.clone();
    }
    patches.sort_unstable_by_key(|(at, _)| at.start);
    let longer: usize = patches.iter().map(|(_, with)| with.len()).sum();
    let mut out = BytesMut::with_capacity(body.len() + longer);
    let mut from = 0;
    for (at, with) in patches {
        out.extend_from_slice(body.get(from..at.start).unwrap_or_default());
        out.extend_from_slice(with.as_bytes());
        from = at.end;
    }
    out.extend_from_slice(body.get(from..).unwrap_or_default());
    out.freeze()
}

const USAGE: &[u8] = b"\"usage\"";

/// Whether an event holds the counts of the stream and no part of the answer.
pub(super) fn is_usage(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        choices: Option<&'a RawValue>,
        #[serde(borrow)]
        usage: Option<&'a RawValue>,
    }
    let counts = memmem::find_iter(data, USAGE).any(|at| {
        // In all other events the field is `null`, if it is there at all.
        data.get(at + USAGE.len()..)
            .and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"))
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
    });
    let read = |data| serde_json::from_slice::<Chunk<'_>>(data).ok();
    counts
        && read(data.trim_ascii()).is_some_and(|chunk| {
            let empty = chunk.choices.is_none_or(|choices| {
                let inner = choices.get().strip_prefix('[').map(str::trim_start);
                choices.get() == "null" || inner == Some("]")
            });
            empty && chunk.usage.is_some_and(|usage| usage.get().starts_with('{'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Endpoint, Envelope};

    fn asked(fields: &str) -> String {
        let body = format!(" {{\"model\":\"m\", \"messages\":[{{}}],\"stream\":true{fields}}}");
        let envelope = Envelope::read(body.as_bytes(), Endpoint::ChatCompletions).unwrap();
        let body = envelope.for_provider(&Bytes::from(body), "m", true);
        std::str::from_utf8(&body).unwrap().to_owned()
    }

    #[test]
    fn the_provider_is_asked_to_count_and_every_other_byte_stays() {
        for (said, sent) in [
            (
                r#", "stream_options" : null ,"x":1"#,
                r#", "stream_options" : {"include_usage":true} ,"x":1"#,
            ),
            (r#","stream_options":{ }"#, r#","stream_options":{"include_usage":true }"#),
            (
                r#","stream_options":{ "a" : [1]}"#,
                r#","stream_options":{"include_usage":true, "a" : [1]}"#,
            ),
            (
                r#","stream_options":{"a":1,"include_usage": false}"#,
                r#","stream_options":{"a":1,"include_usage": true}"#,
            ),
            (
                r#","stream_options":{"include_usage":null}"#,
                r#","stream_options":{"include_usage":true}"#,
            ),
            (
                r#","stream_options":{"include_usage":true}"#,
                r#","stream_options":{"include_usage":true}"#,
            ),
            (
                r#","stream_options":{"include_usage":"x"}"#,
                r#","stream_options":{"include_usage":"x"}"#,
            ),
            (r#","stream_options":7"#, r#","stream_options":7"#),
        ] {
            let unpatched = asked(r#","stream_options":7"#);
            assert_eq!(asked(said), unpatched.replace(r#","stream_options":7"#, sent), "{said}");
        }
        assert_eq!(
            asked(""),
            r#" {"stream_options":{"include_usage":true},"model":"m", "messages":[{}],"stream":true}"#
        );
    }

    #[test]
    fn only_a_stream_that_did_not_ask_is_asked_for() {
        for (body, adds) in [
            (r#"{"model":"m","messages":[{}]}"#, false),
            (r#"{"model":"m","messages":[{}],"stream":true}"#, true),
            (
                r#"{"model":"m","messages":[{}],"stream":true,"stream_options":{"include_usage":true}}"#,
                false,
            ),
        ] {
            let envelope = Envelope::read(body.as_bytes(), Endpoint::ChatCompletions).unwrap();
            assert_eq!(envelope.adds_usage(), adds, "{body}");
        }
        let body =
            Bytes::from_static(br#"{"model":"m","messages":[{}],"stream":true,"max_tokens":1}"#);
        let envelope = Envelope::read(&body, Endpoint::Messages).unwrap();
        assert!(!envelope.adds_usage());
        let envelope = Envelope::read(&body, Endpoint::ChatCompletions).unwrap();
        assert_eq!(
            envelope.for_provider(&body, "m", false),
            body,
            "the provider knows no such field"
        );
        let both = envelope.for_provider(&body, "other", true);
        assert!(both.starts_with(br#"{"stream_options":{"include_usage":true},"model":"other","#));
    }
}
