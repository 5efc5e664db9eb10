//! How a value is given: typed on a terminal without being shown, or as the one line of stdin. What
//! is plainly not such a value goes nowhere.

use super::provider::Provider;
use super::{NEW, OLD, nowhere, rotate, set, with_identity_file, with_provider};
use crate::support::Terminal;

#[test]
fn control_c_at_a_hidden_prompt_leaves_the_terminal_as_it_was() {
    let ultra = with_identity_file();
    // The shell is on the same terminal, survives the Control-C and says how it is afterwards.
    let again = env!("CARGO_BIN_EXE_ultra");
    let call =
        format!("--version; trap : INT; {again} keys set mistral; echo ended with $?; stty -a");
    let mut terminal = Terminal::start(&ultra, &call);
    terminal.shows("Value for `mistral`");
    terminal.types(b"\x03");
    terminal.shows("ended with 130");
    terminal.shows(" echo ");
    terminal.ends();
}

/// A value that looks like nobody's.
const TYPED: &str = "mistral0canary81b2c7d9e0f3a4";

#[test]
fn a_stopped_hidden_prompt_shows_what_is_typed_to_the_shell_and_hides_again() {
    let ultra = with_identity_file();
    let again = env!("CARGO_BIN_EXE_ultra");
    // As a shell of a person does: the terminal is as it was while the command is stopped.
    let set = format!("sh -c 'echo pid-$$.; exec {again} keys set mistral --no-verify'");
    let shell = "echo stopped with $?; stty -a; stty echo";
    let call = format!("--version; set -m; {set}; {shell}; fg; {shell}; fg; echo ended with $?");
    let mut terminal = Terminal::start(&ultra, &call);
    terminal.shows("Value for `mistral`");
    terminal.types(b"forgotten\x1a");
    terminal.shows("stopped with");
    terminal.shows("susp = ^Z");
    terminal.shows(" echo ");
    terminal.shows("Value for `mistral`");
    let screen = terminal.screen();
    // `fg` shows the command, too.
    let (_, behind) = screen.split_once("pid-").unwrap();
    let (pid, _) = behind.split_once('.').unwrap();
    // That nobody can do anything about.
    assert!(ultra.wrapped("kill", ["-STOP", pid]).status().unwrap().success());
    terminal.shows("stopped with");
    terminal.shows("Value for `mistral`");
    terminal.types(format!("{TYPED}\n").as_bytes());
    terminal.shows("ended with 0");
    let ended = terminal.ends();
    assert!(!ended.stdout.contains("forgotten"), "{}", ended.stdout);
    nowhere(&ultra, &[&ended], &[TYPED]);
    Terminal::start(&ultra, "keys show mistral --reveal").shows(TYPED);
}

#[test]
fn the_key_that_stops_asks_again_where_nobody_could_go_on() {
    let ultra = with_identity_file();
    // No shell that looks after jobs: the system stops nobody there.
    let mut terminal = Terminal::start(&ultra, "keys set mistral --no-verify");
    terminal.shows("Value for `mistral`");
    terminal.types(b"forgotten\x1a");
    terminal.shows("Value for `mistral`");
    terminal.types(format!("{TYPED}\n").as_bytes());
    let ended = terminal.ends().exits(0);
    nowhere(&ultra, &[&ended], &[TYPED]);
}

#[test]
fn half_of_what_is_pasted_is_no_value() {
    let ultra = with_identity_file();
    let long = "k".repeat(5000);
    for (pasted, why) in [
        (format!("{TYPED}\ntail-canary\n"), "more than one line"),
        (format!("{TYPED}\ntail-canary"), "more than one line"),
        (format!("{TYPED}{long}\n"), "too long"),
    ] {
        let mut terminal = Terminal::start(&ultra, "keys set mistral --no-verify");
        terminal.shows("Value for `mistral`");
        terminal.types(pasted.as_bytes());
        let refused = terminal.ends().exits(3);
        assert!(refused.stdout.contains(why), "{}", refused.stdout);
        nowhere(&ultra, &[&refused], &[TYPED, "tail-canary"]);
    }
    ultra.run(&["keys", "show", "mistral"]).exits(2);
    // The end of a line is not always one byte.
    let mut terminal = Terminal::start(&ultra, "keys set mistral --no-verify");
    terminal.shows("Value for `mistral`");
    terminal.types(format!("{TYPED}\r\n").as_bytes());
    nowhere(&ultra, &[&terminal.ends().exits(0)], &[TYPED]);
}

#[test]
fn nothing_is_written_over_a_hidden_prompt() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let mut terminal = Terminal::start(&ultra, "keys rotate openai");
    terminal.shows("Value for `openai`");
    // Several ticks of a spinner would be seen by then.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let screen = terminal.screen();
    let (_, behind) = screen.rsplit_once("Value for `openai`").unwrap();
    assert!(!behind.contains("\u{1b}[2K") && !behind.contains('\r'), "{behind:?}");
    terminal.types(format!("{NEW}\n").as_bytes());
    let ended = terminal.ends().exits(0).says("is rotated");
    nowhere(&ultra, &[&ended], &[NEW]);
}

#[test]
fn more_than_one_line_of_stdin_is_no_value() {
    let ultra = with_identity_file();
    let set = |text: &str| {
        ultra.run_with_stdin(&["keys", "set", "openai", "--no-verify"], text.as_bytes())
    };
    let half = set(&format!("{OLD}\nrest\n")).exits(3).complains("more than one line");
    set(&format!("{OLD}\n\n")).exits(3);
    nowhere(&ultra, &[&half], &[OLD]);
    ultra.run(&["keys", "show", "openai"]).exits(2);
    set(&format!("{OLD}\n")).exits(0);
}

#[test]
fn keys_of_somebody_else_go_to_no_address_of_ones_own() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    provider.seen();
    for foreign in ["sk-ant-api03-canary0123", "gsk_canary0123", "AIzaCanary0123", "sk-admin-can0"]
    {
        let refused = rotate(&ultra, "openai", foreign).exits(3).complains("it begins with");
        nowhere(&ultra, &[&refused], &[foreign]);
        ultra
            .run_with_stdin(&["keys", "set", "mistral", "--no-verify"], foreign.as_bytes())
            .exits(3);
    }
    assert!(provider.seen().is_empty(), "none of them was sent");
}

#[test]
fn an_empty_stdin_is_a_value_that_does_not_hold() {
    let ultra = with_identity_file();
    for text in ["", "\n"] {
        let set = ultra.run_with_stdin(&["keys", "set", "openai"], text.as_bytes());
        set.exits(3).complains("empty");
    }
    set(&ultra, "openai", OLD).exits(0);
    ultra.run_with_stdin(&["keys", "rotate", "openai"], b"").exits(3).complains("is empty");
}

#[test]
fn it_is_said_where_a_new_value_goes_once_there_is_one() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let none = ultra.run_with_stdin(&["keys", "rotate", "openai"], b"").exits(3);
    assert!(!none.stderr.contains("is tested at"), "{}", none.stderr);
    rotate(&ultra, "openai", NEW).exits(0).complains("the new value is tested at http://127.0.0.1");
}

#[test]
fn a_name_that_cannot_be_shown_is_told_of_in_a_sentence() {
    let ultra = with_identity_file();
    let said = ultra.run(&["keys", "show", "what\u{7}ever"]).exits(2);
    said.complains("unknown key, whose name cannot be shown");
}
