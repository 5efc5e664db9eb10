//! A provider that keeps a ledger of its own, and many clients at once: the sums are the same.

use super::{CHAT, DONE, MESSAGES, PRICES, real, report_of};
use crate::serve::upstream::{self, Upstream};
use crate::serve::{chat, http};
use crate::support::Ultra;
use crate::support::fake::Received;
use serde_json::{Value, json};
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

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
fn bookkeeper(ledger: &Mutex<Ledger>, asked: &Received, stream: &mut TcpStream) {
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
        let answer = json!({"id": "x", "choices": [{}], "content": [], "usage": usage});
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
fn stream_head(asked: &Received, stream: &mut TcpStream) {
    if String::from_utf8_lossy(&asked.body).contains("\"stream\":true") {
        let _ = stream.write_all(upstream::STREAM.as_bytes());
    }
}
