//! The server that live checks ask: one that is named, or one that is started for them.

use crate::base::Secret;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use url::Url;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which server is asked.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The server at this URL, with this service key.
    Running {
        /// Scheme, host, port.
        url: Url,
        /// The key, if there is one.
        key: Option<Secret>,
    },
    /// One that is started: `serve --probe` of this program.
    Spawned {
        /// The program.
        program: PathBuf,
        /// The root, if it was named.
        dir: Option<PathBuf>,
        /// The profile.
        profile: String,
        /// The identity of the vault, if a person had to open it.
        identity: Option<Secret>,
    },
}

/// A server that was started for checks. It listens on a free port of the loopback, keeps its
/// state in a directory of its own, and ends when its standard input does: also when we are
/// killed.
#[derive(Debug)]
pub(crate) struct Spawned {
    child: Child,
    /// Where it listens.
    pub(crate) url: Url,
    /// The only key that it knows.
    pub(crate) key: Secret,
}

impl Spawned {
    /// Starts `program serve --probe` and waits until it listens.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn start(
        program: &std::path::Path,
        dir: Option<&std::path::Path>,
        profile: &str,
        identity: Option<&Secret>,
    ) -> Result<Self, String> {
        let key = service_key();
        let identity = identity.map_or("", Secret::expose);
        let mut command = Command::new(program);
        command.args(["serve", "--probe", "--port", "auto", "--profile", profile, "-o", "json"]);
        if let Some(dir) = dir {
            command.arg("--dir").arg(dir);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("cannot start the server: {e}"))?;
        // They go over the pipe: arguments and environment can be read by others.
        let handed =
            child.stdin.as_mut().map(|pipe| writeln!(pipe, "{}\n{identity}", key.expose()));
        let (line, complaint) = (first_line(&mut child), last_words(&mut child));
        let listening = matches!(handed, Some(Ok(())))
            .then(|| line.recv_timeout(PATIENCE).ok())
            .flatten()
            .and_then(|line| serde_json::from_str::<serde_json::Value>(&line).ok())
            .and_then(|event| Url::parse(&format!("http://{}", event.get("addr")?.as_str()?)).ok());
        match listening {
            Some(url) => Ok(Self { child, url, key }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                let why = complaint.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
                Err(if why.is_empty() { "it does not listen".to_owned() } else { why })
            }
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // The end of its input tells it to stop; one that does not listen is killed.
        drop(self.child.stdin.take());
        let deadline = Instant::now() + Duration::from_millis(700);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A key that only this run knows: `uk_<id>.<secret>`.
fn service_key() -> Secret {
    let (id, a, b) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    Secret::new(format!("uk_probe{}.{}{}", &id.simple(), a.simple(), b.simple()))
}

/// The first line of its standard output; the rest is drained, so that it never blocks.
fn first_line(child: &mut Child) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut line = String::new();
            let _ = out.by_ref().take(1 << 16).read_line(&mut line);
            let _ = tell.send(line);
            let _ = std::io::copy(&mut out, &mut std::io::sink());
        });
    }
    told
}

/// What it complained of, in one line: the texts of our own errors hold no secret.
fn last_words(child: &mut Child) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    if let Some(err) = child.stderr.take() {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            let mut err = BufReader::new(err);
            let _ = err.by_ref().take(1 << 16).read_to_end(&mut kept);
            let _ = tell.send(complaint(&String::from_utf8_lossy(&kept)));
            let _ = std::io::copy(&mut err, &mut std::io::sink());
        });
    }
    told
}

/// The first error of `ultra.error/1`, or the first line that says `error`.
fn complaint(text: &str) -> String {
    let start = text.find('{').unwrap_or(0);
    let json = serde_json::from_str::<serde_json::Value>(text.get(start..).unwrap_or_default());
    if let Ok(json) = json
        && let Some(what) = json.pointer("/problems/0/what").and_then(|w| w.as_str())
    {
        let why = json.pointer("/problems/0/why").and_then(|w| w.as_str());
        return why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"));
    }
    let line = text.lines().find(|l| l.starts_with("error")).or_else(|| text.lines().last());
    line.unwrap_or_default().trim_start_matches("error: ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_what_it_complained_of() {
        let json =
            "note\n{\"schema\":\"ultra.error/1\",\"problems\":[{\"what\":\"a\",\"why\":\"b\"}]}";
        assert_eq!(complaint(json), "a: b");
        assert_eq!(complaint("warning: x\nerror: y\n"), "y");
        assert_eq!(complaint(""), "");
    }

    #[test]
    fn a_program_that_does_not_listen_is_told_and_ended() {
        let failed =
            Spawned::start(std::path::Path::new("/bin/false"), None, "dev", None).unwrap_err();
        assert_eq!(failed, "it does not listen");
        let missing = std::path::Path::new("/no/such/program");
        assert!(Spawned::start(missing, None, "dev", None).unwrap_err().contains("cannot start"));
    }
}
