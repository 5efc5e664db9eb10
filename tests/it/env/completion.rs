//! Completion, driven in the shells themselves.

use super::switch::tree;
use crate::support::{CANARY, Ultra, have};
use std::path::Path;
use std::process::Command;

fn root() -> Ultra {
    let ultra = Ultra::empty();
    ultra.write("profiles/alpha.yaml", "vars:\n  GREETING: hello\n");
    ultra.write("profiles/alpine.yaml", "mode: mock\n");
    ultra.write("some file.env", "A=1\n");
    ultra
}

/// What the program offers for the last of these words.
fn offered(ultra: &Ultra, words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let all: Vec<&str> =
        ["__complete", &index, "--", "ultra"].into_iter().chain(words.iter().copied()).collect();
    let outcome = ultra.run(&all).exits(0).keeps_the_canary();
    assert_eq!(outcome.stderr, "");
    let value = |line: &str| line.split('\t').next().unwrap().to_owned();
    outcome.stdout.lines().map(value).collect()
}

/// Runs a shell in the root, with `ultra` on its path.
fn shell(ultra: &Ultra, program: &str, args: &[&str]) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_ultra")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    let mut command = Command::new(program);
    command.args(args).current_dir(ultra.root());
    command.env_clear().env("PATH", path).env("HOME", ultra.home()).env("TERM", "dumb");
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{program}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn names_are_those_of_here_and_now() {
    let ultra = root();
    assert_eq!(offered(&ultra, &["env", "switch", "al"]), ["alpha", "alpine"]);
    assert!(offered(&ultra, &["env", "switch", ""]).contains(&"-".to_owned()));
    assert_eq!(offered(&ultra, &["--profile=alph"]), ["--profile=alpha"]);
    assert_eq!(offered(&ultra, &["env", "show", "--profile", "alpi"]), ["alpine"]);
    assert_eq!(offered(&ultra, &["env", "explain", "ULTRA_POR"]), ["ULTRA_PORT"]);
    assert_eq!(offered(&ultra, &["env", "explain", "--profile", "alpha", "GREE"]), ["GREETING"]);
    assert_eq!(offered(&ultra, &["env", "diff", "some"]), ["some file.env"]);
    assert_eq!(offered(&ultra, &["keys", "set", "opena"]), ["openai", "openai-admin"]);
    assert_eq!(offered(&ultra, &["check", "explain", "ULT-AUTH-001"]), ["ULT-AUTH-001"]);
    assert_eq!(
        offered(&ultra, &["check", "readiness", "--only", "ULT-AUTH-001,ULT-AUTH-002"]).len(),
        1
    );
    assert_eq!(offered(&ultra, &["env", "current", "-o", "j"]), ["json"]);
    assert_eq!(offered(&ultra, &["env", "hist"]), ["history"]);
    assert_eq!(offered(&ultra, &["env", "render", "sys"]), ["systemd", "systemd-env"]);
    let all = offered(&ultra, &["env", "render", ""]);
    assert!(["kubernetes", "some file.env"].iter().all(|c| all.iter().any(|a| a == c)), "{all:?}");
}

#[test]
fn completion_is_silent_and_leaves_nothing_behind() {
    let ultra = root();
    ultra.write_private(".env", format!("OPENAI_API_KEY={CANARY}\nbroken line\n"));
    ultra.write("profiles/broken.yaml", "vars: [\n");
    let before = tree(ultra.root());
    for words in [
        ["env", "explain", ""].as_slice(),
        &["env", "switch", ""],
        &["env", "explain", "--profile", "broken", ""],
        &["env", "explain", "--profile", "none", ""],
        &["keys", "rotate", ""],
        &["nonsense", "with", ""],
        &["--dir", "/nowhere", "env", "switch", ""],
    ] {
        offered(&ultra, words);
    }
    for args in [&["__complete"][..], &["__complete", "x"], &["__complete", "99", "--", "ultra"]] {
        assert_eq!(ultra.run(args).exits(0).stdout, "");
    }
    assert_eq!(tree(ultra.root()), before);
    // Without a root, and with a damaged record, there are the names that are built in.
    let nowhere = Ultra::empty();
    assert!(offered(&nowhere, &["env", "switch", ""]).contains(&"dev".to_owned()));
    assert_eq!(tree(nowhere.root()).len(), 0);
    ultra.write(".ultra/switch.json", "{");
    assert!(offered(&ultra, &["env", "switch", ""]).contains(&"dev".to_owned()));
    // The vault is not opened, and not missed.
    ultra.write(".ultra/vault.age", "no vault");
    assert_eq!(offered(&ultra, &["keys", "show", "opena"]), ["openai", "openai-admin"]);
}

