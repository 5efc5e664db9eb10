//! `ultra serve`, through the binary and over the wire.

mod answer_cache;
mod bounds;
mod compression;
mod conduct;
mod control;
mod costs;
mod crossing;
mod endpoints;
mod errors;
mod fallback;
mod faults;
mod flapping;
mod heads;
pub(crate) mod http;
mod identity;
mod instructions;
mod journal;
mod keys;
pub(crate) mod ledger;
mod listing;
mod memory;
mod models;
mod native;
mod native_faults;
mod overload;
mod passing;
mod permissions;
mod refuse;
mod reload;
mod responses;
mod shapes;
mod start;
mod stop;
mod streams;
pub(crate) mod upstream;
mod usage;

use crate::support::{Server, Ultra};
use http::{Answer, Request};

/// A server in mode mock in an empty directory.
fn mock() -> (Ultra, Server) {
    let ultra = Ultra::empty();
    let server = Server::start(&ultra, &["--mock"]);
    (ultra, server)
}

/// The key of a developer's own server.
fn dev_key(ultra: &Ultra) -> String {
    ultra.read(".ultra/dev-key").trim().to_owned()
}

/// A request with the developer's key.
fn with_key(ultra: &Ultra, method: &str, path: &str) -> Request {
    Request::new(method, path).header("authorization", &format!("Bearer {}", dev_key(ultra)))
}

/// A conversation for `path` with the developer's key.
fn chat(ultra: &Ultra, path: &str, body: &str) -> Request {
    with_key(ultra, "POST", path).json(body)
}

/// What everything that the server says must have, whatever the status.
#[track_caller]
fn dressed(answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} in {answer:?}");
    }
    assert!(answer.header("permissions-policy").is_some(), "{answer:?}");
    assert!(answer.header("x-request-id").is_some(), "{answer:?}");
    assert!(matches!(answer.header("x-ultra-mode"), Some("mock" | "real")), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
