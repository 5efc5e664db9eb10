//! The mock provider: answers made here, the same for the same request, in the exact wire shapes
//! of both families. It needs no network and costs nothing.
//!
//! An answer is a function of model, conversation and seed. Text, ids, times and counts follow
//! from a digest of those, so two servers, or two runs, answer alike.

mod anthropic;
mod openai;
mod text;

use super::envelope::{Envelope, Malformed};
use super::usage::Tokens;
use super::wire::Family;
use bytes::Bytes;
use serde_json::Value;

/// The provider that mode mock adds.
pub(crate) const NAME: &str = "mock";

/// The model that both families serve in mode mock, whatever is configured.
pub(crate) const MODEL: &str = "mock-chat";

/// What the mock answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// One piece for a plain answer; one for each event of a stream.
    pub(crate) pieces: Vec<Bytes>,
    /// What it counted.
    pub(crate) tokens: Tokens,
}

/// What the shapes of both families have in common.
struct Draft {
    /// Seed of text, ids and time.
    digest: text::Digest,
    /// The model that was asked for.
    model: String,
    /// The answers, as words; more than one if so many were asked for.
    choices: Vec<Choice>,
    /// Tokens of the conversation.
    input: u64,
}

/// One answer.
struct Choice {
    /// Each begins with the blank before it, but for the first.
    words: Vec<String>,
    /// Whether it was cut because no more tokens were allowed.
    cut: bool,
}

impl Draft {
    fn output(&self) -> u64 {
        self.choices.iter().map(|c| count(c.words.len())).sum()
    }

    /// A fixed moment in the past, in seconds since 1970.
    fn created(&self) -> u64 {
        1_700_000_000 + self.digest.number(0) % 10_000_000
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Answers a request whose envelope has been read.
///
/// # Errors
/// The conversation is not written as the family wants it.
pub(crate) fn answer(
    family: Family,
    envelope: &Envelope,
    body: &[u8],
) -> Result<Answer, Malformed> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| Malformed { param: None, message: "the body is not valid JSON".to_owned() })?;
    let draft = draft(envelope, &request)?;
    let tokens =
        Tokens { input: Some(draft.input), output: Some(draft.output()), ..Tokens::default() };
    let pieces = match (family, envelope.stream) {
        (Family::OpenAi, false) => vec![openai::plain(&draft)],
        (Family::OpenAi, true) => openai::stream(&draft, &request),
        (Family::Anthropic, false) => vec![anthropic::plain(&draft)],
        (Family::Anthropic, true) => anthropic::stream(&draft),
    };
    Ok(Answer { pieces, tokens })
}

/// The most answers to one request.
const MOST_CHOICES: u64 = 16;

