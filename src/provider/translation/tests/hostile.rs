//! What nobody should send: it is refused, and nothing panics or grows.

use super::CHAT;
use crate::base::redact::Redactor;
use crate::provider::conversation::Conversation;
use crate::provider::translation::{
    Chat, ClientDialect, Dialect, Messages, Responses, Shown, StreamTranslator,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const WORDS: &[&str] = &[
    "role",
    "content",
    "type",
    "text",
    "user",
    "assistant",
    "tool",
    "system",
    "messages",
    "tools",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "id",
    "image_url",
    "url",
    "source",
    "base64",
    "data",
    "media_type",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "input",
    "thinking",
    "signature",
    "choices",
    "delta",
    "message",
    "finish_reason",
    "index",
    "usage",
    "error",
    "content_block",
    "content_block_start",
    "content_block_delta",
    "message_delta",
    "stop_reason",
    "input_json_delta",
    "partial_json",
    "text_delta",
    "response_format",
    "json_schema",
    "schema",
    "stop",
    "n",
    "data:image/png;base64,AA",
    "{\"a\":1}",
    "file",
    "file_data",
    "document",
];

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((words(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn clients() -> [&'static dyn ClientDialect; 3] {
    const CHAT: &Chat = &Chat { counts_streams: true };
    [CHAT, &Messages, &Responses]
}

fn providers() -> [&'static dyn Dialect; 2] {
    const CHAT: &Chat = &Chat { counts_streams: false };
    [CHAT, &Messages]
}

proptest! {
    #[test]
    fn any_request_is_read_or_refused(content in json(), fields in json()) {
        let mut request = fields;
        if !request.is_object() {
            request = json!({});
        }
        let role = ["user", "assistant", "system"][usize::from(content.is_array())];
        request["messages"] = json!([{"role": role, "content": content}, content]);
        request["input"] = json!([{"role": role, "content": content}, content]);
        let body = request.to_string();
        for client in clients() {
            if let Ok(conversation) = client.read_request(body.as_bytes()) {
                for provider in providers() {
                    if let Ok(out) = provider.request(&conversation, "m") {
                        prop_assert!(out.len() <= body.len() * 4 + 1_000);
                    }
                }
            }
        }
    }

    #[test]
    fn any_answer_is_read_or_refused(answer in json()) {
        let conversation = Conversation::default();
        let shown = Shown { conversation: &conversation, model: "m", request_id: "r", created: 0 };
        let shaped = [
            answer.clone(),
            json!({"choices": [{"message": answer, "delta": answer}], "content": [answer]}),
        ];
        for body in shaped {
            for provider in providers() {
                if let Ok(reply) = provider.reply(body.to_string().as_bytes()) {
                    for client in clients() {
                        let told = client.write_reply(&reply, &shown);
                        prop_assert!(serde_json::from_slice::<Value>(&told).is_ok());
                    }
                }
            }
        }
    }

    #[test]
    fn any_stream_is_told_or_broken_off(
        events in proptest::collection::vec(json(), 0..8),
        noise in proptest::collection::vec(any::<u8>(), 0..40),
        size in 1..50_usize,
    ) {
        let conversation = Conversation { stream_usage: true, ..Conversation::default() };
        let shown = Shown { conversation: &conversation, model: "m", request_id: "r", created: 0 };
        let mut stream = Vec::new();
        for event in events {
            let chunk = json!({"choices": [{"delta": event, "finish_reason": null}]});
            for data in [&event, &chunk] {
                stream.extend_from_slice(format!("data: {data}\n\n").as_bytes());
            }
            stream.extend_from_slice(&noise);
        }
        for provider in providers() {
            for client in clients() {
                let mut translator = StreamTranslator::new(
                    provider,
                    client.writer(&shown),
                    "r",
                    Redactor::default(),
                );
                let mut told = 0;
                for piece in stream.chunks(size) {
                    told += translator.push(piece).len();
                }
                told += translator.finish().len();
                prop_assert!(told <= stream.len() * 20 + 10_000);
            }
        }
    }
}

#[test]
fn a_body_of_endless_short_values_is_refused_and_long_text_is_not() {
    let body = |messages: &str| {
        format!(r#"{{"model":"m","max_tokens":1,"messages":[{messages}]}}"#).into_bytes()
    };
    let error = CHAT.read_request(&body(&format!("0{}", ",0".repeat(600_000)))).unwrap_err();
    assert!(error.message.contains("500000"), "{}", error.message);
    let text = format!(r#"{{"role":"user","content":"\"{}"}}"#, ",[{".repeat(400_000));
    CHAT.read_request(&body(&text)).unwrap();
}

#[test]
fn names_of_fields_are_told_in_bounds_and_in_one_line() {
    let body = format!("{{\"messages\":[],\"{}\\n\":1}}", "é".repeat(500));
    let error = CHAT.read_request(body.as_bytes()).unwrap_err();
    assert!(error.param.len() <= 128 && !error.param.contains('\n'), "{}", error.param);
}
