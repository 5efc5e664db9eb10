//! A provider of both families, OpenAI's and Anthropic's, that fails where a conversation asks it to:
//! the word `rig-500-N` in it is one answer 500, `rig-reset-N` one closed connection instead of an
//! answer, and `rig-cut-N` streams that break off half-way. `N` tells one request from another.

use super::answers::{self, ANSWER, DONE, MODELS, PIECES, streamed};
use super::listen;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use memchr::memmem;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;

/// Into how many parts a stream is cut, and the pause before each but the first.
const PARTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(15);

/// What the plain answers of both families say.
pub(crate) const SENTENCE: &str = "Measured once is measured never.";

/// A message.
pub(crate) const MESSAGE: &str = concat!(
    r#"{"id":"msg_rig","type":"message","role":"assistant","model":"claude-haiku-4-5","#,
    r#""content":[{"type":"text","text":"Measured once is measured never."}],"#,
    r#""stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":7}}"#
);

/// The event that ends a stream of messages.
pub(crate) const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// What a stream of chat completions has more where it is asked to count.
const COUNTED: &str = concat!(
    r#"data: {"id":"chatcmpl-rig","object":"chat.completion.chunk","created":1750000000,"model":"gpt-4o-mini","#,
    r#""choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"#,
    "\n\n"
);

type Body = BoxBody<Bytes, io::Error>;

/// The events of a stream of messages.
fn message_events() -> Vec<String> {
    let event =
        |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
    let start = concat!(
        r#","message":{"id":"msg_rig","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[],"#,
        r#""stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":1}}"#
    );
    let begun = r#","index":0,"content_block":{"type":"text","text":""}"#;
    let end =
        r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}"#;
    let piece = |n| format!(r#","index":0,"delta":{{"type":"text_delta","text":"t{n} "}}"#);
    [event("message_start", start), event("content_block_start", begun)]
        .into_iter()
        .chain((0..PIECES).map(|n| event("content_block_delta", &piece(n))))
        .chain([event("content_block_stop", r#","index":0"#), event("message_delta", end)])
        .chain([STOP.to_owned()])
        .collect()
}

/// All bytes of a stream of messages.
pub(crate) fn whole_message() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| message_events().concat().into_bytes())
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The first answer is 500, the next is as usual.
    Error,
    /// The first connection is closed instead of an answer, the next request is answered.
    Reset,
    /// A stream breaks off half-way, each time.
    Cut,
}

impl Fault {
    /// What a conversation says to have it.
    pub(crate) fn word(self, n: u64) -> String {
        match self {
            Self::Error => format!("rig-500-{n}"),
            Self::Reset => format!("rig-reset-{n}"),
            Self::Cut => format!("rig-cut-{n}"),
        }
    }
}

/// The provider.
#[derive(Debug, Default)]
pub(crate) struct Families {
    /// Words whose fault was had, until they are asked again.
    had: Mutex<HashSet<Vec<u8>>>,
    asked: AtomicU64,
}

impl Families {
    /// How many answers were asked for.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// What goes wrong with this request.
    fn fault(&self, body: &[u8]) -> Option<Fault> {
        let word = body.get(memmem::find(body, b"rig-")?..)?;
        let end = word.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'-');
        let word = word.get(..end?)?;
        let fault = match word.get(4..)? {
            rest if rest.starts_with(b"cut-") => return Some(Fault::Cut),
            rest if rest.starts_with(b"reset-") => Fault::Reset,
            rest if rest.starts_with(b"500-") => Fault::Error,
            _ => return None,
        };
        let mut had = self.had.lock().unwrap();
        // Forgotten the second time, so that a long run needs no memory.
        (!had.remove(word)).then(|| had.insert(word.to_owned()))?;
        Some(fault)
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        if path.ends_with("/models") {
            return Ok(json(200, MODELS));
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let fault = self.fault(&body);
        let messages = path.ends_with("/messages");
        match (fault, streamed(&body), messages) {
            (Some(Fault::Error), ..) => Ok(json(
                500,
                r#"{"type":"error","error":{"type":"api_error","message":"asked to"}}"#,
            )),
            (Some(Fault::Reset), ..) => Err(io::Error::other("asked to")),
            (_, false, true) => Ok(json(200, MESSAGE)),
            (_, false, false) => Ok(json(200, ANSWER)),
            (_, true, true) => Ok(events(&message_events(), fault.is_some())),
            (_, true, false) => {
                let mut list = answers::events();
                if memmem::find(&body, b"\"include_usage\":true").is_some() {
                    list.insert(list.len() - 1, COUNTED.to_owned());
                }
                Ok(events(&list, fault.is_some()))
            }
        }
    }

    /// Answers whoever connects.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let answer = move |request| {
            let this = Arc::clone(&self);
            async move { this.answer(request).await }
        };
        listen::serve(listener, answer).await;
    }
}

fn json(status: u16, text: &'static str) -> Response<Body> {
    let body = Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {});
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(body.boxed()).unwrap()
}

fn events(list: &[String], cut: bool) -> Response<Body> {
    debug_assert!(list.last().is_some_and(|e| e == DONE || e == STOP));
    let mut parts: Vec<io::Result<Bytes>> =
        list.chunks(list.len().div_ceil(PARTS)).map(|c| Ok(Bytes::from(c.concat()))).collect();
    if cut {
        parts.truncate(PARTS / 2);
        parts.push(Err(io::Error::other("asked to")));
    }
    let paced = stream::unfold(parts.into_iter().enumerate(), |mut left| async move {
        let (n, part) = left.next()?;
        if n > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        Some((part.map(Frame::data), left))
    });
    let answer = Response::builder().header("content-type", "text/event-stream");
    answer.body(StreamBody::new(paced).boxed()).unwrap()
}
