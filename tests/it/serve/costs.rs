//! What requests cost: counted exactly, priced exactly, told by the header, the report and the API.

use super::http::{self, Request};
use super::upstream::{self, Upstream};
use super::{chat, dev_key, mock, with_key};
use crate::support::services::Postgres;
use crate::support::{CANARY, Server, Ultra, eventually, missing};
use serde_json::{Value, json};
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const PRICES: &str = "provider,model,input_microusd_per_mtok,output_microusd_per_mtok,\
    cache_read_microusd_per_mtok,cache_write_5m_microusd_per_mtok,cache_write_1h_microusd_per_mtok\n";

fn real(ultra: Ultra, provider: &Upstream) -> (Ultra, Server) {
    let ultra = ultra
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ANTHROPIC_API_KEY", CANARY)
        .env("ANTHROPIC_BASE_URL", provider.anthropic());
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

fn report(ultra: &Ultra, args: &[&str]) -> Value {
    ultra.run(&[&["usage", "report", "-o", "json"], args].concat()).exits(0).json()
}

/// The report once so many attempts are in the store.
fn report_of(ultra: &Ultra, attempts: u64, args: &[&str]) -> Value {
    eventually(Duration::from_secs(30), "the rows", || {
        let report = report(ultra, args);
        (report["total"]["attempts"] == attempts).then_some(report)
    })
}

const EVENT: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n";
const COUNTS: &[u8] = b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":400}}}\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";

fn counting() -> Upstream {
    Upstream::start(|asked, stream| {
        let wanted = String::from_utf8_lossy(&asked.body).contains("\"include_usage\":true");
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        let all = if wanted { [EVENT, COUNTS, DONE].concat() } else { [EVENT, DONE].concat() };
        for piece in all.chunks(11) {
            upstream::chunk(stream, piece).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    })
}

#[test]
fn a_stream_is_counted_whether_its_client_asks_or_not() {
    let provider = counting();
    let ultra = Ultra::empty();
    let list = ultra.write("own.csv", format!("{PRICES}openai,gpt-4o,3,7,1,,\n"));
    let (ultra, server) = real(ultra.env("ULTRA_PRICES", list.display().to_string()), &provider);

    let silent = r#"{"model":"gpt-4o", "stream" : true,"messages":[{"role":"user","content":"hi"}],"z":1.50}"#;
    let answer = chat(&ultra, CHAT, silent).send(server.addr()).is(200);
    assert_eq!(answer.body(), [EVENT, DONE].concat());
    assert!(answer.whole && answer.header("x-ultra-cost").is_none());

    let asking = silent.replace("1.50", r#"1.50,"stream_options":{"include_usage":true}"#);
    let answer = chat(&ultra, CHAT, &asking).send(server.addr()).is(200);
    assert_eq!(answer.body(), [EVENT, COUNTS, DONE].concat());

    let received = provider.received();
    let injected = silent.replacen('{', r#"{"stream_options":{"include_usage":true},"#, 1);
    assert_eq!(received[0].body, injected.as_bytes());
    assert_eq!(received[1].body, asking.as_bytes());

    let total = report_of(&ultra, 2, &[])["total"].clone();
    assert_eq!(total["input_tokens"], 1200);
    assert_eq!(total["cached_tokens"], 800);
    assert_eq!(total["output_tokens"], 20);
    // 600 × 3 + 400 × 1 + 10 × 7 pico-dollars, rounded to 2 nano-dollars, twice.
    assert_eq!((&total["cost_nano_usd"], &total["cost_usd"]), (&json!(4), &json!("0.000000004")));
    assert_eq!((&total["unpriced"], &total["uncounted"]), (&json!(0), &json!(0)));
    let metrics = with_key(&ultra, "GET", "/metrics").send(server.addr()).text();
    let cost = r#"ultra_cost_nano_usd_total{provider="openai",model="gpt-4o"} 4"#;
    assert!(metrics.contains(cost), "{metrics}");
    assert!(!metrics.contains("ultra_unpriced_attempts_total{"), "{metrics}");
}

#[test]
fn a_provider_that_refuses_the_field_is_not_sent_it() {
    let provider = counting();
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    let profile = format!(
        "providers:\n  plain: {{kind: openai, base_url: {}, keys: [OPENAI_API_KEY], models: [m], \
         stream_usage: false}}\n",
        provider.openai()
    );
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let answer = chat(&ultra, CHAT, body).send(server.addr()).is(200);
    assert_eq!(answer.body(), [EVENT, DONE].concat());
    assert_eq!(provider.received()[0].body, body.as_bytes());
    let total = report_of(&ultra, 1, &[])["total"].clone();
    assert_eq!((&total["cost_usd"], &total["unpriced"]), (&Value::Null, &json!(1)));
    assert_eq!((&total["input_tokens"], &total["uncounted"]), (&Value::Null, &json!(1)));
}

/// What the provider has counted and told.
#[derive(Clone, Copy, Debug, Default)]
struct Ledger {
    attempts: u64,
    cut: u64,
    input: u64,
    cached: u64,
    written: u64,
    output: u64,
    nano: u128,
}

impl Ledger {
    fn price(&mut self, pico: u128) {
        self.nano += (pico + 500) / 1_000;
    }
}

/// Answers by the number in the conversation, and keeps a ledger of what it has counted.
fn bookkeeper(
    ledger: &Mutex<Ledger>,
    asked: &crate::support::fake::Received,
    stream: &mut TcpStream,
) {
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let n: u64 = body["messages"][0]["content"].as_str().unwrap().parse().unwrap();
    let (input, cached, written, output) = (n * 7 % 501, n * 3 % 97, n * 5 % 61, n * 11 % 303);
    let streamed = body["stream"] == true;
    let cut = streamed && n.is_multiple_of(5);
    let anthropic = asked.path() == MESSAGES;
    {
        let mut ledger = ledger.lock().unwrap();
        ledger.attempts += 1;
        ledger.cut += u64::from(cut);
        if !cut || anthropic {
            ledger.input += input;
            ledger.cached += cached;
            ledger.written += if anthropic { written } else { 0 };
        }
        if !cut {
            ledger.output += output;
            let [i, c, w, o] = [input, cached, written, output].map(u128::from);
            ledger.price(if anthropic {
                i * 401 + c * 41 + w * 503 + o * 1_999
            } else {
                i * 333 + c * 111 + o * 777
            });
        }
    }
    let mut say = |event: Value| {
        if event == "end" {
            return upstream::chunk(stream, DONE);
        }
        let kind =
            event["type"].as_str().map(|kind| format!("event: {kind}\n")).unwrap_or_default();
        upstream::chunk(stream, format!("{kind}data: {event}\n\n").as_bytes())
    };
    let openai = json!({"prompt_tokens": input + cached, "completion_tokens": output,
        "prompt_tokens_details": {"cached_tokens": cached}});
    let begun = json!({"input_tokens": input, "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written, "output_tokens": 1});
    if !streamed {
        let mut usage = if anthropic { begun } else { openai };
        if anthropic {
            usage["output_tokens"] = json!(output);
        }
        let answer = json!({"id": "x", "choices": [], "content": [], "usage": usage});
        let _ = stream.write_all(&upstream::json("200 OK", &answer.to_string()));
        return;
    }
    let _ = (|| {
        if anthropic {
            say(json!({"type": "message_start", "message": {"usage": begun}}))?;
            say(json!({"type": "content_block_start", "index": 0}))?;
        } else {
            say(json!({"choices": [{"delta": {"content": "a"}}], "usage": null}))?;
        }
        if cut {
            // The client leaves; its going is seen by a write that fails.
            let patience = Instant::now() + Duration::from_secs(20);
            while Instant::now() < patience {
                say(json!({"type": "ping", "choices": [{"delta": {}}]}))?;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if anthropic {
            say(json!({"type": "message_delta", "usage": {"output_tokens": output}}))?;
            say(json!({"type": "message_stop"}))
        } else {
            assert_eq!(body["stream_options"]["include_usage"], true);
            say(json!({"choices": [], "usage": openai}))?;
            say(json!("end"))
        }
    })();
}

#[test]
fn rows_add_up_to_what_the_provider_has_counted() {
    const REQUESTS: u64 = 320;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let kept = Arc::clone(&ledger);
    let provider = Upstream::start(move |asked, stream| {
        stream_head(asked, stream);
        bookkeeper(&kept, asked, stream);
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: real\n");
    ultra.write(
        "prices.csv",
        format!(
            "{PRICES}openai,gpt-4o,333,777,111,,\nanthropic,claude-haiku-4-5,401,1999,41,503,\n"
        ),
    );
    let (ultra, server) = real(ultra, &provider);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= REQUESTS {
                        return;
                    }
                    let (anthropic, streamed) = (n % 2 == 1, !n.is_multiple_of(3));
                    let (path, model) =
                        if anthropic { (MESSAGES, "claude-haiku-4-5") } else { (CHAT, "gpt-4o") };
                    let body = json!({"model": model, "max_tokens": 9, "stream": streamed,
                        "messages": [{"role": "user", "content": n.to_string()}]});
                    let request = chat(&ultra, path, &body.to_string());
                    if streamed && n.is_multiple_of(5) {
                        // Leaves as soon as it has begun.
                        let mut answer = BufReader::new(request.open(server.addr()));
                        assert_eq!(http::head(&mut answer).0, 200);
                        http::chunk(&mut answer).unwrap();
                    } else {
                        let answer = request.send(server.addr()).is(200);
                        assert!(answer.whole);
                        assert_eq!(answer.header("x-ultra-cost").is_some(), !streamed);
                    }
                }
            });
        }
    });
    let report = report_of(&ultra, REQUESTS, &["--by", "provider"]);
    let (total, ledger) = (&report["total"], *ledger.lock().unwrap());
    let told = [
        ("requests", ledger.attempts),
        ("input_tokens", ledger.input),
        ("cached_tokens", ledger.cached),
        ("cache_write_5m_tokens", ledger.written),
        ("output_tokens", ledger.output),
        ("uncounted", ledger.cut),
        ("unpriced", ledger.cut),
        ("failed", 0),
        ("cost_nano_usd", u64::try_from(ledger.nano).unwrap()),
    ];
    for (name, counted) in told {
        assert_eq!(total[name], counted, "{name} of {total} and {ledger:?}");
    }
    assert!(ledger.cut > 20 && report["rows"].as_array().unwrap().len() == 2);
}

/// The head of a stream, where one is asked for.
fn stream_head(asked: &crate::support::fake::Received, stream: &mut TcpStream) {
    if String::from_utf8_lossy(&asked.body).contains("\"stream\":true") {
        let _ = stream.write_all(upstream::STREAM.as_bytes());
    }
}

const HELLO: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// A server in mode mock whose own prices are listed.
fn priced(ultra: &Ultra) -> Server {
    ultra.write("profiles/dev.yaml", "mode: mock\n");
    ultra.write("prices.csv", format!("# ours\n{PRICES}mock,gpt-4o,150000,600000,,,\n"));
    Server::start(ultra, &["--mock"])
}

/// Usage of two keys, told in every format and by the API.
fn told_everywhere(ultra: &Ultra) -> Server {
    let server = priced(ultra);
    let made = ultra.run(&["auth", "service-key", "create", "=1+1", "-o", "json"]).exits(0).json();
    let (id, other) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let bearer = format!("Bearer {other}");
    let cost = chat(ultra, CHAT, HELLO).send(server.addr()).is(200);
    let usage = &cost.json()["usage"];
    let tokens = |name: &str| usage[name].as_u64().unwrap();
    let nano = (tokens("prompt_tokens") * 150_000 + tokens("completion_tokens") * 600_000) / 1_000;
    let shown = format!("0.{nano:09}");
    assert_eq!(cost.header("x-ultra-cost"), Some(shown.trim_end_matches('0')));
    let theirs = eventually(Duration::from_secs(10), "the new key", || {
        let asked = Request::new("POST", CHAT).header("authorization", &bearer).json(HELLO);
        Some(asked.send(server.addr())).filter(|answer| answer.status == 200)
    });
    assert!(theirs.whole);
    let unlisted = HELLO.replace("gpt-4o", "mock-chat");
    chat(ultra, CHAT, &unlisted).send(server.addr()).is(200);

    let report = report_of(ultra, 3, &["--by", "key"]);
    assert_eq!(report["schema"], "ultra.usage.report/1");
    assert_eq!(report["total"]["cost_nano_usd"], 2 * nano);
    assert_eq!(report["total"]["unpriced"], 1);
    let own = report["rows"].as_array().unwrap().iter().find(|row| row["group"] == id).unwrap();
    assert_eq!((&own["name"], &own["requests"]), (&json!("=1+1"), &json!(1)));

    let table = ultra.run(&["usage", "report", "-o", "table"]).exits(0);
    let table = table.says("gpt-4o").says("mock-chat").says("total").says("nobody knows");
    assert!(table.stdout.contains("1 attempt may have"), "{}", table.stdout);
    let csv = ultra.run(&["usage", "report", "--by", "key", "-o", "csv"]).exits(0).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("key,name,requests,attempts,failed,uncounted,unpriced,input"));
    assert!(lines.iter().any(|line| line.starts_with(&format!("{id},'=1+1,1,1,0,0,0,"))), "{csv}");
    assert_eq!(lines.len(), 3);

    let api = |bearer: &str, query: &str| {
        Request::new("GET", &format!("/api/usage{query}"))
            .header("authorization", bearer)
            .send(server.addr())
    };
    let admin = format!("Bearer {}", dev_key(ultra));
    let all = api(&admin, "?by=key&since=1h").is(200).json();
    assert_eq!((&all["total"], &all["rows"]), (&report["total"], &report["rows"]));
    assert_eq!(api(&admin, "?key=%3D1%2B1").is(200).json()["total"]["attempts"], 1);
    assert_eq!(api(&admin, "?model=mock-chat").is(200).json()["total"]["cost_usd"], Value::Null);
    for query in ["", &format!("?key={id}"), "?key=%3D1%2B1", "?by=user"] {
        let own = api(&bearer, query).is(200).json();
        assert_eq!(own["total"]["attempts"], 1, "{query}");
        assert_eq!(own["rows"].as_array().unwrap().len(), 1, "{query}");
    }
    assert_eq!(api(&bearer, "?key=dev").is(403).json()["code"], "insufficient_scope");
    for query in ["?by=secret", "?since=x", "?since=1d&until=2d", "?nope=1", "?by=key&by=key"] {
        assert_eq!(api(&admin, query).is(400).json()["code"], "invalid_value", "{query}");
    }
    server
}

#[test]
fn figures_are_the_same_in_every_format_and_over_the_api() {
    told_everywhere(&Ultra::empty());
}

#[test]
fn postgres_tells_the_same_and_one_that_is_away_is_said() {
    let Some(postgres) = Postgres::private() else { return missing("PostgreSQL") };
    let ultra = Ultra::empty().env("DATABASE_URL", postgres.database());
    let server = told_everywhere(&ultra);
    postgres.freeze();
    let begun = Instant::now();
    let answer = with_key(&ultra, "GET", "/api/usage").send(server.addr());
    postgres.thaw();
    assert_eq!(answer.is(503).json()["code"], "store_unavailable");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_store_without_usage_says_so() {
    let ultra = Ultra::empty();
    ultra.run(&["usage", "report"]).exits(0).says("no usage of profile `dev`");
    let report = report(&ultra, &["--since", "2026-01-01", "--until", "2026-01-31"]);
    assert_eq!((&report["rows"], &report["total"]["cost_usd"]), (&json!([]), &Value::Null));
    assert_eq!(report["until"], "2026-02-01T00:00:00Z");
    assert!(!ultra.state().join("data").exists(), "nothing was made");
    let csv = ultra.run(&["usage", "report", "-o", "csv"]).exits(0).stdout;
    assert_eq!(csv.lines().count(), 1);
    ultra.run(&["usage", "report", "--since", "yesterday"]).exits(2).complains("--since");
    ultra.run(&["env", "list", "-o", "csv"]).exits(2).complains("ultra usage report");
}

#[test]
fn bad_prices_are_all_told_and_nothing_starts() {
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock\n");
    ultra.write("prices.csv", format!("{PRICES}mock,a,0.15,,,,\nmock,b,1,x,,,\nmock,c\n"));
    for args in [&["serve", "--port", "auto"][..], &["env", "validate"]] {
        let done = ultra.run(args).exits(3);
        let told = done.stdout + &done.stderr;
        for place in ["prices.csv:2:8", "prices.csv:3:10", "prices.csv:4:1"] {
            assert!(told.contains(place), "{place} in {told}");
        }
    }
    ultra.write("prices.csv", PRICES);
    ultra.run(&["env", "validate"]).exits(0);
    let mut ultra = ultra;
    ultra.set_env("ULTRA_PRICES", "gone.csv");
    ultra.run(&["serve", "--port", "auto"]).exits(3).complains("gone.csv");
}

#[test]
fn what_the_mock_answers_costs_nothing_that_anybody_knows() {
    let (ultra, server) = mock();
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-cost"), None);
    let total = report_of(&ultra, 1, &[])["total"].clone();
    assert_eq!((&total["cost_usd"], &total["unpriced"]), (&Value::Null, &json!(1)));
    assert!(total["input_tokens"].as_u64().unwrap() > 0);
}
