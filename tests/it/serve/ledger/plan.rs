//! What each request of the load is: which API, which provider, which model of the mock, and
//! whether its client leaves. All of it follows from the request's number.

use serde_json::{Value, json};

/// Ordinary requests share so many names of a model; the length of the conversation tells those
/// of one name apart.
const NAMES: u64 = 499;

/// Routes whose first target breaks again and again; the second one answers.
pub(super) const CHAINS: u64 = 8;

/// Routes whose first target falls silent in the middle, where the route is impatient. A breaker
/// opens at five failures, so each is asked fewer times than that.
pub(super) const SILENT: u64 = 16;
const SILENT_FOR: u64 = 4;

/// The endpoints that are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Chat,
    Messages,
    Responses,
    Completions,
    Embeddings,
    CountTokens,
}

/// When a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// In the middle of its own request.
    Asking,
    /// So many milliseconds after its request.
    After(u64),
    /// After the head and so many pieces of the answer.
    Reading(usize),
}

/// What is expected of a client that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A whole answer.
    Answer,
    /// An answer or an error, but an honest one.
    Anything,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) api: Api,
    /// As the client names it.
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) complete: bool,
    pub(super) leaves: Option<Leaves>,
    pub(super) expected: Expected,
    /// The conversation, of a length of its own among those of one name.
    text: String,
    with_usage: bool,
}

/// What a model does; `#` is the number that makes a name unique.
const ORDINARY: [&str; 8] = [
    "mock-chat-first-#",
    "mock-chat-first-#",
    "mock-chat-first-#",
    "mock-latency-3ms-first-#",
    "mock-tokens-10000-per-s-first-#",
    "mock-tool-call-first-#",
    "mock-stall-20ms-first-#",
    "mock-malformed-event-first-#",
];

/// What fails, always or at the first attempt only.
const FAULTS: [&str; 36] = [
    "mock-429-1-of-#",
    "mock-429-retry-after-20ms-1-of-#",
    "mock-429-first-#",
    "mock-500-1-of-#",
    "mock-500-first-#",
    "mock-502-1-of-#",
    "mock-503-1-of-#",
    "mock-503-first-#",
    "mock-504-1-of-#",
    "mock-529-1-of-#",
    "mock-overloaded-1-of-#",
    "mock-reset-1-of-#",
    "mock-reset-1-of-#",
    "mock-reset-first-#",
    "mock-cut-first-#",
    "mock-cut-first-#",
    "mock-cut-1-of-#",
    "mock-stall-250ms-first-#",
    "mock-stream-error-first-#",
    "mock-no-done-first-#",
    "mock-html-first-#",
    "mock-html-502-1-of-#",
    "mock-empty-first-#",
    "mock-truncated-first-#",
    "mock-wrong-type-first-#",
    "mock-400-first-#",
    "mock-404-first-#",
    "mock-408-first-#",
    "mock-409-first-#",
    "mock-413-first-#",
    "mock-422-first-#",
    "mock-context-length-first-#",
    "mock-content-filter-first-#",
    "mock-no-prefill-first-#",
    "mock-drip-2ms-first-#",
    "mock-first-token-150ms-first-#",
];

/// What a client that leaves has asked: slow models and quick ones.
const LEFT: [&str; 8] = [
    "mock-chat-first-#",
    "mock-tokens-500-per-s-first-#",
    "mock-tokens-500-per-s-first-#",
    "mock-drip-1ms-first-#",
    "mock-first-token-100ms-first-#",
    "mock-latency-20ms-first-#",
    "mock-stall-5s-first-#",
    "mock-hang-first-#",
];

