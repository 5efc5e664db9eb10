//! Every fault that a provider is known for, and what becomes of it: who is asked in which order,
//! how long is waited at least, what the client gets, and what is billed.
//!
//! The provider is a second `ultra serve --mock`, whose models fail as their names say. Each fault is
//! met by clients of both families at providers of both, for a plain answer, for a stream that
//! flows (`first-event`) and for one that is kept back (`complete`).
//!
//! | fault | rows of [`FAULTS`] | further |
//! |---|---|---|
//! | 429 with `Retry-After` once | `limited-once` (alone, with another) | `faults::limits::a_rate_limit_with_a_time_…`, `…_that_is_too_long_…` |
//! | 429 without the header, persistent | `limited` (alone, with another) | `faults::limits::a_rate_limit_without_a_time_…` |
//! | 500 once | `broken-once` | `faults::what_breaks_once_is_asked_once_more` |
//! | 503 persistent | `busy` (alone, with another) | `fallback::an_overloaded_or_broken_provider_is_passed_over` |
//! | connection reset before the head | `reset-once`, `reset` | `faults::what_breaks_once_is_asked_once_more` |
//! | accepts and never answers | `silent` (alone, with another) | `faults::who_is_silent_…` |
//! | head at once, first token late | `late` (alone, with another) | `faults::a_first_event_that_is_late_…` |
//! | stream cut in the middle | `cut` (alone, with another) | `streams::a_cut_stream_…`, `faults::a_stream_that_is_cut_…` |
//! | stream stalls | `stalled` (alone, with another) | `faults::a_stream_that_stalls_…` |
//! | one malformed event | `malformed` | `faults::an_event_that_cannot_be_read_…` |
//! | whole stream without `[DONE]` | [`a_stream_without_its_last_event_is_whole_and_counted`] | `streams::a_stream_without_done_…` |
//! | context length exceeded | `too-long` (alone, same, larger) | `faults::a_conversation_that_is_too_long_…` |
//! | content filter | `filtered` | `faults::a_filter_is_not_routed_around_…` |
//! | fallback rejects assistant prefill | [`a_prefill_that_the_fallback_rejects_does_not_hide_the_failure`] | `faults::what_a_target_that_stands_in_says_…` |
//! | primary flaps for a minute | `flapping::a_primary_that_flaps_…` | `breaker::tests::a_minute_of_flapping_…`, `faults::a_provider_that_keeps_failing_…` |
//! | fail-over accounting | the log and the counts of every row | `ledger`, `costs::rows_add_up_…` |

mod table;

use super::http::{Answer, Request};
use super::ledger::{books, metric, token};
use super::{dev_key, with_key};
use crate::support::{Server, Ultra, eventually};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use table::Gets::{Broken, Error, Whole};
use table::{FAULTS, Fault};

/// How an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Flowing,
    Complete,
}

const MODES: [Mode; 3] = [Mode::Plain, Mode::Flowing, Mode::Complete];

/// A client of one family at providers of one.
#[derive(Clone, Copy, Debug)]
struct Pair {
    messages: bool,
    anthropic: bool,
}

const PAIRS: [Pair; 4] = [
    Pair { messages: false, anthropic: false },
    Pair { messages: true, anthropic: true },
    Pair { messages: false, anthropic: true },
    Pair { messages: true, anthropic: false },
];

impl Pair {
    fn path(self) -> &'static str {
        if self.messages { "/v1/messages" } else { "/v1/chat/completions" }
    }

    fn is_whole(self, stream: &str) -> bool {
        let end = if self.messages { "event: message_stop\n" } else { "data: [DONE]\n" };
        stream.contains(end) && !stream.contains("\"error\"")
    }

    /// Whether a stream ends with the error of its API, and without its end.
    fn is_broken(self, stream: &str) -> bool {
        let error = if self.messages { "event: error\n" } else { "data: {\"error\"" };
        let end = if self.messages { "message_stop" } else { "[DONE]" };
        stream.contains(error) && !stream.contains(end)
    }
}

