//! Of those who ask the same at the same time one is put to the provider.

use super::{CHAT, KEPT, ZERO, answer, ask, came_of, counted, numbered, serving};
use crate::serve::chat;
use crate::serve::http::Answer;
use crate::serve::upstream::{self, Upstream};
use crate::support::{Server, Ultra, eventually};
use std::io::BufReader;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A provider that takes this long for each answer, the `n`th of which `respond` says.
fn slow(time: Duration, respond: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> Upstream {
    numbered(move |n| {
        std::thread::sleep(time);
        respond(n)
    })
}

/// A provider that is silent to the first request and answers the others at once.
fn silent_once() -> Upstream {
    numbered(|n| {
        if n == 0 {
            std::thread::sleep(Duration::from_secs(30));
        }
        upstream::json("200 OK", &answer("good"))
    })
}

/// So many ask at the same time.
fn together(ultra: &Ultra, server: &Server, many: usize) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..many)
            .map(|_| scope.spawn(|| chat(ultra, CHAT, ZERO).send(server.addr())))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn fifty_at_once_are_one_at_the_provider() {
    let time = Duration::from_secs(2);
    let provider = slow(time, |_| upstream::json("200 OK", &answer("one")));
    let (ultra, server) = serving(&provider, KEPT);
    let answers = together(&ultra, &server, 50);
    assert_eq!(provider.received().len(), 1);
    let misses = answers.iter().filter(|a| came_of(a) == Some("miss")).count();
    let hits = answers.iter().filter(|a| came_of(a) == Some("hit")).count();
    assert_eq!((misses, hits), (1, 49));
    assert!(answers.iter().all(|a| a.text() == answer("one")));
    let seen = |result| counted(&ultra, &server, result);
    assert!(seen("joined") > 0);
    assert_eq!((seen("miss"), seen("joined") + seen("hit")), (1, 49));
}

#[test]
fn a_failure_is_told_to_whoever_led_and_the_next_one_leads() {
    let error = r#"{"error":{"message":"no","type":"invalid_request_error","code":"no"}}"#;
    let provider = slow(Duration::from_secs(1), move |n| match n {
        0 => upstream::json("400 Bad Request", error),
        _ => upstream::json("200 OK", &answer("good")),
    });
    let (ultra, server) = serving(&provider, KEPT);
    let answers = together(&ultra, &server, 10);
    assert_eq!(answers.iter().filter(|a| a.status == 400).count(), 1);
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 9);
    assert_eq!(provider.received().len(), 2, "no herd runs to it");
}

#[test]
fn a_client_that_leaves_leaves_the_lead_to_the_next() {
    let provider = silent_once();
    let (ultra, server) = serving(&provider, KEPT);
    let first = chat(&ultra, CHAT, ZERO).open(server.addr());
    eventually(PATIENCE, "the first", || (provider.received().len() == 1).then_some(()));
    let second = chat(&ultra, CHAT, ZERO).open(server.addr());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(provider.received().len(), 1, "the second waits");
    drop(first);
    let second = Answer::read(&mut BufReader::new(second), false).is(200);
    assert_eq!((came_of(&second), second.text()), (Some("miss"), answer("good")));
    assert_eq!(provider.received().len(), 2);
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("hit"));
}

#[test]
fn an_answer_that_is_not_for_others_does_not_make_them_queue() {
    let time = Duration::from_secs(1);
    let long = answer("cut").replace("\"stop\"", "\"length\"");
    let provider = slow(time, move |_| upstream::json("200 OK", &long));
    let (ultra, server) = serving(&provider, KEPT);
    let began = Instant::now();
    let answers = together(&ultra, &server, 12);
    assert!(answers.iter().all(|a| a.status == 200 && came_of(a) == Some("miss")));
    assert_eq!(provider.received().len(), 12);
    assert!(began.elapsed() < 8 * time, "{:?}", began.elapsed());
}

#[test]
fn who_has_waited_for_half_of_its_time_asks_by_itself() {
    let provider = silent_once();
    let (ultra, server) = serving(&provider, "    cache: {ttl: 10m}\n    timeouts: {total: 8s}\n");
    let _first = chat(&ultra, CHAT, ZERO).open(server.addr());
    eventually(PATIENCE, "the first", || (provider.received().len() == 1).then_some(()));
    let began = Instant::now();
    let second = ask(&ultra, &server, ZERO, "");
    assert_eq!((came_of(&second), second.text()), (Some("miss"), answer("good")));
    assert!(began.elapsed() >= Duration::from_millis(3900), "{:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
