//! What git tracks, asked of git itself.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long git may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest list of names that is read.
const LIMIT: u64 = 1 << 20;

/// Which of `paths` git tracks in the repository around `dir`. Without git, outside a repository
/// or when git takes too long: none, for then nobody knows.
pub(in crate::settings) fn tracked(dir: &Path, paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    ask(dir, paths).unwrap_or_default()
}

fn ask(dir: &Path, paths: &[PathBuf]) -> Option<BTreeSet<PathBuf>> {
    // A repository can name a program that git runs to look for changes; this needs none.
    let mut child = Command::new("git")
        .args([
            "-c",
            "core.fsmonitor=false",
            "--literal-pathspecs",
            "ls-files",
            "-z",
            "--full-name",
            "--",
        ])
        .args(paths)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let stdout = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.take(LIMIT).read_to_end(&mut bytes);
        bytes
    });
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let bytes = reader.join().ok()?;
    if !status.success() {
        return None;
    }
    let listed: BTreeSet<&[u8]> =
        bytes.split(|b| *b == 0).filter(|name| !name.is_empty()).collect();
    // Names come relative to the top of the repository; the file name and its ending tell which.
    let found = |path: &&PathBuf| {
        use std::os::unix::ffi::OsStrExt as _;
        listed.iter().any(|name| {
            path.as_os_str().as_bytes().strip_suffix(*name).is_some_and(|rest| rest.ends_with(b"/"))
        })
    };
    Some(paths.iter().filter(found).cloned().collect())
}
