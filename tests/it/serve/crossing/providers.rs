//! Providers of both families that behave as the name of the model says.

use crate::serve::upstream::{self, Upstream};
use crate::support::fake::Received;
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;

/// What a provider says: the events of a stream, and the same as a whole.
struct Said {
    whole: Value,
    events: Vec<(&'static str, Value)>,
    done: bool,
}

fn error(status: &'static str, family: &str, kind: &str, message: &str) -> (&'static str, Value) {
    match family {
        "openai" => (status, json!({"error": {"message": message, "code": kind, "type": "x"}})),
        _ => (status, json!({"type": "error", "error": {"type": kind, "message": message}})),
    }
}

fn refusal(family: &str, model: &str) -> Option<(&'static str, Value)> {
    let openai = family == "openai";
    let pick = |own: &'static str, other: &'static str| if openai { own } else { other };
    Some(match model {
        "limited" => error(
            "429 Slow down",
            family,
            pick("rate_limit_exceeded", "rate_limit_error"),
            "slow down",
        ),
        "too-long" if openai => {
            error("400 Bad", family, "context_length_exceeded", "too many tokens")
        }
        "too-long" => {
            error("400 Bad", family, "invalid_request_error", "prompt is too long: 9 > 8")
        }
        "overloaded" if openai => error("503 Busy", family, "busy", "busy"),
        "overloaded" => error("529 Busy", family, "overloaded_error", "busy"),
        "refused" => {
            error("401 No", family, pick("invalid_api_key", "authentication_error"), "no such key")
        }
        "missing" => {
            error("404 No", family, pick("model_not_found", "not_found_error"), "no such model")
        }
        _ => return None,
    })
}

fn answer(family: &str, calls: bool) -> Said {
    match (family, calls) {
        ("openai", false) => chat_text(),
        ("openai", true) => chat_tools(),
        (_, calls) => messages(calls),
    }
}

fn chat_text() -> Said {
    Said {
        whole: json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-x",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello you"}}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 5}},
        }),
        events: vec![
            (
                "",
                json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
            ),
            (
                "",
                json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "hello"}}]}),
            ),
            (
                "",
                json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": " you"}}]}),
            ),
            (
                "",
                json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            ),
            (
                "",
                json!({"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}}),
            ),
        ],
        done: true,
    }
}

fn chat_tools() -> Said {
    let call = |delta: Value| {
        (
            "",
            json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"tool_calls": [delta]}}]}),
        )
    };
    Said {
        whole: json!({
            "id": "chatcmpl-1", "model": "gpt-x",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"place\":\"here\"}"}},
            ]}}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        }),
        events: vec![
            call(
                json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}),
            ),
            call(json!({"index": 0, "function": {"arguments": "{\"place\""}})),
            call(json!({"index": 0, "function": {"arguments": ":\"here\"}"}})),
            (
                "",
                json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
            ),
        ],
        done: true,
    }
}

fn messages(calls: bool) -> Said {
    let block = match calls {
        false => json!({"type": "text", "text": "hello you"}),
        true => {
            json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"place": "here"}})
        }
    };
    let reason = if calls { "tool_use" } else { "end_turn" };
    let (begin, deltas) = match calls {
        false => (
            json!({"type": "text", "text": ""}),
            [
                json!({"type": "text_delta", "text": "hello"}),
                json!({"type": "text_delta", "text": " you"}),
            ],
        ),
        true => (
            json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}),
            [
                json!({"type": "input_json_delta", "partial_json": "{\"place\""}),
                json!({"type": "input_json_delta", "partial_json": ":\"here\"}"}),
            ],
        ),
    };
    let usage = json!({"input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 1});
    let mut events = vec![
        ("message_start", json!({"message": {"id": "msg_1", "model": "claude-x", "usage": usage}})),
        ("content_block_start", json!({"index": 0, "content_block": begin})),
        ("ping", json!({})),
    ];
    for delta in deltas {
        events.push(("content_block_delta", json!({"index": 0, "delta": delta})));
    }
    events.push(("content_block_stop", json!({"index": 0})));
    events.push((
        "message_delta",
        json!({"delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}}),
    ));
    events.push(("message_stop", json!({})));
    for (kind, data) in &mut events {
        data["type"] = Value::from(*kind);
    }
    let usage = json!({"input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 3});
    Said {
        whole: json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
            "content": [block], "stop_reason": reason, "stop_sequence": null, "usage": usage,
        }),
        events,
        done: false,
    }
}

/// Writes what the name of the model says.
fn respond(family: &'static str, asked: &Received, stream: &mut TcpStream) -> std::io::Result<()> {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let model = body["model"].as_str().unwrap_or_default();
    if let Some((status, body)) = refusal(family, model) {
        return stream.write_all(&upstream::json(status, &body.to_string()));
    }
    let answered = body.to_string().contains("rain");
    let said = answer(family, model == "tools" && !answered);
    if body["stream"] != true {
        return stream.write_all(&upstream::json("200 OK", &said.whole.to_string()));
    }
    stream.write_all(upstream::STREAM.as_bytes())?;
    let event = |(name, data): &(&str, Value)| match *name {
        "" => format!("data: {data}\n\n"),
        name => format!("event: {name}\ndata: {data}\n\n"),
    };
    let kind = if family == "openai" { "rate_limit_exceeded" } else { "overloaded_error" };
    let (_, failure) = error("", family, kind, "not now");
    let half: String = said.events.iter().take(said.events.len() / 2 + 1).map(event).collect();
    match model {
        "begins-with-error" => upstream::chunk(stream, event(&("error", failure)).as_bytes())?,
        "ends-with-error" => {
            upstream::chunk(stream, half.as_bytes())?;
            upstream::chunk(stream, event(&("error", failure)).as_bytes())?;
        }
        "cut" => return upstream::chunk(stream, half.as_bytes()),
        "stall" => {
            upstream::chunk(stream, half.as_bytes())?;
            std::thread::sleep(std::time::Duration::from_secs(30));
            return Ok(());
        }
        _ => {
            let mut all: String = said.events.iter().map(event).collect();
            if said.done {
                all += "data: [DONE]\n\n";
            }
            // In pieces that end anywhere.
            for piece in all.as_bytes().chunks(37) {
                upstream::chunk(stream, piece)?;
            }
        }
    }
    stream.write_all(b"0\r\n\r\n")
}

/// A provider that speaks chat completions.
pub(super) fn openai() -> Upstream {
    Upstream::start(|asked, stream| {
        let _ = respond("openai", asked, stream);
    })
}

/// A provider that speaks messages.
pub(super) fn anthropic() -> Upstream {
    Upstream::start(|asked, stream| {
        let _ = respond("anthropic", asked, stream);
    })
}
