//! Questions to git, within bounds: it may be slow, frozen, gone, or made to answer endlessly.

use super::secretish;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long git may take for one answer, which is about [`AT_ONCE`] paths at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const LIMIT: u64 = 1 << 20;
/// What git complains of where the repository belongs to another user.
pub(crate) const UNTRUSTED: &str = "dubious ownership";
/// How much is read of what git complains of.
const COMPLAINT: u64 = 4096;
/// As many paths are handed over at once: a command line has a limit, and so has patience.
const AT_ONCE: usize = 500;
/// Variables that send git to another repository than the one around the directory it is asked in.
const ELSEWHERE: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// Why git has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// There is no program of that name, or it may not be run.
    #[error("git cannot be started: {0}")]
    NotStarted(std::io::ErrorKind),
    /// It did not end within [`PATIENCE`].
    #[error("git took longer than {} s to answer", PATIENCE.as_secs())]
    Late,
    /// More than [`LIMIT`].
    #[error("git answered with more than can be true")]
    Endless,
    /// By a signal.
    #[error("git was ended before it had answered")]
    Ended,
    /// It ended with an error.
    #[error("`git {command}` ended with {code}{}", said.as_ref().map_or(String::new(), |said| format!(": {said}")))]
    Failed {
        /// What it was to do.
        command: &'static str,
        /// Its exit code.
        code: i32,
        /// The first line of its standard error, if that can be shown.
        said: Option<String>,
    },
}

/// What git answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// If it ended with an error, the first line of its standard error, if that can be shown.
    said: Option<String>,
}

impl Answer {
    /// The output as paths that end in NUL.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.stdout
            .split(|b| *b == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(OsStr::from_bytes(name)))
    }

    /// The output of `command`, if that ended well.
    fn of(self, command: &'static str) -> Result<Self, NoAnswer> {
        match self.code {
            0 => Ok(self),
            code => Err(NoAnswer::Failed { command, code, said: self.said }),
        }
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
) -> Result<Answer, NoAnswer> {
    let mut command = Command::new("git");
    // A repository can name a program that git runs to look for changes; no question needs it.
    command.args(["-c", "core.fsmonitor=false"]).args(args);
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    // What it complains of is shown, in the language of everything around it.
    command.env("LC_ALL", "C");
    let mut child = command
        .current_dir(dir)
        .stdin(if paths.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| NoAnswer::NotStarted(e.kind()))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
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
    let (sender, complaint) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let Some(mut stderr) = stderr else { return };
        let mut bytes = Vec::new();
        let _ = (&mut stderr).take(COMPLAINT).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
        // Whatever more it has to say must not keep it from ending.
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    });
    let status = wait(&mut child).ok_or(NoAnswer::Late)?;
    // A process that git left behind may still hold its end.
    let (read, stdout) = answer.recv_timeout(PATIENCE).map_err(|_| NoAnswer::Late)?;
    if stdout.len() as u64 > LIMIT {
        return Err(NoAnswer::Endless);
    }
    match status.code().filter(|_| read) {
        Some(0) => Ok(Answer { code: 0, stdout, said: None }),
        Some(code) => {
            let bytes = complaint.recv_timeout(PATIENCE).unwrap_or_default();
            Ok(Answer { code, stdout, said: fit_to_show(&bytes) })
        }
        None => Err(NoAnswer::Ended),
    }
}