/// A mock, and a gateway in front of it that knows it as `a0` to `a2` of the Anthropic family and as
/// `o0` to `o2` of the other.
struct Both {
    mock: Ultra,
    ultra: Ultra,
    server: Server,
    _provider: Server,
}

impl Both {
    /// A gateway with these routes.
    fn start(routes: &str) -> Self {
        let mock = Ultra::empty();
        let provider = Server::start(&mock, &["--mock"]);
        let mut profile = "mode: real\nsecrets:\n  KEY: env:KEY\nproviders:\n".to_owned();
        for n in 0..3 {
            for (name, kind, path) in [("o", "openai", "/v1"), ("a", "anthropic", "")] {
                let url = provider.url(path);
                writeln!(
                    profile,
                    "  {name}{n}: {{kind: {kind}, base_url: \"{url}\", keys: [KEY]}}"
                )
                .unwrap();
            }
        }
        let ultra = Ultra::empty().env("KEY", token(&mock));
        ultra.write("profiles/dev.yaml", format!("{profile}routes:\n{routes}"));
        ultra.write(
            "prices.csv",
            "provider,model,input_microusd_per_mtok,output_microusd_per_mtok\n",
        );
        ultra.run(&["env", "trust", "--yes"]).exits(0);
        let server = Server::start(&ultra, &["--real"]);
        Self { mock, ultra, server, _provider: provider }
    }

    fn ask(&self, pair: Pair, mode: Mode, body: &Value) -> Answer {
        let mut body = body.clone();
        if mode != Mode::Plain {
            body["stream"] = json!(true);
        }
        let mut request = Request::new("POST", pair.path())
            .header("authorization", &format!("Bearer {}", dev_key(&self.ultra)));
        if mode == Mode::Complete {
            request = request.header("x-ultra-stream-commit", "complete");
        }
        request.json(&body.to_string()).send(self.server.addr())
    }
}

fn question(model: &str) -> Value {
    json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hello there"}]})
}

/// What one client met.
struct Met<'a> {
    fault: &'a Fault,
    pair: Pair,
    mode: Mode,
    route: String,
    answer: Answer,
    took: Duration,
}

fn number(fault: usize, pair: usize, mode: usize) -> usize {
    100 + (fault * PAIRS.len() + pair) * MODES.len() + mode
}

/// A route for every fault, pair and mode: no breaker hears of more than one.
fn routes() -> String {
    let mut text = String::new();
    for (f, fault) in FAULTS.iter().enumerate() {
        for (p, pair) in PAIRS.iter().enumerate() {
            for m in 0..MODES.len() {
                let number = number(f, p, m);
                write!(text, "  {}-{number}:\n{}    targets:\n", fault.name, fault.route).unwrap();
                let kind = if pair.anthropic { "a" } else { "o" };
                for (n, (model, more)) in fault.models.iter().enumerate() {
                    let model = model.replace('#', &number.to_string());
                    writeln!(text, "      - {{provider: {kind}{n}, model: {model}{more}}}")
                        .unwrap();
                }
            }
        }
    }
    text
}

