//! What providers do when they fail, one by one: what is tried again, where, and what the client is
//! told.

use super::fallback::{server, serving};
use super::upstream::{self, Upstream, chunk};
use super::{chat, http, with_key};
use crate::support::{Ultra, eventually};
use serde_json::Value;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
const BUSY: &str = r#"{"error":{"message":"busy","type":"server_error","code":"busy"}}"#;
const ROLE: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// A provider that answers the `n`th request, from 0, as `respond` says.
fn numbered(respond: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |_, stream| respond(count.fetch_add(1, Ordering::SeqCst), stream))
}

fn write(stream: &mut TcpStream, answer: &[u8]) {
    let _ = stream.write_all(answer);
}

fn ok(stream: &mut TcpStream) {
    write(stream, &upstream::json("200 OK", ANSWER));
}

/// A stream of these events; it ends as one should if `whole`.
fn events(stream: &mut TcpStream, events: &[&str], whole: bool) {
    write(stream, upstream::STREAM.as_bytes());
    for event in events {
        let _ = chunk(stream, event.as_bytes());
    }
    if whole {
        write(stream, b"0\r\n\r\n");
    }
}

fn good_stream() -> Upstream {
    Upstream::start(|_, stream| events(stream, &[ROLE, TEXT, STOP, DONE], true))
}

#[test]
fn a_rate_limit_with_a_time_is_waited_for_where_nobody_else_can_answer() {
    let limited = |seconds| {
        numbered(move |n, stream| match n {
            0 => {
                let head = format!("429 Too Many Requests\r\nretry-after: {seconds}");
                write(stream, &upstream::json(&head, BUSY));
            }
            _ => ok(stream),
        })
    };
    let only = limited(1);
    let (ultra, one) = server(&[&only]);
    let began = Instant::now();
    let answer = chat(&ultra, CHAT, HELLO).send(one.addr()).is(200);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(answer.header("x-ultra-attempts"), Some("2"));

    // Somebody else answers at once.
    let (first, second) = (limited(30), Upstream::saying(upstream::json("200 OK", ANSWER)));
    let (ultra, two) = server(&[&first, &second]);
    let began = Instant::now();
    for _ in 0..3 {
        chat(&ultra, CHAT, HELLO).send(two.addr()).is(200);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(first.received().len(), 1, "it is left alone for as long as it said");
    assert_eq!(second.received().len(), 3);
}

#[test]
fn a_rate_limit_that_is_too_long_is_told_at_once_and_the_provider_is_left_alone() {
    let head = "429 Too Many Requests\r\nretry-after: 3600";
    let only = Upstream::saying(upstream::json(head, BUSY));
    let (ultra, server) = server(&[&only]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(429);
    assert_eq!(answer.json()["error"]["code"], "busy", "its own words");
    assert_eq!(answer.header("retry-after"), Some("3600"));
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(429);
    assert_eq!(answer.json()["error"]["code"], "upstream_rate_limited");
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&after), "{after}");
    assert_eq!(only.received().len(), 1);
}

