//! How much a model of this family is to think. Models up to 4.5 are given tokens for it, later
//! ones a word (<https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking>).

use crate::provider::conversation::{Conversation, Part, Role, Thinking};
use crate::provider::foreign;
use serde_json::{Value, json};

/// The fewest tokens that may be given.
const LEAST: u64 = 1_024;

/// `thinking` and the effort of `output_config`; `null` where nothing is said. `most` are the tokens
/// of the whole answer, in which those for thinking are.
pub(super) fn asked(conversation: &Conversation, model: &str, most: u64) -> (Value, Value) {
    let Some(thinking) = &conversation.thinking else { return (Value::Null, Value::Null) };
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    let version = version(model);
    match thinking {
        Thinking::Off => (json!({"type": "disabled"}), Value::Null),
        Thinking::Adaptive | Thinking::Budget(_) if version >= ADAPTIVE => (adaptive, Value::Null),
        Thinking::Effort(word) if version >= ADAPTIVE => {
            let word = match word.as_str() {
                "minimal" => "low",
                "xhigh" if version == ADAPTIVE => "max",
                word => word,
            };
            (adaptive, word.into())
        }
        Thinking::Adaptive => (budget(conversation, tokens("medium"), most), Value::Null),
        Thinking::Budget(tokens) => (budget(conversation, *tokens, most), Value::Null),
        Thinking::Effort(word) => (budget(conversation, tokens(word), most), Value::Null),
    }
}

/// The tokens for a word.
fn tokens(effort: &str) -> u64 {
    match effort {
        "minimal" => LEAST,
        "low" => 2_048,
        "medium" => 8_192,
        "high" => 16_384,
        _ => 32_768,
    }
}

/// Less than the whole answer, and nothing where that leaves too little, or where the provider would
/// not have it: it wants back what it thought before it called a tool.
fn budget(conversation: &Conversation, tokens: u64, most: u64) -> Value {
    let tokens = tokens.max(LEAST).min(most.saturating_sub(1));
    if tokens < LEAST || lacks_thought(conversation) {
        return Value::Null;
    }
    json!({"type": "enabled", "budget_tokens": tokens})
}

/// Whether results of tools are sent whose calls came without what was thought before them.
fn lacks_thought(conversation: &Conversation) -> bool {
    let [.., asked, answered] = conversation.turns.as_slice() else { return false };
    let results = answered.parts.iter().any(|part| matches!(part, Part::ToolResult { .. }));
    let thought = |part: &Part| match part {
        Part::Thinking { signature, .. } => {
            signature.as_ref().is_some_and(|signature| !foreign::is_of_another(signature))
        }
        part => matches!(part, Part::Sealed(_)),
    };
    results && asked.role == Role::Assistant && !asked.parts.iter().any(thought)
}

/// The first version that is given words only.
const ADAPTIVE: (u64, u64) = (4, 6);

/// Major and minor version in a model's name: `claude-opus-4-6`, `claude-3-7-sonnet-20250219`,
/// `anthropic.claude-sonnet-4-5-v1:0`, `claude-opus-4.6`. A name without one is new.
fn version(model: &str) -> (u64, u64) {
    let short = |n: &&str| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    let name = model.split_once("claude").map_or(model, |(_, name)| name);
    let mut parts = name.split(['-', '.', '@', ':', '_']).skip_while(|part| !short(part));
    let Some(major) = parts.next().and_then(|n| n.parse().ok()) else { return (u64::MAX, 0) };
    let minor = parts.next().filter(short).and_then(|n| n.parse().ok());
    (major, minor.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::conversation::{Conversation, ToolCall};

    #[test]
    fn versions_are_read_from_names() {
        for (name, expected) in [
            ("claude-opus-4-6", (4, 6)),
            ("claude-sonnet-4-5-20250929", (4, 5)),
            ("claude-sonnet-4-20250514", (4, 0)),
            ("claude-3-7-sonnet-20250219", (3, 7)),
            ("anthropic/claude-opus-4.7", (4, 7)),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
            ("claude-fable-5-1", (5, 1)),
            ("claude-opus-5", (5, 0)),
            ("some-alias", (u64::MAX, 0)),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
    }

    fn thinks(thinking: Thinking, model: &str, most: u64) -> (Value, Value) {
        let thinking = Some(thinking);
        asked(&Conversation { thinking, ..Conversation::default() }, model, most)
    }

    #[test]
    fn words_become_tokens_for_older_models_and_tokens_words_for_newer_ones() {
        let effort = |word: &str| Thinking::Effort(word.to_owned());
        let budget = |n: u64| json!({"type": "enabled", "budget_tokens": n});
        let of = |thinking, most| thinks(thinking, "claude-sonnet-4-5", most).0;
        assert_eq!(of(effort("high"), 64_000), budget(16_384));
        assert_eq!(of(effort("high"), 5_000), budget(4_999));
        assert_eq!(of(effort("low"), 1_024), Value::Null, "nothing would be left to answer with");
        assert_eq!(of(Thinking::Off, 1_024), json!({"type": "disabled"}));
        let (thinking, word) = thinks(effort("minimal"), "claude-opus-5", 100);
        assert_eq!((&thinking["type"], word), (&json!("adaptive"), json!("low")));
        assert_eq!(thinks(effort("xhigh"), "claude-opus-4-6", 100).1, "max");
        assert_eq!(thinks(Thinking::Budget(9), "claude-opus-5", 100).0["type"], "adaptive");
    }

    #[test]
    fn calls_without_their_thought_are_gone_on_with_without_thinking() {
        let mut conversation = Conversation {
            thinking: Some(Thinking::Effort("high".to_owned())),
            ..Conversation::default()
        };
        let call = ToolCall { id: "a".into(), name: "f".into(), arguments: Default::default() };
        conversation.say(Role::Assistant, [Part::ToolCall(call.clone())]);
        let result = Part::ToolResult { id: "a".into(), content: vec![], failed: false };
        conversation.say(Role::User, [result]);
        assert_eq!(asked(&conversation, "claude-sonnet-4-5", 64_000).0, Value::Null);
        let signed = Part::Thinking { text: "hm".into(), signature: Some("s".into()) };
        conversation.turns[0].parts.insert(0, signed);
        assert_ne!(asked(&conversation, "claude-sonnet-4-5", 64_000).0, Value::Null);
    }
}
