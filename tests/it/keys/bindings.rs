//! A key goes only where the sealed vault says, whatever stands beside it.

use super::provider::Provider;
use super::servers::send;
use super::{NEW, OLD, nowhere, set, with_provider};
use crate::support::Server;

#[test]
fn an_index_that_was_changed_sends_no_key_elsewhere() {
    let (own, thief) = (Provider::knowing(&[OLD, NEW]), Provider::knowing(&[OLD, NEW]));
    let ultra = with_provider(&own);
    set(&ultra, "openai", OLD).exits(0);
    let index = ultra.read(".ultra/vault-index.json");
    let here = own.root_url();
    assert!(index.contains(&here), "{index}");
    ultra.write_private(".ultra/vault-index.json", index.replace(&here, &thief.root_url()));

    let ultra = ultra.env("OPENAI_BASE_URL", thief.base_url());
    let verified = ultra.run(&["keys", "verify", "openai"]).exits(5).says("sent nowhere else");
    let rotated = super::rotate(&ultra, "openai", NEW).exits(6).complains(&here);
    let server = Server::start(&ultra, &["--real"]);
    let key = ultra.read(".ultra/dev-key");
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}"#;
    let (_, told) = send(server.addr(), "POST", "/v1/chat/completions", key.trim(), body);
    assert!(told.contains("no usable access"), "{told}");
    let log = server.stop();
    let log = log.complains("may not be sent");
    assert!(thief.seen().is_empty(), "the key was sent to another host");
    nowhere(&ultra, &[&verified, &rotated, &log], &[OLD, NEW]);
}
