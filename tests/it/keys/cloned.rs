//! A cloned project whose own dotenv file says where keys are sent: no key of the user's goes there
//! before the user has agreed to the address.

use super::provider::Provider;
use super::{OLD, at_the_usual_addresses, rotate, set, with_provider};
use crate::support::{CANARY, Server, Ultra, have};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Has git track `file` with this content, as after a clone.
fn track(ultra: &Ultra, file: &str, content: &str) {
    ultra.write(file, content);
    for args in [&["init", "-q"][..], &["add", "-f", file]] {
        let done = ultra.wrapped("git", args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

/// Serves with real providers, asks for a conversation, and stops.
fn serve_and_ask(ultra: &Ultra) {
    let server = Server::start(ultra, &["--real"]);
    let key = ultra.read(".ultra/dev-key");
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        key.trim(),
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    server.stop();
}

/// Everything that would send the key; what `provider` saw of it.
fn everything(ultra: &Ultra, provider: &Provider) -> Vec<String> {
    serve_and_ask(ultra);
    for args in [&["keys", "verify", "openai"][..], &["keys", "verify"]] {
        let refused = ultra.run(args).exits(6).complains("ultra env trust");
        refused.complains("127.0.0.1");
    }
    rotate(ultra, "openai", "sk-typed-0123456789").exits(6);
    provider.seen()
}

#[test]
fn a_tracked_dotenv_file_gets_no_key_of_the_vault() {
    if !have("git") {
        return;
    }
    let theirs = Provider::knowing(&[OLD, "sk-typed-0123456789"]);
    let line = format!("OPENAI_BASE_URL={}\n", theirs.base_url());
    let profile = "secrets:\n  OPENAI_API_KEY: vault:openai\n";
    // Which file says so, under which name, and whether a profile refers to the key.
    for (file, line, profile) in [
        (".env", line.clone(), None),
        (".env", line.clone(), Some(profile)),
        (".env.dev", format!("HOST={}\nOPENAI_BASE_URL=${{HOST}}\n", theirs.base_url()), None),
        (".env.development.local", line, None),
    ] {
        // Unbound: the key was never tested anywhere.
        let ultra = at_the_usual_addresses();
        track(&ultra, file, &line);
        set(&ultra, "openai", OLD).exits(0).complains("ultra env trust");
        if let Some(profile) = profile {
            ultra.write("profiles/dev.yaml", format!("mode: real\n{profile}"));
        }
        assert_eq!(everything(&ultra, &theirs), [""; 0], "{file}: {line}");
        // Agreed to, it goes there.
        ultra.run(&["env", "trust", "--yes"]).exits(0).says(&theirs.base_url());
        ultra.run(&["keys", "verify", "openai"]).exits(0);
        assert_eq!(theirs.seen(), [OLD]);
        // Another address is another question.
        track(&ultra, file, "OPENAI_BASE_URL=http://127.0.0.1:1/v1\n");
        ultra.run(&["keys", "verify", "openai"]).exits(6).complains("ultra env trust");
    }
}

#[test]
fn nor_a_bound_key_nor_one_of_the_environment() {
    if !have("git") {
        return;
    }
    let theirs = Provider::knowing(&[OLD, CANARY, "sk-typed-0123456789"]);
    let line = format!("OPENAI_BASE_URL={}\n", theirs.base_url());

    let mine = Provider::knowing(&[OLD]);
    let mut bound = with_provider(&mine);
    set(&bound, "openai", OLD).exits(0);
    track(&bound, ".env", &line);
    // The user's own address wins over theirs.
    bound.run(&["keys", "verify", "openai"]).exits(0);
    bound.unset_env("OPENAI_BASE_URL");
    assert_eq!(everything(&bound, &theirs), [""; 0]);
    // Without any root, in a bare directory, too.
    assert!(!bound.root().join("profiles").exists());

    let typed = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    track(&typed, ".env", &line);
    serve_and_ask(&typed);
    typed.run(&["keys", "verify"]).exits(6).keeps_the_canary();
    assert_eq!(theirs.seen(), [""; 0]);

    // A value that is typed in is kept, and tested nowhere.
    let first = at_the_usual_addresses();
    track(&first, ".env", &line);
    set(&first, "openai", OLD).exits(0).complains("ultra env trust");
    assert_eq!(theirs.seen(), [""; 0]);
}

#[test]
fn an_address_pieced_together_from_other_files_cannot_be_agreed_to() {
    let theirs = Provider::knowing(&[CANARY]);
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    ultra.write(".env", format!("WHERE={}\n", theirs.base_url()));
    ultra.write(".env.local", "OPENAI_BASE_URL=${WHERE}\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let refused = ultra.run(&["env", "validate"]).exits(3).keeps_the_canary();
    refused.says("no key goes to the address").says(".env.local:1");
    assert_ne!(ultra.run(&["keys", "verify"]).code, 0);
    assert_eq!(theirs.seen(), [""; 0]);
}

#[test]
fn nor_does_a_provider_that_wants_no_key_get_prompts_at_such_an_address() {
    let ultra = Ultra::empty();
    ultra.write(".env", "WHERE=http://127.0.0.1:9\n");
    ultra.write(".env.local", "OLLAMA_BASE_URL=${WHERE}\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let refused = ultra.run(&["env", "validate"]).exits(3);
    refused.says("no key and no prompt goes to the address").says(".env.local:1");
    // Written in one place it can be agreed to.
    ultra.write(".env.local", "OLLAMA_BASE_URL=http://127.0.0.1:9\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("prompts, without a key");
    ultra.run(&["env", "validate"]).exits(0);
}