/// The first line of a complaint; `None` if there is none, it is very long or may hold a secret.
fn fit_to_show(complaint: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(complaint);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    // That complaint names a directory and nothing else.
    let path = line.contains(UNTRUSTED);
    let fit = line.len() <= 300 && (path || !secretish::comment(line));
    fit.then(|| line.to_owned())
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
pub(crate) fn listed(dir: &Path, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, NoAnswer> {
    let mut listed = BTreeSet::new();
    for paths in paths.chunks(AT_ONCE) {
        let words =
            ["--literal-pathspecs", "ls-files", "-z", "--full-name", "--"].map(OsString::from);
        let paths = paths.iter().map(|path| path.clone().into_os_string());
        let answer = ask(dir, words.into_iter().chain(paths), &[])?.of("ls-files")?;
        listed.extend(answer.paths());
    }
    Ok(listed)
}

/// Which of `paths` git passes over, in the repository around `dir`.
///
/// # Errors
/// Why git does not say.
pub(crate) fn ignored(dir: &Path, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, NoAnswer> {
    let mut ignored = BTreeSet::new();
    for paths in paths.chunks(AT_ONCE) {
        let answer = ask(dir, ["check-ignore", "-z", "--stdin"], paths)?;
        // It ends with 1 when it names nothing.
        if !matches!(answer.code, 0 | 1) {
            let Answer { code, said, .. } = answer;
            return Err(NoAnswer::Failed { command: "check-ignore", code, said });
        }
        ignored.extend(answer.paths());
    }
    Ok(ignored)
}

/// Which of `paths` git tracks in the work tree at `top`; a directory, if it tracks anything in it.
/// They are real ones, as of [`real`], and all below `top`.
///
/// # Errors
/// Why git does not say.
pub(crate) fn tracked(top: &Path, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, NoAnswer> {
    let listed: BTreeSet<PathBuf> =
        listed(top, paths)?.into_iter().map(|name| top.join(name)).collect();
    // Paths are ordered part by part: what stands in a directory comes directly behind it.
    let found = |path: &&PathBuf| {
        let first = listed.range::<PathBuf, _>(*path..).next();
        first.is_some_and(|first| first.starts_with(path))
    };
    Ok(paths.iter().filter(found).cloned().collect())
}

/// The same of any paths, for who lives without an answer: without git, outside a repository or
/// when git takes too long it is none of them.
pub(in crate::settings) fn known_to_be_tracked(dir: &Path, paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let Ok(Some(top)) = top(dir) else { return BTreeSet::new() };
    let real: Vec<(&PathBuf, PathBuf)> = paths
        .iter()
        .filter_map(|path| Some((path, real(path)?)))
        // Git fails for all when it is asked about one that lies elsewhere.
        .filter(|(_, real)| real.starts_with(&top))
        .collect();
    let asked: Vec<PathBuf> = real.iter().map(|(_, real)| real.clone()).collect();
    let tracked = tracked(&top, &asked).unwrap_or_default();
    real.into_iter().filter(|(_, real)| tracked.contains(real)).map(|(p, _)| p.clone()).collect()
}

/// The top of the work tree around `dir`, links resolved; `None` outside of one.
///
/// # Errors
/// Why git does not say.
pub(crate) fn top(dir: &Path) -> Result<Option<PathBuf>, NoAnswer> {
    let answer = ask(dir, ["rev-parse", "--is-inside-work-tree", "--show-toplevel"], &[])
        .and_then(|answer| answer.of("rev-parse"));
    match answer {
        Ok(answer) => {
            let top = answer.stdout.strip_prefix(b"true\n").and_then(|t| t.strip_suffix(b"\n"));
            Ok(top.map(|top| PathBuf::from(OsStr::from_bytes(top))))
        }
        // It ends with 128 outside of a repository as in one that it does not understand.
        Err(_) if git_dir(dir).is_none() => Ok(None),
        Err(why) => Err(why),
    }
}

/// Where the file at `path` really lies. A link counts as itself: to git it is a path like any
/// other. `None` if there is no such directory.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    match (path.parent(), path.file_name()) {
        (Some(above), Some(name)) => Some(above.canonicalize().ok()?.join(name)),
        _ => path.canonicalize().ok(),
    }
}

/// The top of the checkout around `dir`: the nearest directory above with a `.git`, or else `dir`
/// itself. Asks nobody, and takes any `.git` for one; but not that of `home` or of anything above it,
/// nor of `/`: what keeps the user's own files together did not bring them. Both are real paths.
pub(crate) fn around<'a>(dir: &'a Path, home: Option<&Path>) -> &'a Path {
    let is_top = |dir: &&Path| dir.join(".git").symlink_metadata().is_ok();
    let of_one = |at: &&Path| *at == dir || (home != Some(*at) && at.parent().is_some());
    dir.ancestors().take_while(of_one).find(is_top).unwrap_or(dir)
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

    #[test]
    fn a_checkout_ends_below_the_home_directory() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let (own, deep) = (home.join("own"), home.join("cloned/a/b"));
        for made in [&own, &deep, &home.join(".git"), &home.join("cloned/.git")] {
            std::fs::create_dir_all(made).unwrap();
        }
        assert_eq!(around(&deep, Some(&home)), home.join("cloned"));
        assert_eq!(around(&own, Some(&home)), own);
        assert_eq!(around(&home, Some(&home)), home);
        assert_eq!(around(&own, None), home);
    }

    #[test]
    fn what_is_tracked_is_told_by_whole_paths() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let git = |args: &[&str]| {
            let mut git = Command::new("git");
            for name in ELSEWHERE {
                git.env_remove(name);
            }
            git.args(args).current_dir(&top).output().is_ok_and(|out| out.status.success())
        };
        if !git(&["init", "-q"]) {
            println!("SKIPPED: `git` is missing");
            return;
        }
        std::fs::create_dir_all(top.join("deep/er")).unwrap();
        std::os::unix::fs::symlink("deep", top.join("link")).unwrap();
        for name in [".env", "deep/.env", "deep/er/.env", "deep-er", "deep/other"] {
            std::fs::write(top.join(name), "A=b\n").unwrap();
        }
        assert!(git(&["add", "-f", ".env", "deep/other", "deep-er"]));
        let of = |names: &[&str]| {
            let paths: Vec<PathBuf> = names.iter().map(|name| top.join(name)).collect();
            let found = known_to_be_tracked(&top.join("deep"), &paths);
            let found = found.iter().map(|path| path.strip_prefix(&top).unwrap().to_str().unwrap());
            found.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(&[".env", "deep/.env", "deep/er/.env"]), [".env"]);
        assert_eq!(of(&["link/other", "link/.env"]), ["link/other"]);
        assert_eq!(of(&["deep", "deep/er", "deep-er", "none"]), ["deep", "deep-er"]);
        // One that lies elsewhere keeps nobody from the others.
        assert_eq!(of(&["../elsewhere/.env", ".env"]), [".env"]);
        assert_eq!(super::top(&top.join("deep")), Ok(Some(top.clone())));
    }
}
