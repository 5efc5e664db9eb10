//! What the providers of the rig say: always the same, so that every answer can be recognised as
//! whole.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::Response;
use std::convert::Infallible;
use std::sync::OnceLock;

/// The body of an answer.
pub(crate) type Body = BoxBody<Bytes, hyper::Error>;

/// A completion.
pub(crate) const ANSWER: &str = concat!(
    r#"{"id":"chatcmpl-rig","object":"chat.completion","created":1750000000,"model":"gpt-4o-mini","#,
    r#""choices":[{"index":0,"message":{"role":"assistant","content":"Measured once is measured never."},"#,
    r#""logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"#
);

/// The list of models.
pub(crate) const MODELS: &str = r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1750000000,"owned_by":"rig"}]}"#;

/// How many pieces of text a stream has.
pub(crate) const PIECES: usize = 20;

/// The event that ends a stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-rig\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\
         \"model\":\"gpt-4o-mini\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

/// The events of a stream.
pub(crate) fn events() -> Vec<String> {
    (0..PIECES)
        .map(|n| chunk(&format!("{{\"content\":\"t{n} \"}}"), "null"))
        .chain([chunk("{}", "\"stop\""), DONE.to_owned()])
        .collect()
}

/// All bytes of a stream, in which nobody asked to count.
pub(crate) fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| events().concat().into_bytes())
}

/// Whether a request asks for a stream.
pub(crate) fn streamed(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"\"stream\":true").is_some()
        || memchr::memmem::find(body, b"\"stream\": true").is_some()
}

/// An answer in JSON.
pub(crate) fn json(status: u16, text: &'static str) -> Response<Body> {
    let body = Full::new(Bytes::from_static(text.as_bytes()))
        .map_err(|never: Infallible| match never {})
        .boxed();
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(body).unwrap()
}
