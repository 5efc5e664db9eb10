//! `ultra keys` through the binary: against a provider of the test's own, a real keyring, the
//! stock `age` program, and under `kill -9` at every step.

mod admin;
mod audit;
mod bindings;
mod caller;
mod canary;
mod cli;
mod clock;
mod cloned;
mod crash;
mod credentials;
mod damage;
mod doctor;
mod elsewhere;
mod endings;
mod fed;
mod frozen;
mod full;
mod gone;
mod import;
mod interop;
mod keyring;
mod life;
mod load;
mod migrate;
mod other_users;
mod provider;
mod repair;
mod restored;
mod rotate;
mod servers;
mod shadows;
mod timer;
mod typed;
mod withdrawn;

use crate::support::{Outcome, Ultra};
use provider::Provider;

/// Values with which the provider of the tests is asked.
const OLD: &str = "sk-old-canary-2b7f90c1d4";
const NEW: &str = "sk-new-canary-83e5a6b2f7";

/// An empty root whose vault will be opened by an identity file. Its providers are out of reach, so
/// that no test asks a real one.
fn with_identity_file() -> Ultra {
    at_the_usual_addresses()
        .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
        .env("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
}

/// The same, with the providers at their usual addresses: only for what is never sent.
fn at_the_usual_addresses() -> Ultra {
    let ultra = Ultra::empty();
    let identity = ultra.home().join("identity").display().to_string();
    ultra.env("ULTRA_VAULT_IDENTITY_FILE", identity)
}

/// With an identity file, and with `openai` at this provider.
fn with_provider(provider: &Provider) -> Ultra {
    with_identity_file().env("OPENAI_BASE_URL", provider.base_url())
}

/// Writes a file that only its owner may read.
fn private(path: &std::path::Path, content: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Sets a key from stdin.
fn set(ultra: &Ultra, name: &str, value: &str) -> Outcome {
    ultra.run_with_stdin(&["keys", "set", name], format!("{value}\n").as_bytes())
}

/// Rotates a key to a value from stdin.
fn rotate(ultra: &Ultra, name: &str, value: &str) -> Outcome {
    ultra.run_with_stdin(&["keys", "rotate", name], format!("{value}\n").as_bytes())
}

/// Asserts that neither output nor any file below the home of the test holds a value.
#[track_caller]
fn nowhere(ultra: &Ultra, outcomes: &[&Outcome], values: &[&str]) {
    for outcome in outcomes {
        for value in values {
            assert!(!outcome.stdout.contains(value), "on stdout: {}", outcome.stdout);
            assert!(!outcome.stderr.contains(value), "on stderr: {}", outcome.stderr);
        }
    }
    let mut folders = vec![ultra.home().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                for value in values {
                    assert!(!text.contains(value), "in {}", path.display());
                }
            }
        }
    }
}
