//! What the integration tests share: running the binary in a scrubbed environment, servers on
//! free ports, canaries, services that may be missing.

#[path = "../../../benches/rig/answers.rs"]
mod answers;
pub(crate) mod canaries;
pub(crate) mod fake;
pub(crate) mod issuer;
#[path = "../../../benches/rig/keyed.rs"]
pub(crate) mod keyed;
#[path = "../../../benches/rig/listen.rs"]
mod listen;
#[path = "../../../benches/rig/load.rs"]
pub(crate) mod load;
mod server;
pub(crate) mod services;
mod stranger;
mod terminal;
mod ultra;

pub(crate) use server::Server;
pub(crate) use stranger::Stranger;
pub(crate) use terminal::Terminal;
pub(crate) use ultra::{Outcome, Ultra};

use std::time::{Duration, Instant};

/// A value that must never show: planted in every layer, searched for in every output.
pub(crate) const CANARY: &str = "sk-canary-4f9a1c77d0e24b6c8a53";

/// Waits until `probe` gives a value, for at most `patience`.
pub(crate) fn eventually<T>(
    patience: Duration,
    what: &str,
    mut probe: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(15));
    }
}

/// Whether the program is on the machine. A missing one is a visible skip locally and a failure
/// under `CI`.
pub(crate) fn have(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    if !found {
        missing(program);
    }
    found
}

/// Says that a test is skipped for want of `what`; under `CI` that is a failure.
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "`{what}` is missing, and CI must not skip");
    println!("SKIPPED: `{what}` is missing; `make test` installs it");
}
