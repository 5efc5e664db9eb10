//! `env export` in the shells themselves: what they hold afterwards, and that undo is exact.

use crate::support::{CANARY, Server, Ultra, missing};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The shells that can be tested here: name for `--shell`, program and its flags.
fn shells() -> Vec<(&'static str, PathBuf, &'static [&'static str])> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    dirs.extend(cache.map(|cache| cache.join("ultra/shells/node_modules/@nushell/linux-x64/bin")));
    let wanted: [(&str, &str, &[&str]); 5] = [
        ("posix", "dash", &["-eu"]),
        ("bash", "bash", &["--norc", "-eu"]),
        ("zsh", "zsh", &["-f", "-eu"]),
        ("fish", "fish", &["--no-config"]),
        ("nu", "nu", &["-n"]),
    ];
    let found =
        |program: &str| dirs.iter().map(|dir| dir.join(program)).find(|path| path.is_file());
    wanted
        .into_iter()
        .filter_map(|(shell, program, flags)| match found(program) {
            Some(path) => Some((shell, path, flags)),
            None => {
                missing(program);
                None
            }
        })
        .collect()
}

/// Runs a script in a shell and returns what `env -0` printed, one environment for each call.
fn environments(
    ultra: &Ultra,
    program: &Path,
    flags: &[&str],
    script: &str,
    vars: &[(&str, &str)],
) -> Vec<BTreeMap<String, String>> {
    let file = ultra.write("script", script);
    let mut command: Command = ultra.wrapped(&program.to_string_lossy(), flags);
    command.arg(&file).envs(vars.iter().copied()).env("ULTRA", env!("CARGO_BIN_EXE_ultra"));
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}\n{script}", program.display());
    let text = String::from_utf8(output.stdout).unwrap();
    text.split("\u{1}END\0")
        .filter(|part| !part.is_empty())
        .map(|part| {
            let pairs = part.split_terminator('\0').filter_map(|pair| pair.split_once('='));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        })
        .collect()
}

/// Prints the environment, with a mark behind it.
const SHOW: &str = "/usr/bin/env -0\n/usr/bin/printf '\\001END\\000'\n";

fn eval(shell: &str, args: &str, n: usize) -> String {
    let call = format!("export --shell {shell} {args}");
    match shell {
        "fish" => format!("$ULTRA env {call} -q | source\n"),
        // Nushell reads a script before it runs it.
        "nu" => format!("source exported-{n}.nu\n"),
        _ => format!("eval \"$(\"$ULTRA\" env {call} -q)\"\n"),
    }
}

/// Writes the files that a script for Nushell reads.
fn prepare(ultra: &Ultra, shell: &str, args: &[&str], n: usize) {
    if shell == "nu" {
        let mut all = vec!["env", "export", "--shell", "nu", "-q"];
        all.extend(args);
        let text = ultra.run(&all).exits(0).stdout;
        ultra.write(&format!("exported-{n}.nu"), text);
    }
}

/// Values that are hard to quote, and generated ones.
fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        " ",
        "-n",
        "--",
        "a b",
        "it's",
        "''",
        "'a'",
        "\"",
        "\\",
        "\\'",
        "a\\",
        "$HOME",
        "${HOME}",
        "$(id)",
        "`id`",
        "!!",
        "!$",
        "*",
        "?",
        "[a]",
        "~",
        "#x",
        "a;b",
        "a&b",
        "a|b",
        "<a>",
        "(a)",
        "{a,b}",
        "%PATH%",
        "a\nb",
        "\n",
        "a\n\n",
        "\t",
        "\r\n",
        "é😀\u{a0}",
        "‘’‚‛“”",
        "=",
        "a=b",
        "\u{1b}[0m",
        "\u{7f}",
        "\\u{41}",
        "\\n",
        "\\x41",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    let mut runner = TestRunner::deterministic();
    let strategy = "[ -~\n\t\ré😀'\"\\\\$`!‘’]{0,24}";
    values.extend((0..150).map(|_| strategy.new_tree(&mut runner).unwrap().current()));
    values
}

/// A dotenv file with these values, in double quotes with escapes.
fn dotenv(values: &[String]) -> String {
    let quote = |text: &str| {
        let mut out = String::new();
        for c in text.chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '"' | '\\' | '$' => out.extend(['\\', c]),
                c => out.push(c),
            }
        }
        out
    };
    values.iter().enumerate().map(|(n, value)| format!("V{n}=\"{}\"\n", quote(value))).collect()
}

