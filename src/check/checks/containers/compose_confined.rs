//! # ULT-CONT-004: compose files give containers no way out
//!
//! ## What it checks
//!
//! No service is `privileged`, uses the network of the host, mounts the socket of the container
//! engine, or publishes a database port on every address.
//!
//! ## Why
//!
//! A privileged container, or one with the socket of the engine, is root on the machine.
//!
//! ## How to fix
//!
//! Drop the line that is named; publish databases on `127.0.0.1` or not at all.

use crate::base::words;
use crate::check::checks::containers::files::compose_files;
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CONT-004",
    group: Group::Containers,
    title: "compose files give containers no way out",
    why: "A privileged container, or one with the socket of the engine, is root on the machine.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let tree = facts.tree.get()?;
    let files: Vec<_> = compose_files(tree)?;
    for (path, text) in &files {
        for (n, line) in text.lines().enumerate() {
            let code = line.split(" #").next().unwrap_or_default();
            if let Some(what) = escape(code) {
                return Ok(Judgement::fail(what, "confined services")
                    .evidence(what, Some(format!("{}:{}", path.display(), n + 1)))
                    .fix(format!("drop line {} of `{}`", n + 1, path.display())));
            }
        }
    }
    Ok(Judgement::pass(words::count(files.len(), "file")))
}

/// Why the line leads out of its container.
fn escape(line: &str) -> Option<&'static str> {
    let plain: String =
        line.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    if plain.starts_with('#') {
        return None;
    }
    let port = |p: &str| plain == format!("-{p}:{p}") || plain == format!("-0.0.0.0:{p}:{p}");
    if plain == "privileged:true" {
        Some("a privileged container")
    } else if plain == "network_mode:host" {
        Some("the network of the host")
    } else if plain.contains("docker.sock") || plain.contains("podman.sock") {
        Some("the socket of the container engine")
    } else if ["5432", "6379", "3306", "27017"].into_iter().any(port) {
        Some("a database port on every address")
    } else {
        None
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().container("compose.yaml", "services:\n  app:\n    image: app\n").facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod()
            .container("compose.yaml", "services:\n  app:\n    privileged: true\n")
            .facts()
    }
}
