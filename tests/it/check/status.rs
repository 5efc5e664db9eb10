//! What is broken on a running server.

use crate::support::{Server, Ultra};

#[test]
fn nobody_running_is_told() {
    let ultra = Ultra::empty();
    let outcome = ultra.run(&["check", "status"]).exits(5);
    assert!(outcome.stderr.contains("ultra serve"), "{}", outcome.stderr);
    let outcome = ultra.run(&["check", "status", "--url", "http://127.0.0.1:9"]).exits(5);
    assert!(outcome.stdout.contains("cannot be reached"), "{}", outcome.stdout);
}

#[test]
fn a_running_server_is_found_and_asked() {
    let ultra = Ultra::empty();
    let server = Server::start(&ultra, &[]);
    let document = ultra.run(&["check", "status", "-o", "json"]).exits(0).json();
    let seen = &document["servers"][0];
    assert_eq!(document["schema"], "ultra.status/1");
    assert_eq!(seen["url"], format!("http://{}", server.addr()));
    assert_eq!((&seen["ready"], &seen["detailed"]), (&true.into(), &true.into()));
    assert!(!seen["components"].as_array().unwrap().is_empty());
}