#[test]
fn a_rate_limit_without_a_time_is_tried_three_times_and_then_told() {
    let only = Upstream::saying(upstream::json("429 Too Many Requests", BUSY));
    let (ultra, server) = server(&[&only]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(429);
    assert_eq!(answer.json()["error"]["code"], "busy");
    assert_eq!(only.received().len(), 3);
}

#[test]
fn what_breaks_once_is_asked_once_more() {
    for broken in ["500 Oops", "503 Busy", ""] {
        let only = numbered(move |n, stream| match (n, broken) {
            // The connection ends before a byte of an answer.
            (0, "") => {}
            (0, status) => write(stream, &upstream::json(status, BUSY)),
            _ => ok(stream),
        });
        let (ultra, server) = server(&[&only]);
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
        assert_eq!(only.received().len(), 2, "{broken}");
    }
}

#[test]
fn without_credit_it_is_our_key_and_not_the_clients() {
    let error =
        r#"{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let only = Upstream::saying(upstream::json("429 Too Many Requests", error));
    let (ultra, server) = server(&[&only]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(502);
    assert_eq!(answer.json()["error"]["code"], "upstream_credentials_exhausted");
}

#[test]
fn who_is_silent_is_not_asked_again_but_passed_over() {
    let silent = Upstream::start(|_, _| std::thread::sleep(Duration::from_secs(5)));
    let second = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = serving(&[&silent, &second], "    timeouts: {headers: 200ms}\n", &[]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-attempts"), Some("2"));
    assert_eq!(silent.received().len(), 1);
}

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
        line.starts_with("ultra_upstream_attempts_total") && line.contains("outcome=\"error\"")
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
fn a_conversation_that_is_too_long_goes_only_to_who_takes_more() {
    let error = r#"{"error":{"message":"long","code":"context_length_exceeded"}}"#;
    let long = Upstream::saying(upstream::json("400 Bad Request", error));
    let same = Upstream::saying(upstream::json("200 OK", ANSWER));
    let larger = Upstream::saying(upstream::json("200 OK", ANSWER));
    let contexts = [", context: 8000", ", context: 8000", ", context: 9000"];
    let (ultra, server) = serving(&[&long, &same, &larger], "", &contexts);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p2"));
    assert!(same.received().is_empty());

    let (ultra, server) = serving(&[&long, &same], "", &contexts);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400);
    assert_eq!(answer.text(), error);
}

#[test]
fn what_a_target_that_stands_in_says_of_the_request_does_not_hide_the_failure() {
    let first = Upstream::saying(upstream::json("503 Busy", BUSY));
    let prefill = r#"{"error":{"message":"no prefill","code":"unsupported"}}"#;
    let second = Upstream::saying(upstream::json("400 Bad Request", prefill));
    let (ultra, server) = server(&[&first, &second]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    assert_eq!(answer.json()["error"]["code"], "busy");
    assert_eq!(second.received().len(), 1);
}

#[test]
fn nor_does_it_while_the_first_target_rests_or_is_limited() {
    let prefill = r#"{"error":{"message":"no prefill","code":"unsupported"}}"#;
    let head = "429 Too Many Requests\r\nretry-after: 3600";
    for (first, status, code) in
        [("500 Oops", 503, "upstream_resting"), (head, 429, "upstream_rate_limited")]
    {
        let first = Upstream::saying(upstream::json(first, BUSY));
        let second = Upstream::saying(upstream::json("400 Bad Request", prefill));
        let (ultra, server) = server(&[&first, &second]);
        for _ in 0..3 {
            let told = chat(&ultra, CHAT, HELLO).send(server.addr());
            assert_ne!(told.status, 400, "{told:?}");
        }
        let asked = first.received().len();
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(status);
        assert_eq!(answer.json()["error"]["code"], code);
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        assert_eq!(first.received().len(), asked, "it was not asked");
        assert_eq!(second.received().len(), 4);
    }
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
    let (ultra, server) = super::fallback::server(&[&lying, &second]);
    let plain = chat(&ultra, CHAT, HELLO).send(server.addr());
    assert_eq!(plain.header("x-ultra-provider"), Some("p1"), "{plain:?}");
}

#[test]
fn an_error_that_is_too_long_to_read_says_what_its_status_says() {
    let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(300_000));
    let only = Upstream::saying(upstream::json("422 Unprocessable Entity", &long));
    let (ultra, server) = server(&[&only]);
    for _ in 0..6 {
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(422);
    }
    assert_eq!(breaker(&ultra, server.addr(), "p0/m0")["failures"], 0);
}

#[test]
fn a_rate_limit_of_one_model_is_none_of_another() {
    let provider = Upstream::start(|asked, stream| {
        if String::from_utf8_lossy(&asked.body).contains("small") {
            ok(stream);
        } else {
            write(stream, &upstream::json("429 Too Many Requests\r\nretry-after: 50", BUSY));
        }
    });
    let (ultra, server) = server(&[&provider]);
    let ask = |model: &str| {
        chat(&ultra, CHAT, &HELLO.replace("\"m\"", &format!("\"{model}\""))).send(server.addr())
    };
    ask("m").is(429);
    assert_eq!(ask("m").is(429).json()["error"]["code"], "upstream_rate_limited");
    ask("p0/small").is(200);
}

#[test]
fn a_stream_that_finds_out_lets_others_follow_at_once() {
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let breaks = std::sync::Arc::clone(&broken);
    let only = Upstream::start(move |asked, stream| {
        if breaks.load(Ordering::SeqCst) {
            write(stream, &upstream::json("500 Oops", BUSY));
        } else if String::from_utf8_lossy(&asked.body).contains("stream") {
            events(stream, &[ROLE, TEXT], false);
            std::thread::sleep(Duration::from_secs(20));
        } else {
            ok(stream);
        }
    });
    let (ultra, server) = server(&[&only]);
    for _ in 0..3 {
        chat(&ultra, CHAT, HELLO).send(server.addr());
    }
    assert_eq!(breaker(&ultra, server.addr(), "p0/m0")["state"], "open");
    broken.store(false, Ordering::SeqCst);
    eventually(Duration::from_secs(10), "the first request to be let through", || {
        (breaker(&ultra, server.addr(), "p0/m0")["state"] == "half-open").then_some(())
    });
    let stream = chat(&ultra, CHAT, STREAM).open(server.addr());
    let mut stream = BufReader::new(stream);
    assert_eq!(http::head(&mut stream).0, 200);
    for _ in 0..4 {
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    }
}

#[test]
fn a_filter_is_not_routed_around_whoever_applies_it() {
    let filtered = r#"{"error":{"message":"no","code":"content_filter"}}"#;
    let first = Upstream::saying(upstream::json("503 Busy", BUSY));
    let second = Upstream::saying(upstream::json("400 Bad Request", filtered));
    let third = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = server(&[&first, &second, &third]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400);
    assert_eq!(answer.json()["error"]["code"], "content_filter");
    assert!(third.received().is_empty());
}

/// The breaker of a target.
fn breaker(ultra: &Ultra, addr: &str, target: &str) -> Value {
    let path = "/api/health/circuit-breakers";
    let all = with_key(ultra, "GET", path).send(addr).is(200).json();
    let breakers = all["circuit_breakers"].as_array().unwrap();
    breakers.iter().find(|b| b["target"] == target).cloned().unwrap()
}

#[test]
fn a_provider_that_keeps_failing_rests_and_comes_back() {
    let healthy = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let heals = std::sync::Arc::clone(&healthy);
    let first = Upstream::start(move |_, stream| {
        if heals.load(Ordering::SeqCst) {
            ok(stream);
        } else {
            write(stream, &upstream::json("500 Oops", BUSY));
        }
    });
    let second = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = server(&[&first, &second]);
    let ask = || chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    for _ in 0..10 {
        assert_eq!(ask().header("x-ultra-provider"), Some("p1"));
    }
    let open = breaker(&ultra, server.addr(), "p0/m0");
    assert_eq!(open["state"], "open", "{open}");
    assert_eq!(first.received().len(), 5, "then it is left alone");
    let metrics = with_key(&ultra, "GET", "/metrics").send(server.addr()).is(200).text();
    assert!(metrics.contains("ultra_breaker_state{target=\"p0/m0\",state=\"open\"} 1"));

    // Every request is answered while it finds its way back.
    healthy.store(true, Ordering::SeqCst);
    eventually(Duration::from_secs(30), "the first provider to answer again", || {
        (ask().header("x-ultra-provider") == Some("p0")).then_some(())
    });

    let reset = "/api/admin/circuit-breakers/reset";
    let wrong = with_key(&ultra, "POST", &format!("{reset}?target=p0/m1"));
    let told = wrong.send(server.addr()).is(404).json();
    assert!(told["message"].as_str().unwrap().contains("did you mean `p0/m0`?"), "{told}");
    with_key(&ultra, "POST", &format!("{reset}?target=p0/m0")).send(server.addr()).is(200);
    assert_eq!(breaker(&ultra, server.addr(), "p0/m0")["state"], "closed");
    assert_eq!(ask().header("x-ultra-provider"), Some("p0"));
}

#[test]
fn with_every_target_resting_the_client_is_told_when_to_come_back() {
    let only = Upstream::saying(upstream::json("500 Oops", BUSY));
    let (ultra, server) = server(&[&only]);
    for _ in 0..3 {
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(500);
    }
    let asked = only.received().len();
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    assert_eq!(answer.json()["error"]["code"], "upstream_resting");
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&after), "{after}");
    assert_eq!(only.received().len(), asked);
}

#[test]
fn a_client_that_goes_away_says_nothing_about_the_provider() {
    let only = Upstream::start(|_, stream| {
        events(stream, &[ROLE, TEXT], false);
        std::thread::sleep(Duration::from_millis(300));
    });
    let (ultra, server) = server(&[&only]);
    for _ in 0..8 {
        let stream = chat(&ultra, CHAT, STREAM).open(server.addr());
        http::head(&mut BufReader::new(stream));
    }
    eventually(Duration::from_secs(10), "the requests to end", || {
        (only.received().len() == 8).then_some(())
    });
    let closed = breaker(&ultra, server.addr(), "p0/m0");
    assert_eq!(closed["state"], "closed", "{closed}");
    assert_eq!(closed["failures"], 0, "{closed}");
}
