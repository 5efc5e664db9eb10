//! Questions to git, within bounds: it may be slow, frozen, gone, or made to answer endlessly.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long git may take for one answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const LIMIT: u64 = 1 << 20;
/// As many paths are handed over at once: a command line has a limit too.
const AT_ONCE: usize = 500;
/// Variables that send git to another repository than the one around the directory it is asked in.
const ELSEWHERE: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// What git answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
}

impl Answer {
    /// The output as paths that end in NUL.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.stdout
            .split(|b| *b == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(OsStr::from_bytes(name)))
    }
}

/// Runs git in `dir` with `args` and these paths on its standard input, each with a NUL behind it.
///
/// # Errors
/// Why there is no answer: no git, it took too long or said too much.
pub(crate) fn ask<A: AsRef<OsStr>>(
    dir: &Path,
    args: impl IntoIterator<Item = A>,
    paths: &[PathBuf],
) -> Result<Answer, String> {
    let mut command = Command::new("git");
    // A repository can name a program that git runs to look for changes; no question needs it.
    command.args(["-c", "core.fsmonitor=false"]).args(args);
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    let mut child = command
        .current_dir(dir)
        .stdin(if paths.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("git cannot be started: {}", e.kind()))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // Both ways in threads of their own: whoever writes everything first and reads then waits for
    // ever for a git that does the same. They end with this process at the latest.
    let mut asked = Vec::new();
    for path in paths {
        asked.extend_from_slice(path.as_os_str().as_bytes());
        asked.push(0);
    }
    // A git that ends before it has read everything says so by its code.
    if let Some(mut stdin) = stdin {
        std::thread::spawn(move || stdin.write_all(&asked));
    }
    let (sender, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.map(|stdout| stdout.take(LIMIT + 1).read_to_end(&mut bytes));
        // Whoever gave up waiting has no use for it.
        let _ = sender.send((matches!(read, Some(Ok(_))), bytes));
    });
    let late = || "git took too long to answer".to_owned();
    let status = wait(&mut child).ok_or_else(late)?;
    // A process that git left behind may still hold its end.
    let (read, stdout) = answer.recv_timeout(PATIENCE).map_err(|_| late())?;
    if stdout.len() as u64 > LIMIT {
        return Err("git answered with more than can be true".to_owned());
    }
    match status.code().filter(|_| read) {
        Some(code) => Ok(Answer { code, stdout }),
        None => Err("git was ended before it had answered".to_owned()),
    }
}

/// How the process ended; `None` if it had to be ended after [`PATIENCE`].
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// What git tracks of `paths` and below them, relative to the top of the repository around `dir`.
///
/// # Errors
/// Why git does not say.
pub(crate) fn listed(dir: &Path, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, String> {
    let mut listed = BTreeSet::new();
    for paths in paths.chunks(AT_ONCE) {
        let words =
            ["--literal-pathspecs", "ls-files", "-z", "--full-name", "--"].map(OsString::from);
        let paths = paths.iter().map(|path| path.clone().into_os_string());
        let answer = ask(dir, words.into_iter().chain(paths), &[])?;
        if answer.code != 0 {
            return Err(format!("`git ls-files` ended with {}", answer.code));
        }
        listed.extend(answer.paths());
    }
    Ok(listed)
}

/// Which of `paths` git tracks in the repository around `dir`. Without git, outside a repository
/// or when git takes too long: none, for then nobody knows.
pub(in crate::settings) fn tracked(dir: &Path, paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let listed = listed(dir, paths).unwrap_or_default();
    // Names come relative to the top of the repository; the file name and its ending tell which.
    let found = |path: &&PathBuf| listed.iter().any(|name| path.ends_with(name));
    paths.iter().filter(found).cloned().collect()
}

/// The directory that git keeps for the work tree around `dir`: `.git`, or what a file `.git` of a
/// further work tree or a submodule names. `None` if there is none up to `/` or, like git, up to the
/// border of the file system. Asks nobody.
pub(crate) fn git_dir(dir: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let device = |dir: &Path| dir.metadata().ok().map(|meta| meta.dev());
    let here = device(dir);
    dir.ancestors().take_while(|dir| device(dir) == here).find_map(|dir| {
        let found = dir.join(".git");
        let meta = found.metadata().ok()?;
        if meta.is_dir() {
            return Some(found);
        }
        let bytes = crate::base::file::read_bounded(&found, 4096).ok()??;
        let named = bytes.trim_ascii_end().strip_prefix(b"gitdir: ")?;
        Some(dir.join(OsStr::from_bytes(named)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_git_is_found_from_below_and_through_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let (top, below) = (dir.path().join("top"), dir.path().join("top/a/b"));
        std::fs::create_dir_all(&below).unwrap();
        std::fs::create_dir(top.join(".git")).unwrap();
        assert_eq!(git_dir(&below), Some(top.join(".git")));
        std::fs::write(top.join("a/.git"), "gitdir: ../elsewhere\n").unwrap();
        assert_eq!(git_dir(&below), Some(top.join("a/../elsewhere")));
    }
}