#[test]
fn every_fault_has_its_conduct_in_every_mode_and_between_all_families() {
    let both = Both::start(&routes());
    let met: Vec<Met<'_>> = std::thread::scope(|scope| {
        let clients: Vec<_> = PAIRS
            .into_iter()
            .enumerate()
            .map(|(p, pair)| {
                let both = &both;
                scope.spawn(move || {
                    let mut met = Vec::new();
                    for n in 0..FAULTS.len() * MODES.len() {
                        // Repeats come out of a budget, and here nearly everything fails: each
                        // client begins elsewhere, and lets it fill up.
                        let (f, m) = ((n / MODES.len() + 6 * p) % FAULTS.len(), n % MODES.len());
                        std::thread::sleep(Duration::from_millis(200));
                        let (fault, mode) = (&FAULTS[f], MODES[m]);
                        let route = format!("{}-{}", fault.name, number(f, p, m));
                        let began = Instant::now();
                        let answer = both.ask(pair, mode, &question(&route));
                        met.push(Met { fault, pair, mode, route, answer, took: began.elapsed() });
                    }
                    met
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let expected: usize = met
        .iter()
        .map(|met| met.fault.ends[MODES.iter().position(|m| *m == met.mode).unwrap()].1.len())
        .sum();
    let rows = eventually(Duration::from_secs(60), "the rows", || {
        let counted = metric(&both.ultra, &both.server, "ultra_upstream_attempts_total");
        let rows = books::of_sqlite(&both.ultra);
        (u64::try_from(rows.len()) == Ok(counted)).then_some(rows)
    });
    let mut wrong: Vec<String> = met.iter().filter_map(|met| judge(met, &rows).err()).collect();
    if rows.len() != expected {
        wrong.push(format!("{} rows, not {expected}", rows.len()));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), met.len(), wrong.join("\n"));

    // What failed was not billed as an answer, and what was billed has its row.
    let billed = eventually(Duration::from_secs(30), "the mock's rows", || {
        let billed = books::of_sqlite(&both.mock);
        (billed.len() >= expected).then_some(billed)
    });
    let (gateway, mock) = (whole(&rows), whole(&billed));
    assert_eq!(gateway, mock, "answers, input and output of those that are whole");
    let healthy = with_key(&both.ultra, "GET", "/api/health/ready").send(both.server.addr());
    assert_eq!(healthy.status, 200);
}

/// How many attempts ended well, with their input and output.
fn whole(entries: &[books::Entry]) -> (usize, u64, u64) {
    let whole: Vec<_> = entries.iter().filter(|entry| entry.outcome == "ok").collect();
    let sum = |of: fn(&books::Entry) -> Option<u64>| whole.iter().filter_map(|e| of(e)).sum();
    (whole.len(), sum(|e| e.input), sum(|e| e.output))
}

/// Whether a client met what it should.
fn judge(met: &Met<'_>, rows: &[books::Entry]) -> Result<(), String> {
    let Met { fault, pair, mode, route, answer, took } = met;
    let (gets, log, least) = fault.ends[MODES.iter().position(|m| m == mode).unwrap()];
    let text = String::from_utf8_lossy(&answer.body()).into_owned();
    let tell = |what: &str| {
        format!(
            "{route} {pair:?} {mode:?}: {what}; {} {:?}: {text}",
            answer.status,
            answer.header("x-ultra-attempts")
        )
    };
    let id = answer.header("x-request-id").unwrap_or_default();
    let mut own: Vec<_> = rows.iter().filter(|row| row.request_id == id).collect();
    own.sort_by_key(|row| row.attempt);
    let had: Vec<String> = own
        .iter()
        .map(|row| format!("{} {} {}", &row.provider[1..], row.outcome, row.status))
        .collect();
    if had != log {
        return Err(tell(&format!("attempts {had:?}, not {log:?}")));
    }
    if *took < Duration::from_millis(least) {
        return Err(tell(&format!("after {took:?} only")));
    }
    let stream = *mode != Mode::Plain;
    let right = match gets {
        Whole if stream => answer.status == 200 && answer.whole && pair.is_whole(&text),
        Whole => answer.status == 200 && answer.json()["usage"].is_object(),
        Broken => answer.status == 200 && answer.whole && pair.is_broken(&text),
        Error(status, words) => {
            // An overloaded provider is 529 in the words of the Anthropic family.
            let statuses = if status == 503 && pair.messages { [503, 529] } else { [status; 2] };
            let shape = &answer.json()["error"]["message"];
            statuses.contains(&answer.status) && shape.is_string() && text.contains(words)
        }
    };
    if !right {
        return Err(tell(&format!("not {gets:?}")));
    }
    for row in &own {
        let counted = (row.input.unwrap_or(0), row.output.unwrap_or(0));
        let right = match &*row.outcome {
            "ok" => counted.0 > 0 && counted.1 > 0,
            // What was counted until it was cut is kept; its output is not known.
            "truncated" | "timeout" => row.output.is_none(),
            _ => counted == (0, 0),
        };
        if !right {
            return Err(tell(&format!("{row:?}")));
        }
    }
    // The answer names who gave it.
    if gets != Whole {
        return Ok(());
    }
    let last = own.last().ok_or_else(|| tell("no row"))?;
    let attempts = log.len().to_string();
    let named = answer.header("x-ultra-provider") == Some(&*last.provider)
        && answer.header("x-ultra-model") == Some(&*last.model)
        && answer.header("x-ultra-attempts") == Some(&*attempts);
    named.then_some(()).ok_or_else(|| tell("it does not say who has answered"))
}

#[test]
fn a_stream_without_its_last_event_is_whole_and_counted() {
    let both = Both::start(
        "  bare:\n    targets:\n      - {provider: o0, model: mock-no-done-first-9}\n      - {provider: o1, model: mock-chat-first-9}\n",
    );
    for (n, mode) in MODES.into_iter().enumerate() {
        for pair in &PAIRS[..2] {
            let began = Instant::now();
            let answer = both.ask(*pair, mode, &question("bare")).is(200);
            // Nobody waits for what does not come.
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
            assert_eq!(answer.header("x-ultra-attempts"), Some("1"));
            let text = answer.text();
            assert!(answer.whole && !text.contains("\"error\""), "{mode:?} {text}");
            if mode != Mode::Plain && !pair.messages {
                assert!(text.contains("\"finish_reason\":\"length\""), "{text}");
            }
        }
        let rows = eventually(Duration::from_secs(30), "the rows", || {
            let rows = books::of_sqlite(&both.ultra);
            (rows.len() == 2 * (n + 1)).then_some(rows)
        });
        let counted = |row: &books::Entry| row.outcome == "ok" && row.output > Some(0);
        assert!(rows.iter().all(counted), "{mode:?} {rows:?}");
    }
}

#[test]
fn a_prefill_that_the_fallback_rejects_does_not_hide_the_failure() {
    let mut routes = String::new();
    for n in 0..PAIRS.len() * MODES.len() {
        let kind = if PAIRS[n / MODES.len()].anthropic { "a" } else { "o" };
        write!(
            routes,
            "  r{n}:\n    targets:\n      - {{provider: {kind}0, model: mock-503-first-{}}}\n      \
             - {{provider: {kind}1, model: mock-no-prefill-first-{}}}\n",
            100 + n,
            100 + n
        )
        .unwrap();
    }
    let both = Both::start(&routes);
    let mut ids = Vec::new();
    for (p, pair) in PAIRS.into_iter().enumerate().take(2) {
        for (m, mode) in MODES.into_iter().enumerate() {
            let mut body = question(&format!("r{}", p * MODES.len() + m));
            let answer = both.ask(pair, mode, &body).is(200);
            assert_eq!(
                answer.header("x-ultra-attempts"),
                Some("3"),
                "without a prefill it answers"
            );
            let prefill = json!({"role": "assistant", "content": "It is"});
            body["messages"].as_array_mut().unwrap().push(prefill);
            let answer = both.ask(pair, mode, &body);
            let family = if pair.messages { [503, 529] } else { [503; 2] };
            assert!(family.contains(&answer.status), "{pair:?} {mode:?} {answer:?}");
            assert!(!answer.text().contains("prefill"), "{}", answer.text());
            ids.push(answer.header("x-request-id").unwrap().to_owned());
        }
    }
    let rows = eventually(Duration::from_secs(30), "the rows", || {
        let rows = books::of_sqlite(&both.ultra);
        (rows.len() >= ids.len() * 6).then_some(rows)
    });
    for id in ids {
        let mut own: Vec<_> = rows.iter().filter(|row| row.request_id == id).collect();
        own.sort_by_key(|row| row.attempt);
        let log: Vec<_> = own.iter().map(|row| (&row.provider[1..], row.status)).collect();
        assert_eq!(log, [("0", 503), ("0", 503), ("1", 400)]);
    }
}
