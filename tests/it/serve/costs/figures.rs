//! What was counted, told by the report in every format and by the API.

use super::{CHAT, HELLO, PRICES, report, report_of};
use crate::serve::http::Request;
use crate::serve::{chat, dev_key, with_key};
use crate::support::services::Postgres;
use crate::support::{Server, Ultra, eventually, missing};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

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
