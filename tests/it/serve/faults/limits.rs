//! Rate limits: who is waited for, and who is left alone.

use super::{ANSWER, BUSY, CHAT, HELLO, breaker, numbered, ok, write};
use crate::serve::chat;
use crate::serve::fallback::server;
use crate::serve::upstream::{self, Upstream};
use crate::support::eventually;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
fn without_credit_it_is_our_key_and_not_the_clients() {
    let error =
        r#"{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let only = Upstream::saying(upstream::json("429 Too Many Requests", error));
    let (ultra, server) = server(&[&only]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(502);
    assert_eq!(answer.json()["error"]["code"], "upstream_credentials_exhausted");
}

#[test]
fn a_time_that_one_has_said_is_waited_for_after_one_that_has_just_recovered_has_failed() {
    let limits = Arc::new(AtomicBool::new(false));
    let limited = Arc::clone(&limits);
    let first = Upstream::start(move |_, stream| match limited.swap(false, Ordering::SeqCst) {
        true => write(stream, &upstream::json("429 Too Many Requests\r\nretry-after: 1", BUSY)),
        false => ok(stream),
    });
    let healthy = Arc::new(AtomicBool::new(false));
    let heals = Arc::clone(&healthy);
    let second = Upstream::start(move |_, stream| match heals.load(Ordering::SeqCst) {
        true => ok(stream),
        // No answer, and none that is asked for once more.
        false => write(stream, &upstream::json("200 OK", "{}")),
    });
    let (ultra, server) = server(&[&first, &second]);
    let ask = |model: &str| {
        chat(&ultra, CHAT, &HELLO.replace("\"m\"", &format!("\"{model}\""))).send(server.addr())
    };
    let state = || breaker(&ultra, server.addr(), "p1/m1")["state"].clone();
    for _ in 0..5 {
        ask("p1/m1").is(502);
    }
    assert_eq!(state(), "open");
    healthy.store(true, Ordering::SeqCst);
    eventually(Duration::from_secs(20), "the ramp", || {
        ask("p1/m1");
        (state() == "ramp").then_some(())
    });
    healthy.store(false, Ordering::SeqCst);
    // One in ten would be let through without being insisted on.
    for _ in 0..2 {
        limits.store(true, Ordering::SeqCst);
        let began = Instant::now();
        let answer = ask("m").is(200);
        assert_eq!(answer.header("x-ultra-provider"), Some("p0"));
        assert_eq!(answer.header("x-ultra-attempts"), Some("3"), "{answer:?}");
        assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    }
}
