//! A vault that only a person opens: it is asked for once, and whoever stops there has stopped.

use crate::support::{Terminal, Ultra, have};

const PASSPHRASE: &str = "correct horse battery";

/// A project whose vault is under a passphrase that no file holds.
fn project() -> Ultra {
    let ultra = Ultra::empty();
    let pass = ultra.write_private("pass", format!("{PASSPHRASE}\n")).display().to_string();
    let mut ultra = ultra.env("ULTRA_VAULT_PASSPHRASE_FILE", pass);
    ultra.run_with_stdin(&["keys", "set", "jwt"], "k".repeat(40).as_bytes()).exits(0);
    ultra.unset_env("ULTRA_VAULT_PASSPHRASE_FILE");
    ultra
}

#[test]
fn the_passphrase_is_asked_for_once_and_opens_the_vault_of_the_probe_server_too() {
    if !have("script") {
        return;
    }
    let ultra = project();
    let mut terminal = Terminal::start(&ultra, "check readiness --verbose");
    terminal.shows("Passphrase of the vault");
    terminal.types(format!("{PASSPHRASE}\n").as_bytes());
    let shown = terminal.ends().exits(0).stdout;
    assert!(shown.contains("verdict: ready"), "{shown}");
    assert!(shown.contains("pass    ULT-LIVE-001"), "{shown}");
    assert_eq!(shown.matches("Passphrase of the vault").count(), 1, "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");
    // What needs no secret asks for none.
    let plain = ultra.run(&["check", "readiness", "--stage", "static"]).exits(0);
    assert!(plain.stdout.contains("\nskipped\n  - "), "{}", plain.stdout);
}

#[test]
fn who_stops_at_the_passphrase_has_stopped_the_command() {
    if !have("script") {
        return;
    }
    let ultra = project();
    for command in ["check readiness", "env validate", "env run -- true", "serve --port auto"] {
        let mut terminal = Terminal::start(&ultra, command);
        terminal.shows("Passphrase of the vault");
        terminal.types(b"\x03");
        let shown = terminal.ends().exits(130).stdout;
        assert!(shown.contains("interrupted"), "{command}: {shown}");
        assert!(!shown.contains("verdict"), "{command}: {shown}");
    }
}

/// The number behind `mark` on the screen.
fn number(terminal: &Terminal, mark: &str) -> Option<String> {
    let screen = terminal.screen();
    let (_, behind) = screen.rsplit_once(mark)?;
    let (number, _) = behind.split_once(|c: char| !c.is_ascii_digit())?;
    (!number.is_empty()).then(|| number.to_owned())
}

fn kill(ultra: &Ultra, signal: &str, pid: &str) {
    assert!(ultra.wrapped("kill", [signal, pid]).status().unwrap().success(), "{signal} {pid}");
}

#[test]
fn a_server_whose_passphrase_was_typed_loads_again_and_drains() {
    if !have("script") {
        return;
    }
    let ultra = project();
    let serve =
        format!("--version; echo pid-$$; exec {} serve --port auto", env!("CARGO_BIN_EXE_ultra"));
    let mut terminal = Terminal::start(&ultra, &serve);
    terminal.shows("Passphrase of the vault");
    let pid = number(&terminal, "pid-").unwrap();
    terminal.types(format!("{PASSPHRASE}\n").as_bytes());
    terminal.shows("http://127.0.0.1:");
    for _ in 0..2 {
        kill(&ultra, "-HUP", &pid);
        terminal.shows("SIGHUP");
    }
    kill(&ultra, "-TERM", &pid);
    let shown = terminal.ends().exits(0).stdout;
    assert!(!shown.contains(PASSPHRASE), "{shown}");
}

/// A command that says who started it and ends by itself with 11 at SIGTERM.
const WAITING: &str = "env run --redact -- \
    sh -c 'trap \"exit 11\" TERM; echo below-$PPID.; while :; do sleep 0.02; done'";

#[test]
fn a_command_below_gets_its_signals_after_a_typed_passphrase() {
    if !have("script") {
        return;
    }
    let ultra = project();
    let mut terminal = Terminal::start(&ultra, WAITING);
    terminal.shows("Passphrase of the vault");
    terminal.types(format!("{PASSPHRASE}\n").as_bytes());
    terminal.shows("below-");
    terminal.shows(".");
    kill(&ultra, "-TERM", &number(&terminal, "below-").unwrap());
    terminal.ends().exits(11);
}

#[test]
fn what_was_ignored_before_a_hidden_prompt_is_ignored_at_it_and_after_it() {
    if !have("script") {
        return;
    }
    let ultra = project();
    let again = env!("CARGO_BIN_EXE_ultra");
    let call = format!("--version; trap '' INT HUP; exec {again} {WAITING}");
    let mut terminal = Terminal::start(&ultra, &call);
    terminal.shows("Passphrase of the vault");
    terminal.types(b"\x03");
    terminal.types(format!("{PASSPHRASE}\n").as_bytes());
    terminal.shows("below-");
    terminal.shows(".");
    let pid = number(&terminal, "below-").unwrap();
    for ignored in ["-INT", "-HUP"] {
        kill(&ultra, ignored, &pid);
    }
    kill(&ultra, "-TERM", &pid);
    terminal.ends().exits(11);
}

#[test]
fn two_lines_are_no_passphrase() {
    if !have("script") {
        return;
    }
    let ultra = project();
    let mut terminal = Terminal::start(&ultra, "env run -- true");
    terminal.shows("Passphrase of the vault");
    terminal.types(format!("{PASSPHRASE}\nrest").as_bytes());
    // The vault stays locked.
    let shown = terminal.ends().exits(5).stdout;
    assert!(shown.contains("more than one line") && !shown.contains(PASSPHRASE), "{shown}");
}
