//! Faults that are for some requests only: counted by key, model and run.

use super::{BOTH, Family, Mock, conversation};
use std::time::Duration;

/// The statuses of so many requests of a run.
fn statuses(mock: &Mock, model: &str, run: &str, count: usize) -> Vec<u16> {
    let body = conversation(model, false).to_string();
    (0..count)
        .map(|_| {
            let request = mock.with_key("POST", Family::OpenAi.path());
            request.header("x-mock-run", run).json(&body).send(mock.server.addr()).status
        })
        .collect()
}

#[test]
fn once_is_the_first_request_of_a_conversation_in_both_families() {
    let mock = Mock::start();
    for family in BOTH {
        for stream in [false, true] {
            let model = "mock-429-retry-after-1s-once";
            let mut body = conversation(model, stream);
            // The seed is part of the conversation, and these are four.
            body["messages"][0]["content"] = format!("{family:?} {stream}").into();
            mock.send(family, &body).is(429);
            let answer = mock.send(family, &body).is(200);
            let row = mock.row(&answer);
            assert_eq!((row.outcome.as_str(), row.status), ("ok", 200));
            assert!(row.input > 0 && row.output > 0, "{row:?}");
            body["seed"] = 7.into();
            mock.send(family, &body).is(429);
        }
    }
}

#[test]
fn runs_do_not_disturb_each_other() {
    let mock = Mock::start();
    assert_eq!(statuses(&mock, "mock-503-2-of-5", "a", 3), [503, 503, 200]);
    assert_eq!(statuses(&mock, "mock-503-2-of-5", "b", 6), [503, 503, 200, 200, 200, 503]);
    assert_eq!(statuses(&mock, "mock-503-2-of-5", "a", 4), [200, 200, 503, 503]);
    assert_eq!(statuses(&mock, "mock-500-first-3", "a", 5), [500, 500, 500, 200, 200]);
    assert_eq!(statuses(&mock, "mock-500-once", "a", 2), [500, 200]);
}

#[test]
fn a_user_is_a_run_over_many_conversations() {
    let mock = Mock::start();
    let ask = |family: Family, user: &str, text: &str| {
        let mut body = conversation("mock-500-once", false);
        body["messages"][0]["content"] = text.into();
        match family {
            Family::OpenAi => body["user"] = user.into(),
            Family::Anthropic => body["metadata"] = serde_json::json!({"user_id": user}),
        }
        mock.send(family, &body).status
    };
    for family in BOTH {
        let name = format!("{family:?}");
        assert_eq!(ask(family, &name, "one"), 500);
        assert_eq!(ask(family, &name, "two"), 200);
        assert_eq!(ask(family, &format!("{name}2"), "two"), 500);
    }
}

#[test]
fn a_flap_by_the_clock_begins_with_the_first_request_of_its_run() {
    let mock = Mock::start();
    let model = "mock-503-first-300ms";
    assert_eq!(statuses(&mock, model, "clock", 1), [503]);
    crate::support::eventually(Duration::from_secs(10), "the end of the flap", || {
        (statuses(&mock, model, "clock", 1) == [200]).then_some(())
    });
    assert_eq!(statuses(&mock, model, "clock", 1), [200]);
}
