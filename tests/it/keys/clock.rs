//! A clock that was set back: nothing is ended before its time, and no age is shown that is none.

use super::provider::Provider;
use super::{NEW, OLD, set, with_provider};
use crate::support::{Outcome, Ultra, have};
use std::io::Write as _;
use std::process::Stdio;

/// Runs `args` with the clock set on by so much, such as `+2d`.
fn at(ultra: &Ultra, when: &str, args: &[&str], stdin: &str) -> Outcome {
    let mut all = vec!["-f", when, env!("CARGO_BIN_EXE_ultra")];
    all.extend(args);
    let mut child = ultra.wrapped("faketime", &all).stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Outcome::from(child.wait_with_output().unwrap())
}

const ALL_DUE: &[&str] = &["keys", "rotate", "--all-due"];

/// Whether anything is shown that would be before the beginning.
fn without_nonsense(ultra: &Ultra) {
    for command in ["list", "status"] {
        let json = ultra.run(&["keys", command, "-o", "json"]).exits(0).json();
        for key in json["keys"].as_array().unwrap() {
            let age = &key["age_seconds"];
            assert!(age.is_null() || age.as_i64().unwrap() >= 0, "{key}");
        }
        let text = ultra.run(&["keys", command]).exits(0).stdout;
        let negative = |word: &str| {
            word.strip_prefix('-')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        assert!(!text.split_whitespace().any(negative), "{text}");
    }
}

#[test]
fn a_clock_that_is_set_back_ends_nothing_early() {
    if !have("faketime") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    let line = format!("{NEW}\n");
    at(&ultra, "+2d", &["keys", "set", "openai"], &format!("{OLD}\n")).exits(0);
    at(&ultra, "+2d", &["keys", "set", "jwt", "--generate"], "").exits(0);
    at(&ultra, "+2d", &["keys", "rotate", "openai"], &line).exits(0);
    // Two days back.
    without_nonsense(&ultra);
    ultra.run(ALL_DUE).exits(0).says("nothing is due");
    ultra.run(&["keys", "rotate", "jwt"]).exits(0);
    without_nonsense(&ultra);
    // Right again: the grace of what was replaced meanwhile is not over before it began.
    at(&ultra, "+50h", ALL_DUE, "").exits(0).says("nothing is due");
    let due = at(&ultra, "+20d", &["keys", "rotate", "--all-due", "-o", "json"], "");
    let done = due.json()["done"].as_array().unwrap().len();
    assert!(done >= 2, "both are over then: {due:?}");
}

#[test]
fn a_rotation_by_a_clock_that_was_set_back_gives_the_whole_grace() {
    if !have("faketime") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    at(&ultra, "+2d", &["keys", "set", "openai"], &format!("{OLD}\n")).exits(0);
    super::rotate(&ultra, "openai", NEW).exits(0);
    // By the right clock it was replaced just now, and is accepted for a day.
    at(&ultra, "+60h", ALL_DUE, "").exits(0).says("nothing is due");
    set(&ultra, "jwt", &"k".repeat(40)).exits(0);
    at(&ultra, "+75h", ALL_DUE, "").exits(3).says("still valid");
}
