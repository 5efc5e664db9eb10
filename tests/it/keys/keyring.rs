//! A real Secret Service: gnome-keyring on a private bus, unlocked, locked, empty and gone.

use super::{OLD, nowhere, set};
use crate::support::{Outcome, Ultra, eventually, have};
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

/// The bus knows no services that it could start by itself: nothing prompts, nothing unlocks.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A child that is killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session with a bus of its own, and a keyring on it if wanted.
struct Session {
    ultra: Ultra,
    keyring: Option<Killed>,
    _bus: Killed,
}

impl Session {
    /// A session without a keyring; `None` if the programs are missing.
    fn start() -> Option<Self> {
        // Both are looked for, so that both are named.
        if ![have("dbus-daemon"), have("gnome-keyring-daemon")].iter().all(|h| *h) {
            return None;
        }
        let mut ultra = Ultra::empty();
        let runtime = ultra.home().join("run");
        std::fs::create_dir(&runtime).unwrap();
        let socket = runtime.join("bus");
        let config = ultra.home().join("bus.conf");
        std::fs::write(&config, BUS.replace("SOCKET", &socket.display().to_string())).unwrap();
        ultra.set_env("XDG_RUNTIME_DIR", runtime.display().to_string());
        ultra.set_env("XDG_DATA_HOME", ultra.home().join("data").display().to_string());
        ultra.set_env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()));
        let arg = format!("--config-file={}", config.display());
        let bus = ultra
            .wrapped("dbus-daemon", [&*arg, "--nofork", "--nopidfile"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bus = Killed(bus);
        eventually(Duration::from_secs(10), "the bus", || socket.exists().then_some(()));
        Some(Self { ultra, keyring: None, _bus: bus })
    }

    /// Starts the keyring; with a password it is unlocked.
    fn keyring(&mut self, password: Option<&str>) {
        self.keyring = None;
        let mut args = vec!["--foreground", "--components=secrets"];
        if password.is_some() {
            args.push("--unlock");
        }
        let mut daemon = self
            .ultra
            .wrapped("gnome-keyring-daemon", args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _ = daemon.stdin.take().unwrap().write_all(password.unwrap_or("").as_bytes());
        self.keyring = Some(Killed(daemon));
        eventually(Duration::from_secs(20), "the Secret Service", || {
            let args = [
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus.NameHasOwner",
                "string:org.freedesktop.secrets",
            ];
            let reply = Outcome::from(self.ultra.wrapped("dbus-send", args).output().unwrap());
            reply.stdout.contains("true").then_some(())
        });
    }
}

#[test]
fn the_identity_is_one_item_of_the_keyring() {
    let Some(mut session) = Session::start() else { return };
    session.keyring(Some("test"));
    let ultra = &session.ultra;
    let first = set(ultra, "openai", OLD).exits(0).says("kept by `keyring`");
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    assert_eq!(status["vault"]["backend"], "keyring");
    let id = status["vault"]["id"].as_str().unwrap().to_owned();
    nowhere(ultra, &[&first], &[OLD, "AGE-SECRET-KEY-"]);

    if have("secret-tool") {
        let lookup = ["lookup", "service", "ultra", "username", &id];
        let item = Outcome::from(ultra.wrapped("secret-tool", lookup).output().unwrap()).exits(0);
        assert!(item.stdout.starts_with("AGE-SECRET-KEY-1"));
        let search = ["search", "--all", "service", "ultra"];
        let all = Outcome::from(ultra.wrapped("secret-tool", search).output().unwrap());
        let items = format!("{}{}", all.stdout, all.stderr).matches("username = ").count();
        assert_eq!(items, 1, "the canary of the probe is gone");
        let clear = ["clear", "service", "ultra", "username", &id];
        Outcome::from(ultra.wrapped("secret-tool", clear).output().unwrap()).exits(0);
        let gone = set(ultra, "groq", "gsk_0123456789").exits(5);
        gone.complains("has no identity for vault").complains(&id);
    }
}

#[test]
fn a_locked_keyring_is_told_from_an_absent_one() {
    let Some(mut session) = Session::start() else { return };
    session.keyring(Some("test"));
    set(&session.ultra, "openai", OLD).exits(0);
    // The same keyring after a restart: on disk, locked, and nobody there to unlock it.
    session.keyring(None);
    let locked = set(&session.ultra, "jwt", &"k".repeat(40)).exits(5);
    locked.complains("the keyring is locked").complains("unlock it");
    session.ultra.run(&["keys", "list"]).exits(0).says("openai");

    session.keyring = None;
    eventually(Duration::from_secs(10), "the end of the keyring", || {
        let outcome = set(&session.ultra, "jwt", &"k".repeat(40)).exits(5);
        outcome.stderr.contains("there is no keyring here").then_some(())
    });

    session.keyring(Some("test"));
    set(&session.ultra, "jwt", &"k".repeat(40)).exits(0);
}

#[test]
fn a_keyring_that_hangs_is_given_up_on() {
    let Some(mut session) = Session::start() else { return };
    session.keyring(Some("test"));
    set(&session.ultra, "openai", OLD).exits(0);
    let pid = session.keyring.as_ref().unwrap().0.id().to_string();
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill").args([name, &pid]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    let hung = set(&session.ultra, "jwt", &"k".repeat(40)).exits(5);
    signal("-CONT");
    hung.complains("no answer within 5 s");
    set(&session.ultra, "jwt", &"k".repeat(40)).exits(0);
}

#[test]
fn nothing_falls_back_to_another_backend() {
    let Some(mut session) = Session::start() else { return };
    session.keyring(Some("test"));
    set(&session.ultra, "openai", OLD).exits(0);
    session.keyring = None;
    let identity = session.ultra.home().join("identity");
    let named =
        |ultra: Ultra| ultra.env("ULTRA_VAULT_IDENTITY_FILE", identity.display().to_string());
    let ultra = named(session.ultra);
    set(&ultra, "jwt", &"k".repeat(40)).exits(5);
    assert!(!identity.exists(), "no second identity was made");
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    assert_eq!(status["vault"]["backend"], "keyring");
}
