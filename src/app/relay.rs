//! A command below this process whose output is masked on the way.
//!
//! Standard input is the command's own; standard output and error are pipes, so it does not see a
//! terminal there. Signals that are sent to this process are passed on; those that a terminal
//! sends reach the command by themselves. What the command leaves running may keep the pipes open:
//! when it has ended, what it wrote is passed on, and then they are left alone.

use crate::base::redaction::{Pattern, Redaction, Stream};
use crate::base::signals;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::mpsc;

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// How long a pipe that others keep open may stay silent after the command has ended.
const SILENCE: Duration = Duration::from_millis(300);

/// How long others that keep a pipe open are listened to after that, if it is not silent.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked at then.
const TICK: Duration = Duration::from_millis(10);

/// The signals that are passed on.
const SIGNALS: &[Signal] = &[
    Signal::INT,
    Signal::TERM,
    Signal::HUP,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
];

/// Runs the command to its end and answers with its exit code.
///
/// # Errors
/// The command cannot be started.
pub(super) fn run(mut command: Command, patterns: &[Pattern]) -> io::Result<ExitCode> {
    let redaction = Arc::new(Redaction::new(patterns));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        // Before the command starts, so that no signal is lost.
        let mut signals = listen()?;
        command.stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).spawn()?;
        let out = child.stdout.take().map(ChildStdout::into_owned_fd).transpose()?;
        let err = child.stderr.take().map(ChildStderr::into_owned_fd).transpose()?;
        let pumps = [
            Pump::start(out, io::stdout().as_fd().try_clone_to_owned()?, &redaction),
            Pump::start(err, io::stderr().as_fd().try_clone_to_owned()?, &redaction),
        ];
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                Some(signal) = signals.recv() => pass_on(signal, &child),
            }
        };
        let until = Instant::now() + PATIENCE;
        let drained = async {
            for pump in &pumps {
                pump.drained(until).await;
            }
        };
        tokio::select! {
            () = drained => Ok::<_, io::Error>(code(status)),
            // Whoever reads us may take a long time. The command is not there any more to be told.
            signal = ends(&mut signals) => Ok(u8::try_from(128 + signal.as_raw()).unwrap_or(1)),
        }
    })?;
    Ok(status.into())
}

/// The next signal that ends a process which does nothing about it.
async fn ends(signals: &mut mpsc::UnboundedReceiver<Signal>) -> Signal {
    loop {
        match signals.recv().await {
            Some(Signal::WINCH) => {}
            Some(signal) => return signal,
            None => std::future::pending().await,
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    let signal = || status.signal().map_or(1, |signal| 128 + signal);
    u8::try_from(status.code().unwrap_or_else(signal)).unwrap_or(1)
}

/// The signals that come in, from now on. One that was ignored when we were started (`nohup`) is
/// ignored by the command too.
fn listen() -> io::Result<mpsc::UnboundedReceiver<Signal>> {
    let ignored = signals::ignored();
    let (tell, told) = mpsc::unbounded_channel();
    for wanted in SIGNALS {
        if signals::is_in(ignored, *wanted) {
            continue;
        }
        let mut stream = signals::listen(*wanted)?;
        let tell = tell.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if tell.send(*wanted).is_err() {
                    break;
                }
            }
        });
    }
    Ok(told)
}

