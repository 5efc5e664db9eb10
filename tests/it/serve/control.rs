//! The control socket: for the same user on the same machine, without a key and without a store.

use super::upstream::{self, Upstream};
use super::{chat, fallback, mock, with_key};
use crate::support::{Server, Ultra, eventually};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The sockets of a state directory.
fn sockets(ultra: &Ultra) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(ultra.state())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_socket())
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Status and body of an answer.
pub(super) fn ask(socket: &Path, request: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn json(socket: &Path, request: &str) -> Value {
    let (status, body) = ask(socket, request);
    assert!((200..300).contains(&status), "{status} {body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn it_is_private_tells_of_the_server_and_each_use_is_logged() {
    let (ultra, server) = mock();
    let socket = ultra.state().join("serve.sock");
    eventually(Duration::from_secs(10), "the socket", || socket.exists().then_some(()));
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let health = json(&socket, "GET /health");
    assert_eq!((&health["mode"], &health["pid"]), (&"mock".into(), &server.pid().into()));
    assert_eq!(health["database"]["kind"], "sqlite");
    let slots = json(&socket, "GET /slots");
    assert_eq!((&slots["profile"], &slots["instance"]), (&"dev".into(), &health["instance"]));
    assert_eq!(json(&socket, "POST /reload")["status"], "success");
    for unknown in ["GET /", "POST /slots", "GET /reload", "DELETE /health"] {
        assert_eq!(ask(&socket, unknown).0, 404, "{unknown}");
    }
    // Whoever sends no HTTP, or nothing at all, is in nobody's way.
    let _silent: Vec<UnixStream> = (0..8).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    UnixStream::connect(&socket).unwrap().write_all(b"\x16\x03garbage\r\n\r\n").unwrap();
    json(&socket, "GET /slots");

    let ended = server.stop();
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.contains("control socket used"), "{}", ended.stderr);
    assert!(!socket.exists(), "it goes with the server");
}

#[test]
fn breakers_are_told_and_closed_all_or_by_their_name() {
    let broken = || Upstream::saying(upstream::json("500 Oops", "{}"));
    let (first, second) = (broken(), broken());
    let (ultra, server) = fallback::server(&[&first, &second]);
    let socket = ultra.state().join("serve.sock");
    eventually(Duration::from_secs(10), "the socket", || socket.exists().then_some(()));
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let states = |told: &Value| -> Vec<String> {
        let all = told["circuit_breakers"].as_array().unwrap();
        let ours = all.iter().filter(|one| one["target"] == "p0/m0" || one["target"] == "p1/m1");
        ours.map(|one| format!("{} {}", one["target"], one["state"])).collect()
    };
    let told = |request: &str| states(&json(&socket, request)).join(", ").replace('"', "");
    let open = || {
        eventually(Duration::from_secs(20), "both to be open", || {
            chat(&ultra, "/v1/chat/completions", body).send(server.addr());
            (told("GET /circuit-breakers") == "p0/m0 open, p1/m1 open").then_some(())
        });
    };
    let reset = "POST /circuit-breakers/reset";
    open();
    let (status, answer) = ask(&socket, &format!("{reset}?target=p0/m1"));
    assert!(status == 404 && answer.contains("did you mean `p0/m0`?"), "{status} {answer}");
    let (status, answer) = ask(&socket, &format!("{reset}?traget=p0/m0"));
    assert_eq!(status, 400, "{answer}");
    // The other may be about to try again.
    let one = told(&format!("{reset}?target=p0/m0"));
    assert!(one.starts_with("p0/m0 closed, ") && !one.contains("p1/m1 closed"), "{one}");
    open();
    assert_eq!(told(reset), "p0/m0 closed, p1/m1 closed");
}

#[test]
fn a_drain_ends_the_server_as_a_signal_does() {
    let (ultra, server) = mock();
    let socket = ultra.state().join("serve.sock");
    eventually(Duration::from_secs(10), "the socket", || socket.exists().then_some(()));
    assert_eq!(ask(&socket, "POST /drain").0, 202);
    assert_eq!(server.wait(Duration::from_secs(40)).code, 0);
}

#[test]
fn servers_of_one_directory_have_names_of_their_own_and_the_dead_give_way() {
    let (ultra, first) = mock();
    let usual = ultra.state().join("serve.sock");
    eventually(Duration::from_secs(10), "the socket", || usual.exists().then_some(()));
    let second = Server::start(&ultra, &["--mock"]);
    let further = ultra.state().join(format!("serve-{}.sock", second.pid()));
    eventually(Duration::from_secs(10), "a second one", || further.exists().then_some(()));
    assert_eq!(sockets(&ultra), [further.clone(), usual.clone()]);
    assert_eq!(json(&usual, "GET /health")["pid"], first.pid());
    assert_eq!(json(&further, "GET /health")["pid"], second.pid());

    // Killed: both sockets stay behind, and nobody listens.
    first.signal("KILL");
    second.signal("KILL");
    first.wait(Duration::from_secs(10));
    second.wait(Duration::from_secs(10));
    assert_eq!(sockets(&ultra).len(), 2);
    let third = Server::start(&ultra, &["--mock"]);
    eventually(Duration::from_secs(10), "the usual name again", || {
        (sockets(&ultra) == [usual.clone()]).then_some(())
    });
    assert_eq!(json(&usual, "GET /health")["pid"], third.pid());
    with_key(&ultra, "GET", "/api/health").send(third.addr()).is(200);
}
