//! The measuring rig: what stands on either side of `ultra serve` in a benchmark.
//!
//! `rig upstream PORT` answers like an OpenAI-compatible provider, always the same: a fixed
//! completion, or twenty chunks when a stream is asked for. `rig pass PORT http://HOST:PORT` passes
//! requests on as they are: what a gateway written in Rust cannot be faster than.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a tool for one machine"
)]
#![allow(clippy::allow_attributes, reason = "expectations differ between the two roles")]

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, hyper::Error>;

const ANSWER: &str = concat!(
    r#"{"id":"chatcmpl-rig","object":"chat.completion","created":1750000000,"model":"gpt-4o-mini","#,
    r#""choices":[{"index":0,"message":{"role":"assistant","content":"Measured once is measured never."},"#,
    r#""logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"#
);
const MODELS: &str = r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1750000000,"owned_by":"rig"}]}"#;

fn whole(text: &'static str) -> Body {
    Full::new(Bytes::from_static(text.as_bytes()))
        .map_err(|never: Infallible| match never {})
        .boxed()
}

fn json(text: &'static str) -> Response<Body> {
    Response::builder().header("content-type", "application/json").body(whole(text)).unwrap()
}

fn chunks() -> Response<Body> {
    let chunk = |delta: String, finish: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-rig\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\
             \"model\":\"gpt-4o-mini\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let events = (0..20)
        .map(move |n| chunk(format!("{{\"content\":\"t{n} \"}}"), "null"))
        .chain([chunk("{}".to_owned(), "\"stop\""), "data: [DONE]\n\n".to_owned()])
        .map(|event| Ok::<_, hyper::Error>(Frame::data(Bytes::from(event))));
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(StreamBody::new(stream::iter(events)).boxed())
        .unwrap()
}

async fn upstream(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let models = request.uri().path().ends_with("/models");
    let body = request.into_body().collect().await?.to_bytes();
    if models {
        return Ok(json(MODELS));
    }
    let streamed = memchr::memmem::find(&body, b"\"stream\":true").is_some()
        || memchr::memmem::find(&body, b"\"stream\": true").is_some();
    Ok(if streamed { chunks() } else { json(ANSWER) })
}

async fn pass(
    client: Client<HttpConnector, Incoming>,
    target: String,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    *request.uri_mut() = format!("{target}{}", request.uri().path()).parse().unwrap();
    request.headers_mut().remove("host");
    Ok(client
        .request(request)
        .await
        .expect("the upstream answers")
        .map(http_body_util::BodyExt::boxed))
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [role, port, target @ ..] = args.as_slice() else {
        return;
    };
    let port: u16 = port.parse().expect("a port");
    let target = (role == "pass").then(|| target.first().expect("a target").clone());
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (client, target) = (client.clone(), target.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (client, target) = (client.clone(), target.clone());
                async move {
                    match target {
                        None => upstream(request).await,
                        Some(target) => pass(client, target, request).await,
                    }
                }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