fn pass_on(signal: Signal, child: &tokio::process::Child) {
    // A terminal sends these to everybody in the foreground, the command included.
    let from_terminal = matches!(signal, Signal::INT | Signal::QUIT | Signal::WINCH);
    if from_terminal && in_foreground() {
        return;
    }
    // There is no id any more once the command has been waited for.
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Whether this process belongs to the foreground of its terminal.
fn in_foreground() -> bool {
    let terminal = File::open("/dev/tty");
    terminal.is_ok_and(|terminal| {
        rustix::termios::tcgetpgrp(&terminal)
            .is_ok_and(|foreground| foreground == rustix::process::getpgrp())
    })
}

/// A thread that copies one pipe, masked.
struct Pump {
    shared: Arc<Shared>,
}

struct Shared {
    /// The stream, unless somebody ended it. Whoever writes holds it.
    stream: Mutex<Option<Stream>>,
    /// Whether the thread waits for the pipe.
    reading: AtomicBool,
    /// How many chunks came.
    chunks: AtomicU64,
    /// Whether only what is in the pipe by now is still wanted.
    late: AtomicBool,
    done: AtomicBool,
    /// Our own end: no buffer stands between.
    to: File,
}

impl Pump {
    fn start(pipe: Option<OwnedFd>, to: OwnedFd, redaction: &Arc<Redaction>) -> Self {
        let shared = Arc::new(Shared {
            stream: Mutex::new(Some(Stream::new(Arc::clone(redaction)))),
            reading: AtomicBool::new(true),
            chunks: AtomicU64::new(0),
            late: AtomicBool::new(false),
            done: AtomicBool::new(pipe.is_none()),
            to: File::from(to),
        });
        let Some(pipe) = pipe else { return Self { shared } };
        let theirs = Arc::clone(&shared);
        std::thread::spawn(move || {
            // A closed pipe on our side ends the copying and closes theirs: the command then sees
            // what it would have seen.
            let _ = theirs.copy(File::from(pipe));
            theirs.done.store(true, Ordering::Release);
        });
        Self { shared }
    }

    /// Waits until everything is written, or nothing comes any more, or it is late and others write,
    /// perhaps for ever: then what is there by now is the end.
    async fn drained(&self, until: Instant) {
        let shared = &self.shared;
        let (mut silent, mut before) = (Duration::ZERO, 0);
        while !shared.done.load(Ordering::Acquire) {
            let chunks = shared.chunks.load(Ordering::Acquire);
            let waits = shared.reading.load(Ordering::Acquire);
            silent = if waits && chunks == before { silent + TICK } else { Duration::ZERO };
            before = chunks;
            if Instant::now() >= until {
                shared.late.store(true, Ordering::Release);
            }
            // The thread holds the stream only while it writes.
            if silent >= SILENCE
                && let Ok(mut stream) = shared.stream.try_lock()
            {
                let _ = shared.end(&mut stream);
                return;
            }
            tokio::time::sleep(TICK).await;
        }
    }
}

impl Shared {
    /// Writes everything. Whoever shares our end with us may have made it non-blocking; then we
    /// wait as a program does that knows nothing of it.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match (&self.to).write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(e) => return Err(e.into()),
                    }
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Ends the stream, if nobody has.
    fn end(&self, stream: &mut Option<Stream>) -> io::Result<()> {
        let mut rest = Vec::new();
        if let Some(mut stream) = stream.take() {
            stream.finish(&mut rest);
        }
        self.write(&rest)
    }

    fn copy(&self, mut pipe: File) -> io::Result<()> {
        let mut left = None;
        let mut chunk = vec![0; CHUNK];
        let mut out = Vec::with_capacity(CHUNK * 2);
        loop {
            self.reading.store(true, Ordering::Release);
            let read = match pipe.read(&mut chunk) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            self.reading.store(false, Ordering::Release);
            self.chunks.fetch_add(1, Ordering::AcqRel);
            out.clear();
            let mut held = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(stream) = held.as_mut() else { return Ok(()) };
            let bytes = chunk.get(..read).unwrap_or_default();
            stream.push(bytes, &mut out);
            self.write(&out)?;
            left = match left {
                Some(left) => Some(u64::saturating_sub(left, bytes.len() as u64)),
                None if self.late.load(Ordering::Acquire) => {
                    Some(rustix::io::ioctl_fionread(&pipe).unwrap_or(0))
                }
                None => None,
            };
            if bytes.is_empty() || left == Some(0) {
                return self.end(&mut held);
            }
        }
    }
}
