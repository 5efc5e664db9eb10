//! Every endpoint in mode real: bytes pass as they are, what is wrong reaches nobody, and all of it
//! is counted.

use super::upstream::{self, Upstream};
use super::{chat, dressed};
use crate::support::{CANARY, Server, Ultra, eventually};
use serde_json::{Value, json};
use std::io::Write as _;

/// A request and an answer of each endpoint, with odd spaces and fields nobody knows. The model is
/// patched and nothing else.
const ENDPOINTS: [(&str, &str, &str); 4] = [
    (
        "/v1/responses",
        r#"{ "model":"MODEL","input":[{"role":"user","content":"hi"}], "unknown":{"a":[1.50]} }"#,
        r#"{"id":"resp_1", "object":"response","status":"completed","error":null,"output":[{"type":"message","content":[{"type":"output_text","text":"h\u00e9"}]}],"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":10},"output_tokens":4,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":34},"unknown":1e2}"#,
    ),
    (
        "/v1/embeddings",
        r#"{"input": "hi",  "model":"MODEL","encoding_format":"base64","unknown":null}"#,
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPw=="}],"usage":{"prompt_tokens":8,"total_tokens":8},"unknown":1e2}"#,
    ),
    (
        "/v1/completions",
        r#"{"model":"MODEL","prompt":["hi"] , "echo":true}"#,
        r#"{"object":"text_completion","choices":[{"text":"h\u00e9","finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#,
    ),
    (
        "/v1/messages/count_tokens",
        r#"{"messages":[{"role":"user","content":"hi"}],  "model":"MODEL"}"#,
        r#"{"input_tokens":14,"unknown":1e2}"#,
    ),
];

fn real(provider: &Upstream) -> (Ultra, Server) {
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ANTHROPIC_API_KEY", CANARY)
        .env("ANTHROPIC_BASE_URL", provider.anthropic());
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

/// The totals of the usage report, once so many attempts are in it.
pub(super) fn total(ultra: &Ultra, attempts: u64) -> Value {
    eventually(std::time::Duration::from_secs(30), "the rows", || {
        let report = ultra.run(&["usage", "report", "-o", "json"]).exits(0).json();
        (report["total"]["attempts"] == attempts).then(|| report["total"].clone())
    })
}

#[test]
fn every_endpoint_passes_byte_for_byte_and_is_counted() {
    let provider = Upstream::start(|asked, stream| {
        let asks = |path: &str| asked.line == format!("POST {path} HTTP/1.1");
        let known = ENDPOINTS.iter().find(|(path, ..)| asks(path));
        let answer = known.map_or("{}", |(_, _, answer)| answer);
        let _ = stream.write_all(&upstream::json("200 OK", answer));
    });
    let (ultra, server) = real(&provider);
    for (n, (path, request, answer)) in ENDPOINTS.into_iter().enumerate() {
        let name = if path.contains("messages") { "anthropic" } else { "openai" };
        let body = request.replace("MODEL", &format!("{name}/new"));
        let asked = chat(&ultra, path, &body).header("openai-beta", "x=1");
        let got = asked.send(server.addr()).is(200);
        assert_eq!(got.text(), answer, "{path}");
        assert_eq!(got.header("x-ultra-provider"), Some(name));
        assert_eq!(got.header("x-unknown"), Some("kept"));
        dressed(&got);
        let received = provider.received();
        assert_eq!(received.len(), n + 1);
        assert_eq!(received[n].line, format!("POST {path} HTTP/1.1"));
        assert_eq!(received[n].body, request.replace("MODEL", "new").as_bytes());
        assert_eq!(received[n].header("openai-beta"), Some("x=1"));
        let free = path.contains("count_tokens").then_some("0");
        assert_eq!(got.header("x-ultra-cost"), free, "no price is known for the others");
    }
    // With the prefix that some gateways have it is the same.
    let (path, request, answer) = ENDPOINTS[0];
    let body = request.replace("MODEL", "openai/new");
    let got = chat(&ultra, &format!("/openai{path}"), &body).send(server.addr()).is(200);
    assert_eq!(got.text(), answer);
    assert_eq!(provider.received()[4].line, format!("POST {path} HTTP/1.1"));
    let total = total(&ultra, 5);
    assert_eq!(total["input_tokens"], 2 * 20 + 8 + 5, "{total}");
    assert_eq!(total["cached_tokens"], 2 * 10);
    assert_eq!(total["output_tokens"], 2 * 4 + 2);
    assert_eq!(total["reasoning_tokens"], 2 * 3);
    assert_eq!((&total["uncounted"], &total["unpriced"]), (&json!(0), &json!(4)));
    server.stop().keeps_the_canary();
}

#[test]
fn what_is_malformed_gets_the_familys_own_error_and_reaches_nobody() {
    let provider = Upstream::saying(upstream::json("200 OK", "{}"));
    let (ultra, server) = real(&provider);
    for (path, fields, param) in [
        ("/v1/responses", "", "input"),
        ("/v1/responses", r#","input":5"#, "input"),
        ("/v1/responses", r#","input":[]"#, "input"),
        ("/v1/responses", r#","input":"a","stream":1"#, "stream"),
        ("/v1/responses", r#","input":"a","max_output_tokens":0"#, "max_output_tokens"),
        ("/v1/embeddings", "", "input"),
        ("/v1/embeddings", r#","input":[]"#, "input"),
        ("/v1/completions", "", "prompt"),
        ("/v1/completions", r#","prompt":{}"#, "prompt"),
        ("/v1/messages/count_tokens", "", "messages"),
        ("/v1/messages/count_tokens", r#","messages":"a""#, "messages"),
    ] {
        let body = format!(r#"{{"model":"gpt-4o"{fields}}}"#);
        let answer = chat(&ultra, path, &body).send(server.addr()).is(400).json();
        assert!(answer["error"]["message"].as_str().unwrap().contains(param), "{answer}");
        if path.contains("messages") {
            assert_eq!(answer["error"]["type"], "invalid_request_error");
        } else {
            assert_eq!(answer["error"]["param"], param, "{body}");
        }
    }
    for path in ["/v1/responses", "/v1/embeddings", "/v1/completions"] {
        // Not even with the header of the other family is it an error of that one.
        let answer = chat(&ultra, path, "[]").header("anthropic-version", "2023-06-01");
        assert_eq!(answer.send(server.addr()).is(400).json()["error"]["code"], "invalid_json");
    }
    assert_eq!(provider.received().len(), 0);
}

const DELTA: &[u8] = b"data: {\"object\":\"text_completion\",\"choices\":[{\"text\":\"a\",\"finish_reason\":null}],\"usage\":null}\n\n";
const COUNTS: &[u8] =
    b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";

#[test]
fn a_stream_of_completions_is_counted_and_the_count_kept_from_who_did_not_ask() {
    let provider = Upstream::start(|_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        for piece in [DELTA, COUNTS, DONE].concat().chunks(11) {
            upstream::chunk(stream, piece).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let (ultra, server) = real(&provider);
    let silent = r#"{"model":"gpt-4o","prompt":"hi","stream":true}"#;
    let answer = chat(&ultra, "/v1/completions", silent).send(server.addr()).is(200);
    assert_eq!(answer.body(), [DELTA, DONE].concat());
    let injected = silent.replacen('{', r#"{"stream_options":{"include_usage":true},"#, 1);
    assert_eq!(provider.received()[0].body, injected.as_bytes());
    let total = total(&ultra, 1);
    assert_eq!((&total["input_tokens"], &total["output_tokens"]), (&json!(5), &json!(1)));
}
