//! Starting: with nothing at all, and what refuses to.

use super::{chat, dressed, mock, with_key};
use crate::serve::http::Request;
use crate::support::{CANARY, Server, Ultra};
use std::time::Duration;

#[test]
fn an_empty_directory_is_enough() {
    let ultra = Ultra::empty();
    let server = Server::start(&ultra, &[]);
    assert_eq!(server.event()["mode"], "mock");
    assert_eq!(server.event()["profile"], "dev");
    assert_eq!(server.event()["pid"], server.pid());
    let health = Request::new("GET", "/api/health").send(server.addr()).is(200);
    assert_eq!(health.json()["status"], "ok");
    assert_eq!(health.json()["mode"], "mock");
    dressed(&health);
    for path in ["/api/health/live", "/api/health/ready"] {
        dressed(&Request::new("GET", path).send(server.addr()).is(200));
    }
    let body = r#"{"model":"mock-chat","messages":[{"role":"user","content":"hi"}]}"#;
    let first = chat(&ultra, "/v1/chat/completions", body).send(server.addr()).is(200);
    let again = chat(&ultra, "/v1/chat/completions", body).send(server.addr()).is(200);
    assert_eq!(first.body(), again.body());
    let models = with_key(&ultra, "GET", "/api/available-models").send(server.addr()).is(200);
    assert_eq!(models.json()["status"], "success");
    assert!(!models.json()["available_models"].as_array().unwrap().is_empty());
    let ended = server.stop();
    assert_eq!(ended.code, 0, "{}", ended.stderr);

    // The key stays the same, and usage is kept, at the next start.
    let key = super::dev_key(&ultra);
    let server = Server::start(&ultra, &[]);
    assert_eq!(super::dev_key(&ultra), key);
    with_key(&ultra, "GET", "/v1/models").send(server.addr()).is(200);
}

#[test]
fn the_line_for_people_can_be_pasted() {
    let ultra = Ultra::empty();
    let mut child = ultra.command(["serve", "--port", "auto"]).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let curl = std::io::BufRead::lines(std::io::BufReader::new(stdout))
        .map_while(Result::ok)
        .find(|line| line.trim_start().starts_with("curl "))
        .expect("a curl line");
    let said = ultra.wrapped("sh", ["-c", curl.trim()]).output();
    let _ = child.kill();
    let _ = child.wait();
    if crate::support::have("curl") {
        let said = String::from_utf8(said.unwrap().stdout).unwrap();
        assert!(said.contains("chat.completion"), "{said}");
    }
    assert!(!curl.contains("uk_"), "the key itself must not be shown: {curl}");
}

#[test]
fn a_taken_port_is_told_with_its_holder() {
    let (ultra, server) = mock();
    let port = server.addr().rsplit(':').next().unwrap().to_owned();
    let outcome = ultra.run(&["serve", "--port", &port]).exits(5);
    let holder = format!("pid {}", server.pid());
    outcome.complains("is taken").complains(&holder);
}

#[test]
fn mocks_are_not_shown_to_others_by_accident() {
    let ultra = Ultra::empty();
    ultra.run(&["serve", "--port", "auto", "--addr", "0.0.0.0"]).exits(6).complains("--mock");
    let server = Server::start(&ultra, &["--addr", "0.0.0.0", "--mock"]);
    assert!(server.addr().starts_with("0.0.0.0:"));
}

#[test]
fn every_problem_of_the_configuration_is_told_at_once() {
    let ultra = Ultra::empty().env("ULTRA_BODY_LIMIT", "lots").env("ULTRA_DRAIN_TIMEOUT", "soon");
    ultra
        .run(&["serve", "--port", "auto"])
        .exits(3)
        .complains("ULTRA_BODY_LIMIT")
        .complains("ULTRA_DRAIN_TIMEOUT");
    ultra.run(&["serve", "--port", "99999"]).exits(3);
    ultra.run(&["serve", "--mock", "--real"]).exits(2);
}

#[test]
fn a_provider_that_is_this_server_refuses_to_start() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", format!("http://localhost:{port}/v1"));
    ultra
        .run(&["serve", "--real", "--port", &port])
        .exits(3)
        .complains("is this server")
        .keeps_the_canary();
}

#[test]
fn a_service_key_is_no_provider_key() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", format!("uk_abc.{CANARY}"));
    ultra
        .run(&["serve", "--real", "--port", "auto"])
        .exits(3)
        .complains("OPENAI_API_KEY")
        .keeps_the_canary();
}

#[test]
fn a_broken_database_is_left_as_it_is() {
    let ultra = Ultra::empty();
    let path = ultra.write(".ultra/data/dev.db", b"this is no database, and it is not overwritten");
    let before = std::fs::read(&path).unwrap();
    let outcome = ultra.run(&["serve", "--port", "auto"]);
    assert!(matches!(outcome.code, 3 | 5), "{outcome:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_frozen_client_does_not_keep_the_server() {
    let ultra = Ultra::empty().env("ULTRA_DRAIN_TIMEOUT", "1s");
    let server = Server::start(&ultra, &[]);
    let _idle = std::net::TcpStream::connect(server.addr()).unwrap();
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(15)).code, 0);
}

#[test]
fn scrapers_have_a_listener_of_their_own() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = free.local_addr().unwrap().to_string();
    drop(free);
    let ultra = Ultra::empty().env("ULTRA_METRICS_ADDR", &addr);
    let server = Server::start(&ultra, &[]);
    with_key(&ultra, "GET", "/v1/models").send(server.addr()).is(200);
    let metrics = Request::new("GET", "/metrics").send(&addr).is(200);
    let counted = "ultra_http_requests_total{route=\"/v1/models\",status=\"200\"} 1";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    Request::new("GET", "/v1/models").send(&addr).is(404);
    Ultra::empty()
        .env("ULTRA_METRICS_ADDR", "everywhere")
        .run(&["serve", "--port", "auto"])
        .exits(3)
        .complains("ULTRA_METRICS_ADDR");
}

#[test]
fn the_log_is_json_and_tells_no_secret() {
    let ultra = Ultra::empty().env("ULTRA_LOG_FORMAT", "json");
    let server = Server::start(&ultra, &[]);
    let path = format!("/v1/models?key={CANARY}");
    with_key(&ultra, "GET", &path).header("x-request-id", "r-1").send(server.addr()).is(200);
    let key = super::dev_key(&ultra);
    let ended = server.stop().keeps_the_canary();
    assert!(!ended.stderr.contains(&key));
    let lines: Vec<serde_json::Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|l| l["request_id"] == "r-1").expect("an access line");
    assert_eq!((&line["path"], &line["status"]), (&"/v1/models".into(), &200.into()));
    assert!(key.contains(line["key"].as_str().unwrap()));
}
