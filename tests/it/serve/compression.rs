//! Answers made smaller: the same bytes afterwards, and never a stream.

use super::upstream::{self, Upstream};
use super::{chat, dressed, with_key};
use crate::support::{CANARY, Server, Ultra};
use flate2::read::GzDecoder;
use std::io::Read as _;

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

/// An answer of so many bytes and a few.
fn answer(size: usize) -> String {
    let text = "all work and no play ".repeat(size / 21 + 1);
    format!(
        r#"{{"id":"x","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":2}}}}"#
    )
}

fn real(provider: &Upstream, compression: &str) -> (Ultra, Server) {
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ULTRA_COMPRESSION", compression);
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

#[test]
fn what_the_server_tells_of_itself_is_smaller_for_who_takes_it() {
    let ultra = Ultra::empty().env("ULTRA_CORS_ORIGINS", "https://app.example.com");
    let server = Server::start(&ultra, &["--mock"]);
    for path in ["/api/available-models", "/metrics", "/api/health?detail=true"] {
        let usual = with_key(&ultra, "GET", path).send(server.addr()).is(200);
        assert_eq!(usual.header("content-encoding"), None, "{path}");
        assert!(usual.body().len() > 1024, "{path}");
        let small = with_key(&ultra, "GET", path)
            .header("accept-encoding", "gzip, deflate")
            .send(server.addr())
            .is(200);
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
        assert_eq!(small.header("content-type"), usual.header("content-type"));
        assert!(small.body().len() < usual.body().len(), "{path}");
        let text = String::from_utf8(plain(&small.body())).unwrap();
        if path == "/api/available-models" {
            assert_eq!(text, usual.text());
        }
    }
    // Errors are answers too, and small ones stay as they are.
    let small = with_key(&ultra, "GET", "/api/health/live")
        .header("accept-encoding", "gzip")
        .send(server.addr())
        .is(200);
    assert_eq!((small.header("content-encoding"), small.header("vary")), (None, Some("Origin")));
}

#[test]
fn a_large_answer_of_a_model_is_smaller_and_the_same_and_a_stream_never_is() {
    let large = answer(20_000);
    let huge = answer(400_000);
    let bodies = [large.clone(), huge.clone(), answer(1_000)];
    let said = bodies.clone();
    let provider = Upstream::start(move |asked, stream| {
        use std::io::Write as _;
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        if body.contains("\"stream\"") {
            let _ = stream.write_all(upstream::STREAM.as_bytes());
            let event = format!(
                "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
                "a".repeat(30_000)
            );
            for event in [event.as_bytes(), b"data: [DONE]\n\n"] {
                let _ = upstream::chunk(stream, event);
            }
            let _ = stream.write_all(b"0\r\n\r\n");
            return;
        }
        let which = ["large", "huge"].iter().position(|name| body.contains(name)).unwrap_or(2);
        let _ = stream.write_all(&upstream::json("200 OK", &said[which]));
    });
    let (ultra, server) = real(&provider, "true");
    let ask = |name: &str, more: &str| {
        let body =
            HELLO.replace("hi", name).replace("\"messages\"", &format!("{more}\"messages\""));
        chat(&ultra, CHAT, &body)
            .header("accept-encoding", "gzip, deflate, zstd")
            .send(server.addr())
            .is(200)
    };
    for (name, said) in [("large", &large), ("huge", &huge)] {
        let got = ask(name, "");
        assert_eq!(got.header("content-encoding"), Some("gzip"));
        assert_eq!(got.header("vary"), Some("accept-encoding"));
        assert_eq!(got.header("content-length"), Some(&*got.body().len().to_string()));
        assert!(got.body().len() < said.len() / 4);
        assert_eq!(String::from_utf8(plain(&got.body())).unwrap(), **said);
        dressed(&got);
    }
    let small = ask("small", "");
    assert_eq!((small.header("content-encoding"), small.text()), (None, bodies[2].clone()));
    let stream = ask("large", "\"stream\":true,");
    assert_eq!(stream.header("content-encoding"), None);
    assert_eq!(stream.header("vary"), None);
    assert!(stream.text().ends_with("data: [DONE]\n\n"));
    let usual = chat(&ultra, CHAT, &HELLO.replace("hi", "large")).send(server.addr()).is(200);
    assert_eq!((usual.header("content-encoding"), usual.text()), (None, large));
    assert_eq!(usual.header("vary"), Some("accept-encoding"));
}

#[test]
fn where_nobody_wants_it_nothing_is_made_smaller() {
    let whole = answer(40_000);
    let provider = Upstream::saying(upstream::json("200 OK", &whole));
    let (ultra, server) = real(&provider, "false");
    let got = chat(&ultra, CHAT, HELLO).header("accept-encoding", "gzip").send(server.addr());
    let got = got.is(200);
    assert_eq!((got.header("content-encoding"), got.text()), (None, whole));
    assert_eq!(got.header("vary"), None);
    let models = with_key(&ultra, "GET", "/api/available-models");
    let got = models.header("accept-encoding", "gzip").send(server.addr()).is(200);
    assert_eq!(got.header("content-encoding"), None);
}
