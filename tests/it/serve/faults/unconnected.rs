//! Providers that take a connection and never shake hands: nothing of a request leaves for them.

use super::{CHAT, DONE, HELLO, ROLE, STOP, STREAM, TEXT, events, ok};
use crate::serve::fallback::serving;
use crate::serve::ledger::books::{Entry, of_sqlite};
use crate::serve::upstream::Upstream;
use crate::serve::{chat, with_key};
use crate::support::{Ultra, eventually};
use std::time::{Duration, Instant};

/// The rows once there are so many.
fn rows(ultra: &Ultra, count: usize) -> Vec<Entry> {
    eventually(Duration::from_secs(30), "the rows", || {
        let rows = of_sqlite(ultra);
        (rows.len() == count).then_some(rows)
    })
}

fn of_nothing(row: &Entry) -> bool {
    (row.input, row.output, row.cost) == (Some(0), Some(0), Some(0))
}

/// What the report says of its rows: attempts, those that are not counted, those without a price.
fn reported(ultra: &Ultra) -> [u64; 3] {
    let report = ultra.run(&["usage", "report", "-o", "json"]).exits(0).json();
    ["attempts", "uncounted", "unpriced"].map(|name| report["total"][name].as_u64().unwrap())
}

#[test]
fn who_does_not_shake_hands_in_time_is_passed_over_and_costs_nothing() {
    let silent = Upstream::without_handshake();
    let other = Upstream::start(|asked, stream| {
        match String::from_utf8_lossy(&asked.body).contains("\"stream\":true") {
            true => events(stream, &[ROLE, TEXT, STOP, DONE], true),
            false => ok(stream),
        }
    });
    let limit = "    timeouts: {connect: 300ms}\n";
    let (ultra, server) = serving(&[&silent, &other], limit, &[]);
    for body in [HELLO, STREAM] {
        let began = Instant::now();
        let answer = chat(&ultra, CHAT, body).send(server.addr()).is(200);
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert_eq!(answer.header("x-ultra-attempts"), Some("3"), "{answer:?}");
        assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
    }
    for (n, row) in rows(&ultra, 6).iter().enumerate() {
        let unconnected = (&*row.provider, &*row.outcome, row.status) == ("p0", "timeout", 504);
        assert_eq!(unconnected, n % 3 < 2, "{row:?}");
        assert_eq!(of_nothing(row), unconnected, "{row:?}");
    }
    // Nobody has a price for the two that were answered.
    assert_eq!(reported(&ultra)[2], 2);
}

#[test]
fn whoever_leaves_before_the_handshake_owes_nothing() {
    let silent = Upstream::without_handshake();
    let (ultra, server) = serving(&[&silent], "    timeouts: {connect: 60s}\n", &[]);
    let client = chat(&ultra, CHAT, HELLO).open(server.addr());
    eventually(Duration::from_secs(20), "the attempt", || {
        let metrics = with_key(&ultra, "GET", "/metrics").send(server.addr()).text();
        let asked =
            |line: &str| line.starts_with("ultra_target_in_flight{") && line.ends_with(" 1");
        metrics.lines().any(asked).then_some(())
    });
    drop(client);
    let rows = rows(&ultra, 1);
    assert_eq!((&*rows[0].outcome, rows[0].status), ("client_closed", 499), "{rows:?}");
    assert!(of_nothing(&rows[0]), "{rows:?}");
    assert_eq!(reported(&ultra), [1, 0, 0]);
}
