//! Usage is in the store once it was answered, whatever becomes of the server.

use super::http::Request;
use super::{chat, mock};
use crate::support::{Server, Ultra, eventually};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
const CLIENTS: u64 = 4;

fn status(ultra: &Ultra) -> serde_json::Value {
    ultra.run(&["db", "status", "-o", "json"]).exits(0).json()
}

/// Sends it; whether a whole answer came, `None` if the connection broke.
fn answered(request: &Request, addr: &str) -> Option<bool> {
    let mut stream = TcpStream::connect(addr).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(&request.bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let whole = serde_json::from_str::<serde_json::Value>(body).is_ok();
    Some(head.starts_with("HTTP/1.1 200 ") && whole)
}

#[test]
fn a_killed_server_loses_no_request_that_it_answered() {
    for wait_for in [1, 50] {
        let (ultra, server) = mock();
        let request = chat(&ultra, CHAT, HELLO).header("connection", "close");
        let addr = server.addr().to_owned();
        let answers = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    while let Some(whole) = answered(&request, &addr) {
                        answers.fetch_add(u64::from(whole), Ordering::SeqCst);
                    }
                });
            }
            eventually(Duration::from_secs(30), "answers", || {
                (answers.load(Ordering::SeqCst) >= wait_for).then_some(())
            });
            // SIGKILL, in the midst of it.
            drop(server);
        });
        let answers = answers.load(Ordering::SeqCst);
        let _next = Server::start(&ultra, &["--mock"]);
        let rows = eventually(Duration::from_secs(20), "the rows of the dead server", || {
            let rows = status(&ultra)["usage"]["rows"].as_u64().unwrap();
            (rows >= answers).then_some(rows)
        });
        assert!(rows <= answers + CLIENTS, "{rows} rows of {answers} answers");
    }
}

#[test]
fn the_store_tells_usage_and_who_serves() {
    let (ultra, server) = mock();
    ultra.run(&["db", "status"]).exits(0).says("usage: no rows");
    chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    let status = eventually(Duration::from_secs(20), "the row", || {
        let status = status(&ultra);
        (status["usage"]["rows"] == 1).then_some(status)
    });
    assert!(status["usage"]["latest_at"].is_string(), "{status}");
    let servers = status["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 1, "{status}");
    assert_eq!(servers[0]["profile"], "dev");
    assert_eq!(servers[0]["version"], env!("CARGO_PKG_VERSION"));
    assert!(servers[0]["config_hash"].is_string() && servers[0]["slots"].is_array(), "{status}");
    let shown = ultra.run(&["db", "status"]).exits(0).says("usage: 1 row, the latest of ");
    assert!(shown.stdout.contains(servers[0]["instance"].as_str().unwrap()), "{}", shown.stdout);
}

#[test]
fn a_store_without_a_schema_tells_neither() {
    let ultra = Ultra::empty();
    let status = status(&ultra);
    assert!(status["usage"].is_null() && status["servers"].is_null(), "{status}");
}
