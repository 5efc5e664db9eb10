//! A primary that comes and goes: another answers meanwhile, and it has its requests back soon after
//! it has recovered.

use super::chat;
use super::fallback::server;
use super::faults::breaker;
use super::upstream::{self, Upstream};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str =
    r#"{"id":"x","choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
const BUSY: &str = r#"{"error":{"message":"busy","type":"server_error","code":"busy"}}"#;

/// How long it flaps, and how.
const FLAPS: Duration = Duration::from_secs(7);
const DOWN: u128 = 700;
const UP: u128 = 300;

/// What is promised: so soon after its recovery it has all requests again.
const BACK: Duration = Duration::from_secs(30);

#[test]
fn a_primary_that_flaps_is_covered_for_and_has_its_requests_back() {
    let began = Instant::now();
    let failures = std::sync::Arc::new(AtomicU64::new(0));
    let failed = std::sync::Arc::clone(&failures);
    let primary = Upstream::start(move |_, stream| {
        let since = began.elapsed();
        let down = since < FLAPS && since.as_millis() % (DOWN + UP) < DOWN;
        let answer = if down {
            failed.fetch_add(1, Ordering::SeqCst);
            upstream::json("503 Busy", BUSY)
        } else {
            upstream::json("200 OK", ANSWER)
        };
        let _ = stream.write_all(&answer);
    });
    let fallback = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = server(&[&primary, &fallback]);
    let over = AtomicBool::new(false);
    let (asked, covered) = (AtomicU64::new(0), AtomicU64::new(0));
    let back = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    // Whatever the primary does, everybody is answered.
                    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
                    asked.fetch_add(1, Ordering::SeqCst);
                    let by_other = answer.header("x-ultra-provider") == Some("p1");
                    covered.fetch_add(u64::from(by_other), Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(25));
                }
            });
        }
        let back = loop {
            std::thread::sleep(Duration::from_millis(100));
            let since = began.elapsed();
            if since > FLAPS && breaker(&ultra, server.addr(), "p0/m0")["state"] == "closed" {
                break Some(since - FLAPS);
            }
            if since > FLAPS + BACK {
                break None;
            }
        };
        over.store(true, Ordering::SeqCst);
        back
    });
    let stands = breaker(&ultra, server.addr(), "p0/m0");
    println!("back after {back:?}: {stands}");
    assert!(back.is_some(), "{stands}");
    assert!(stands["opened"].as_u64() > Some(0), "{stands}");
    for _ in 0..20 {
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
        assert_eq!(answer.header("x-ultra-provider"), Some("p0"), "it has all of them again");
        assert_eq!(answer.header("x-ultra-attempts"), Some("1"));
    }
    let (asked, covered) = (asked.into_inner(), covered.into_inner());
    let failures = failures.load(Ordering::SeqCst);
    // It was left alone: few of the requests were lost on it, though it was down most of the time.
    assert!(covered > 50 && failures < covered / 4, "{failures} failures, {covered} of {asked}");
}
