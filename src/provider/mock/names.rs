//! The models of the mock: their names say how it behaves.
//!
//! One grammar: `mock-` and a behaviour, its parameter if it has one, and at the end, if it is not
//! for every request, which requests it is for: `-once`, `-first-N`, `-N-of-M` (requests or
//! times). [`TABLE`] has all behaviours: what is listed, what is near a misspelt name and
//! `docs/mock.md` come from it.

use std::time::Duration;

/// The provider whose models these are. Nobody else's models behave in any other way than as
/// [`MODEL`], whatever they are called.
pub(crate) const NAME: &str = "mock";

/// The model that answers as it is asked.
pub(crate) const MODEL: &str = "mock-chat";

/// What is before every name.
const PREFIX: &str = "mock-";

/// How a model behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// It answers.
    Plain,
    /// It does something else, at least for some requests.
    Acts(Behaviour),
    /// There is no such model.
    Unknown,
}

/// What a model does, and for which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Behaviour {
    pub(super) act: Act,
    pub(super) often: Often,
}

/// What the mock can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Chat,
    ToolCall,
    Latency(Duration),
    FirstToken(Duration),
    TokensPerSecond(u32),
    Drip(Duration),
    Status(u16),
    RetryAfter(Duration),
    Overloaded,
    NoQuota,
    ContextLength,
    ContentFilter,
    NoPrefill,
    Reset,
    Hang,
    Cut,
    Stall(Option<Duration>),
    StreamError,
    MalformedEvent,
    NoDone,
    Html(u16),
    Empty,
    Truncated,
    WrongType,
}

/// For which requests of one run it is done, those before it counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Often {
    Always,
    First(u64),
    FirstFor(Duration),
    Of(u64, u64),
    TimeOf(Duration, Duration),
}

impl Often {
    /// Whether it is for the request with `before` others of its run before it, the first of
    /// which came `since` ago.
    pub(super) fn holds(self, before: u64, since: Duration) -> bool {
        match self {
            Self::Always => true,
            Self::First(n) => before < n,
            Self::FirstFor(time) => since < time,
            Self::Of(n, of) => before % of.max(1) < n,
            Self::TimeOf(time, of) => since.as_millis() % of.as_millis().max(1) < time.as_millis(),
        }
    }
}

/// What may follow a behaviour's name.
enum Parameter {
    None(Act),
    /// `250ms`, `2s`.
    Time(fn(Duration) -> Act),
    /// `20-per-s`.
    Rate(fn(u32) -> Act),
    /// It is the whole name.
    Status,
}

/// A behaviour.
pub(super) struct Entry {
    name: &'static str,
    parameter: Parameter,
    /// Names that are listed, without the prefix.
    listed: &'static [&'static str],
    /// What it does.
    about: &'static str,
}

const fn entry(
    name: &'static str,
    parameter: Parameter,
    listed: &'static [&'static str],
    about: &'static str,
) -> Entry {
    Entry { name, parameter, listed, about }
}

use Parameter::{None as Fixed, Rate, Status, Time};

