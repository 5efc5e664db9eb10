//! The binary in a directory of its own, with an environment of its own.

use super::CANARY;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A place to run `ultra` in: an empty root, an empty home, nothing of the caller's environment.
pub(crate) struct Ultra {
    home: tempfile::TempDir,
    root: PathBuf,
    env: Vec<(String, String)>,
}

/// The program under test: the one that was built with the tests, unless they are told of another.
fn binary() -> String {
    std::env::var("ULTRA_TEST_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_ultra").to_owned())
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; 128+n for a signal.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Ultra {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("app");
        std::fs::create_dir(&root).unwrap();
        Self { home, root, env: Vec::new() }
    }

    /// A fresh checkout: the `profiles/` and `templates/` of this repository.
    pub(crate) fn checkout() -> Self {
        let ultra = Self::empty();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["profiles", "templates"] {
            std::fs::create_dir(ultra.root.join(folder)).unwrap();
            for entry in std::fs::read_dir(repository.join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    std::fs::copy(entry.path(), ultra.root.join(folder).join(entry.file_name()))
                        .unwrap();
                }
            }
        }
        ultra
    }

    /// The directory that commands run in.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `HOME` of the commands.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(".ultra")
    }

    /// Sets a variable for all commands from here on.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set_env(name, value);
        self
    }

    /// Sets a variable for all commands from here on.
    pub(crate) fn set_env(&mut self, name: &str, value: impl Into<String>) {
        self.env.retain(|(n, _)| n != name);
        self.env.push((name.to_owned(), value.into()));
    }

    /// Takes a variable out of the environment of every command from now on.
    pub(crate) fn unset_env(&mut self, name: &str) {
        self.env.retain(|(n, _)| n != name);
    }

    /// Writes a file below the root, with its folders.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.starts_with(self.state()) && path != self.state() {
            self.own_state();
        }
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Has the state directory say that it was made here, as one does that `ultra` made.
    pub(crate) fn own_state(&self) {
        std::fs::create_dir_all(self.state()).unwrap();
        let born = self.state().metadata().unwrap().created();
        let mark = self.state().join(".gitignore");
        if let Ok(born) = born {
            let at = born.duration_since(std::time::UNIX_EPOCH).unwrap();
            let text = format!("*\n# made here: {}.{:09}\n", at.as_secs(), at.subsec_nanos());
            std::fs::write(mark, text).unwrap();
        }
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write_private(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.write(path, content);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The content of a file below the root.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// The command, ready to start: for tests that need the process itself.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.wrapped(&binary(), args)
    }

    /// The command as another user, or `None`, after saying so, where that takes rights which this
    /// process does not have.
    pub(crate) fn command_as<S: AsRef<OsStr>>(
        &self,
        uid: u32,
        args: impl IntoIterator<Item = S>,
    ) -> Option<Command> {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: only root can become user {uid}");
            return None;
        }
        if !super::have("setpriv") {
            return None;
        }
        // By an open file: that user need not be able to walk to the program.
        let binary = rustix::fs::open(
            env!("CARGO_BIN_EXE_ultra"),
            rustix::fs::OFlags::RDONLY,
            rustix::fs::Mode::empty(),
        );
        let binary = std::os::fd::IntoRawFd::into_raw_fd(binary.unwrap());
        let user = uid.to_string();
        let first = ["--reuid", &user, "--regid", &user, "--clear-groups", "--"];
        let mut command = self.wrapped("setpriv", first);
        command.arg(format!("/proc/self/fd/{binary}")).args(args);
        Some(command)
    }

    /// Gives the home and everything below it to a user.
    pub(crate) fn give_to(&self, uid: u32) {
        let mut paths = vec![self.home().to_path_buf()];
        while let Some(path) = paths.pop() {
            std::os::unix::fs::lchown(&path, Some(uid), Some(uid)).unwrap();
            if path.is_dir() && !path.is_symlink() {
                paths.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            }
        }
    }

    /// Another program in the same directory and environment.
    pub(crate) fn wrapped<S: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.root).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        // No session bus: a test that wants a Secret Service starts its own.
        command.env("HOME", self.home.path()).env("TZ", "UTC").env("LANG", "C.UTF-8");
        command.envs(self.env.iter().map(|(n, v)| (n, v)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end, without a terminal and without input.
    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.run_with_stdin(args, b"")
    }

    /// Runs a command to its end with this on its standard input.
    pub(crate) fn run_with_stdin(&self, args: &[&str], stdin: &[u8]) -> Outcome {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its input closes the pipe; that is its right.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        child.wait_with_output().unwrap().into()
    }
}

impl From<std::process::Output> for Outcome {
    fn from(output: std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        Self {
            code: output
                .status
                .code()
                .unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Outcome {
    /// Asserts the exit code, showing what was said otherwise.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }

    /// Asserts that standard output has `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "no {text:?} in\nstdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that standard error has `text`.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "no {text:?} in\nstdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that the canary is in neither output.
    #[track_caller]
    pub(crate) fn keeps_the_canary(self) -> Self {
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            assert!(!text.contains(CANARY), "the canary sings on {name}: {text}");
        }
        self
    }
}
