//! Streams of responses: every byte in its order, honest ends in their own shape, and nothing done
//! twice that was to be done once.

use super::chat;
use super::endpoints::total;
use super::fallback::{server, serving};
use super::upstream::{self, Upstream, chunk};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

const RESPONSES: &str = "/v1/responses";
const PLAIN: &str = r#"{"model":"m","input":"hi"}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"input":"hi"}"#;
const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"error\":null,\"usage\":null}}\n\n";
const ADDED: &str = "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"item\":{}}\n\n";
const DELTA: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":2,\"delta\":\"response.completed \\\"error\\\"\"}\n\n";
const COMPLETED: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":3,\"response\":{\"id\":\"r\",\"error\":null,\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":2},\"output_tokens\":4,\"output_tokens_details\":{\"reasoning_tokens\":1}}}}\n\n";
const FAILED: &str = "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":2,\"response\":{\"id\":\"r\",\"error\":{\"code\":\"server_error\",\"message\":\"it broke\"}}}\n\n";
const ERROR: &str = "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\",\"param\":null,\"sequence_number\":1}\n\n";
const WHOLE: [&str; 4] = [CREATED, ADDED, DELTA, COMPLETED];
const BEGUN: [&str; 3] = [CREATED, ADDED, DELTA];

/// Writes a stream of these events; it ends as one should if `whole`.
fn events(stream: &mut TcpStream, events: &[&str], whole: bool) {
    let _ = stream.write_all(upstream::STREAM.as_bytes());
    for event in events {
        let _ = chunk(stream, event.as_bytes());
    }
    if whole {
        let _ = stream.write_all(b"0\r\n\r\n");
    }
}

fn streaming(said: &'static [&'static str], whole: bool) -> Upstream {
    Upstream::start(move |_, stream| events(stream, said, whole))
}