/// Every behaviour there is.
pub(super) const TABLE: &[Entry] = &[
    entry(
        "chat",
        Fixed(Act::Chat),
        &["chat"],
        "answers; calls a tool only if `tool_choice` forces one",
    ),
    entry(
        "tool-call",
        Fixed(Act::ToolCall),
        &["tool-call"],
        "calls the first of the request's `tools`; answers in words if there are none, or if the conversation ends with a tool's result",
    ),
    entry("latency", Time(Act::Latency), &["latency-250ms"], "waits before the head of the answer"),
    entry(
        "first-token",
        Time(Act::FirstToken),
        &["first-token-2s"],
        "sends the head at once and the first token late; a stream has keep-alive comments meanwhile",
    ),
    entry(
        "tokens",
        Rate(Act::TokensPerSecond),
        &["tokens-20-per-s"],
        "streams so many tokens a second; a plain answer takes as long as its stream would",
    ),
    entry(
        "drip",
        Time(Act::Drip),
        &["drip-10ms"],
        "sends its answer in pieces of 16 bytes, so much time before each",
    ),
    entry(
        "429-retry-after",
        Time(Act::RetryAfter),
        &["429-retry-after-1s", "429-retry-after-1s-once"],
        "429 with `Retry-After` (whole seconds, rounded up) and `retry-after-ms`",
    ),
    entry(
        "",
        Status,
        &["401", "403", "404", "429", "429-once", "500", "500-once", "503", "503-3-of-6", "504"],
        "the status in the family's shape, without `Retry-After`: 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504 or 529",
    ),
    entry(
        "overloaded",
        Fixed(Act::Overloaded),
        &["overloaded"],
        "has too much to do: 503; 529 `overloaded_error` in the Anthropic family",
    ),
    entry(
        "no-quota",
        Fixed(Act::NoQuota),
        &["no-quota"],
        "the account has no credit: 429 `insufficient_quota`; 402 `billing_error` in the Anthropic family",
    ),
    entry(
        "context-length",
        Fixed(Act::ContextLength),
        &["context-length"],
        "400: the conversation is longer than the model's context (`context_length_exceeded`)",
    ),
    entry(
        "content-filter",
        Fixed(Act::ContentFilter),
        &["content-filter"],
        "400: the provider's filter rejects the content (`content_filter`)",
    ),
    entry(
        "no-prefill",
        Fixed(Act::NoPrefill),
        &["no-prefill"],
        "400 if the conversation ends with a message of the assistant, else answers",
    ),
    entry(
        "reset",
        Fixed(Act::Reset),
        &["reset", "reset-once"],
        "resets the connection (TCP RST) before any byte of an answer",
    ),
    entry("hang", Fixed(Act::Hang), &["hang"], "takes the request and never answers"),
    entry(
        "cut",
        Fixed(Act::Cut),
        &["cut", "cut-once"],
        "closes the connection in the middle of the answer",
    ),
    entry(
        "stall",
        Fixed(Act::Stall(None)),
        &["stall"],
        "sends nothing any more from the middle of the answer on; the connection stays open",
    ),
    entry(
        "stall",
        Time(|time| Act::Stall(Some(time))),
        &["stall-5s"],
        "pauses in the middle of the answer, then goes on",
    ),
    entry(
        "stream-error",
        Fixed(Act::StreamError),
        &["stream-error"],
        "sends an error event in the middle of the stream, and ends it; a plain request is answered as by `mock-overloaded`",
    ),
    entry(
        "malformed-event",
        Fixed(Act::MalformedEvent),
        &["malformed-event"],
        "one more event in the middle of the stream, which is no JSON; a plain answer has none",
    ),
    entry(
        "no-done",
        Fixed(Act::NoDone),
        &["no-done"],
        "a whole stream without its last event: `[DONE]`, or `message_stop` in the Anthropic family; a plain answer is as usual",
    ),
    entry("html", Fixed(Act::Html(200)), &["html"], "200 with a page of HTML"),
    entry(
        "html-502",
        Fixed(Act::Html(502)),
        &["html-502"],
        "502 with a page of HTML, as a proxy in between would",
    ),
    entry("empty", Fixed(Act::Empty), &["empty"], "200 with the right content type and no body"),
    entry(
        "truncated",
        Fixed(Act::Truncated),
        &["truncated"],
        "200 with half a body that ends properly: half a JSON object, a stream with half an event at its end",
    ),
    entry("wrong-type", Fixed(Act::WrongType), &["wrong-type"], "the usual answer as `text/plain`"),
];

/// The statuses that a name may ask for.
const STATUSES: [u16; 15] =
    [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529];

/// The longest time in a name.
const LONGEST: Duration = Duration::from_secs(86_400);
/// The greatest count in a name.
const MOST: u64 = 1_000_000;
/// The greatest rate in a name, tokens per second.
const FASTEST: u32 = 10_000;