/// A number that looks like chance and is the same in every run.
pub(super) fn chance(n: u64, purpose: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn pick<T: Copy>(from: &[T], n: u64, purpose: u64) -> T {
    from[usize::try_from(chance(n, purpose)).unwrap() % from.len()]
}

impl Plan {
    /// The request of this number.
    pub(super) fn of(n: u64) -> Self {
        let api = match chance(n, 1) % 100 {
            0..35 => Api::Chat,
            35..60 => Api::Messages,
            60..78 => Api::Responses,
            78..86 => Api::Completions,
            86..94 => Api::Embeddings,
            _ => Api::CountTokens,
        };
        let streams = !matches!(api, Api::Embeddings | Api::CountTokens);
        let stream = streams && chance(n, 2).is_multiple_of(2);
        let crosses = chance(n, 3).is_multiple_of(3);
        let provider = match api {
            Api::Completions | Api::Embeddings => "one",
            Api::CountTokens => "two",
            Api::Messages if crosses => "one",
            Api::Messages => "two",
            Api::Chat | Api::Responses if crosses => "two",
            Api::Chat | Api::Responses => "one",
        };
        let leaves = (chance(n, 4) % 100 < 4).then(|| match chance(n, 5) % 10 {
            0 => Leaves::Asking,
            1..5 => Leaves::After(chance(n, 6) % 40),
            more => Leaves::Reading(usize::try_from(more - 5).unwrap() * 4),
        });
        let faulty = chance(n, 7) % 100 < 5;
        let unique = (n + 10).to_string();
        let shared = (1 + n % NAMES).to_string();
        let mut expected = Expected::Answer;
        let routed = chance(n, 8) % 100;
        let model = if leaves.is_some() {
            expected = Expected::Anything;
            format!("{provider}/{}", pick(&LEFT, n, 9).replace('#', &unique))
        } else if faulty
            && stream
            && n < 40 * SILENT * SILENT_FOR
            && chance(n, 10).is_multiple_of(3)
        {
            expected = Expected::Anything;
            format!("silent-{}", chance(n, 11) % SILENT)
        } else if faulty {
            expected = Expected::Anything;
            format!("{provider}/{}", pick(&FAULTS, n, 9).replace('#', &unique))
        } else if routed < 2 && matches!(api, Api::Chat | Api::Messages | Api::Responses) {
            format!("chain-{}", chance(n, 11) % CHAINS)
        } else {
            format!("{provider}/{}", pick(&ORDINARY, n, 9).replace('#', &shared))
        };
        let length = 1 + usize::try_from(n / NAMES % 400).unwrap();
        let text = format!("{n:08}{}", " say".repeat(length));
        let (complete, with_usage) = (chance(n, 12) % 10 < 3, chance(n, 13).is_multiple_of(2));
        Self { api, model, stream, complete, leaves, expected, text, with_usage }
    }

    /// Where it goes.
    pub(super) fn path(&self) -> &'static str {
        match self.api {
            Api::Chat => "/v1/chat/completions",
            Api::Messages => "/v1/messages",
            Api::Responses => "/v1/responses",
            Api::Completions => "/v1/completions",
            Api::Embeddings => "/v1/embeddings",
            Api::CountTokens => "/v1/messages/count_tokens",
        }
    }

    /// Its body.
    pub(super) fn body(&self) -> String {
        let text = &self.text;
        let messages = json!([{"role": "user", "content": text}]);
        let mut body = match self.api {
            Api::Chat => json!({"messages": messages, "max_tokens": 24}),
            Api::Messages => json!({"messages": messages, "max_tokens": 24}),
            Api::Responses => json!({"input": text, "max_output_tokens": 24, "store": false}),
            Api::Completions => json!({"prompt": text, "max_tokens": 24}),
            Api::Embeddings => json!({"input": text, "dimensions": 8}),
            Api::CountTokens => json!({"messages": messages}),
        };
        body["model"] = json!(self.model);
        if self.stream {
            body["stream"] = json!(true);
            if self.with_usage && matches!(self.api, Api::Chat | Api::Completions) {
                body["stream_options"] = json!({"include_usage": true});
            }
        }
        if self.tools() {
            let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
            body["tools"] = match self.api {
                Api::Messages => json!([{"name": "forecast", "input_schema": parameters}]),
                Api::Responses => {
                    json!([{"type": "function", "name": "forecast", "parameters": parameters}])
                }
                _ => {
                    json!([{"type": "function", "function": {"name": "forecast", "parameters": parameters}}])
                }
            };
        }
        body.to_string()
    }

    fn tools(&self) -> bool {
        self.model.contains("tool-call")
            && matches!(self.api, Api::Chat | Api::Messages | Api::Responses)
    }

    /// Whether this is all of a stream.
    pub(super) fn is_whole(&self, stream: &str) -> bool {
        match self.api {
            Api::Messages => stream.contains("event: message_stop\n"),
            Api::Responses => {
                stream.contains("event: response.completed\n")
                    || stream.contains("event: response.incomplete\n")
            }
            _ => stream.contains("data: [DONE]\n"),
        }
    }

    /// Input and output tokens as a plain answer tells them.
    pub(super) fn told(&self, answer: &Value) -> (u64, u64) {
        let of = |name: &str| answer["usage"][name].as_u64().unwrap_or(0);
        match self.api {
            Api::Chat | Api::Completions | Api::Embeddings => {
                (of("prompt_tokens"), of("completion_tokens"))
            }
            Api::Messages | Api::Responses => (of("input_tokens"), of("output_tokens")),
            Api::CountTokens => (0, 0),
        }
    }

    /// What the mock counts requests by, where it is more than one conversation.
    pub(super) fn run(&self) -> Option<&str> {
        self.model.starts_with("chain-").then_some(&*self.model)
    }

    /// The model at its provider, if it has a name that is not a route's.
    pub(super) fn priced(&self) -> Option<(&str, &str)> {
        self.model.split_once('/')
    }
}

/// The targets of the routes, by the route's name: provider and model, the first one first.
pub(super) fn targets(route: &str) -> [(&'static str, String); 2] {
    match route.split_once('-').unwrap() {
        // By the clock, for all clients of the route.
        ("chain", n) => [
            ("one", format!("mock-503-2s-of-{}s", n.parse::<u64>().unwrap() + 5)),
            ("two", format!("mock-chat-first-{}", 1001 + n.parse::<u64>().unwrap())),
        ],
        (_, n) => {
            let n: u64 = n.parse().unwrap();
            [
                ("one", format!("mock-stall-first-{}", 1001 + n)),
                ("two", format!("mock-chat-first-{}", 2001 + n)),
            ]
        }
    }
}

/// Micro-dollars per million tokens, input and output: every name has prices of its own.
pub(super) fn price(provider: &str, model: &str) -> (u64, u64) {
    let mut sum = 0;
    for byte in provider.bytes().chain(model.bytes()) {
        sum = chance(sum ^ u64::from(byte), 20);
    }
    (1 + sum % 99_991, 1 + (sum >> 20) % 499_979)
}
