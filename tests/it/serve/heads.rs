//! Heads of requests, byte by byte: what is too much for us is refused in the family's shape; what
//! is too much for the HTTP library gets a status line and the end of the connection.

use super::http::{Answer, Request};
use super::{dev_key, dressed, mock, with_key};
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// One path of each API family.
const PATHS: [&str; 3] = ["/v1/models", "/v1/messages", "/api/available-models"];

/// Sends bytes and reads until the server closes the connection, which it must do in time.
#[track_caller]
fn to_the_end(addr: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // A server that refuses early may close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
            panic!("the server hangs: {said:?}")
        }
        _ => String::from_utf8_lossy(&said).into_owned(),
    }
}

/// Refused by us: the shape of the family, with the request's id.
#[track_caller]
fn refused(answer: &Answer, path: &str, code: &str) {
    dressed(answer);
    let (body, id) = (answer.json(), answer.header("x-request-id").unwrap());
    match path {
        "/v1/models" => assert_eq!(body["error"]["code"], code),
        "/v1/messages" => {
            assert_eq!(body["error"]["type"], "invalid_request_error");
            assert_eq!((&body["request_id"], answer.header("request-id")), (&id.into(), Some(id)));
        }
        _ => assert_eq!((&body["code"], &body["request_id"]), (&code.into(), &id.into())),
    }
}

#[test]
fn a_target_that_is_too_long_is_refused_in_the_familys_shape() {
    let (ultra, server) = mock();
    for path in PATHS {
        let long = |length: usize| {
            let target = format!("{path}?{}", "x".repeat(length - path.len() - 1));
            with_key(&ultra, "GET", &target).send(server.addr())
        };
        assert_ne!(long(8 << 10).status, 414, "{path}");
        for length in [(8 << 10) + 1, 60_000] {
            refused(&long(length).is(414), path, "uri_too_long");
        }
    }
}

#[test]
fn a_head_that_is_too_large_is_refused_in_the_familys_shape() {
    let (ultra, server) = mock();
    for path in PATHS {
        // `host`, `authorization` and 77 or 78 more.
        let many = |count: usize| {
            let request = with_key(&ultra, "GET", path);
            (0..count).fold(request, |r, n| r.header(&format!("x-h{n}"), "v")).send(server.addr())
        };
        assert_ne!(many(78).status, 431, "{path}");
        refused(&many(79).is(431), path, "headers_too_large");
        let large = with_key(&ultra, "GET", path).header("x-long", &"x".repeat(33 << 10));
        refused(&large.send(server.addr()).is(431), path, "headers_too_large");
    }
}

#[test]
fn beyond_the_library_there_is_a_status_line_and_the_end() {
    let (ultra, server) = mock();
    for path in PATHS {
        let start = format!("GET {path} HTTP/1.1\r\nhost: t\r\n");
        let many: String = (0..120).map(|n| format!("x-h{n}: v\r\n")).collect();
        let cases = [
            (format!("{start}{many}\r\n"), "431"),
            (format!("{start}x-long: {}\r\n\r\n", "x".repeat(1 << 20)), "431"),
            (format!("GET {path}?{} HTTP/1.1\r\nhost: t\r\n\r\n", "x".repeat(70_000)), "414"),
            (format!("{start}content-length: x\r\n\r\n"), "400"),
            (format!("{start}content-length: 1\r\ncontent-length: 2\r\n\r\nab"), "400"),
            (format!("{start}transfer-encoding: gzip\r\n\r\n"), "400"),
            (format!("{start}bad name: x\r\n\r\n"), "400"),
            (format!("GET {path} nonsense\r\n\r\n"), "400"),
        ];
        for (bytes, status) in cases {
            let said = to_the_end(server.addr(), bytes.as_bytes());
            // The end may come as a reset that takes the answer with it, if much was left unread.
            if !(said.is_empty() && bytes.len() > 1 << 19) {
                assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {said:?}");
                assert!(said.ends_with("\r\n\r\n"), "{path}: {said:?}");
            }
        }
    }
    with_key(&ultra, "GET", "/v1/models").send(server.addr()).is(200);
}

#[test]
fn nothing_is_smuggled_behind_a_body_with_two_lengths() {
    let (ultra, server) = mock();
    let key = dev_key(&ultra);
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let smuggled =
        format!("GET /v1/models HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\n\r\n");
    let te = "transfer-encoding: chunked\r\n";
    for length in [4, chunked.len(), chunked.len() + smuggled.len()] {
        let cl = format!("content-length: {length}\r\n");
        for fields in [format!("{cl}{te}"), format!("{te}{cl}")] {
            let said = to_the_end(
                server.addr(),
                format!(
                    "POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\n\
                     content-type: application/json\r\n{fields}\r\n{chunked}{smuggled}"
                )
                .as_bytes(),
            );
            assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
            assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "two answers: {said}");
            assert!(said.to_lowercase().contains("connection: close"), "{said}");
        }
    }
    let mut kept = BufReader::new(Request::new("GET", "/api/health/live").open(server.addr()));
    Answer::read(&mut kept, false).is(200);
}
