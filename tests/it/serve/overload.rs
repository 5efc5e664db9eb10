//! Too much to do: at a provider, and here.

use super::fallback::serving;
use super::http::{self, Answer, Request};
use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{CANARY, Server, Ultra, eventually};
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const HELLO: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const HELD: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hold"}]}"#;
const TO_MESSAGES: &str =
    r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"x","object":"chat.completion","created":1,"model":"y","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
const BUSY: &str = r#"{"error":{"message":"busy","type":"server_error","code":"busy"}}"#;
const EVENT: &[u8] =
    b"data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
const STOP: &[u8] =
    b"data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";
const PATIENCE: Duration = Duration::from_secs(30);

/// A provider that answers at once, but for streams: those begin, and wait for a word to end.
fn holding() -> (Upstream, mpsc::Sender<()>) {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let provider = Upstream::start(move |asked, stream| {
        if !asked.body.windows(4).any(|text| text == b"hold") {
            let _ = stream.write_all(&upstream::json("200 OK", ANSWER));
            return;
        }
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        let _ = upstream::chunk(stream, EVENT);
        // The client may go away meanwhile.
        let _ = gone.lock().unwrap().recv_timeout(PATIENCE);
        for event in [STOP, DONE] {
            let _ = upstream::chunk(stream, event);
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    (provider, go)
}

/// A stream that is under way.
fn hold(ultra: &Ultra, server: &Server) -> BufReader<TcpStream> {
    let mut held = BufReader::new(chat(ultra, CHAT, HELD).open(server.addr()));
    assert_eq!(http::head(&mut held).0, 200);
    assert_eq!(http::chunk(&mut held).unwrap(), EVENT);
    held
}

/// A line of `/metrics`, as a number.
fn metric(ultra: &Ultra, server: &Server, name: &str) -> f64 {
    let page = with_key(ultra, "GET", "/metrics").send(server.addr()).is(200).text();
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {page}")).trim().parse().unwrap()
}

fn provider(answer: &Answer) -> &str {
    answer.header("x-ultra-provider").unwrap()
}

#[test]
fn a_full_target_is_passed_over_at_once_and_asked_again_when_its_stream_has_ended() {
    let (first, go) = holding();
    let second = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = serving(&[&first, &second], "", &[", max_in_flight: 1"]);
    let mut held = hold(&ultra, &server);
    for _ in 0..3 {
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
        assert_eq!(provider(&answer), "p1");
        assert_eq!(answer.header("x-ultra-attempts"), Some("1"), "the first was not asked");
    }
    assert_eq!(first.received().len(), 1);
    let of =
        |name: &str| metric(&ultra, &server, &format!("ultra_target_{name}{{target=\"p0/m0\"}}"));
    assert_eq!((of("in_flight"), of("limit")), (1.0, 1.0));
    let full = metric(&ultra, &server, "ultra_target_full_total{target=\"p0/m0\"}");
    assert!((full - 3.0).abs() < 0.1, "{full}");
    let breakers = with_key(&ultra, "GET", "/api/health/circuit-breakers").send(server.addr());
    let breakers = breakers.is(200).json();
    let p0 = breakers["circuit_breakers"].as_array().unwrap();
    let p0 = p0.iter().find(|b| b["target"] == "p0/m0").unwrap();
    assert_eq!((&p0["in_flight"], &p0["limit"]), (&1.into(), &1.into()));
    assert_eq!((&p0["state"], &p0["failures"]), (&"closed".into(), &0.into()));

    go.send(()).unwrap();
    assert_eq!(http::chunk(&mut held).unwrap(), STOP);
    assert_eq!(http::chunk(&mut held).unwrap(), DONE);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(provider(&answer), "p0");
}

#[test]
fn where_all_targets_are_full_each_family_is_told_so_early_and_a_client_that_leaves_makes_room() {
    let (first, _go) = holding();
    let (second, _go_on) = holding();
    let one = ", max_in_flight: 1";
    let (ultra, server) = serving(&[&first, &second], "", &[one, one]);
    let (held, other) = (hold(&ultra, &server), hold(&ultra, &server));

    let refused = chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    let error = &refused.json()["error"];
    assert_eq!((&error["code"], &error["type"]), (&"overloaded".into(), &"server_error".into()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let refused = chat(&ultra, MESSAGES, TO_MESSAGES).send(server.addr()).is(529);
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(first.received().len() + second.received().len(), 2, "nobody else was asked");
    let shed = metric(&ultra, &server, "ultra_shed_total{reason=\"targets\"}");
    assert!((shed - 2.0).abs() < 0.1, "{shed}");

    drop(held);
    eventually(PATIENCE, "room", || {
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr());
        (answer.status == 200).then_some(())
    });
    drop(other);
    let log = server.stop().stderr;
    assert_eq!(log.matches("requests are refused").count(), 1, "{log}");
}

#[test]
fn a_provider_is_bounded_over_all_its_models() {
    let (first, _go) = holding();
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    let url = first.openai();
    ultra.write(
        "profiles/dev.yaml",
        format!(
            "mode: real\nsecrets:\n  OPENAI_API_KEY: env:OPENAI_API_KEY\nproviders:\n  \
             openai: {{kind: openai, base_url: \"{url}\", keys: [OPENAI_API_KEY], max_in_flight: 1}}\n\
             routes:\n  m: {{targets: [{{provider: openai, model: a}}]}}\n"
        ),
    );
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let held = hold(&ultra, &server);
    let other = HELLO.replace("\"m\"", "\"openai/b\"");
    chat(&ultra, CHAT, &other).send(server.addr()).is(503);
    drop(held);
    eventually(PATIENCE, "room", || {
        (chat(&ultra, CHAT, &other).send(server.addr()).status == 200).then_some(())
    });
}

/// A provider that bears so many requests at a time, each for a while, and refuses more.
struct Bearing {
    provider: Upstream,
    answered: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

fn bearing(most: usize, takes: Duration, refusal: &'static str) -> Bearing {
    let inside = AtomicUsize::new(0);
    let (answered, refused) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (answers, refusals) = (Arc::clone(&answered), Arc::clone(&refused));
    let provider = Upstream::start(move |_, stream| {
        if inside.fetch_add(1, SeqCst) < most {
            std::thread::sleep(takes);
            answers.fetch_add(1, SeqCst);
            inside.fetch_sub(1, SeqCst);
            let _ = stream.write_all(&upstream::json("200 OK", ANSWER));
        } else {
            inside.fetch_sub(1, SeqCst);
            refusals.fetch_add(1, SeqCst);
            let _ = stream.write_all(&upstream::json(refusal, BUSY));
        }
    });
    Bearing { provider, answered, refused }
}

#[test]
fn a_provider_is_asked_as_much_as_it_bears() {
    for refusal in ["503 Service Unavailable", "529 Overloaded"] {
        let Bearing { provider, answered, refused } =
            bearing(6, Duration::from_millis(100), refusal);
        let (ultra, server) = serving(&[&provider], "", &[]);
        // Whoever is refused here asks again at once.
        server.stop();
        let ultra = ultra.env("ULTRA_RATE_LIMIT", "1000000");
        let server = Server::start(&ultra, &["--real"]);
        let stop = AtomicBool::new(false);
        let (mut early, mut late, mut least) = ((0, 0), (0, 0), f64::MAX);
        let limit = || metric(&ultra, &server, "ultra_target_limit{target=\"p0/m0\"}");
        std::thread::scope(|scope| {
            for _ in 0..24 {
                scope.spawn(|| {
                    while !stop.load(SeqCst) {
                        let status = chat(&ultra, CHAT, HELLO).send(server.addr()).status;
                        assert!(matches!(status, 200 | 503 | 529), "{status}");
                        if status != 200 {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                });
            }
            let counts = || (answered.load(SeqCst), refused.load(SeqCst));
            eventually(PATIENCE, "a limit", || (limit() < 24.0).then_some(()));
            let begin = counts();
            eventually(PATIENCE, "more answers", || (counts().0 >= begin.0 + 60).then_some(()));
            let middle = counts();
            early = (middle.0 - begin.0, middle.1 - begin.1);
            eventually(PATIENCE, "yet more", || {
                least = least.min(limit());
                (counts().0 >= middle.0 + 120).then_some(())
            });
            let end = counts();
            late = (end.0 - middle.0, end.1 - middle.1);
            stop.store(true, SeqCst);
        });
        assert!(late.1 <= late.0, "{refusal}: more was refused than answered: {early:?} {late:?}");
        assert!((4.0..=12.0).contains(&least), "{refusal}: {least}");
        let opened = metric(&ultra, &server, "ultra_breaker_openings_total{target=\"p0/m0\"}");
        assert!(opened < 0.5, "{refusal}: a breaker is for providers that break");
        let log = server.stop().stderr;
        assert_eq!(log.matches("the provider has too much to do").count(), 1, "{log}");
    }
}

#[test]
fn large_bodies_have_a_bound_of_their_own_and_small_ones_pass_beside_them() {
    let ultra = Ultra::empty()
        .env("ULTRA_BODY_LIMIT", "2MiB")
        .env("ULTRA_BODY_MEMORY", "2MiB")
        .env("ULTRA_BODY_TIMEOUT", "60s");
    let server = Server::start(&ultra, &["--mock"]);
    let large = format!(
        r#"{{"model":"mock-chat","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "x".repeat(1_500_000)
    );
    let bytes = chat(&ultra, CHAT, &large).bytes();
    let (half, rest) = bytes.split_at(700_000);
    let mut slow = TcpStream::connect(server.addr()).unwrap();
    slow.write_all(half).unwrap();
    let refused = eventually(PATIENCE, "no room", || {
        let answer = chat(&ultra, CHAT, &large).send(server.addr());
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(refused.json()["error"]["code"], "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let small = HELLO.replace("\"m\"", "\"mock-chat\"");
    chat(&ultra, CHAT, &small).send(server.addr()).is(200);
    slow.write_all(rest).unwrap();
    Answer::read(&mut BufReader::new(slow), false).is(200);
    chat(&ultra, CHAT, &large).send(server.addr()).is(200);
    assert!(metric(&ultra, &server, "ultra_shed_total{reason=\"bodies\"}") >= 1.0);

    // One that does not say how long it is takes room as it comes.
    let mut slow = TcpStream::connect(server.addr()).unwrap();
    slow.write_all(half).unwrap();
    let piece = "x".repeat(64 << 10);
    let refused = eventually(PATIENCE, "no room", || {
        let mut growing = TcpStream::connect(server.addr()).unwrap();
        let head = with_key(&ultra, "POST", CHAT)
            .header("content-type", "application/json")
            .header("transfer-encoding", "chunked");
        let head = String::from_utf8(head.bytes()).unwrap().replace("content-length: 0\r\n", "");
        growing.write_all(head.as_bytes()).unwrap();
        for _ in 0..24 {
            let _ = write!(growing, "{:x}\r\n{piece}\r\n", piece.len());
        }
        let _ = growing.write_all(b"0\r\n\r\n");
        let mut text = Vec::new();
        let _ = growing.set_read_timeout(Some(PATIENCE));
        let mut first = [0; 1024];
        let read = growing.read(&mut first).unwrap_or(0);
        text.extend_from_slice(first.get(..read).unwrap());
        let text = String::from_utf8_lossy(&text).into_owned();
        text.starts_with("HTTP/1.1 503").then_some(text)
    });
    assert!(refused.to_lowercase().contains("retry-after: 1"), "{refused}");
    drop(slow);
}

/// As many small requests as are answered while `work` goes on.
fn meanwhile(ultra: &Ultra, server: &Server, work: impl FnOnce() + Send) -> usize {
    let over = AtomicBool::new(false);
    let mut small = 0;
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            work();
            over.store(true, SeqCst);
        });
        while !over.load(SeqCst) && !work.is_finished() {
            chat(ultra, CHAT, HELLO).send(server.addr()).is(200);
            small += 1;
        }
        work.join().unwrap();
    });
    small
}

#[test]
fn large_bodies_do_not_keep_the_only_worker_from_small_ones() {
    let text = r#"a\"b\n"#.repeat(10);
    let turns = format!(
        r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}"}},"#
    );
    let turns = turns.repeat((6 << 20) / turns.len());
    let large = format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{turns}{{"role":"user","content":"c"}}]}}"#
    );
    let choice =
        r#"{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}"#;
    let call =
        r#"{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":[ITEMS]}"}},"#;
    let calls = call.replace("ITEMS", &["1"; 100].join(","));
    let long = choice.replace(
        "\"content\":\"a\"",
        &format!(
            "\"content\":null,\"tool_calls\":[{}]",
            calls.repeat((6 << 20) / calls.len()).trim_end_matches(',')
        ),
    );
    let long = ANSWER.replace(choice, &long);
    assert!(long.len() > 6 << 20);
    let provider = Upstream::start(move |asked, stream| {
        let long_wanted = asked.body.windows(6).any(|text| text == b"answer");
        let answer = if long_wanted { &*long } else { ANSWER };
        let _ = stream.write_all(&upstream::json("200 OK", answer));
    });
    let url = provider.openai();
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("ULTRA_RATE_LIMIT", "1000000")
        .env("TOKIO_WORKER_THREADS", "1");
    ultra.write(
        "profiles/dev.yaml",
        format!(
            "mode: real\nsecrets:\n  OPENAI_API_KEY: env:OPENAI_API_KEY\nproviders:\n  \
             openai: {{kind: openai, base_url: \"{url}\", keys: [OPENAI_API_KEY]}}\n\
             routes:\n  m: {{targets: [{{provider: openai, model: a}}]}}\n"
        ),
    );
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let sent = |body: &str| {
        chat(&ultra, MESSAGES, body).send(server.addr()).is(200);
    };
    // Reading them in takes long, whoever does that; the only worker does not.
    let beside_request = meanwhile(&ultra, &server, || sent(&large));
    assert!(beside_request >= 20, "{beside_request} small requests beside a large one");
    let wanted = TO_MESSAGES.replace("hi", "answer");
    let beside_answer = meanwhile(&ultra, &server, || sent(&wanted));
    assert!(beside_answer >= 10, "{beside_answer} small requests beside a large answer");
}

