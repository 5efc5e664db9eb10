//! Every route by itself: who may use it, and that nobody else may.

use super::http::Request;
use super::{dressed, mock, with_key};

/// Every route but the public ones. A unit test holds this list against the table.
const GUARDED: &[(&str, &str)] = &[
    ("GET", "/api/available-models"),
    ("GET", "/api/llms"),
    ("GET", "/api/llms/gpt-4o"),
    ("POST", "/api/admin/models/refresh"),
    ("GET", "/api/auth/me"),
    ("POST", "/api/admin/keys/reload"),
    ("GET", "/api/usage"),
    ("GET", "/api/admin/config"),
    ("GET", "/api/health/circuit-breakers"),
    ("POST", "/api/admin/circuit-breakers/reset"),
    ("POST", "/api/admin/check/tokens"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/gpt-4o"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/completions"),
    ("GET", "/v1/responses/gpt-4o"),
    ("POST", "/v1/responses/gpt-4o"),
    ("DELETE", "/v1/responses/gpt-4o"),
    ("GET", "/metrics"),
    ("GET", "/api/health?detail=true"),
];

#[test]
fn nothing_but_the_public_paths_answers_without_credentials() {
    let (_ultra, server) = mock();
    for (method, path) in GUARDED {
        dressed(&Request::new(method, path).send(server.addr()).is(401));
    }
    for path in
        ["/", "/api", "/api/health/", "/api/healthy", "/v1", "/nope", "/metrics/", "/API/health"]
    {
        dressed(&Request::new("GET", path).send(server.addr()).is(401));
    }
    Request::new("POST", "/api/health").send(server.addr()).is(405);
}

#[test]
fn tokens_are_judged_and_scopes_are_needed() {
    let (ultra, server) = mock();
    let minted = with_key(&ultra, "POST", "/api/admin/check/tokens").send(server.addr()).is(200);
    let minted = minted.json();
    let tokens = minted["tokens"].as_array().unwrap();
    assert!(tokens.len() >= 6);
    for token in tokens {
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        let answer =
            Request::new("GET", "/v1/models").header("authorization", &bearer).send(server.addr());
        match token["expected"].as_str() {
            None => assert_eq!(answer.status, 200, "{token}"),
            Some("insufficient_scope") => {
                assert_eq!(answer.status, 403, "{token}");
                for (method, path) in GUARDED.iter().filter(|(_, p)| *p != "/api/auth/me") {
                    let request = Request::new(method, path).header("authorization", &bearer);
                    dressed(&request.send(server.addr()).is(403));
                }
            }
            Some(code) => {
                assert_eq!(answer.status, 401, "{token}");
                assert_eq!(answer.json()["error"]["code"], code, "{token}");
            }
        }
    }
}

#[test]
fn whoever_is_known_learns_what_it_may_do() {
    let (ultra, server) = mock();
    let me = with_key(&ultra, "GET", "/api/auth/me").send(server.addr()).is(200).json();
    assert_eq!(me["mode"], "mock");
    assert!(me["scopes"].as_array().unwrap().contains(&"admin".into()));
    assert!(super::dev_key(&ultra).contains(me["id"].as_str().unwrap()));
}