#[test]
fn every_shell_holds_every_value_and_gives_it_back() {
    let values = values();
    for (shell, program, flags) in shells() {
        let ultra = Ultra::empty();
        ultra.write_private(".env.local", dotenv(&values));
        prepare(&ultra, shell, &["--with-secrets"], 1);
        prepare(&ultra, shell, &["--undo"], 2);
        let script = format!(
            "{SHOW}{}{SHOW}{}{SHOW}",
            eval(shell, "--with-secrets", 1),
            eval(shell, "--undo", 2)
        );
        let [before, during, after] =
            &environments(&ultra, &program, flags, &script, &[("V3", "\n earlier 'one'")])[..]
        else {
            panic!("{shell} stopped early");
        };
        for (n, value) in values.iter().enumerate().filter(|(n, _)| *n != 3) {
            assert_eq!(during.get(&format!("V{n}")), Some(value), "{shell}: V{n}");
        }
        let strip = |vars: &BTreeMap<String, String>| {
            let mut vars = vars.clone();
            vars.remove("_");
            vars.remove("LAST_EXIT_CODE");
            vars
        };
        assert_eq!(strip(after), strip(before), "{shell}");
    }
}

#[test]
fn undo_restores_what_was_there_and_spares_what_was_changed_since() {
    for (shell, program, flags) in shells() {
        let ultra = Ultra::empty();
        ultra.write_private(".env.local", "A=ours\nB=ours\nC=ours\n");
        let server = Server::start(&ultra, &["--mock"]);
        prepare(&ultra, shell, &["--gateway"], 1);
        prepare(&ultra, shell, &["--undo"], 2);
        let change = match shell {
            "fish" => "set -gx B mine\nset -e C\n",
            "nu" => "$env.B = 'mine'\nhide-env C\n",
            _ => "B=mine; unset C\n",
        };
        let script = format!(
            "{}{SHOW}{change}{}{SHOW}",
            eval(shell, "--gateway", 1),
            eval(shell, "--undo", 2)
        );
        let vars = [("OPENAI_API_KEY", CANARY)];
        let [during, after] = &environments(&ultra, &program, flags, &script, &vars)[..] else {
            panic!("{shell} stopped early");
        };
        let key = std::fs::read_to_string(ultra.state().join("dev-key")).unwrap();
        assert_eq!(during["A"], "ours", "{shell}");
        assert_eq!(during["OPENAI_API_KEY"], key.trim(), "{shell}");
        assert_eq!(during["OPENAI_BASE_URL"], server.url("/v1"), "{shell}");
        assert_eq!(after["OPENAI_API_KEY"], CANARY, "{shell}");
        assert_eq!(after.get("B").map(String::as_str), Some("mine"), "{shell}");
        for name in ["A", "C", "OPENAI_BASE_URL", "ULTRA_PROFILE", "__ULTRA_EXPORT"] {
            assert_eq!(after.get(name), None, "{shell}: {name}");
        }
    }
}

#[test]
fn an_export_takes_the_place_of_the_one_before() {
    for (shell, program, flags) in shells().into_iter().filter(|(shell, ..)| *shell != "nu") {
        let ultra = Ultra::empty();
        ultra.write_private(".env.dev", "ONLY_DEV=1\nBOTH=dev\n");
        ultra.write_private(".env.test", "ONLY_TEST=1\nBOTH=test\n");
        let script = format!(
            "{}{}{}{SHOW}{}{SHOW}",
            eval(shell, "", 1),
            eval(shell, "", 1),
            eval(shell, "--profile test", 1),
            eval(shell, "--undo", 2)
        );
        let [during, after] = &environments(&ultra, &program, flags, &script, &[])[..] else {
            panic!("{shell} stopped early");
        };
        assert_eq!(during["BOTH"], "test", "{shell}");
        assert_eq!(during["ULTRA_PROFILE"], "test", "{shell}");
        assert_eq!(during.get("ONLY_DEV"), None, "{shell}");
        assert_eq!((after.get("BOTH"), after.get("ONLY_TEST")), (None, None), "{shell}");
    }
}

