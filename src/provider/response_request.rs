//! What a request to `POST /v1/responses` must have, and whether it does more at the provider than
//! be answered (<https://platform.openai.com/docs/api-reference/responses/create>).

use super::envelope::{Malformed, malformed, text_or_list, token_limit};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    conversation: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    store: Option<&'a RawValue>,
    #[serde(borrow)]
    background: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

/// The kinds of tools that the client runs; all others run at the provider.
const CLIENTS: [&str; 7] = [
    "function",
    "custom",
    "computer",
    "computer_use_preview",
    "local_shell",
    "apply_patch",
    "namespace",
];

/// Checks the fields that only this endpoint has; `input` is read already. Says whether the
/// request must be put to a provider only once.
///
/// # Errors
/// A field is missing or of the wrong kind.
pub(super) fn check(text: &str, input: Option<&RawValue>) -> Result<bool, Malformed> {
    let fields: Fields<'_> =
        serde_json::from_str(text).map_err(|_| malformed(None, "the body names a field twice"))?;
    let said = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() != "null");
    // What was said before may be all that there is to be said.
    let goes_on = said(fields.previous_response_id) || said(fields.conversation);
    if said(input) || !(goes_on || said(fields.prompt)) {
        match text_or_list("input", input) {
            Err(_) if goes_on && input.is_some_and(|raw| raw.get().starts_with('[')) => {}
            checked => checked?,
        }
    }
    token_limit("max_output_tokens", fields.max_output_tokens, 1)?;
    let is_true = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() == "true");
    Ok(goes_on
        || is_true(fields.store)
        || is_true(fields.background)
        || fields.tools.is_some_and(has_provider_tools))
}

/// Whether the provider itself runs one of these tools. What cannot be read is none: the provider
/// says what it thinks of it.
fn has_provider_tools(tools: &RawValue) -> bool {
    let tools: Vec<Tool<'_>> = serde_json::from_str(tools.get()).unwrap_or_default();
    let runs = |tool: &Tool<'_>| tool.kind.as_deref().is_some_and(|kind| !CLIENTS.contains(&kind));
    tools.iter().any(runs)
}

#[cfg(test)]
mod tests {
    use crate::provider::{Endpoint, Envelope};

    fn read(fields: &str) -> Result<bool, Option<&'static str>> {
        let body = format!(r#"{{"model":"m"{fields}}}"#);
        let envelope = Envelope::read(body.as_bytes(), Endpoint::Responses);
        envelope.map(|e| e.once).map_err(|e| e.param)
    }

    #[test]
    fn what_goes_on_or_leaves_something_behind_is_asked_once() {
        for (fields, once) in [
            ("", false),
            (r#","store":null,"background":false,"tools":[]"#, false),
            (r#","store":false,"tools":[{"type":"function","name":"f"}]"#, false),
            (r#","store":true"#, true),
            (r#","background":true"#, true),
            (r#","previous_response_id":"resp_1""#, true),
            (r#","conversation":{"id":"conv_1"}"#, true),
            (r#","tools":[{"type":"function"},{"type":"web_search"}]"#, true),
            (r#","tools":[{"type":"mcp","server_url":"https://x.invalid"}]"#, true),
            (r#","tools":"odd""#, false),
        ] {
            assert_eq!(read(&format!(r#","input":"a"{fields}"#)), Ok(once), "{fields}");
        }
    }

    #[test]
    fn input_may_be_missing_where_something_stands_in_for_it() {
        assert_eq!(read(r#","prompt":{"id":"pmpt_1"}"#), Ok(false));
        assert_eq!(read(r#","conversation":"conv_1","input":[]"#), Ok(true));
        assert_eq!(read(r#","conversation":"conv_1","input":7"#), Err(Some("input")));
        assert_eq!(read(r#","input":"a","max_output_tokens":0"#), Err(Some("max_output_tokens")));
        assert_eq!(read(r#","input":"a","store":true,"store":false"#), Err(None));
    }
}
