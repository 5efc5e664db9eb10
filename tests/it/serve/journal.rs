//! The usage journal: a server that cannot keep usage asks no provider, finds out by itself when it
//! can again, and profiles do not mix.

use super::http::Request;
use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{CANARY, Server, Ultra, eventually};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
const MOCK: &str = r#"{"model":"mock-chat","messages":[{"role":"user","content":"hi"}]}"#;

/// No file of the server's may grow beyond this, as on a full disk.
fn largest_file(server: &Server, current: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    let maximum = prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap().maximum;
    assert_eq!(maximum, None, "the tests need a hard limit that they do not reach");
}

#[test]
fn without_room_for_usage_no_provider_is_asked_and_with_room_the_server_heals_by_itself() {
    let answer = r#"{"id":"c1","object":"chat.completion","choices":[{}]}"#;
    let provider = Upstream::saying(upstream::json("200 OK", answer));
    let ultra =
        Ultra::empty().env("OPENAI_API_KEY", CANARY).env("OPENAI_BASE_URL", provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    let ask = || chat(&ultra, CHAT, HELLO).send(server.addr());
    let ready = || Request::new("GET", "/api/health/ready").send(server.addr());
    ask().is(200);
    largest_file(&server, Some(1));
    // Nobody knows before the first row is not kept.
    let refused = ask().is(503);
    assert_eq!(refused.json()["error"]["code"], "usage_unavailable");
    let asked = provider.received().len();
    let until = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < until {
        ask().is(503);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(provider.received().len(), asked, "tokens were spent that nobody accounts for");
    let unready = eventually(Duration::from_secs(10), "503", || {
        Some(ready()).filter(|answer| answer.status == 503)
    });
    // Anybody may ask, so it tells nothing of the machine; those who may know are told.
    assert_eq!(unready.json()["reasons"], serde_json::json!(["usage cannot be recorded"]));
    let root = ultra.root().display().to_string();
    assert!(!unready.text().contains(&root), "{}", unready.text());
    let detail = with_key(&ultra, "GET", "/api/health?detail=true").send(server.addr()).is(200);
    let told = detail.json()["services"]["usage_journal"]["message"].clone();
    assert!(told.as_str().unwrap().contains("journal"), "{told}");

    largest_file(&server, None);
    eventually(Duration::from_secs(10), "a ready server, with no request in between", || {
        (ready().status == 200).then_some(())
    });
    ask().is(200);
    server.stop().keeps_the_canary();
}

fn rows(ultra: &Ultra, profile: &str) -> u64 {
    let status = ultra.run(&["db", "status", "--profile", profile, "-o", "json"]).exits(0).json();
    status["usage"]["rows"].as_u64().unwrap_or(0)
}

#[test]
fn what_one_profile_leaves_is_not_booked_into_the_store_of_another() {
    let ultra = Ultra::empty();
    let server = Server::start(&ultra, &["--profile", "dev", "--mock"]);
    chat(&ultra, CHAT, MOCK).send(server.addr()).is(200);
    eventually(Duration::from_secs(20), "the row", || (rows(&ultra, "dev") == 1).then_some(()));
    server.stop();
    // As if the store had not taken them: whoever takes over begins at the beginning.
    let journals = ultra.state().join("journal");
    let mut folders = vec![journals.clone()];
    let mut forgotten = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() == "cursor" {
                std::fs::remove_file(entry.path()).unwrap();
                forgotten += 1;
            }
        }
    }
    assert_eq!(forgotten, 1);
    let server = Server::start(&ultra, &["--profile", "test", "--mock"]);
    chat(&ultra, CHAT, MOCK).send(server.addr()).is(200);
    eventually(Duration::from_secs(20), "the row", || (rows(&ultra, "test") > 0).then_some(()));
    server.stop();
    assert_eq!(rows(&ultra, "test"), 1, "the row of `dev` is none of `test`");
    for profile in ["dev", "test"] {
        assert!(journals.join(profile).join("0001").is_dir(), "{profile}");
    }
}
