//! `ultra env lint`, and what it says of other programs.

use crate::support::{CANARY, Ultra};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

#[path = "../../../src/settings/dotenv/compat/tests/generate.rs"]
mod generate;

fn lint(ultra: &Ultra, args: &[&str]) -> (i32, Value) {
    let mut all = vec!["env", "lint", "-o", "json"];
    all.extend(args);
    let outcome = ultra.run(&all);
    (outcome.code, serde_json::from_str(&outcome.stdout).unwrap_or(Value::Null))
}

/// The differences of the first file, as `line tool kind theirs`.
fn differences(answer: &Value) -> Vec<String> {
    let all = answer["files"][0]["differences"].as_array().unwrap().iter();
    let text = |d: &Value, key: &str| d[key].as_str().unwrap().to_owned();
    all.map(|d| {
        format!("{} {} {} {}", d["line"], text(d, "tool"), text(d, "kind"), text(d, "theirs"))
    })
    .collect()
}

#[test]
fn each_line_that_another_program_reads_differently_is_named() {
    let ultra = Ultra::empty();
    ultra.write("a.env", "PLAIN=abc\nX=a#b\nY='a $PLAIN'\nZ=hello world\nLAST=1\n");
    let (code, answer) = lint(&ultra, &["a.env", "--compat"]);
    assert_eq!(code, 0, "{answer}");
    assert_eq!(
        differences(&answer),
        [
            "2 motdotla value \"a\"",
            "2 node value \"a\"",
            "4 dotenvy ignored nothing is read from here on: dotenvy does not take this line",
            "4 bash absent not set",
            "4 bash runs runs `world`",
        ]
    );
    let (code, answer) = lint(&ultra, &["--compat", "compose,python", "a.env"]);
    assert_eq!((code, differences(&answer)), (0, Vec::new()));
    let (code, _) = lint(&ultra, &["a.env", "--compat", "node", "--fail-on", "warn"]);
    assert_eq!(code, 4);
    // Without programs to compare with, that values should stand in quotes is all there is.
    let (code, answer) = lint(&ultra, &["a.env"]);
    assert_eq!((code, &answer["warnings"]), (0, &Value::from(2)), "{answer}");
}

#[test]
fn an_error_of_the_file_is_exit_3_and_a_file_that_is_not_there_2() {
    let ultra = Ultra::empty();
    ultra.write("bad.env", "X=1\nX: abc\nY='open\n");
    let (code, answer) = lint(&ultra, &["bad.env", "--compat", "motdotla"]);
    assert_eq!(code, 3, "{answer}");
    assert_eq!(answer["errors"], 2, "{answer}");
    let outcome = ultra.run(&["env", "lint", "bad.env", "nope.env", "also-nope.env", "."]);
    assert_eq!(outcome.code, 2);
    let counts = ["there is no file", "cannot read the dotenv file"]
        .map(|text| outcome.stderr.matches(text).count());
    assert_eq!(counts, [2, 1], "{}", outcome.stderr);
    assert_eq!(ultra.run(&["env", "lint"]).code, 2);
    assert_eq!(ultra.run(&["env", "lint", "bad.env", "--compat", "ruby"]).code, 2);
}

#[test]
fn many_warnings_are_no_error_and_hide_none() {
    let ultra = Ultra::empty();
    let dollars: String = (0..150).map(|n| format!("V{n}=a$b\n")).collect();
    ultra.write("a.env", &dollars);
    let (code, answer) = lint(&ultra, &["a.env"]);
    assert_eq!((code, &answer["errors"]), (0, &Value::from(0)), "{answer}");
    ultra.write("a.env", format!("{dollars}1X=1\n"));
    let outcome = ultra.run(&["env", "lint", "a.env"]);
    assert_eq!(outcome.code, 3);
    assert!(format!("{}{}", outcome.stdout, outcome.stderr).contains("a.env:151:1"));
}

/// A secret that only its surroundings give away.
const WORD: &str = "hunter2canary";

#[test]
fn no_secret_is_shown_in_either_reading() {
    let ultra = Ultra::empty();
    let lines = format!(
        "API_KEY={CANARY}#x\nDB_PASSWORD={CANARY} y\nNOTE=$API_KEY\nMORE=\"a $DB_PASSWORD\"\n\
         {CANARY}\nP= # password: {WORD}\nN=key sk-proj-{WORD}\nC=host=db password={WORD}\n\
         J={{\"token\": \"{WORD}\"}}\nSECRET=a${{{WORD}}}b\nTOKEN='{CANARY}\n"
    );
    ultra.write("a.env", lines);
    for output in ["human", "json"] {
        let outcome = ultra.run(&["env", "lint", "a.env", "--compat", "-o", output]);
        assert_eq!(outcome.code, 3, "{}", outcome.stdout);
        for canary in [CANARY, WORD] {
            assert!(!outcome.stdout.contains(canary) && !outcome.stderr.contains(canary));
        }
    }
}

#[test]
fn nothing_in_a_file_is_run_and_nothing_comes_from_the_environment() {
    let ultra = Ultra::empty().env("FROMENV", "outside");
    ultra.write("a.env", "X=$(touch ran)\nY=`touch ran`\nZ=1 >written\nW=$FROMENV\ntouch ran\n");
    let (_, answer) = lint(&ultra, &["a.env", "--compat"]);
    assert!(!ultra.root().join("ran").exists() && !ultra.root().join("written").exists());
    assert!(!answer.to_string().contains("outside"), "{answer}");
    let found = differences(&answer);
    assert!(found.contains(&"1 bash runs what `touch ran` prints".to_owned()), "{found:?}");
    ultra.write("b.env", "W=$FROMENV\n");
    let (_, answer) = lint(&ultra, &["b.env", "--compat", "dotenvy,compose,bash"]);
    let empty = ["dotenvy", "compose", "bash"].map(|tool| format!("1 {tool} value \"\""));
    assert_eq!(differences(&answer), empty);
}

