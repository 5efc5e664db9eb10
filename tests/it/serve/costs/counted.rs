//! What is counted, and what it is priced by.

use super::{CHAT, DONE, HELLO, PRICES, real, report_of};
use crate::serve::upstream::{self, Upstream};
use crate::serve::{chat, mock, with_key};
use crate::support::{CANARY, Server, Ultra};
use serde_json::{Value, json};
use std::io::Write as _;

const EVENT: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n";
const COUNTS: &[u8] = b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":400}}}\n\n";

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

#[test]
fn what_the_mock_answers_costs_nothing_that_anybody_knows() {
    let (ultra, server) = mock();
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-cost"), None);
    let total = report_of(&ultra, 1, &[])["total"].clone();
    assert_eq!((&total["cost_usd"], &total["unpriced"]), (&Value::Null, &json!(1)));
    assert!(total["input_tokens"].as_u64().unwrap() > 0);
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
