//! The faults, and what becomes of each.

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gets {
    /// A whole answer.
    Whole,
    /// The beginning of a stream, then an error in the shape of its API.
    Broken,
    /// An error with this status and these words somewhere in it.
    Error(u16, &'static str),
}

/// A fault: what it is called here, more of the route, the targets, and per mode what the client
/// gets, which attempts there are and how many milliseconds have passed at least.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) route: &'static str,
    /// Of the first, the second, and the third target, as far as there are.
    pub(super) models: &'static [(&'static str, &'static str)],
    /// For plain answers, streams that flow, and streams that are kept back.
    pub(super) ends: [(Gets, &'static [&'static str], u64); 3],
}

const CHAT: (&str, &str) = ("mock-chat-first-#", "");

const fn same(
    gets: Gets,
    log: &'static [&'static str],
    least: u64,
) -> [(Gets, &'static [&'static str], u64); 3] {
    [(gets, log, least), (gets, log, least), (gets, log, least)]
}

use Gets::{Broken, Error, Whole};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "limited-once",
        route: "",
        models: &[("mock-429-retry-after-700ms-1-of-#", "")],
        ends: same(Whole, &["0 error 429", "0 ok 200"], 700),
    },
    Fault {
        name: "limited-once-other",
        route: "",
        models: &[("mock-429-retry-after-30s-1-of-#", ""), CHAT],
        ends: same(Whole, &["0 error 429", "1 ok 200"], 0),
    },
    Fault {
        name: "limited",
        route: "",
        models: &[("mock-429-first-#", "")],
        ends: same(Error(429, ""), &["0 error 429", "0 error 429", "0 error 429"], 200),
    },
    Fault {
        name: "limited-other",
        route: "",
        models: &[("mock-429-first-#", ""), CHAT],
        ends: same(Whole, &["0 error 429", "1 ok 200"], 0),
    },
    Fault {
        name: "broken-once",
        route: "",
        models: &[("mock-500-1-of-#", ""), CHAT],
        ends: same(Whole, &["0 error 500", "0 ok 200"], 100),
    },
    Fault {
        name: "busy",
        route: "",
        models: &[("mock-503-first-#", "")],
        ends: same(Error(503, ""), &["0 error 503", "0 error 503"], 100),
    },
    Fault {
        name: "busy-other",
        route: "",
        models: &[("mock-503-first-#", ""), CHAT],
        ends: same(Whole, &["0 error 503", "0 error 503", "1 ok 200"], 100),
    },
    Fault {
        name: "reset-once",
        route: "",
        models: &[("mock-reset-1-of-#", ""), CHAT],
        ends: same(Whole, &["0 error 502", "0 ok 200"], 100),
    },
    Fault {
        name: "reset",
        route: "",
        models: &[("mock-reset-first-#", ""), CHAT],
        ends: same(Whole, &["0 error 502", "0 error 502", "1 ok 200"], 100),
    },
    Fault {
        name: "silent",
        route: "    timeouts: {headers: 300ms}\n",
        models: &[("mock-hang-first-#", "")],
        ends: same(Error(504, ""), &["0 timeout 504"], 300),
    },
    Fault {
        name: "silent-other",
        route: "    timeouts: {headers: 300ms}\n",
        models: &[("mock-hang-first-#", ""), CHAT],
        ends: same(Whole, &["0 timeout 504", "1 ok 200"], 300),
    },
    // The last target has the time that it takes. A plain answer has no first token.
    Fault {
        name: "late",
        route: "    timeouts: {first_event: 200ms}\n",
        models: &[("mock-first-token-700ms-first-#", "")],
        ends: same(Whole, &["0 ok 200"], 700),
    },
    Fault {
        name: "late-other",
        route: "    timeouts: {first_event: 300ms}\n",
        models: &[("mock-first-token-2s-first-#", ""), CHAT],
        ends: [
            (Whole, &["0 ok 200"], 2000),
            (Whole, &["0 timeout 504", "1 ok 200"], 300),
            (Whole, &["0 timeout 504", "1 ok 200"], 300),
        ],
    },
    Fault {
        name: "cut",
        route: "",
        models: &[("mock-cut-first-#", "")],
        ends: [
            (Error(502, "the provider"), &["0 truncated 502"], 0),
            (Broken, &["0 truncated 200"], 0),
            (Error(502, "the provider"), &["0 truncated 200"], 0),
        ],
    },
    Fault {
        name: "cut-other",
        route: "",
        models: &[("mock-cut-first-#", ""), CHAT],
        ends: [
            (Whole, &["0 truncated 502", "1 ok 200"], 0),
            (Broken, &["0 truncated 200"], 0),
            (Whole, &["0 truncated 200", "1 ok 200"], 0),
        ],
    },
    Fault {
        name: "stalled",
        route: "    timeouts: {stall: 300ms}\n",
        models: &[("mock-stall-first-#", "")],
        ends: [
            (Error(504, "the provider"), &["0 timeout 504"], 300),
            (Broken, &["0 timeout 200"], 300),
            (Error(504, "the provider"), &["0 timeout 200"], 300),
        ],
    },
    Fault {
        name: "stalled-other",
        route: "    timeouts: {stall: 300ms}\n",
        models: &[("mock-stall-first-#", ""), CHAT],
        ends: [
            (Whole, &["0 timeout 504", "1 ok 200"], 300),
            (Broken, &["0 timeout 200"], 300),
            (Whole, &["0 timeout 200", "1 ok 200"], 300),
        ],
    },
    Fault {
        name: "malformed",
        route: "",
        models: &[("mock-malformed-event-first-#", ""), CHAT],
        ends: same(Whole, &["0 ok 200"], 0),
    },
    Fault {
        name: "too-long",
        route: "",
        models: &[("mock-context-length-first-#", ", context: 8000")],
        ends: same(Error(400, ""), &["0 error 400"], 0),
    },
    Fault {
        name: "too-long-same",
        route: "",
        models: &[
            ("mock-context-length-first-#", ", context: 8000"),
            ("mock-chat-first-#", ", context: 8000"),
        ],
        ends: same(Error(400, ""), &["0 error 400"], 0),
    },
    Fault {
        name: "too-long-larger",
        route: "",
        models: &[
            ("mock-context-length-first-#", ", context: 8000"),
            ("mock-429-first-#", ", context: 8000"),
            ("mock-chat-first-#", ", context: 9000"),
        ],
        ends: same(Whole, &["0 error 400", "2 ok 200"], 0),
    },
    Fault {
        name: "filtered",
        route: "",
        models: &[("mock-content-filter-first-#", ""), CHAT],
        ends: same(Error(400, "filter"), &["0 error 400"], 0),
    },
];