/// What the child process says that asks the crate.
fn answered(ultra: &Ultra, file: &[u8]) -> Value {
    let mut command = ultra.command(["env", "read-with-dotenvy"]);
    command.env_clear().stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(file).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The values of it.
fn asked(ultra: &Ultra, file: &[u8]) -> BTreeMap<String, String> {
    let answer = answered(ultra, file);
    let values = answer["values"].as_object().unwrap().iter();
    values.map(|(name, v)| (name.clone(), v[1].as_str().unwrap().to_owned())).collect()
}

#[test]
fn the_crate_dotenvy_answers_for_itself_on_generated_lines() {
    let ultra = Ultra::empty();
    for file in generate::files(500, 0x5eed) {
        let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&file);
        let mut expected = BTreeMap::new();
        for (name, value) in dotenvy::from_read_iter(text).map_while(Result::ok) {
            expected.entry(name).or_insert(value);
        }
        assert_eq!(asked(&ultra, &file), expected, "{}", String::from_utf8_lossy(&file));
    }
}

#[test]
fn a_file_whose_values_grow_without_end_does_not_end_the_command() {
    let ultra = Ultra::empty();
    let mut doubling = String::from("A0=xxxxxxxxxxxxxxxx\n");
    for n in 0..32 {
        doubling.push_str(&format!("A{}=${{A{n}}}${{A{n}}}\n", n + 1));
    }
    ultra.write("doubling.env", doubling);
    // One line that no memory holds: the crate dies of it, and the command does not.
    let wide = format!("A={}\nB={}\n", "x".repeat(1 << 20), "${A}".repeat(100_000));
    ultra.write("wide.env", wide);
    for (file, says) in [
        ("doubling.env", "values become too large to follow"),
        ("wide.env", "dotenvy broke down over the file"),
    ] {
        let (code, answer) = lint(&ultra, &[file, "--compat", "dotenvy"]);
        assert_eq!(code, 3, "our own limit is an error");
        let found = differences(&answer);
        let told = found.iter().find(|d| d.contains(" dotenvy unknown "));
        assert!(told.is_some_and(|told| told.contains(says)), "{found:?}");
    }
}

#[test]
fn a_file_that_is_deep_is_judged_for_every_program() {
    let ultra = Ultra::empty();
    for open in ["${A:-", "\"$(", "${#", "$(\"", "\"${A:-\""] {
        ultra.write("a.env", format!("Y=1\nX={}\n", open.repeat(100_000)));
        let (code, answer) = lint(&ultra, &["a.env", "--compat"]);
        assert!(code == 0 || code == 3, "{open}: {code} {answer}");
        assert!(!differences(&answer).is_empty(), "{open}");
    }
}

#[test]
fn the_crate_dotenvy_answers_with_lines_and_passes_over_a_byte_order_mark() {
    let ultra = Ultra::empty();
    let answer = answered(&ultra, "\u{feff}# c\nX=1\nY='a\nb'\nZ=2\n".as_bytes());
    let values = serde_json::json!({"X": [2, "1"], "Y": [3, "a\nb"], "Z": [5, "2"]});
    assert_eq!((&answer["values"], &answer["stop"]), (&values, &Value::Null));
    let answer = answered(&ultra, b"A=1\nX=a\0b\nZ=1\n");
    let values = serde_json::json!({"A": [1, "1"]});
    assert_eq!((&answer["values"], &answer["stop"]), (&values, &Value::from(2)));
}

#[test]
fn the_child_process_for_dotenvy_is_not_for_people() {
    let outcome = Ultra::empty().run(&["env", "read-with-dotenvy"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
}

#[test]
fn people_are_not_buried_in_long_answers() {
    let ultra = Ultra::empty();
    let circle: String = (0..2_000).map(|i| format!("C{i}=${{C{}}}\n", (i + 1) % 2_000)).collect();
    ultra.write("circle.env", &circle);
    let outcome = ultra.run(&["env", "lint", "circle.env"]);
    assert_eq!(outcome.code, 3);
    assert!(outcome.stdout.contains("by way of `C1`, 1997 more, `C1999`"), "{}", outcome.stdout);
    assert!(outcome.stdout.len() < 100_000, "{}", outcome.stdout.len());

    let differ: String = (0..60).map(|i| format!("D{i}=a#b\n")).collect();
    ultra.write("differ.env", &differ);
    let outcome = ultra.run(&["env", "lint", "differ.env", "--compat", "node"]);
    assert!(outcome.stdout.contains("10 more; `-o json` has them all"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("60 readings differ"), "{}", outcome.stdout);
    let (_, answer) = lint(&ultra, &["differ.env", "--compat", "node"]);
    assert_eq!(differences(&answer).len(), 60);
}

#[test]
fn a_nul_is_told_once_and_a_file_in_the_place_of_a_program_is_understood() {
    let ultra = Ultra::empty();
    ultra.write("nul.env", "A=a\0b\n");
    let (code, answer) = lint(&ultra, &["nul.env"]);
    assert_eq!(code, 3);
    let problems = answer["files"][0]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let outcome = ultra.run(&["env", "lint", "--compat", "nul.env"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("ultra env lint FILE.. --compat"), "{}", outcome.stderr);
}
