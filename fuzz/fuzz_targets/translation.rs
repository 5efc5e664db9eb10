//! Fuzzes the translation between families of APIs, both ways: requests, whole answers, and streams
//! that come in pieces of any size and may end anywhere. Nothing panics; what is written can be read;
//! a request that was translated once means the same after the way there and back; a stream says the
//! same however it is cut, and no more than a bounded multiple of what came.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the product uses more of its modules than this")]

#[path = "translated/base.rs"]
mod base;
#[path = "translated/provider.rs"]
mod provider;
#[path = "translated/settings.rs"]
mod settings;

use base::Secret;
use base::redact::Redactor;
use libfuzzer_sys::fuzz_target;
use provider::azure::Azure;
use provider::cohere::Cohere;
use provider::conversation::Conversation;
use provider::google::Google;
use provider::ollama::Ollama;
use provider::translation::{
    Chat, ClientDialect, Dialect, Messages, Responses, Shown, StreamOpening, StreamTranslator,
    exact,
};
use provider::{Endpoint, OpeningScanner, UsageScanner, foreign};
use serde::de::IgnoredAny;

const CHAT: Chat = Chat { counts_streams: true };
const AZURE: Azure = Azure { chat: CHAT };
const CLIENTS: [&dyn ClientDialect; 3] = [&CHAT, &Messages, &Responses];
const PROVIDERS: [&dyn Dialect; 6] = [&CHAT, &Messages, &Google, &Cohere, &Ollama, &AZURE];
const ENDPOINTS: [Endpoint; 3] =
    [Endpoint::ChatCompletions, Endpoint::Messages, Endpoint::Responses];

/// Numbers of any size are JSON.
fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// What a request says in the words of a family that can also be read.
fn there_and_back(
    read: &Conversation,
    client: &dyn ClientDialect,
    family: &dyn Dialect,
) -> Option<Conversation> {
    let written = family.request(read, "claude-3-7-sonnet").ok()?;
    Some(client.read_request(&written).expect("what is written can be read"))
}

fn request(body: &[u8]) {
    for client in CLIENTS {
        let Ok(read) = client.read_request(body) else { continue };
        for provider in PROVIDERS {
            if let Ok(sent) = provider.request(&read, "gemini-3-pro") {
                assert!(is_json(&sent), "{}", String::from_utf8_lossy(&sent));
            }
        }
        for (client, family) in
            [(&CHAT as &dyn ClientDialect, &CHAT as &dyn Dialect), (&Messages, &Messages)]
        {
            let Some(once) = there_and_back(&read, client, family) else { continue };
            // What a family cannot say is gone after the first time, and nothing more then.
            if let Some(twice) = there_and_back(&once, client, family) {
                assert_eq!(once.turns, twice.turns);
                assert_eq!(once.system, twice.system);
                assert_eq!(once.tools, twice.tools);
            }
        }
    }
    for endpoint in ENDPOINTS {
        if let Some(left) = foreign::without(endpoint, body) {
            assert!(is_json(&left));
            assert_eq!(foreign::without(endpoint, &left), None);
        }
    }
    if is_json(body) {
        assert!(is_json(&exact::guarded(body)));
    }
}

fn answer(body: &[u8], shown: &Shown<'_>) {
    for provider in PROVIDERS {
        let Ok(reply) = provider.reply(body) else { continue };
        for client in CLIENTS {
            assert!(is_json(&client.write_reply(&reply, shown)));
        }
    }
}

/// What the client gets, how it ended, and the counts.
fn told(
    provider: &dyn Dialect,
    client: &dyn ClientDialect,
    shown: &Shown<'_>,
    pieces: &[&[u8]],
) -> (usize, bool, bool, String) {
    let secrets = Redactor::new([Secret::new("sk-0123456789abcdef")]);
    let mut translator = StreamTranslator::new(provider, client.writer(shown), "r", secrets);
    let mut length = 0;
    for piece in pieces {
        let out = translator.push(piece);
        length += out.len();
    }
    length += translator.finish().len();
    let broken = translator.broken().is_some();
    (length, translator.finished(), broken, format!("{:?}", translator.tokens()))
}

fn stream(body: &[u8], size: usize, shown: &Shown<'_>) {
    let pieces: Vec<&[u8]> = body.chunks(size).collect();
    for provider in PROVIDERS {
        for client in CLIENTS {
            let whole = told(provider, client, shown, &[body]);
            let cut = told(provider, client, shown, &pieces);
            assert_eq!(whole, cut);
            assert!(whole.0 <= body.len() * 60 + 20_000, "{} of {}", whole.0, body.len());
        }
        let opens = |pieces: &[&[u8]]| {
            let mut opening = StreamOpening::of(provider);
            pieces.iter().find_map(|piece| opening.push(piece)).is_some()
        };
        assert_eq!(opens(&[body]), opens(&pieces));
    }
    for endpoint in ENDPOINTS {
        let scan = |pieces: &[&[u8]]| {
            let mut scanner = UsageScanner::new(endpoint);
            pieces.iter().for_each(|piece| scanner.push(piece));
            (scanner.tokens(), scanner.whole(), scanner.refusal().cloned(), scanner.next_sequence())
        };
        assert_eq!(scan(&[body]), scan(&pieces));
        let open = |pieces: &[&[u8]]| {
            let mut scanner = OpeningScanner::new(endpoint);
            pieces.iter().find_map(|piece| scanner.push(piece))
        };
        assert_eq!(open(&[body]), open(&pieces));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&way, body)) = bytes.split_first() else { return };
    let conversation = Conversation { stream_usage: true, ..Conversation::default() };
    let shown = Shown { conversation: &conversation, model: "m", request_id: "r", created: 0 };
    match way % 3 {
        0 => request(body),
        1 => answer(body, &shown),
        _ => stream(body, usize::from(way / 3) + 1, &shown),
    }
});