#[test]
fn a_command_of_another_profile_gets_nothing_of_an_export() {
    for (shell, program, flags) in shells() {
        let ultra = Ultra::empty();
        ultra.write_private(".env.dev", "ONLY_DEV=1\nBOTH=dev\nMINE=dev\n");
        ultra.write_private(".env.test", "ONLY_TEST=1\nBOTH=test\nMINE=test\nUP=test\n");
        prepare(&ultra, shell, &["--profile", "dev"], 1);
        let own = match shell {
            "fish" => "set -gx MINE shell\n",
            "nu" => "$env.MINE = 'shell'\n",
            _ => "export MINE=shell\n",
        };
        let call = |profile: &str| {
            let program = if shell == "nu" { "^$env.ULTRA" } else { "$ULTRA" };
            format!(
                "{program} env run -q {profile} -- /usr/bin/env -0\n\
                 /usr/bin/printf '\\001END\\000'\n"
            )
        };
        let script = format!(
            "{}{own}{}{}{}{SHOW}",
            eval(shell, "--profile dev", 1),
            call("--profile test"),
            call("--profile development"),
            call("")
        );
        let [other, same, unnamed, after] =
            &environments(&ultra, &program, flags, &script, &[("UP", "above")])[..]
        else {
            panic!("{shell} stopped early");
        };
        let get = |vars: &BTreeMap<String, String>, name: &str| vars.get(name).cloned();
        let is = |value: &str| Some(value.to_owned());
        // As after an undo: what the export set is gone, what the operator set wins.
        assert_eq!(get(other, "BOTH"), is("test"), "{shell}");
        assert_eq!(get(other, "ONLY_TEST"), is("1"), "{shell}");
        assert_eq!(get(other, "ULTRA_PROFILE"), is("test"), "{shell}");
        assert_eq!(get(other, "MINE"), is("shell"), "{shell}");
        assert_eq!(get(other, "UP"), is("above"), "{shell}");
        for name in ["ONLY_DEV", "__ULTRA_EXPORT"] {
            assert_eq!(get(other, name), None, "{shell}: {name}");
        }
        for vars in [same, unnamed] {
            assert_eq!(get(vars, "BOTH"), is("dev"), "{shell}");
            assert_eq!(get(vars, "ONLY_DEV"), is("1"), "{shell}");
            assert_eq!(get(vars, "ONLY_TEST"), None, "{shell}");
        }
        // The shell itself keeps its export.
        assert_eq!(get(after, "BOTH"), is("dev"), "{shell}");
    }
}

#[test]
fn what_only_the_shell_knows_is_named_when_an_export_does_not_count() {
    let ultra = Ultra::empty();
    ultra.write_private(".env.dev", "ULTRA_RATE_LIMIT=11\n");
    ultra.write_private(".env.test", "BOTH=test\nULTRA_RATE_LIMIT=22\n");
    let server = Server::start(&ultra, &["--mock"]);
    let script = format!(
        "{}$ULTRA env run --profile test -- /usr/bin/env -0 2>told\n\
         $ULTRA env show ULTRA_RATE_LIMIT --profile test -o json 2>/dev/null >shown\n",
        eval("bash", "--gateway", 1)
    );
    let vars = [("OPENAI_BASE_URL", "http://127.0.0.1:9/v1"), ("BOTH", "above")];
    let found = environments(&ultra, Path::new("bash"), &["--norc", "-eu"], &script, &vars);
    drop(server);
    assert_eq!(found[0].get("OPENAI_BASE_URL"), None);
    assert_eq!(found[0]["BOTH"], "above");
    let told = ultra.read("told");
    assert!(told.contains("the export of profile `dev` in this shell does not count"), "{told}");
    assert!(told.contains("`OPENAI_BASE_URL` had a value of the shell's own"), "{told}");
    assert!(told.contains("ultra env export --undo"), "{told}");
    // What a person is shown is what a command gets.
    assert_eq!(found[0]["ULTRA_RATE_LIMIT"], "22");
    assert!(ultra.read("shown").contains("\"22\""), "{}", ultra.read("shown"));
}

#[test]
fn undo_after_several_exports_brings_back_whether_a_variable_was_exported() {
    for (shell, program, flags) in shells().into_iter().filter(|(shell, ..)| *shell != "nu") {
        let ultra = Ultra::empty();
        ultra.write_private(".env.local", "HELD=ours\nGIVEN=ours\n");
        // Only the process environment wins over the file: this one is not in it.
        let own = if shell == "fish" { "set -g HELD mine\n" } else { "HELD=mine\n" };
        let seen = if shell == "fish" { "set -gx SEEN $HELD\n" } else { "export SEEN=$HELD\n" };
        let script = format!(
            "{own}{}{}{}{SHOW}{}{seen}{SHOW}",
            eval(shell, "", 1),
            eval(shell, "--only HELD", 1),
            eval(shell, "", 1),
            eval(shell, "--undo", 2)
        );
        let [during, after] = &environments(&ultra, &program, flags, &script, &[])[..] else {
            panic!("{shell} stopped early");
        };
        assert_eq!((&*during["HELD"], &*during["GIVEN"]), ("ours", "ours"), "{shell}");
        assert_eq!(after["SEEN"], "mine", "{shell}");
        assert_eq!(after.get("HELD"), None, "{shell}: it was not exported");
    }
}

