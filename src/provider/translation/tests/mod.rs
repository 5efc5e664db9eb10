//! The families against each other: requests, answers and streams both ways.

mod breaks;
mod decodable;
mod honest;
mod hostile;
mod replies;
mod requests;
mod streams;
mod there_and_back;
mod unsound;
mod whole;

use super::{Chat, ClientDialect, Dialect, Messages, Untranslatable};
use serde_json::Value;

const CHAT: Chat = Chat { counts_streams: true };

/// What a provider of `to` gets for a request to `from`.
fn asked(
    from: &dyn ClientDialect,
    to: &'static dyn Dialect,
    model: &str,
    request: &Value,
) -> Result<Value, Untranslatable> {
    let conversation = from.read_request(request.to_string().as_bytes())?;
    let body = to.request(&conversation, model)?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn to_anthropic(request: &Value) -> Result<Value, Untranslatable> {
    asked(&CHAT, &Messages, "claude-sonnet-4-5", request)
}

fn to_openai(request: &Value) -> Result<Value, Untranslatable> {
    asked(&Messages, &CHAT, "gpt-4.1", request)
}
