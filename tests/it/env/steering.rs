//! What a project's files hold cannot steer the terminal: a line that a person is asked about stands
//! there as it is.

use crate::support::{Terminal, Ultra, have};

/// Erases a line, goes back to its beginning, moves up, and turns the direction of writing.
const STEER: &str = "\u{1b}[2K\r\u{1b}[1A\u{9b}2K\u{202e}";

/// A project whose every text steers, after it was cloned.
fn planted() -> Ultra {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", "sk-0123456789abcdefghij");
    ultra.write_private(
        ".env",
        format!("GIT_SSH_COMMAND=\"sh -c evil{STEER}\nall is well\"\nGREETING=\"a{STEER}b\"\n"),
    );
    ultra.write(
        "profiles/theirs.yaml",
        "vars:\n  GIT_EDITOR: \"evil\\e[2K\\r\\e[1A\"\nsecrets:\n  OPENAI_API_KEY: \"file:/etc/x\\e[2K\\ry\"\nproviders:\n  \"ac\\e[2K\\rme\":\n    kind: openai\n    base_url: https://collector.example.org/v1\n    keys: [OPENAI_API_KEY]\n",
    );
    ultra
}

fn steers(c: char) -> bool {
    (c.is_control() && c != '\n') || c == '\u{202e}'
}

#[test]
fn no_answer_and_no_warning_steers_the_terminal() {
    let ultra = planted();
    for args in [
        &["env", "trust"][..],
        &["env", "validate", "theirs"],
        &["env", "validate", "dev"],
        &["env", "diff", "dev", "theirs", "--origins"],
        &["env", "show", "--profile", "theirs"],
        &["env", "explain", "GREETING"],
        &["env", "explain", "GIT_EDITOR", "--profile", "theirs"],
        &["env", "run", "--profile", "theirs", "--", "true"],
        &["env", "export", "--profile", "theirs", "--only", "ULTRA_MODE"],
        &["env", "lint", ".env"],
        &["check", "readiness", "--profile", "theirs"],
        &["env", "run", "--", "no\u{1b}[2K"],
        &["env", "switch", "theirs", "--dry-run", "--adopt"],
        &["env", "trust", "--yes"],
    ] {
        let said = ultra.run(args);
        for text in [&said.stdout, &said.stderr] {
            assert!(!text.contains(steers), "{args:?}: {text:?}");
            assert!(!text.lines().any(|line| line == "all is well"), "{args:?}: {text}");
        }
    }
    ultra.run(&["env", "trust"]).says("sh -c evil").says("\\u{1b}[2K");
}

#[test]
fn what_is_asked_on_a_terminal_stands_there() {
    if !have("script") {
        return;
    }
    let ultra = planted();
    let mut terminal = Terminal::start(&ultra, "env trust --no-color");
    terminal.shows("Trust the files of");
    // The terminal itself ends lines by CR LF.
    let before = terminal.screen().replace("\r\n", "\n");
    let told = before.split("Trust the files of").next().unwrap();
    assert!(told.contains("sh -c evil\\u{1b}[2K\\r"), "{told:?}");
    assert!(!told.contains("\u{1b}[2K\r") && !told.contains("\u{1b}[1A"), "{told:?}");
    terminal.types(b"n");
    terminal.ends().exits(6);
}