#[test]
fn a_process_that_does_not_get_to_its_work_sheds_some_of_it_but_never_operators() {
    // One worker, and requests that keep it busy.
    let ultra = Ultra::empty()
        .env("TOKIO_WORKER_THREADS", "1")
        .env("ULTRA_RATE_LIMIT", "1000000")
        .env("ULTRA_LAG_LIMIT", "5ms");
    let server = Server::start(&ultra, &["--mock"]);
    let turns = r#"{"role":"user","content":"a"},"#.repeat(1_900);
    let body = format!(r#"{{"model":"mock-chat","messages":[{}]}}"#, turns.trim_end_matches(','));
    assert!(body.len() < 60 << 10, "small enough to be read by the worker itself");
    let (stop, shed) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..48 {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    let answer = chat(&ultra, CHAT, &body).send(server.addr());
                    if answer.status != 200 {
                        assert_eq!(answer.status, 503);
                        assert_eq!(answer.header("retry-after"), Some("1"));
                        assert_eq!(answer.json()["error"]["code"], "overloaded");
                        shed.fetch_add(1, SeqCst);
                    }
                }
            });
        }
        let begin = Instant::now();
        while shed.load(SeqCst) == 0 && begin.elapsed() < PATIENCE {
            with_key(&ultra, "GET", "/api/health?detail=true").send(server.addr()).is(200);
            Request::new("GET", "/api/health").send(server.addr()).is(200);
        }
        stop.store(true, SeqCst);
    });
    assert!(shed.load(SeqCst) > 0, "nothing was shed");
    assert!(metric(&ultra, &server, "ultra_shed_total{reason=\"lag\"}") >= 1.0);
    eventually(PATIENCE, "everything to be as before", || {
        (metric(&ultra, &server, "ultra_shed_ratio") < 0.001).then_some(())
    });
    chat(&ultra, CHAT, &body).send(server.addr()).is(200);
}

