//! A request means the same after the way to another family and back.

use super::CHAT;
use crate::provider::conversation::Conversation;
use crate::provider::translation::{ClientDialect as _, Dialect as _, Messages};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A chat that both families can have: calls are answered, and no turn is empty.
fn chats() -> impl Strategy<Value = Value> {
    let text = "[a-zA-Z0-9 äß\"\\\\\n]{1,20}";
    let call = ("[a-zA-Z0-9_-]{1,30}", "[a-z]{1,8}", text, any::<bool>());
    let turn = (text, proptest::collection::vec(call, 0..3), text);
    let number =
        prop_oneof![Just(json!(null)), (0..=10_u32).prop_map(|n| json!(f64::from(n) / 10.0))];
    (
        proptest::option::of(text),
        proptest::collection::vec(turn, 0..4),
        text,
        number,
        proptest::option::of(1..1_000_u64),
        any::<bool>(),
    )
        .prop_map(|(system, turns, last, temperature, most, stream)| {
            let mut messages = Vec::new();
            messages.extend(system.map(|text| json!({"role": "system", "content": text})));
            for (n, (asked, calls, said)) in turns.into_iter().enumerate() {
                messages.push(json!({"role": "user", "content": asked}));
                let mut answer = json!({"role": "assistant", "content": said});
                let id = |k: usize, id: &str| format!("{n}-{k}-{id}");
                let made: Vec<Value> = calls.iter().enumerate().map(|(k, (own, name, text, _))| {
                    let arguments = json!({"text": text, "n": [k]}).to_string();
                    json!({"id": id(k, own), "type": "function", "function": {"name": name, "arguments": arguments}})
                }).collect();
                if !made.is_empty() {
                    answer["tool_calls"] = Value::Array(made);
                }
                messages.push(answer);
                for (k, (own, _, text, _)) in calls.iter().enumerate() {
                    messages.push(json!({"role": "tool", "tool_call_id": id(k, own), "content": text}));
                }
            }
            messages.push(json!({"role": "user", "content": last}));
            json!({
                "model": "m", "messages": messages, "temperature": temperature,
                "max_completion_tokens": most, "stream": stream, "user": "u",
            })
        })
}

/// What both families can say, in the same form.
fn plain(mut conversation: Conversation) -> Conversation {
    conversation.stream_usage = false;
    conversation
}

proptest! {
    #[test]
    fn a_chat_means_the_same_after_the_way_there_and_back(chat in chats()) {
        let read = CHAT.read_request(chat.to_string().as_bytes()).unwrap();
        let mut read = plain(read);
        // That family names a number always.
        read.max_tokens = read.max_tokens.or(Some(4_096));
        let there = Messages.request(&read, "unlisted").unwrap();
        let reread = plain(Messages.read_request(&there).unwrap());
        prop_assert_eq!(&reread, &read);
        let back = CHAT.request(&reread, "m").unwrap();
        let again = plain(CHAT.read_request(&back).unwrap());
        prop_assert_eq!(&again, &read);
    }
}