#[test]
fn events_pass_byte_for_byte_and_are_counted() {
    let provider = Upstream::start(|_, stream| {
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        for piece in WHOLE.concat().as_bytes().chunks(7) {
            let _ = chunk(stream, piece);
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let (ultra, server) = server(&[&provider]);
    let answer = chat(&ultra, RESPONSES, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.text(), WHOLE.concat());
    assert!(answer.whole);
    let total = total(&ultra, 1);
    assert_eq!((&total["input_tokens"], &total["cached_tokens"]), (&json!(7), &json!(2)));
    assert_eq!((&total["output_tokens"], &total["reasoning_tokens"]), (&json!(4), &json!(1)));
    assert_eq!((&total["failed"], &total["uncounted"]), (&json!(0), &json!(0)));
}

#[test]
fn what_fails_before_its_first_piece_fails_over_or_is_told_with_its_status() {
    const FAILING: [(&[&str], u16, &str); 2] = [
        (&[CREATED, ADDED, FAILED], 500, "server_error"),
        (&[CREATED, ERROR], 429, "rate_limit_exceeded"),
    ];
    for (begun, status, code) in FAILING {
        let failing = streaming(begun, true);
        let good = streaming(&WHOLE, true);
        let (ultra, two) = server(&[&failing, &good]);
        let answer = chat(&ultra, RESPONSES, STREAM).send(two.addr()).is(200);
        assert_eq!(answer.text(), WHOLE.concat());
        assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
        let (ultra, alone) = server(&[&failing]);
        let answer = chat(&ultra, RESPONSES, STREAM).send(alone.addr()).is(status);
        assert_eq!(answer.json()["error"]["code"], code);
    }
}

#[test]
fn a_stream_that_is_cut_ends_with_an_error_event_of_its_own_kind() {
    let cut = streaming(&BEGUN, false);
    let good = streaming(&WHOLE, true);
    let (ultra, server) = server(&[&cut, &good]);
    let answer = chat(&ultra, RESPONSES, STREAM).send(server.addr()).is(200);
    let text = answer.text();
    let rest = text.strip_prefix(&*BEGUN.concat()).expect("what came is passed on");
    let data = rest.trim().strip_prefix("event: error\ndata: ").unwrap();
    let event: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&event["type"], &event["sequence_number"]), (&json!("error"), &json!(3)));
    assert_eq!(event["code"], "upstream_stream_broken");
    assert!(!text.contains("event: response.completed"), "{text}");
    // Where it is kept back the next one answers.
    let kept = chat(&ultra, RESPONSES, STREAM).header("x-ultra-stream-commit", "complete");
    let answer = kept.send(server.addr()).is(200);
    assert_eq!(answer.text(), WHOLE.concat());
    assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
}

#[test]
fn a_failure_in_the_middle_is_the_providers_own_and_an_unreadable_event_is_left_out() {
    let failing = streaming(&[CREATED, DELTA, FAILED], true);
    let (ultra, one) = server(&[&failing]);
    let answer = chat(&ultra, RESPONSES, STREAM).send(one.addr()).is(200);
    assert_eq!(answer.text(), [CREATED, DELTA, FAILED].concat(), "and no second error");
    assert_eq!(total(&ultra, 1)["failed"], 1);

    let odd = streaming(&[CREATED, DELTA, "data: {\"type\":\"resp\n\n", COMPLETED], true);
    let (ultra, other) = server(&[&odd]);
    let answer = chat(&ultra, RESPONSES, STREAM).send(other.addr()).is(200);
    assert_eq!(answer.text(), [CREATED, DELTA, COMPLETED].concat());
}

#[test]
fn a_stream_that_stalls_is_reported() {
    let stalling = Upstream::start(|_, stream| {
        events(stream, &BEGUN, false);
        std::thread::sleep(Duration::from_secs(5));
    });
    let (ultra, server) = serving(&[&stalling], "    timeouts: {stall: 300ms}\n", &[]);
    let answer = chat(&ultra, RESPONSES, STREAM).send(server.addr()).is(200);
    assert!(answer.text().contains("\"code\":\"upstream_timeout\""), "{}", answer.text());
}

#[test]
fn what_does_more_than_answer_is_asked_once() {
    for (fields, asked_again) in [
        ("", true),
        (r#","store":false,"tools":[{"type":"function","name":"f"}]"#, true),
        (r#","store":true"#, false),
        (r#","previous_response_id":"resp_1""#, false),
        (r#","tools":[{"type":"mcp","server_url":"https://tools.invalid"}]"#, false),
    ] {
        // It takes the request, and what it did with it nobody knows.
        let broken = Upstream::start(|_, _| {});
        let good = Upstream::saying(upstream::json("200 OK", r#"{"object":"response"}"#));
        let (ultra, server) = server(&[&broken, &good]);
        let body = PLAIN.replace('}', &format!("{fields}}}"));
        let answer = chat(&ultra, RESPONSES, &body).send(server.addr());
        assert_eq!(answer.status, if asked_again { 200 } else { 502 }, "{fields}");
        assert_eq!(!good.received().is_empty(), asked_again, "{fields}");
        assert_eq!(broken.received().len(), if asked_again { 2 } else { 1 }, "{fields}");
    }
    // What was refused was not begun with.
    let limited = Upstream::saying(upstream::json("429 Too Many Requests", "{}"));
    let good = Upstream::saying(upstream::json("200 OK", r#"{"object":"response"}"#));
    let (ultra, server) = server(&[&limited, &good]);
    let body = PLAIN.replace('}', r#","store":true}"#);
    chat(&ultra, RESPONSES, &body).send(server.addr()).is(200);
}

#[test]
fn what_is_asked_once_has_its_time_though_there_are_others() {
    let thinks = || {
        Upstream::start(|_, stream| {
            events(stream, &[CREATED, ADDED], false);
            std::thread::sleep(Duration::from_millis(700));
            for event in [DELTA, COMPLETED] {
                let _ = chunk(stream, event.as_bytes());
            }
            let _ = stream.write_all(b"0\r\n\r\n");
        })
    };
    for (fields, provider) in [(r#","store":true"#, "p0"), ("", "p1")] {
        let (slow, other) = (thinks(), streaming(&WHOLE, true));
        let route = "    timeouts: {first_event: 200ms}\n";
        let (ultra, server) = serving(&[&slow, &other], route, &[]);
        let body = STREAM.replace('}', &format!("{fields}}}"));
        let answer = chat(&ultra, RESPONSES, &body).send(server.addr()).is(200);
        assert_eq!(answer.text(), WHOLE.concat());
        assert_eq!(answer.header("x-ultra-provider"), Some(provider), "{fields}");
    }
}

#[test]
fn a_response_that_failed_is_passed_on_as_the_object_that_it_is() {
    let failed = r#"{"object":"response","status":"failed","error":{"code":"server_error","message":"it broke"},"usage":null}"#;
    let failing = Upstream::saying(upstream::json("200 OK", failed));
    let (ultra, alone) = server(&[&failing]);
    let answer = chat(&ultra, RESPONSES, PLAIN).send(alone.addr()).is(200);
    assert_eq!(answer.text(), failed);
    assert_eq!(total(&ultra, 2)["failed"], 2, "it was asked once more");
    let good = Upstream::saying(upstream::json("200 OK", r#"{"object":"response"}"#));
    let (ultra, two) = server(&[&failing, &good]);
    let answer = chat(&ultra, RESPONSES, PLAIN).send(two.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
}

/// A server that has chat completions only: what it says of `/v1/responses` is `missing`.
fn without_responses(missing: Vec<u8>) -> Upstream {
    Upstream::start(move |asked, stream| {
        let chunk = |delta: Value, reason: Option<&str>| {
            let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
            let usage = reason.map(|_| json!({"prompt_tokens": 9, "completion_tokens": 4}));
            format!("data: {}\n\n", json!({"id": "c", "choices": [choice], "usage": usage}))
        };
        if asked.line.contains("/responses") {
            let _ = stream.write_all(&missing);
        } else if String::from_utf8_lossy(&asked.body).contains("\"stream\":true") {
            let said = [chunk(json!({"content": "hello"}), None), chunk(json!({}), Some("stop"))];
            let done = "data: [DONE]\n\n".to_owned();
            events(stream, &[said.concat().as_str(), &done], true);
        } else {
            let said = json!({"message": {"content": "hello"}, "finish_reason": "stop"});
            let usage = json!({"prompt_tokens": 9, "completion_tokens": 4});
            let answer = json!({"id": "c", "choices": [said], "usage": usage}).to_string();
            let _ = stream.write_all(&upstream::json("200 OK", &answer));
        }
    })
}

#[test]
fn a_provider_without_responses_is_asked_for_chat_completions() {
    let provider = without_responses(upstream::json("404 Not Found", r#"{"detail":"Not Found"}"#));
    let (ultra, server) = server(&[&provider]);
    let told = chat(&ultra, RESPONSES, PLAIN).send(server.addr()).is(404).json();
    assert_eq!(told["error"]["code"], "endpoint_not_found", "{told}");
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains("`p0`") && message.contains("`responses: false`"), "{message}");
    drop(server);

    let profile =
        ultra.read("profiles/dev.yaml").replace("kind: openai,", "kind: openai, responses: false,");
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = crate::support::Server::start(&ultra, &["--real"]);
    let told = chat(&ultra, RESPONSES, PLAIN).send(server.addr()).is(200).json();
    assert_eq!((&told["object"], &told["status"]), (&json!("response"), &json!("completed")));
    assert_eq!(told["output"][0]["content"][0]["text"], "hello");
    let told = chat(&ultra, RESPONSES, STREAM).send(server.addr()).is(200);
    assert!(told.whole && told.text().contains("event: response.completed\n"), "{}", told.text());
    // What only responses can do is refused by name, and reaches nobody.
    let before = provider.received().len();
    let more = PLAIN.replacen('{', r#"{"previous_response_id":"resp_1","#, 1);
    let told = chat(&ultra, RESPONSES, &more).send(server.addr()).is(400).json();
    assert_eq!(told["error"]["param"], "previous_response_id");
    assert_eq!(provider.received().len(), before);
    assert_eq!(total(&ultra, 3)["output_tokens"], 8);
}

#[test]
fn what_an_api_says_it_does_not_have_is_its_own() {
    let error = r#"{"error":{"message":"Previous response not found","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#;
    let provider = Upstream::saying(upstream::json("404 Not Found", error));
    let (ultra, server) = server(&[&provider]);
    assert_eq!(chat(&ultra, RESPONSES, PLAIN).send(server.addr()).is(404).text(), error);
}

#[test]
fn thoughts_that_were_sealed_here_are_not_sent_to_openai() {
    let provider = streaming(&WHOLE, true);
    let (ultra, server) = server(&[&provider]);
    let asked = r#"{"model":"m","stream":true,"input":[{"role":"user","content":"hi"},{"type":"reasoning","id":"rs_1_0","encrypted_content":"ultra1.e30","summary":[]},{"role":"user","content":"so?"}]}"#;
    chat(&ultra, RESPONSES, asked).send(server.addr()).is(200);
    let received = provider.received();
    let sent: Value = serde_json::from_slice(&received.first().unwrap().body).unwrap();
    assert_eq!(sent["input"].as_array().unwrap().len(), 2, "{sent}");
    assert_eq!(sent["model"], "m0");
}
