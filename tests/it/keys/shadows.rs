//! A value in the vault that a running server would not use is not written in vain.

use super::provider::Provider;
use super::servers::servers;
use super::{NEW, OLD, rotate, set, with_provider};
use crate::support::{Server, Ultra, eventually};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

/// A server that has this variable in its environment, which the commands do not.
fn server_with(ultra: &mut Ultra, name: &str, value: &str) -> (Server, String) {
    ultra.set_env(name, value);
    let server = Server::start(ultra, &["--real"]);
    ultra.unset_env(name);
    let instance = eventually(PATIENCE, "its sign of life", || {
        let found = servers(ultra);
        found.first().map(|server| server["instance"].as_str().unwrap().to_owned())
    });
    (server, instance)
}

#[test]
fn the_environment_of_a_server_is_named_with_its_instance() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let mut ultra = with_provider(&provider);
    let (server, instance) = server_with(&mut ultra, "OPENAI_API_KEY", OLD);
    let refused = set(&ultra, "openai", NEW).exits(6).complains(&instance);
    refused.complains("process environment wins over the vault").complains("--shadowed");
    assert!(!ultra.state().join("vault.age").exists());

    let shadowed = ["keys", "set", "openai", "--shadowed"];
    ultra.run_with_stdin(&shadowed, OLD.as_bytes()).exits(0);
    rotate(&ultra, "openai", NEW).exits(6).complains(&instance);
    let shadowed = ["keys", "rotate", "openai", "--shadowed"];
    // It would never have the new value, so it is not waited for.
    ultra.run_with_stdin(&shadowed, NEW.as_bytes()).exits(0).says("version 1 → 2");
    ultra.run(&["keys", "rollback", "openai"]).exits(6).complains(&instance);
    // It still works with the first value, so that one is not ended.
    let end = ["keys", "disable", "openai", "--version", "1", "--wait", "300ms"];
    ultra.run(&end).exits(5).complains(&instance);
    server.stop();
    ultra.run(&["keys", "rollback", "openai"]).exits(0);
}

#[test]
fn a_file_that_feeds_a_server_alone_is_named_too() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let mut ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let file = ultra.write_private("key", OLD).display().to_string();
    let (server, instance) = server_with(&mut ultra, "OPENAI_API_KEY_FILE", &file);
    let refused = rotate(&ultra, "openai", NEW).exits(6).complains(&instance).complains(&file);
    refused.complains("OPENAI_API_KEY_FILE").complains("--shadowed");
    server.stop();
}

#[test]
fn what_is_seen_here_and_on_a_server_must_be_the_same() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let mut ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    eventually(PATIENCE, "its sign of life", || (!servers(&ultra).is_empty()).then_some(()));
    let file = ultra.write_private("key", OLD).display().to_string();
    ultra.set_env("OPENAI_API_KEY_FILE", file);
    let refused = rotate(&ultra, "openai", NEW).exits(6).complains("comes from the vault");
    refused.complains("OPENAI_API_KEY_FILE");
    server.stop();
}

#[test]
fn the_plain_environment_cannot_be_rotated_live() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider).env("OPENAI_API_KEY", OLD);
    let refused = rotate(&ultra, "openai", NEW).exits(6);
    let refused = refused.complains("`OPENAI_API_KEY` in the process environment wins");
    refused.complains("start the server again").complains("OPENAI_API_KEY_FILE");
    assert!(provider.seen().is_empty());
}
