//! A vault that only a person opens: it is asked for once, and whoever stops there has stopped.

use crate::support::{Terminal, Ultra, have};

const PASSPHRASE: &str = "correct horse battery";

/// A project whose vault is under a passphrase that no file holds.
fn project() -> Ultra {
    let ultra = Ultra::empty();
    let pass = ultra.write_private("pass", &format!("{PASSPHRASE}\n")).display().to_string();
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
