//! Whether a document is an answer at all, seen by a look at the one field that every answer of its
//! endpoint has. Nothing is parsed: this is done for every answer that passes. Within a JSON string
//! the quotes around a name would be escaped, so what a model says is never taken for a field.

use super::wire::Endpoint;
use memchr::memmem;

/// Whether a plain document is an answer of `endpoint`, and not an empty object, one of another
/// family, or an error in other words.
pub(crate) fn is_answer(endpoint: Endpoint, json: &[u8]) -> bool {
    match endpoint {
        // At least one is asked for.
        Endpoint::ChatCompletions | Endpoint::Completions => has(json, b"\"choices\"", is_filled),
        Endpoint::Embeddings => has(json, b"\"data\"", is_filled),
        // One that has only begun, or was cut early, has nothing in it.
        Endpoint::Responses => {
            has(json, b"\"output\"", is_list)
                || has(json, b"\"object\"", |value| value.starts_with(b"\"response\""))
        }
        // A model may have nothing to say.
        Endpoint::Messages => has(json, b"\"content\"", is_list),
        Endpoint::CountTokens => {
            has(json, b"\"input_tokens\"", |value| value.first().is_some_and(u8::is_ascii_digit))
        }
    }
}

/// Whether there is a field of this name, in its quotes, with such a value.
fn has(json: &[u8], name: &[u8], wanted: fn(&[u8]) -> bool) -> bool {
    memmem::find_iter(json, name).any(|at| {
        json.get(at + name.len()..)
            .and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"))
            .is_some_and(|value| wanted(value.trim_ascii_start()))
    })
}

fn is_list(value: &[u8]) -> bool {
    value.starts_with(b"[")
}

fn is_filled(value: &[u8]) -> bool {
    value.strip_prefix(b"[").is_some_and(|items| !items.trim_ascii_start().starts_with(b"]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_what_is_none() {
        for (endpoint, answer) in [
            (Endpoint::ChatCompletions, r#"{"usage":{},"choices" : [ {"index":0}]}"#),
            (Endpoint::ChatCompletions, r#"{"prompt_filter_results":[],"choices":[{},{}]}"#),
            (Endpoint::Completions, r#"{"choices":[{"text":""}]}"#),
            (Endpoint::Embeddings, r#"{"object":"list","data":[{"embedding":"AAAA"}]}"#),
            (Endpoint::Responses, r#"{"object":"response","status":"queued","output":[]}"#),
            (Endpoint::Messages, r#"{"type":"message","content":[],"stop_reason":"end_turn"}"#),
            (Endpoint::Messages, r#"{"content":[{"type":"tool_use","input":{}}]}"#),
            (Endpoint::CountTokens, r#"{"input_tokens":0}"#),
        ] {
            assert!(is_answer(endpoint, answer.as_bytes()), "{endpoint:?} {answer}");
        }
        for document in [
            "{}",
            r#"{"choices":[],"usage":{}}"#,
            r#"{"choices":null,"data":[ ],"input_tokens":null}"#,
            r#"{"error":{"message":"m"}}"#,
            r#"{"error":"no \"choices\":[{}], \"data\":[{}], \"content\":[], \"output\":[]"}"#,
        ] {
            for endpoint in Endpoint::ALL {
                assert!(!is_answer(endpoint, document.as_bytes()), "{endpoint:?} {document}");
            }
        }
        let completion = br#"{"choices":[{"message":{"content":"hello"}}]}"#;
        assert!(!is_answer(Endpoint::Messages, completion));
        let message = br#"{"content":[{"text":"hello"}]}"#;
        assert!(!is_answer(Endpoint::ChatCompletions, message));
    }
}
