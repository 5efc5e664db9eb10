//! Streams that begin late, break off or say that they failed.

use super::{
    ANSWER, BUSY, CHAT, DONE, HELLO, ROLE, STOP, STREAM, TEXT, breaker, events, good_stream, write,
};
use crate::serve::fallback::{server, serving};
use crate::serve::upstream::{self, Upstream, chunk};
use crate::serve::{chat, http, with_key};
use std::time::Duration;

#[test]
fn a_first_event_that_is_late_fails_over_but_the_last_target_has_its_time() {
    let slow = || {
        Upstream::start(|_, stream| {
            write(stream, upstream::STREAM.as_bytes());
            for _ in 0..10 {
                if chunk(stream, b": keep-alive\n\n").is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(60));
            }
            for event in [ROLE, TEXT, STOP, DONE] {
                let _ = chunk(stream, event.as_bytes());
            }
            write(stream, b"0\r\n\r\n");
        })
    };
    let limits = "    timeouts: {first_event: 200ms}\n";
    let (first, second) = (slow(), good_stream());
    let (ultra, server) = serving(&[&first, &second], limits, &[]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
    assert!(!answer.text().contains("keep-alive"), "nothing of the first leaks");

    let only = slow();
    let (ultra, server) = serving(&[&only], limits, &[]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert!(answer.text().ends_with(DONE), "{}", answer.text());
    assert!(answer.text().starts_with(": keep-alive"), "byte for byte");
}

#[test]
fn an_error_in_the_place_of_the_first_event_fails_over_or_is_told_with_its_status() {
    let refusal =
        "data: {\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}\n\n";
    let refusing = || Upstream::start(move |_, stream| events(stream, &[ROLE, refusal], true));
    let (first, second) = (refusing(), good_stream());
    let (ultra, two) = server(&[&first, &second]);
    let answer = chat(&ultra, CHAT, STREAM).send(two.addr()).is(200);
    assert_eq!(answer.text(), format!("{ROLE}{TEXT}{STOP}{DONE}"));

    let only = refusing();
    let (ultra, one) = server(&[&only]);
    let answer = chat(&ultra, CHAT, STREAM).send(one.addr()).is(429);
    assert_eq!(answer.json()["error"]["code"], "rate_limit_exceeded");
}

#[test]
fn a_stream_that_is_cut_is_reported_or_where_it_was_kept_back_made_up_for() {
    let cut = || Upstream::start(|_, stream| events(stream, &[ROLE, TEXT], false));
    let (first, second) = (cut(), good_stream());
    let (ultra, server) = server(&[&first, &second]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert!(answer.text().contains("upstream_stream_broken"), "{}", answer.text());
    assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
    assert!(second.received().is_empty(), "what flows cannot begin anew");

    let complete = |request: http::Request| request.header("x-ultra-stream-commit", "complete");
    let answer = complete(chat(&ultra, CHAT, STREAM)).send(server.addr()).is(200);
    assert_eq!(answer.text(), format!("{ROLE}{TEXT}{STOP}{DONE}"));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("x-ultra-attempts"), Some("2"));

    let only = cut();
    let (ultra, server) = serving(&[&only], "    stream_commit: complete\n", &[]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(502);
    assert_eq!(answer.json()["error"]["code"], "upstream_unreachable");
    let wrong = chat(&ultra, CHAT, STREAM).header("x-ultra-stream-commit", "soon");
    let answer = wrong.send(server.addr()).is(400);
    assert_eq!(answer.json()["error"]["param"], "x-ultra-stream-commit");
}

#[test]
fn a_filter_that_ends_a_stream_is_not_routed_around_where_the_stream_was_kept_back() {
    let error = r#"{"error":{"message":"not this","code":"content_filter"}}"#;
    let event = format!("data: {error}\n\n");
    let filtering = Upstream::start(move |_, stream| events(stream, &[ROLE, TEXT, &event], true));
    let second = good_stream();
    let commit = "    stream_commit: complete\n";
    let (ultra, both) = serving(&[&filtering, &second], commit, &[]);
    let answer = chat(&ultra, CHAT, STREAM).send(both.addr()).is(400);
    assert_eq!(answer.text(), error, "its own words");
    assert_eq!(breaker(&ultra, both.addr(), "p0/m0")["failures"], 0, "it did its part");
    // Nor for a client of another family.
    let asked = STREAM.replacen('{', r#"{"max_tokens":9,"#, 1);
    let answer = chat(&ultra, "/v1/messages", &asked).send(both.addr()).is(400);
    assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    let message = "blocked by content filtering policy: not this";
    assert_eq!(answer.json()["error"]["message"], message);
    assert!(second.received().is_empty(), "nobody else is asked");

    // What is wrong with our key is not the client's, and a rate that is used up is none of a
    // target that has more.
    for (code, kind) in [("invalid_api_key", "KEY"), ("rate_limit_exceeded", "RATE")] {
        let event =
            format!("data: {{\"error\":{{\"message\":\"{kind}\",\"code\":\"{code}\"}}}}\n\n");
        let first = Upstream::start(move |_, stream| events(stream, &[ROLE, TEXT, &event], true));
        let (ultra, server) = serving(&[&first, &second], commit, &[]);
        let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
        assert_eq!(answer.text(), format!("{ROLE}{TEXT}{STOP}{DONE}"));
        assert_eq!(first.received().len(), 1, "{code}");
    }
}

#[test]
fn a_stream_that_stalls_when_kept_back_is_made_up_for() {
    let stalling = Upstream::start(|_, stream| {
        events(stream, &[ROLE, TEXT], false);
        std::thread::sleep(Duration::from_secs(5));
    });
    let second = good_stream();
    let route = "    timeouts: {stall: 200ms}\n    stream_commit: complete\n";
    let (ultra, server) = serving(&[&stalling, &second], route, &[]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.text(), format!("{ROLE}{TEXT}{STOP}{DONE}"));
}

#[test]
fn an_error_that_the_provider_writes_into_its_stream_is_its_own_and_no_second_one_follows() {
    let error = "data: {\"error\":{\"message\":\"lost it\",\"code\":\"server_error\"}}\n\n";
    let only = Upstream::start(move |_, stream| events(stream, &[ROLE, TEXT, error], true));
    let (ultra, server) = server(&[&only]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.text(), format!("{ROLE}{TEXT}{error}"));
    let metrics = with_key(&ultra, "GET", "/metrics").send(server.addr()).is(200).text();
    let counted = metrics.lines().any(|line| {
        line.starts_with("ultra_upstream_attempts_total") && line.contains("outcome=\"truncated\"")
    });
    assert!(counted, "it is no success: {metrics}");
}

#[test]
fn an_event_that_cannot_be_read_is_left_out_and_the_stream_goes_on() {
    let broken = "data: {\"choices\":[{\"delta\":{\"content\":\"a\n\n";
    let only = Upstream::start(move |_, stream| {
        events(stream, &[ROLE, broken, TEXT, broken, STOP, DONE], true);
    });
    let (ultra, server) = server(&[&only]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.text(), format!("{ROLE}{TEXT}{STOP}{DONE}"));
    let ended = server.stop();
    assert_eq!(ended.stderr.matches("cannot be read are left out").count(), 1, "{}", ended.stderr);
}

#[test]
fn an_error_and_the_end_in_one_write_are_an_error_all_the_same() {
    let error = "data: {\"id\":\"x\",\"error\":{\"message\":\"lost it\"},\"choices\":[]}\n\n";
    let both = format!("{error}{DONE}");
    let first = Upstream::start(move |_, stream| events(stream, &[ROLE, TEXT, &both], true));
    let second = good_stream();
    let (ultra, server) = serving(&[&first, &second], "    stream_commit: complete\n", &[]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
    assert_eq!(breaker(&ultra, server.addr(), "p0/m0")["failures"], 1);
    // A plain answer may be an error, too, whatever its status says.
    let lying = Upstream::saying(upstream::json("200 OK", BUSY));
    let second = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = crate::serve::fallback::server(&[&lying, &second]);
    let plain = chat(&ultra, CHAT, HELLO).send(server.addr());
    assert_eq!(plain.header("x-ultra-provider"), Some("p1"), "{plain:?}");
}

#[test]
fn an_empty_reason_to_end_is_none() {
    let chunk = |text: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"\"}}]}}\n\n"
        )
    };
    let (empty, text) = (chunk(""), chunk("a"));
    let cut = {
        let begun = [empty.clone(), text].concat();
        Upstream::start(move |_, stream| events(stream, &[&begun], true))
    };
    let (ultra, one) = server(&[&cut]);
    let answer = chat(&ultra, CHAT, STREAM).send(one.addr()).is(200);
    assert!(answer.text().contains("upstream_stream_broken"), "{}", answer.text());
    assert_eq!(breaker(&ultra, one.addr(), "p0/m0")["failures"], 1);
    // Nor does a stream begin with it.
    let refusal = "data: {\"error\":{\"message\":\"busy\",\"code\":\"server_error\"}}\n\n";
    let failing = Upstream::start(move |_, stream| events(stream, &[&empty, refusal], true));
    let second = good_stream();
    let (ultra, two) = server(&[&failing, &second]);
    let answer = chat(&ultra, CHAT, STREAM).send(two.addr()).is(200);
    assert_eq!(answer.text(), format!("{ROLE}{TEXT}{STOP}{DONE}"));
}

#[test]
fn a_whole_answer_is_whole_however_its_connection_ends() {
    let patience = Duration::from_secs(20);
    let asked = STREAM.replacen('{', r#"{"max_tokens":9,"#, 1);
    for (said, stays_open) in [
        (&[ROLE, TEXT, STOP][..], true),
        (&[ROLE, TEXT, STOP], false),
        (&[ROLE, TEXT, STOP, DONE], true),
    ] {
        let only = Upstream::start(move |_, stream| {
            events(stream, said, false);
            if stays_open {
                std::thread::sleep(patience);
            }
        });
        let (ultra, server) = server(&[&only]);
        for commit in ["first-event", "complete"] {
            let began = std::time::Instant::now();
            let request = chat(&ultra, CHAT, STREAM).header("x-ultra-stream-commit", commit);
            let answer = request.send(server.addr()).is(200);
            assert_eq!(answer.text(), said.concat(), "{commit}");
            assert!(answer.whole);
            let request = chat(&ultra, "/v1/messages", &asked);
            let answer = request.header("x-ultra-stream-commit", commit).send(server.addr());
            let text = answer.is(200).text();
            assert!(text.contains("message_stop") && !text.contains("error"), "{text}");
            assert!(began.elapsed() < patience, "{:?}", began.elapsed());
            assert_eq!(breaker(&ultra, server.addr(), "p0/m0")["failures"], 0);
        }
    }
}

#[test]
fn our_key_in_an_error_within_a_stream_is_not_passed_on() {
    const KEY: &str = "key-of/0-4f7a9c2e1b8d";
    for quoted in [KEY.to_owned(), KEY.replace('/', "\\/"), KEY.replace('k', "\\u006b")] {
        let error = format!(
            "data: {{\"error\":{{\"message\":\"{quoted} is over its limit\",\"code\":\"server_error\"}}}}\n\n"
        );
        let after = format!(": {quoted}\n\n");
        let plain = error.trim_start_matches("data: ").trim().to_owned();
        let only = Upstream::start(move |asked, stream| {
            if !String::from_utf8_lossy(&asked.body).contains("stream") {
                return write(stream, &upstream::json("400 Bad Request", &plain));
            }
            write(stream, upstream::STREAM.as_bytes());
            for piece in [ROLE, TEXT, &error, &after].concat().as_bytes().chunks(11) {
                let _ = chunk(stream, piece);
            }
            write(stream, b"0\r\n\r\n");
        });
        let profile = format!(
            "mode: real\nsecrets:\n  P0_KEY: env:P0_KEY\nproviders:\n  p0: {{kind: openai, base_url: \"{}\", keys: [P0_KEY]}}\nroutes:\n  m: {{targets: [{{provider: p0, model: m0}}]}}\n",
            only.openai()
        );
        let ultra = crate::support::Ultra::empty().env("P0_KEY", KEY);
        ultra.write("profiles/dev.yaml", profile);
        ultra.run(&["env", "trust", "--yes"]).exits(0);
        let server = crate::support::Server::start(&ultra, &["--real"]);
        let masked = "[secret] is over its limit";
        let text = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200).text();
        assert!(text.contains(masked) && !text.contains(&quoted), "{text}");
        assert!(text.starts_with(&format!("{ROLE}{TEXT}")), "{text}");
        let text = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400).text();
        assert!(text.contains(masked) && !text.contains(&quoted), "{text}");
    }
}
