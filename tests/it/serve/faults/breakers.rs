//! Breakers: who keeps failing rests, and comes back.

use super::{ANSWER, BUSY, CHAT, HELLO, ROLE, STREAM, TEXT, breaker, events, ok, write};
use crate::serve::fallback::server;
use crate::serve::upstream::{self, Upstream};
use crate::serve::{chat, http, with_key};
use crate::support::eventually;
use std::io::{BufReader, Read as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

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
    for typo in ["?traget=p0/m0", "?target=p0/m0&target=p1/m1"] {
        let refused = with_key(&ultra, "POST", &format!("{reset}{typo}")).send(server.addr());
        assert!(refused.is(400).text().contains("target"), "{typo}");
    }
    for path in ["/api/admin/keys/reload?profile=x", "/api/admin/models/refresh?provider=x"] {
        with_key(&ultra, "POST", path).send(server.addr()).is(400);
    }
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
fn a_client_that_goes_away_says_nothing_about_the_provider() {
    let only = Upstream::start(|_, stream| {
        events(stream, &[ROLE, TEXT], false);
        // It would go on for as long as somebody listens.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (ultra, server) = server(&[&only]);
    for _ in 0..8 {
        let stream = chat(&ultra, CHAT, STREAM).open(server.addr());
        http::head(&mut BufReader::new(stream));
    }
    eventually(Duration::from_secs(10), "the requests to end", || {
        let metrics = with_key(&ultra, "GET", "/metrics").send(server.addr()).is(200).text();
        let mut lines = metrics.lines().filter(|l| l.starts_with("ultra_upstream_attempts_total"));
        lines.any(|l| l.ends_with("outcome=\"client_closed\"} 8")).then_some(())
    });
    let closed = breaker(&ultra, server.addr(), "p0/m0");
    assert_eq!(closed["state"], "closed", "{closed}");
    assert_eq!(closed["failures"], 0, "{closed}");
}