#[test]
fn bash_completes() {
    if !have("bash") {
        return;
    }
    let ultra = root();
    let ask = |words: &str| {
        let script = format!(
            "source <(ultra completions bash); COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _ultra; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        shell(&ultra, "bash", &["--norc", "-c", &script])
    };
    assert_eq!(ask("ultra env switch al"), "alpha\nalpine\n");
    // Bash takes these for three words, and wants what is behind the sign.
    assert_eq!(ask("ultra --profile = alph"), "alpha\n");
    assert_eq!(ask("ultra env diff some"), "some\\ file.env\n");
    assert_eq!(ask("ultra env explain ULTRA_POR"), "ULTRA_PORT\n");
    assert_eq!(ask("ultra env render comp"), "compose\n");
}

#[test]
fn fish_completes() {
    if !have("fish") {
        return;
    }
    let ultra = root();
    let ask = |line: &str| {
        let script = format!("ultra completions fish | source; complete -C '{line}'");
        shell(&ultra, "fish", &["--no-config", "-c", &script])
    };
    let first = |text: String| -> Vec<String> {
        text.lines().map(|l| l.split('\t').next().unwrap().to_owned()).collect()
    };
    assert_eq!(first(ask("ultra env switch al")), ["alpha", "alpine"]);
    assert_eq!(first(ask("ultra --profile=alph")), ["--profile=alpha"]);
    assert_eq!(first(ask("ultra check explain ULT-AUTH-001")), ["ULT-AUTH-001"]);
    assert!(ask("ultra env switch alph").contains("profiles/alpha.yaml"));
    assert_eq!(first(ask("ultra env render kub")), ["kubernetes"]);
    assert!(first(ask("ultra env run -- ech")).contains(&"echo".to_owned()));
    // Its own options and names are offered to it, and none of ours.
    assert_eq!(first(ask("ultra env run --only A -- ultra env switch alp")), ["alpha", "alpine"]);
    // Asked like this, fish tells names without quotation; on a command line it puts them in one.
    for word in ["some", "some\\ f", "\"some f", "\"some file.env\""] {
        let plain = first(ask(&format!("cat {word}")));
        assert_eq!(plain, ["some file.env"], "{word}: fish does otherwise by itself");
        assert_eq!(first(ask(&format!("ultra env run -- cat {word}"))), plain, "{word}");
        assert_eq!(first(ask(&format!("ultra env diff {word}"))), plain, "{word}");
    }
}

#[test]
fn zsh_completes() {
    if !have("zsh") {
        return;
    }
    let ultra = root();
    // A zsh on a terminal of its own, asked by the tabulator as a person would.
    let ask = |line: &str, wanted: &str| {
        let script = format!(
            "zmodload zsh/zpty; zpty z 'zsh -f -i'; \
             zpty -w z 'PS1=\"\"; unsetopt zle_bracketed_paste 2>/dev/null; autoload -U compinit; compinit -u -D; \
             source <(ultra completions zsh); setopt no_beep; stty -echo; print REA\"\"DY'; \
             zpty -r z out '*READY*'; \
             zpty -w -n z '{line}'$'\\t'; \
             repeat 500; do zpty -rt z piece && all+=$piece; [[ $all == *{wanted}* ]] && break; sleep 0.02; done; \
             print -r -- $all; zpty -d z"
        );
        shell(&ultra, "zsh", &["-f", "-c", &script])
    };
    let said = ask("ultra env explain ULTRA_POR", "ULTRA_PORT");
    assert!(said.contains("ULTRA_PORT"), "{said:?}");
    let said = ask("ultra env render kub", "kubernetes");
    assert!(said.contains("kubernetes"), "{said:?}");
    let said = ask("ultra env switch alph", "alpha");
    assert!(said.contains("alpha"), "{said:?}");
}

#[test]
fn every_shell_has_a_script() {
    let ultra = Ultra::empty();
    for (name, mark) in [
        ("bash", "complete -F _ultra ultra"),
        ("zsh", "#compdef ultra"),
        ("fish", "complete -c ultra"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[ultra]"),
    ] {
        let script = ultra.run(&["completions", name]).exits(0).says(mark).says("__complete");
        let closed = |open: char, close: char| {
            let count = |c: char| script.stdout.chars().filter(|x| *x == c).count();
            count(open) == count(close)
        };
        assert!(closed('{', '}') && closed('[', ']'), "{name}");
    }
}

#[test]
fn no_index_is_too_large() {
    let ultra = root();
    for index in ["18446744073709551615", "18446744073709551614", "99", "0", "-1", ""] {
        let outcome = ultra.run(&["__complete", index, "--", "ultra", "env"]).exits(0);
        assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""), "{index}");
    }
}
