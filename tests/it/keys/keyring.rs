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
    bus: Killed,
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
        Some(Self { ultra, keyring: None, bus })
    }

    fn bus_pid(&self) -> String {
        self.bus.0.id().to_string()
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

/// Empties the keyring of our items.
fn forget(ultra: &Ultra, id: &str) {
    let clear = ["clear", "service", "ultra", "username", id];
    Outcome::from(ultra.wrapped("secret-tool", clear).output().unwrap()).exits(0);
}

#[test]
fn a_lost_item_is_not_said_to_be_kept_and_is_put_back_from_a_copy() {
    let Some(mut session) = Session::start() else { return };
    if !have("secret-tool") {
        return;
    }
    session.keyring(Some("test"));
    let ultra = &session.ultra;
    set(ultra, "openai", OLD).exits(0).says("kept by `keyring`");
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    let id = status["vault"]["id"].as_str().unwrap().to_owned();
    let lookup = ["lookup", "service", "ultra", "username", &id];
    let item = Outcome::from(ultra.wrapped("secret-tool", lookup).output().unwrap()).exits(0);
    let copy = ultra.home().join("copy");
    super::private(&copy, &format!("{}\n", item.stdout.trim()));
    forget(ultra, &id);
    let migrate = ["keys", "migrate", "--to", "keyring", "--yes"];
    let lost = ultra.run(&migrate).exits(5).complains("has no identity for vault");
    assert!(!lost.stdout.contains("keeps the identity"), "{lost:?}");
    session.ultra.set_env("ULTRA_VAULT_IDENTITY_FILE", copy.display().to_string());
    session.ultra.run(&migrate).exits(0).says("keeps it again").says("copy");
    session.ultra.unset_env("ULTRA_VAULT_IDENTITY_FILE");
    assert!(copy.exists());
    session.ultra.run(&migrate).exits(0).says("already");
    session.ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0).says("identity-restored");
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

#[test]
fn the_identity_moves_into_the_keyring_and_out_of_it() {
    let Some(mut session) = Session::start() else { return };
    session.keyring(Some("test"));
    let identity = session.ultra.home().join("identity");
    session.ultra.set_env("ULTRA_VAULT_IDENTITY_FILE", identity.display().to_string());
    let ultra = &session.ultra;
    set(ultra, "openai", OLD).exits(0).says("kept by `identity-file`");
    let migrate = |to: &str| ultra.run(&["keys", "migrate", "--to", to, "--yes"]);
    migrate("keyring").exits(0);
    assert!(!identity.exists());
    let healthy = ultra.run(&["keys", "doctor", "--open"]).exits(0).says("keeps a canary");
    nowhere(ultra, &[&healthy], &[OLD, "AGE-SECRET-KEY-"]);

    // Locked half-way: nothing is lost, and it is said what to do.
    session.keyring(None);
    let ultra = &session.ultra;
    ultra.run(&["keys", "migrate", "--to", "identity-file", "--yes"]).exits(5).complains("locked");
    assert!(!identity.exists() && !ultra.state().join("migration.json").exists());
    ultra.run(&["keys", "doctor"]).exits(5).says("unlock it").says("could not be looked at");

    session.keyring(Some("test"));
    let ultra = &session.ultra;
    ultra.run(&["keys", "migrate", "--to", "identity-file", "--yes"]).exits(0);
    assert!(identity.exists());
    ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0).says("from keyring");
    session.keyring = None;
    session.ultra.run(&["keys", "doctor", "--open"]).exits(0);
}

/// Lists the items of ours by the official Python client of the Secret Service.
const LISTING: &str = r#"
import json, secretstorage
bus = secretstorage.dbus_init()
items = secretstorage.search_items(bus, {"service": "ultra"})
print(json.dumps([
    {"attributes": item.get_attributes(), "label": item.get_label(), "secret": item.get_secret().decode()[:16]}
    for item in items
]))
"#;

#[test]
fn a_python_program_sees_the_item_with_the_attributes_that_are_documented() {
    let Some(mut session) = Session::start() else { return };
    let Some(python) = python() else { return };
    session.keyring(Some("test"));
    let ultra = &session.ultra;
    set(ultra, "openai", OLD).exits(0);
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    let listed = ultra.wrapped(&python, ["-c", LISTING]).output().unwrap();
    let items = Outcome::from(listed).exits(0).json();
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
    let item = &items[0];
    assert_eq!(item["attributes"]["service"], "ultra");
    assert_eq!(item["attributes"]["username"], status["vault"]["id"]);
    assert_eq!(item["secret"], "AGE-SECRET-KEY-1");
}

/// The Python of the tests, if it has `secretstorage`.
fn python() -> Option<String> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
    let cache = cache
        .or_else(|| Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let python = cache.join("ultra/venv/bin/python").display().to_string();
    let asked = std::process::Command::new(&python).args(["-c", "import secretstorage"]).output();
    if asked.is_ok_and(|asked| asked.status.success()) {
        return Some(python);
    }
    crate::support::missing("secretstorage");
    None
}

#[test]
fn a_bus_that_denies_access_is_told_from_the_rest() {
    let Some(mut session) = Session::start() else { return };
    session.keyring(Some("test"));
    set(&session.ultra, "openai", OLD).exits(0);
    // From now on the bus lets nobody talk to the Secret Service.
    let config = session.ultra.home().join("bus.conf");
    let text = std::fs::read_to_string(&config).unwrap();
    let deny = r#"<deny send_destination="org.freedesktop.secrets"/></policy>"#;
    std::fs::write(&config, text.replace("</policy>", deny)).unwrap();
    let hang_up = std::process::Command::new("kill").args(["-HUP", &session.bus_pid()]).status();
    assert!(hang_up.unwrap().success());
    let denied = eventually(Duration::from_secs(20), "the denial", || {
        let told = session.ultra.run(&["keys", "doctor"]);
        told.stdout.contains("denies access").then_some(told)
    });
    denied.exits(5).says("allow `ultra`");
    set(&session.ultra, "jwt", &"k".repeat(40)).exits(5).complains("the keyring denies access");
}