#[test]
fn secrets_are_left_out_unless_asked_for_and_never_on_a_terminal() {
    let ultra = Ultra::empty();
    ultra.write_private(".env.local", format!("APP_TOKEN={CANARY}\nPLAIN=1\n"));
    for shell in ["posix", "bash", "zsh", "fish", "pwsh", "nu", "json", "dotenv"] {
        let args = ["env", "export", "--shell", shell];
        let outcome = ultra.run(&args).exits(0).complains("APP_TOKEN").keeps_the_canary();
        assert!(outcome.stdout.contains("PLAIN"), "{shell}");
        let args = ["env", "export", "--with-secrets", "--shell", shell];
        ultra.run(&args).exits(0).says(CANARY);
    }
    let json = ultra.run(&["env", "export", "--shell", "json", "--with-secrets"]).json();
    assert_eq!(json["APP_TOKEN"], CANARY);
    let binary = env!("CARGO_BIN_EXE_ultra");
    let call = format!("{binary} env export --with-secrets; echo code $?");
    let output = ultra.wrapped("script", ["-qec", &call, "/dev/null"]).output().unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(seen.contains("code 6") && !seen.contains(CANARY), "{seen}");
}

#[test]
fn what_a_shell_cannot_hold_is_an_error_and_nothing_is_written() {
    let ultra = Ultra::empty();
    ultra.write_private(".env.local", "UID=7\nEMPTY_ONE=\nPLAIN=1\n");
    for (shell, name) in [("bash", "UID"), ("posix", "UID"), ("zsh", "UID"), ("pwsh", "EMPTY_ONE")]
    {
        let outcome = ultra.run(&["env", "export", "--shell", shell]).exits(3).complains(name);
        assert_eq!(outcome.stdout, "", "{shell}");
        ultra.run(&["env", "export", "--shell", shell, "--only", "PLAIN"]).exits(0);
    }
    ultra.run(&["env", "export", "--undo", "--shell", "json"]).exits(2);
    ultra.run(&["env", "export", "--shell", "nope"]).exits(2);
}

#[test]
fn a_dotenv_export_reads_back_the_same() {
    let values = values();
    let ultra = Ultra::empty();
    ultra.write_private(".env.local", dotenv(&values));
    let export = |shell: &str, only: &[String]| {
        let mut args = vec!["env", "export", "--with-secrets", "--shell", shell];
        args.extend(only.iter().flat_map(|name| ["--only", name.as_str()]));
        ultra.run(&args)
    };
    // What no form makes all programs read alike is named and not written.
    let refused = export("dotenv", &[]).exits(3);
    assert_eq!(refused.stdout, "");
    let refused: Vec<&str> = refused.stderr.split('`').filter(|w| w.starts_with('V')).collect();
    let names = (0..values.len()).map(|n| format!("V{n}"));
    let names: Vec<String> = names.filter(|name| !refused.contains(&name.as_str())).collect();
    assert!(!refused.is_empty() && names.len() > 10, "{} {}", refused.len(), names.len());
    let text = export("dotenv", &names).exits(0).stdout;
    let json = export("json", &names).exits(0).json();
    let other = Ultra::empty();
    let lines: Vec<&str> =
        text.split_inclusive('\n').filter(|l| !l.starts_with("ULTRA_PROFILE")).collect();
    other.write_private("a.env", lines.concat());
    let mut args = vec!["env", "export", "--shell", "json", "--with-secrets", "--file", "a.env"];
    args.extend(names.iter().flat_map(|name| ["--only", name.as_str()]));
    let again = other.run(&args).exits(0).json();
    assert_eq!(again, json);
    for (n, value) in values.iter().enumerate() {
        let name = format!("V{n}");
        if names.contains(&name) {
            assert_eq!(json[&name], **value, "{name}");
        }
    }
}