#[test]
fn the_last_target_that_can_be_asked_has_its_time() {
    let slow = Upstream::start(|asked, stream| {
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        if asked.body.windows(4).any(|text| text == b"hold") {
            std::thread::sleep(Duration::from_millis(700));
        }
        for event in [EVENT, STOP, DONE] {
            let _ = upstream::chunk(stream, event);
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let other = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (full, _go) = holding();
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY).env("ANTHROPIC_API_KEY", CANARY);
    let key = "keys: [OPENAI_API_KEY]";
    ultra.write(
        "profiles/dev.yaml",
        format!(
            "mode: real\nsecrets:\n  OPENAI_API_KEY: env:OPENAI_API_KEY\n  \
             ANTHROPIC_API_KEY: env:ANTHROPIC_API_KEY\nproviders:\n  \
             slow: {{kind: openai, base_url: \"{}\", {key}}}\n  \
             full: {{kind: openai, base_url: \"{}\", {key}, max_in_flight: 1}}\n  \
             foreign: {{kind: anthropic, base_url: \"{}\", keys: [ANTHROPIC_API_KEY]}}\n\
             routes:\n  \
             filled: {{targets: [{{provider: full, model: a}}]}}\n  \
             m:\n    timeouts: {{first_event: 200ms}}\n    targets:\n      \
             - {{provider: slow, model: a}}\n      - {{provider: full, model: a}}\n      \
             - {{provider: foreign, model: a}}\n",
            slow.openai(),
            full.openai(),
            other.anthropic(),
        ),
    );
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let filled = HELD.replace("\"m\"", "\"filled\"");
    let mut held = BufReader::new(chat(&ultra, CHAT, &filled).open(server.addr()));
    assert_eq!(http::head(&mut held).0, 200);
    // What is asked for twice has no counterpart in the other API.
    let untranslatable = HELD.replace("\"stream\":true", "\"stream\":true,\"n\":2");
    let answer = chat(&ultra, CHAT, &untranslatable).send(server.addr()).is(200);
    assert_eq!(provider(&answer), "slow");
    assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());
    assert!(other.received().is_empty());
    // Where another can be asked, it is.
    drop(held);
    eventually(PATIENCE, "room", || {
        let mut stream = BufReader::new(chat(&ultra, CHAT, &untranslatable).open(server.addr()));
        let (status, headers) = http::head(&mut stream);
        assert_eq!(status, 200);
        headers.contains(&("x-ultra-provider".to_owned(), "full".to_owned())).then_some(())
    });
}