impl Entry {
    fn read(&self, text: &str) -> Option<Act> {
        let parameter = || text.strip_prefix(self.name)?.strip_prefix('-');
        match &self.parameter {
            Fixed(act) => (text == self.name).then_some(*act),
            Time(act) => Some(act(time(parameter()?)?)),
            Rate(act) => {
                let rate = number(parameter()?.strip_suffix("-per-s")?)?;
                Some(act(u32::try_from(rate).ok().filter(|rate| *rate <= FASTEST)?))
            }
            Status => {
                let status = text.parse().ok().filter(|status| STATUSES.contains(status))?;
                // `+503` is a number, too.
                (text.len() == 3).then_some(Act::Status(status))
            }
        }
    }

    /// How its names are made.
    pub(super) fn pattern(&self) -> String {
        let name = self.name;
        match self.parameter {
            Fixed(_) => format!("{PREFIX}{name}"),
            Time(_) => format!("{PREFIX}{name}-TIME"),
            Rate(_) => format!("{PREFIX}{name}-N-per-s"),
            Status => format!("{PREFIX}STATUS"),
        }
    }
}

/// A whole number from 1, written without sign and zeros before it.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|n| plain && *n <= MOST)
}

/// `250ms` or `2s`.
fn time(text: &str) -> Option<Duration> {
    let time = match text.strip_suffix("ms") {
        Some(count) => Duration::from_millis(number(count)?),
        None => Duration::from_secs(number(text.strip_suffix('s')?)?),
    };
    (time <= LONGEST).then_some(time)
}

/// The end of a name that says for which requests it is, and what is before it.
fn often(name: &str) -> Option<(&str, Often)> {
    if let Some(before) = name.strip_suffix("-once") {
        return Some((before, Often::First(1)));
    }
    let (before, last) = name.rsplit_once('-')?;
    if let Some(before) = before.strip_suffix("-first") {
        let first = number(last).map(Often::First);
        return Some((before, first.or_else(|| time(last).map(Often::FirstFor))?));
    }
    let (before, first) = before.strip_suffix("-of")?.rsplit_once('-')?;
    let often = match (number(first), number(last), time(first), time(last)) {
        (Some(n), Some(of), ..) if n < of => Often::Of(n, of),
        (.., Some(n), Some(of)) if n < of => Often::TimeOf(n, of),
        _ => return None,
    };
    Some((before, often))
}

/// The entry of a name without its prefix, and what it says.
fn read(name: &str) -> Option<(&'static Entry, Behaviour)> {
    let of = |name: &str, often| {
        TABLE.iter().find_map(|entry| Some((entry, Behaviour { act: entry.read(name)?, often })))
    };
    of(name, Often::Always).or_else(|| {
        let (before, often) = often(name)?;
        of(before, often)
    })
}

/// How the model of a provider behaves.
pub(crate) fn named(provider: &str, model: &str) -> Named {
    if model == MODEL || provider != NAME {
        return Named::Plain;
    }
    let Some(name) = model.strip_prefix(PREFIX) else { return Named::Plain };
    match read(name) {
        Some((_, Behaviour { act: Act::Chat, .. })) => Named::Plain,
        Some((_, behaviour)) => Named::Acts(behaviour),
        None => Named::Unknown,
    }
}

/// Whether it is one of the mock's own names, listed or not.
pub(crate) fn is_own(model: &str) -> bool {
    model.strip_prefix(PREFIX).is_some_and(|name| read(name).is_some())
}

/// The names that are listed: at least one of every behaviour.
pub(crate) fn listed() -> impl Iterator<Item = String> {
    TABLE.iter().flat_map(|entry| entry.listed).map(|name| format!("{PREFIX}{name}"))
}

/// What a model of the mock does, in words.
pub(crate) fn about(model: &str) -> Option<String> {
    let (entry, behaviour) = read(model.strip_prefix(PREFIX)?)?;
    let when = match behaviour.often {
        Often::Always => "",
        _ => ", for the requests that the end of the name says",
    };
    Some(format!("`{}` {}{when}", entry.pattern(), entry.about))
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
