//! # ULT-SEC-007: only the owner reads files with secrets
//!
//! ## What it checks
//!
//! Dotenv files that hold a secret and files of one secret below the root have mode 0600, and so have the vault, its index and identity, the
//! key of the fingerprints, the key of the sealed copy, the service key of development and the
//! profile's embedded database; the state directory has 0700.
//! A file that a platform mounts elsewhere may be read by a group; that everybody can read it is a
//! warning.
//!
//! ## Why
//!
//! Every other account of the machine, and whoever takes one over, can read a file with mode
//! 0644.
//!
//! ## How to fix
//!
//! `chmod 600 FILE`, `chmod 700 DIRECTORY`.

use crate::base::words;
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SEC-007",
    group: Group::Secrets,
    title: "only the owner reads files with secrets",
    why: "Every other account of the machine, and whoever takes one over, can read a file with mode 0644.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let files = facts.files.get()?;
    let guarded = || files.files.iter().filter(|f| f.holds_secret || f.dir);
    let open: Vec<_> = guarded().filter(|f| !f.mounted && f.mode & 0o077 != 0).collect();
    let Some(first) = open.first() else {
        if let Some(file) = guarded().find(|f| f.mounted && f.mode & 0o004 != 0) {
            let observed = format!("`{}` has mode {:04o}", file.path.display(), file.mode);
            return Ok(Judgement::warn(observed, "no mode that everybody may read")
                .fix("have the platform mount it for the server's own user or group"));
        }
        return Ok(match guarded().count() {
            0 => Judgement::skip("no file holds a secret"),
            1 => Judgement::pass("1 file or folder, private"),
            n => Judgement::pass(format!("{n} files and folders, all private")),
        });
    };
    let observed = format!("`{}` has mode {:04o}", first.path.display(), first.mode);
    let mode = if first.dir { "700" } else { "600" };
    let fix = format!("chmod {mode} {}", words::argument(&first.path));
    Ok(open
        .iter()
        .fold(Judgement::fail(observed, "0600 for files, 0700 for folders"), |j, f| {
            j.evidence(format!("mode {:04o}", f.mode), Some(f.path.display().to_string()))
        })
        .fix(fix))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().files(|f| f.files.iter_mut().for_each(|f| f.mode = 0o644)).facts()
    }
}
