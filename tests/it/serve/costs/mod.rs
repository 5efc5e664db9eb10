//! What requests cost: counted exactly, priced exactly, told by the header, the report and the API.

mod counted;
mod figures;
mod ledger;

use super::upstream::Upstream;
use crate::support::{CANARY, Server, Ultra, eventually};
use serde_json::Value;
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const HELLO: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
const DONE: &[u8] = b"data: [DONE]\n\n";
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
