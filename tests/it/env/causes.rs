//! One cause, one exit code and one way out, whichever command meets it.

use crate::support::Ultra;
use std::os::unix::fs::PermissionsExt as _;

/// Every command that reads a dotenv file which is named to it.
const READERS: &[&[&str]] = &[
    &["env", "lint", "FILE"],
    &["env", "fmt", "FILE"],
    &["env", "fmt", "--check", "FILE"],
    &["env", "import", "FILE"],
    &["env", "import", "--dry-run", "FILE"],
    &["env", "diff", "./FILE", "dev"],
    &["env", "run", "--file", "FILE", "--", "echo", "started"],
    &["env", "export", "--file", "FILE"],
];

fn with(ultra: &Ultra, args: &[&str], file: &str) -> crate::support::Outcome {
    let args: Vec<String> = args.iter().map(|arg| arg.replace("FILE", file)).collect();
    ultra.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_file_that_cannot_be_read_is_5_and_one_that_is_missing_2() {
    let ultra = Ultra::empty();
    std::fs::create_dir(ultra.root().join("folder.env")).unwrap();
    for args in READERS {
        let outcome = with(&ultra, args, "folder.env").exits(5);
        let outcome = outcome.complains("not a regular file").complains("hint: name a regular");
        assert_eq!(outcome.stderr.matches("error:").count(), 1, "{args:?}");
        assert_eq!(outcome.stdout, "", "{args:?}");
        let outcome = with(&ultra, args, "missing.env").exits(2).complains("missing.env");
        assert_eq!(outcome.stdout, "", "{args:?}");
    }
    ultra
        .run(&["env", "run", "--file", "one.env", "--file", "two.env", "--", "true"])
        .exits(2)
        .complains("`one.env`")
        .complains("`two.env`");
    // A layer that cannot be read, too; what is wrong beside it is wrong for certain.
    std::fs::create_dir(ultra.root().join(".env.local")).unwrap();
    ultra.run(&["env", "validate"]).exits(5).says("not a regular file");
    ultra.run(&["env", "run", "--", "true"]).exits(5);
    ultra.write_private(".env.dev.local", "ULTRA_PORT=x\n");
    ultra.run(&["env", "validate"]).exits(3).says("ULTRA_PORT");
}

#[test]
fn what_cannot_be_written_is_named_with_a_way_out() {
    let ultra = Ultra::empty();
    for dir in ["profiles", "taken"] {
        std::fs::create_dir_all(ultra.root().join(dir)).unwrap();
    }
    let render = |out: &str| ultra.run(&["env", "render", "compose", "--out", out]).exits(5);
    render("taken").complains("cannot write `taken`").complains("hint: name a file");
    render("no/such/x")
        .complains("cannot write `no/such/x`")
        .complains("hint: `mkdir -p no/such` makes its directory");
    // Nobody else is at work: the lock itself cannot be had.
    ultra.own_state();
    std::fs::create_dir(ultra.state().join("import.lock")).unwrap();
    ultra.write_private("new.env", "GREETING=hello\n");
    let outcome = ultra.run(&["env", "import", "new.env"]).exits(5);
    let outcome =
        outcome.complains("cannot write `.ultra/import.lock`").complains("ULTRA_STATE_DIR");
    assert!(!outcome.stderr.contains("another import"), "{}", outcome.stderr);
    let init = ultra.run(&["env", "init", "--yes", "/proc/self/net/."]).exits(5);
    assert!(!init.stderr.contains("/."), "{}", init.stderr);
    init.complains("cannot write `/proc/self/net");
}

#[test]
fn a_script_that_names_no_interpreter_is_started_by_no_shell() {
    let ultra = Ultra::empty().env("PATH", "bin:/usr/bin:/bin");
    let executable = |path: &str, text: &str| {
        let path = ultra.write(path, text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    executable("plain.sh", "echo started\n");
    executable("bin/plain-on-path", "echo started\n");
    executable("empty", "");
    executable("named.sh", "#!/bin/sh\necho started\n");
    for mode in [&["env", "run", "--"][..], &["env", "run", "--redact", "--"]] {
        let run = |program: &str| ultra.run(&[mode, &[program]].concat());
        for program in ["./plain.sh", "plain-on-path", "./empty"] {
            let outcome = run(program).exits(126).complains("first line");
            assert_eq!(outcome.stdout, "", "{program}");
        }
        run("./plain.sh").exits(126).complains("ultra env run -- sh ./plain.sh");
        assert_eq!(run("./named.sh").exits(0).stdout, "started\n");
    }
}

#[test]
fn small_words_are_right() {
    let ultra = Ultra::empty();
    ultra.write_private("one.env", "A=1\nA=2\n");
    ultra.run(&["env", "lint", "one.env"]).exits(3).says("1 error, 0 warnings in 1 file");
    ultra.write_private("one.env", "A = 1\n");
    ultra.run(&["env", "lint", "one.env"]).says("0 errors, 1 warning in 1 file\n");
    for only in ["", ",", "ULTRA_PORT,"] {
        ultra
            .run(&["env", "run", "--only", only, "--", "true"])
            .exits(2)
            .complains("`--only` has an empty name")
            .complains("hint: name variables");
    }
}

#[test]
fn help_is_a_command_too() {
    let ultra = Ultra::empty();
    let same = |words: &[&str], flag: &[&str]| {
        let (said, wanted) = (ultra.run(words).exits(0), ultra.run(flag).exits(0));
        assert_eq!(said.stdout, wanted.stdout, "{words:?}");
        assert!(said.stdout.contains("Usage: "), "{words:?}");
    };
    same(&["help"], &["--help"]);
    same(&["help", "env", "switch"], &["env", "switch", "--help"]);
    same(&["env", "help"], &["env", "--help"]);
    same(&["env", "help", "run"], &["env", "run", "--help"]);
    ultra.run(&["help", "nonsense"]).exits(2);
    // Where a name is wanted it is one.
    ultra.run(&["env", "run", "--", "help"]).exits(127);
    ultra.run(&["completions", "help"]).exits(2);
}

#[test]
fn a_damaged_record_is_replaced_by_the_command_that_the_hint_names() {
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock\n");
    ultra.write_private(".ultra/switch.json", "{");
    let outcome = ultra.run(&["env", "current"]).exits(5);
    let hint = outcome.stderr.split('`').find(|part| part.starts_with("ultra ")).unwrap();
    let words: Vec<&str> = hint.split(' ').skip(1).collect();
    ultra.run(&words).exits(0);
    ultra.run(&["env", "current"]).exits(0).says("dev");
    assert_eq!(ultra.read(".ultra/switch.json.damaged"), "{");
}

#[test]
fn a_list_holds_although_a_profile_does_not() {
    let ultra = Ultra::empty();
    ultra.write("profiles/bad.yaml", "vars: [\n");
    let outcome = ultra.run(&["env", "list"]).exits(0).says("warning: ").says("unreadable");
    assert!(!outcome.stdout.contains("error:"), "{}", outcome.stdout);
    let said = ultra.run(&["env", "list", "-o", "json"]).exits(0).json();
    let bad = said["profiles"].as_array().unwrap().iter().find(|row| row["name"] == "bad").unwrap();
    assert_eq!(bad["problems"][0]["level"], "error");
    ultra.run(&["env", "validate", "bad"]).exits(3);
}

/// Every file below `dir`.
fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_limit_of_file_sizes_is_an_error_like_a_full_disk() {
    let mut ultra = Ultra::empty();
    ultra.set_env("ULTRA_VAULT_IDENTITY_FILE", ultra.home().join("identity").to_str().unwrap());
    ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
    ultra.write_private("new.env", "GREETING=hello\n");
    // Not one byte more in any file; what is written to pipes is no file.
    let limited = |args: &[&str]| {
        let script = "ulimit -f 0 && exec \"$0\" \"$@\"";
        let all = ["-c", script, env!("CARGO_BIN_EXE_ultra")];
        let mut command = ultra.wrapped("sh", all.iter().chain(args));
        command.stdin(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let _ = std::io::Write::write_all(&mut &stdin, b"0123456789abcdef0123456789abcdef");
        drop(stdin);
        crate::support::Outcome::from(child.wait_with_output().unwrap())
    };
    for first in [true, false] {
        for (args, code) in [
            (&["env", "switch", "plain"][..], 5),
            (&["keys", "set", "encryption"], 5),
            (&["env", "import", "new.env"], 5),
            (&["env", "render", "compose", "--out", "compose.yml"], 5),
            (&["auth", "service-key", "create", "ci"], 5),
            (&["serve", "--port", "auto"], 5),
            (&["env", "init", "--yes", "fresh"], 5),
        ] {
            let outcome = limited(args);
            assert_eq!(outcome.code, code, "{args:?}: {outcome:?}");
            assert!(outcome.stderr.contains("error:"), "{args:?}: {outcome:?}");
            let left: Vec<_> = files(ultra.home())
                .into_iter()
                .filter(|path| {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    name.starts_with(".ultra-") || name == "compose.yml"
                })
                .collect();
            assert_eq!(left, Vec::<std::path::PathBuf>::new(), "{args:?}");
        }
        // Nothing has to be written for an answer; and nothing is in anybody's way afterwards.
        assert_eq!(limited(&["env", "list"]).code, 0);
        if first {
            ultra.run_with_stdin(&["keys", "set", "jwt"], b"0123456789abcdef0123456789abcdef");
            ultra.run(&["env", "switch", "dev"]).exits(0);
        }
    }
    ultra.run(&["env", "current"]).exits(0).says("dev");
    ultra.run(&["env", "switch", "plain"]).exits(0);
}
