//! Whether a request asks for determinism: only then may an answer stand for the next.

use crate::provider::Endpoint;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    temperature: Option<&'a RawValue>,
    #[serde(borrow)]
    seed: Option<&'a RawValue>,
    #[serde(borrow)]
    n: Option<&'a RawValue>,
    #[serde(borrow)]
    best_of: Option<&'a RawValue>,
    #[serde(borrow)]
    store: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    web_search_options: Option<&'a RawValue>,
    /// Of xAI.
    #[serde(borrow)]
    search_parameters: Option<&'a RawValue>,
    /// Of OpenRouter: a search in the web is one.
    #[serde(borrow)]
    plugins: Option<&'a RawValue>,
    #[serde(borrow)]
    mcp_servers: Option<&'a RawValue>,
    #[serde(borrow)]
    container: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

/// Whether the answer to this body of a request to `endpoint` may stand for the next. Embeddings
/// are the same each time. What a model says is so only where that is asked for: with a
/// `temperature` of 0 or, where the API has one, a `seed`; for one answer, of the model alone.
/// `once` says that the provider does more than answer it.
pub(crate) fn is_deterministic(endpoint: Endpoint, body: &[u8], once: bool) -> bool {
    if once || endpoint == Endpoint::CountTokens {
        return false;
    }
    if endpoint == Endpoint::Embeddings {
        return true;
    }
    // A field that is there twice says nothing.
    let Ok(fields) = serde_json::from_slice::<Fields<'_>>(body) else { return false };
    let seeded = matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Completions)
        && fields.seed.is_some_and(is_whole_number);
    let asked = seeded || fields.temperature.is_some_and(is_zero);
    asked && fields.asks_for_one() && fields.asks_the_model_alone(endpoint)
}

impl Fields<'_> {
    /// Whether one answer is asked for.
    fn asks_for_one(&self) -> bool {
        [self.n, self.best_of].into_iter().flatten().all(|raw| matches!(raw.get(), "1" | "null"))
    }

    /// Whether nothing but the model has to do with the answer, and nothing is left behind: what
    /// is found in the web, or by a program that runs at the provider, changes with the world.
    fn asks_the_model_alone(&self, endpoint: Endpoint) -> bool {
        let said = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() != "null");
        let stores = self.store.is_some_and(|raw| !matches!(raw.get(), "false" | "null"));
        // A stored prompt is changed at the provider.
        let stored = endpoint == Endpoint::Responses && said(self.prompt);
        !(stores
            || stored
            || said(self.web_search_options)
            || said(self.search_parameters)
            || said(self.plugins)
            || said(self.mcp_servers)
            || said(self.container))
            && self.tools.is_none_or(|tools| are_clients(tools, endpoint))
    }
}

/// Whether the client runs all of these tools. Those of responses are judged with the envelope.
fn are_clients(tools: &RawValue, endpoint: Endpoint) -> bool {
    if endpoint == Endpoint::Responses || tools.get() == "null" {
        return true;
    }
    let Ok(tools) = serde_json::from_str::<Vec<Tool<'_>>>(tools.get()) else { return false };
    tools.iter().all(|tool| match (endpoint, tool.kind.as_deref()) {
        (_, None | Some("custom")) => true,
        // The client has Anthropic's own tools run; those that a date follows.
        (Endpoint::Messages, Some(kind)) => ["bash_", "text_editor_", "computer_", "memory_"]
            .into_iter()
            .any(|known| kind.starts_with(known)),
        (_, Some(kind)) => kind == "function",
    })
}

fn is_zero(raw: &RawValue) -> bool {
    raw.get().parse::<f64>().is_ok_and(|number| number == 0.0)
}

fn is_whole_number(raw: &RawValue) -> bool {
    let text = raw.get().strip_prefix('-').unwrap_or(raw.get());
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(endpoint: Endpoint, fields: &str) -> bool {
        let body = format!(r#"{{"model":"m"{fields}}}"#);
        is_deterministic(endpoint, body.as_bytes(), false)
    }

    #[test]
    fn only_zero_or_a_seed_asks_for_determinism() {
        let chat = |fields| fits(Endpoint::ChatCompletions, fields);
        for yes in [
            r#","temperature":0"#,
            r#","temperature":0.0"#,
            r#","temperature":-0"#,
            r#","temperature":0,"n":1,"best_of":null"#,
            r#","seed":7"#,
            r#","seed":-7,"temperature":1"#,
            r#","temperature":0,"tools":[{"type":"function"},{"type":"custom"}],"tool_choice":"auto""#,
            r#","temperature":0,"store":false,"tools":null,"web_search_options":null"#,
        ] {
            assert!(chat(yes), "{yes}");
        }
        for no in [
            "",
            r#","temperature":null"#,
            r#","temperature":"0""#,
            r#","temperature":0.1"#,
            r#","temperature":1"#,
            r#","temperature":0,"temperature":1"#,
            r#","top_p":0"#,
            r#","seed":null"#,
            r#","seed":"7""#,
            r#","seed":1.5"#,
            r#","temperature":0,"n":2"#,
            r#","temperature":0,"best_of":3"#,
            r#","temperature":0,"store":true"#,
            r#","temperature":0,"web_search_options":{}"#,
            r#","temperature":0,"search_parameters":{"mode":"on"}"#,
            r#","seed":7,"plugins":[{"id":"web"}]"#,
            r#","temperature":0,"tools":[{"type":"web_search"}]"#,
            r#","temperature":0,"tools":7"#,
        ] {
            assert!(!chat(no), "{no}");
        }
    }

    #[test]
    fn each_endpoint_has_its_own_way() {
        assert!(fits(Endpoint::Embeddings, ""));
        assert!(!fits(Endpoint::CountTokens, r#","temperature":0"#));
        assert!(fits(Endpoint::Completions, r#","prompt":"a","seed":1"#));
        // These have no seed: it is a field that nobody knows.
        assert!(!fits(Endpoint::Messages, r#","seed":1"#));
        assert!(!fits(Endpoint::Responses, r#","seed":1"#));
        assert!(fits(Endpoint::Responses, r#","temperature":0"#));
        assert!(!fits(Endpoint::Responses, r#","temperature":0,"prompt":{"id":"p"}"#));
        assert!(!is_deterministic(Endpoint::Responses, br#"{"temperature":0}"#, true));
        let messages =
            |fields: &str| fits(Endpoint::Messages, &format!(",\"temperature\":0{fields}"));
        assert!(messages(r#","tools":[{"name":"f"},{"type":"bash_20250124","name":"bash"}]"#));
        for no in [
            r#","tools":[{"type":"web_search_20250305"}]"#,
            r#","tools":[{"type":"code_execution_20250522"}]"#,
            r#","mcp_servers":[]"#,
            r#","container":"c""#,
        ] {
            assert!(!messages(no), "{no}");
        }
    }
}