fn draft(envelope: &Envelope, request: &Value) -> Result<Draft, Malformed> {
    let messages = request.get("messages").and_then(Value::as_array);
    let mut input = 0;
    for message in messages.into_iter().flatten() {
        let role = message.get("role").and_then(Value::as_str);
        if role.is_none_or(str::is_empty) {
            return Err(Malformed {
                param: Some("messages"),
                message: "every message must be an object with a `role`".to_owned(),
            });
        }
        // A few tokens frame each message.
        input += 3 + message.get("content").map_or(0, text::tokens);
    }
    let system = request.get("system");
    input += system.map_or(0, text::tokens);

    let digest = text::Digest::of(&[
        &Value::from(envelope.model.as_str()),
        system.unwrap_or(&Value::Null),
        request.get("messages").unwrap_or(&Value::Null),
        request.get("seed").unwrap_or(&Value::Null),
    ]);
    let allowed = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|name| request.get(name).and_then(Value::as_u64))
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(usize::MAX);
    let wanted = match request.get("n") {
        None | Some(Value::Null) => 1,
        Some(n) => {
            n.as_u64().filter(|n| (1..=MOST_CHOICES).contains(n)).ok_or_else(|| Malformed {
                param: Some("n"),
                message: format!("`n` must be a whole number from 1 to {MOST_CHOICES}"),
            })?
        }
    };
    let choices = (0..wanted)
        .map(|index| {
            let mut words = text::words(&digest, index, &envelope.model);
            let cut = words.len() > allowed;
            words.truncate(allowed);
            Choice { words, cut }
        })
        .collect();
    Ok(Draft { digest, model: envelope.model.clone(), choices, input })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(family: Family, body: &str) -> Answer {
        let envelope = Envelope::read(body.as_bytes(), family).unwrap();
        answer(family, &envelope, body.as_bytes()).unwrap()
    }

    fn whole(answer: &Answer) -> String {
        answer.pieces.iter().map(|p| std::str::from_utf8(p).unwrap()).collect()
    }

    fn events(answer: &Answer) -> Vec<Value> {
        whole(answer)
            .split("\n\n")
            .filter_map(|event| event.lines().find_map(|l| l.strip_prefix("data: ")))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

    #[test]
    fn the_same_request_gets_the_same_bytes_and_another_seed_others() {
        assert_eq!(ask(Family::OpenAi, CHAT), ask(Family::OpenAi, CHAT));
        let seeded = CHAT.replace("}]}", "}],\"seed\":7}");
        assert_ne!(whole(&ask(Family::OpenAi, &seeded)), whole(&ask(Family::OpenAi, CHAT)));
        let other = CHAT.replace("hi", "ho");
        assert_ne!(whole(&ask(Family::OpenAi, &other)), whole(&ask(Family::OpenAi, CHAT)));
    }

    #[test]
    fn plain_and_streamed_answers_say_the_same() {
        let plain: Value = serde_json::from_str(&whole(&ask(Family::OpenAi, CHAT))).unwrap();
        let streamed = ask(
            Family::OpenAi,
            &CHAT.replace("}]}", "}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}"),
        );
        assert!(whole(&streamed).ends_with("data: [DONE]\n\n"));
        let events = events(&streamed);
        let text: String =
            events.iter().filter_map(|e| e["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, plain["choices"][0]["message"]["content"]);
        assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(events[0]["id"], plain["id"]);
        let last = events.last().unwrap();
        assert_eq!(last["choices"], serde_json::json!([]));
        assert_eq!(last["usage"], plain["usage"]);
    }

    #[test]
    fn usage_is_streamed_only_when_asked_for() {
        let streamed = ask(Family::OpenAi, &CHAT.replace("}]}", "}],\"stream\":true}"));
        assert!(!whole(&streamed).contains("usage"));
    }

    #[test]
    fn anthropic_events_come_in_their_order() {
        let body = r#"{"model":"claude-sonnet-4-5","max_tokens":3,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#;
        let events = events(&ask(Family::Anthropic, body));
        let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                "message_start",
                "content_block_start",
                "ping",
                "content_block_delta",
                "content_block_delta",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop"
            ]
        );
        assert_eq!(events[7]["delta"]["stop_reason"], "max_tokens");
        assert_eq!(events[7]["usage"]["output_tokens"], 3);
    }

    #[test]
    fn a_cut_answer_says_so() {
        let plain: Value = serde_json::from_str(&whole(&ask(
            Family::OpenAi,
            &CHAT.replace("}]}", "}],\"max_tokens\":2,\"n\":2}"),
        )))
        .unwrap();
        assert_eq!(plain["choices"][1]["finish_reason"], "length");
        assert_eq!(plain["usage"]["completion_tokens"], 4);
    }

    #[test]
    fn a_message_without_a_role_is_refused() {
        let body = br#"{"model":"m","messages":["hi"]}"#;
        let envelope = Envelope::read(body, Family::OpenAi).unwrap();
        assert_eq!(answer(Family::OpenAi, &envelope, body).unwrap_err().param, Some("messages"));
    }
}
