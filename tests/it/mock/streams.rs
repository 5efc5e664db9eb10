//! Answers and streams that come late, slowly, broken or not at all to their end.

use super::{BOTH, Family, Mock, conversation, events};
use std::time::{Duration, Instant};

#[test]
fn slow_models_take_their_time_and_answer_whole() {
    let mock = Mock::start();
    for family in BOTH {
        let usual = mock.ask(family, "mock-chat", false).is(200).json();
        let (input, _) = family.tokens(&usual);
        for (model, at_least) in [
            ("mock-latency-150ms", 150),
            ("mock-first-token-150ms", 150),
            ("mock-tokens-200-per-s", 50),
            ("mock-drip-2ms", 20),
            ("mock-stall-150ms", 150),
        ] {
            for stream in [false, true] {
                let began = Instant::now();
                let answer = mock.ask(family, model, stream).is(200);
                let took = began.elapsed();
                assert!(took >= Duration::from_millis(at_least), "{model}: {took:?}");
                assert!(answer.whole, "{model}");
                if stream {
                    let text = answer.text();
                    assert!(family.is_finished(&text), "{model}: {text}");
                    assert!(family.streamed_text(&events(&text)).ends_with('.'), "{model}: {text}");
                    let commented = text.starts_with(": keep-alive\n\n");
                    assert_eq!(commented, model.starts_with("mock-first"), "{model}: {text}");
                } else {
                    assert!(family.text(&answer.json()).ends_with('.'), "{model}");
                }
                let row = mock.row(&answer);
                assert_eq!((row.outcome.as_str(), row.input), ("ok", input), "{row:?}");
                assert!(row.output > 10, "{row:?}");
                if model.starts_with("mock-tokens") {
                    assert!(took >= Duration::from_millis(row.output * 5), "{row:?}: {took:?}");
                }
            }
        }
    }
}

#[test]
fn a_head_comes_at_once_even_if_the_first_token_is_late() {
    let mock = Mock::start();
    for family in BOTH {
        let body = conversation("mock-first-token-600s", true);
        let stream = mock.request(family, &body).open(mock.server.addr());
        let mut stream = std::io::BufReader::new(stream);
        assert_eq!(crate::serve::http::head(&mut stream).0, 200);
        for _ in 0..2 {
            let comment = crate::serve::http::chunk(&mut stream).unwrap();
            assert_eq!(String::from_utf8(comment).unwrap(), ": keep-alive\n\n");
        }
    }
}

#[test]
fn a_malformed_event_is_one_among_good_ones() {
    let mock = Mock::start();
    for family in BOTH {
        let answer = mock.ask(family, "mock-malformed-event", true).is(200);
        let text = answer.text();
        let data = |event: &&str| event.lines().any(|line| line.starts_with("data: "));
        let all = text.split("\n\n").filter(data).count();
        let done = usize::from(family == Family::OpenAi);
        assert_eq!(all - events(&text).len() - done, 1, "{text}");
        assert!(family.is_finished(&text) && answer.whole, "{text}");
        assert!(family.streamed_text(&events(&text)).ends_with('.'), "{text}");
        assert_eq!(mock.row(&answer).outcome, "ok");
        mock.ask(family, "mock-malformed-event", false).is(200).json();
    }
}

#[test]
fn a_stream_without_its_last_event_is_whole_otherwise() {
    let mock = Mock::start();
    for family in BOTH {
        let answer = mock.ask(family, "mock-no-done", true).is(200);
        let text = answer.text();
        assert!(answer.whole && !family.is_finished(&text), "{text}");
        let events = events(&text);
        let last = events.last().unwrap();
        let reason = match family {
            Family::OpenAi => &last["choices"][0]["finish_reason"],
            Family::Anthropic => &last["delta"]["stop_reason"],
        };
        assert!(reason.is_string(), "{last}");
        let row = mock.row(&answer);
        assert_eq!(row.outcome, "ok");
        assert!(row.output > 0, "{row:?}");
        mock.ask(family, "mock-no-done", false).is(200).json();
    }
}

#[test]
fn an_error_in_a_stream_is_an_event_of_the_family() {
    let mock = Mock::start();
    for family in BOTH {
        let answer = mock.ask(family, "mock-stream-error", true).is(200);
        let text = answer.text();
        assert!(answer.whole && !family.is_finished(&text), "{text}");
        let events = events(&text);
        let last = events.last().unwrap();
        assert!(last["error"]["message"].is_string(), "{last}");
        if family == Family::Anthropic {
            assert_eq!(last["error"]["type"], "overloaded_error", "{last}");
            assert!(text.contains("\n\nevent: error\ndata: "), "{text}");
        }
        let said = family.streamed_text(&events);
        assert!(!said.is_empty() && !said.ends_with('.'), "{text}");
        let row = mock.row(&answer);
        assert_eq!((row.outcome.as_str(), row.status), ("error", 200), "{row:?}");
        assert!(row.output > 0, "{row:?}");
    }
}

#[test]
fn what_is_no_answer_comes_as_it_is() {
    let mock = Mock::start();
    for family in BOTH {
        for stream in [false, true] {
            let html = mock.ask(family, "mock-html", stream).is(200);
            assert!(html.header("content-type").unwrap().starts_with("text/html"), "{html:?}");
            assert!(html.text().starts_with("<!DOCTYPE html>"), "{html:?}");
            let proxy = mock.ask(family, "mock-html-502", stream).is(502);
            assert_eq!(proxy.body(), html.body());
            let empty = mock.ask(family, "mock-empty", stream).is(200);
            assert!(empty.whole && empty.body().is_empty(), "{empty:?}");
            let wrong = mock.ask(family, "mock-wrong-type", stream).is(200);
            assert!(wrong.header("content-type").unwrap().starts_with("text/plain"), "{wrong:?}");
            let truncated = mock.ask(family, "mock-truncated", stream).is(200);
            assert!(truncated.whole, "{truncated:?}");
            let text = truncated.text();
            if stream {
                assert!(!text.ends_with('\n') && !family.is_finished(&text), "{text}");
                assert!(family.is_finished(&wrong.text()), "{wrong:?}");
            } else {
                assert!(serde_json::from_str::<serde_json::Value>(&text).is_err(), "{text}");
                assert!(family.text(&wrong.json()).ends_with('.'));
            }
            for (answer, outcome, status) in [
                (&html, "error", 200),
                (&proxy, "error", 502),
                (&empty, if stream { "truncated" } else { "error" }, 200),
                (&wrong, "error", 200),
                (&truncated, if stream { "truncated" } else { "error" }, 200),
            ] {
                let row = mock.row(answer);
                assert_eq!((row.outcome.as_str(), row.status), (outcome, status), "{row:?}");
            }
        }
    }
}
