//! `ultra env fmt`, and what `ultra env lint` says of how files are written.

use crate::support::{CANARY, Ultra, have};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

const ROUGH: &str = "\u{feff}# head \r\n\r\nexport  A = 'x y'  # note\r\nB=it's\nC=\"multi\r\nline\"\nD=${A:-z}  \nE=pa$word\n\n\n";
const FINE: &str =
    "# head\n\nexport A='x y' # note\nB=\"it's\"\nC='multi\nline'\nD=${A:-z}\nE=pa$word\n";

#[test]
fn a_file_is_brought_into_normal_form_once() {
    let ultra = Ultra::empty();
    let path = ultra.write(".env.local", ROUGH);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let outcome = ultra.run(&["env", "fmt", "--check", ".env.local"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("ultra env fmt .env.local"), "{}", outcome.stdout);
    assert_eq!(ultra.read(".env.local"), ROUGH);
    let outcome = ultra.run(&["env", "fmt", ".env.local"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(ultra.read(".env.local"), FINE);
    let meta = path.metadata().unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o640);
    let outcome = ultra.run(&["env", "fmt", "--check", ".env.local"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    ultra.run(&["env", "fmt", ".env.local"]);
    assert_eq!(path.metadata().unwrap().ino(), meta.ino(), "a file in normal form is not written");
    assert_eq!(std::fs::read_dir(ultra.root()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_link_stays_one_and_input_goes_to_output() {
    let ultra = Ultra::empty();
    ultra.write("real/file.env", "A = 1\n");
    std::os::unix::fs::symlink("real/file.env", ultra.root().join("link.env")).unwrap();
    assert_eq!(ultra.run(&["env", "fmt", "link.env"]).code, 0);
    assert!(ultra.root().join("link.env").is_symlink());
    assert_eq!(ultra.read("real/file.env"), "A=1\n");
    let outcome = ultra.run_with_stdin(&["env", "fmt", "-"], ROUGH.as_bytes());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, FINE));
    ultra.write("rough.env", ROUGH);
    let outcome = ultra.run(&["env", "fmt", "--stdout", "rough.env"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, FINE));
    assert_eq!(ultra.read("rough.env"), ROUGH);
    let outcome = ultra.run_with_stdin(&["env", "fmt", "--check", "-"], ROUGH.as_bytes());
    outcome.exits(3).says("to mend: ultra env fmt - < FILE");
    // A file may be called so, or otherwise than a shell takes it.
    ultra.write("stdin", ROUGH);
    ultra.write("a b.env", ROUGH);
    let check = ["env", "fmt", "--check", "stdin", "a b.env"];
    ultra.run(&check).exits(3).says("to mend: ultra env fmt stdin 'a b.env'\n");
    ultra.run(&["env", "fmt", "--check", "-", "-"]).exits(2);
    assert_eq!(ultra.run(&["env", "fmt", "--stdout", "rough.env", "link.env"]).code, 2);
}

#[test]
fn a_file_with_errors_is_left_alone_and_so_are_the_others() {
    let ultra = Ultra::empty();
    ultra.write("good.env", "A = 1\n");
    ultra.write("bad.env", format!("A = 1\nA={CANARY}\nB='{CANARY}\n{CANARY}\n"));
    let before = ultra.read("bad.env");
    let outcome = ultra.run(&["env", "fmt", "good.env", "bad.env"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stdout);
    for place in ["bad.env:2:1", "bad.env:3:3", "bad.env:4:1"] {
        assert!(outcome.stderr.contains(place), "{}", outcome.stderr);
    }
    assert!(!(outcome.stdout + &outcome.stderr).contains(CANARY));
    assert_eq!(ultra.read("good.env"), "A = 1\n");
    assert_eq!(ultra.read("bad.env"), before);
}

#[test]
fn a_difference_shows_no_secret() {
    let ultra = Ultra::empty();
    ultra.write(
        "a.env",
        format!("API_KEY = \"{CANARY}\" # {CANARY}\nNOTE =  {CANARY}\nPLAIN = shown\nDB_PASSWORD = hunter2canary\n# {CANARY} \n"),
    );
    for output in ["human", "json"] {
        let outcome = ultra.run(&["env", "fmt", "--check", "a.env", "-o", output]);
        assert_eq!(outcome.code, 3);
        let all = outcome.stdout + &outcome.stderr;
        assert!(!all.contains(CANARY) && !all.contains("hunter2"), "{all}");
    }
    let outcome = ultra.run(&["env", "fmt", "--check", "a.env"]);
    assert!(outcome.stdout.contains("+    3 PLAIN=shown"), "{}", outcome.stdout);
}

#[test]
fn what_is_no_readable_file_is_said_at_once() {
    let ultra = Ultra::empty();
    let root = ultra.root();
    assert!(
        std::process::Command::new("mkfifo").arg(root.join("fifo")).status().unwrap().success()
    );
    std::os::unix::fs::symlink("loop", root.join("loop")).unwrap();
    std::fs::create_dir(root.join("dir")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    for file in ["fifo", "loop", "dir", "socket", "/dev/zero"] {
        for command in [
            &["env", "fmt", file][..],
            &["env", "lint", file],
            &["env", "import", file],
            &["env", "diff", "dev", &format!("./{file}").replace(".//", "/")],
        ] {
            let outcome = ultra.run(command);
            assert_eq!(outcome.code, 5, "{command:?}: {}", outcome.stderr);
        }
    }
    for command in ["fmt", "lint", "import"] {
        ultra.run(&["env", command, "nope"]).exits(2);
    }
    ultra.run(&["env", "diff", "dev", "./nope"]).exits(2);
    ultra.run(&["env", "lint", "nope", "dir"]).exits(2).complains("dir").complains("nope");
    for (name, bytes) in [("nul", &b"A=x\0y\n"[..]), ("latin1", b"A=\xe9\n"), ("name", b"a.b=1\n")]
    {
        ultra.write(name, bytes);
        assert_eq!(ultra.run(&["env", "fmt", name]).code, 3, "{name}");
        assert_eq!(ultra.run(&["env", "lint", name]).code, 3, "{name}");
        assert_eq!(std::fs::read(root.join(name)).unwrap(), bytes);
    }
    let many: String = (0..10_000).map(|n| format!("V{n} = {n}\n")).collect();
    ultra.write("many", &many);
    assert_eq!(ultra.run(&["env", "fmt", "many"]).code, 0);
    assert_eq!(ultra.read("many"), many.replace(" = ", "="));
}

#[test]
fn a_terminal_sees_no_secret_and_everything_else() {
    if !have("script") {
        return;
    }
    let ultra = Ultra::empty();
    let seen = |args: &str| {
        let call = format!("{} env fmt {args}; echo code $?", env!("CARGO_BIN_EXE_ultra"));
        let output = ultra.wrapped("script", ["-qec", &call, "/dev/null"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    ultra.write("harmless.env", "PORT = 1\n# about\nJWT_SECRET = change-me\nOPENAI_API_KEY =\n");
    let shown = seen("--stdout harmless.env");
    assert!(shown.contains("PORT=1") && shown.contains("code 0"), "{shown}");
    for line in
        [format!("DB_PASSWORD = {CANARY}"), format!("A = {CANARY}"), format!("# A = {CANARY}")]
    {
        ultra.write("a.env", format!("PORT = 1\n{line}\n"));
        for args in ["--stdout a.env", "- < a.env", "-o json --stdout a.env"] {
            let shown = seen(args);
            assert!(shown.contains("code 6") && !shown.contains(CANARY), "{args}: {shown}");
        }
        assert!(seen("--stdout a.env").contains("env fmt --check a.env"));
        ultra.run(&["env", "fmt", "--stdout", "a.env"]).exits(0).says(CANARY);
    }
}

#[test]
fn a_generated_file_is_left_alone() {
    let ultra = Ultra::checkout();
    let outcome = ultra.run(&["env", "switch", "test"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let before = ultra.read(".env");
    let outcome = ultra.run(&["env", "fmt", "--check", ".env"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("left alone"), "{}", outcome.stdout);
    assert_eq!(ultra.read(".env"), before);
}

#[test]
fn lint_tells_every_rule_with_its_place() {
    let ultra = Ultra::empty();
    ultra.write("a.env", format!("API_PORT = 1\nULTRA_PROT=2\nA=b c\nREDIS_ULR=x\nOPENAI_API_KEY={CANARY}\nD=\u{201c}d\u{201d}"));
    let outcome = ultra.run(&["env", "lint", "a.env", "-o", "json"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(!outcome.stdout.contains(CANARY));
    let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["schema"], "ultra.env.lint/1");
    let problems = answer["files"][0]["problems"].as_array().unwrap();
    let found: Vec<String> = problems
        .iter()
        .map(|p| {
            format!(
                "{}:{} {}",
                p["where"]["line"],
                p["where"]["column"],
                p["code"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "1:1 renamed-variable",
            "1:9 spacing",
            "2:1 unknown-variable",
            "3:4 unquoted-value",
            "4:1 near-miss",
            "5:1 exposed-secret",
            "6:3 odd-character",
            "6:6 missing-final-newline",
        ]
    );
    assert!(answer["rules"]["exposed-secret"].as_str().unwrap().contains("secret"));
    ultra.write("warn.env", "A=b c\n");
    assert_eq!(ultra.run(&["env", "lint", "warn.env"]).code, 0);
    assert_eq!(ultra.run(&["env", "lint", "warn.env", "--fail-on", "warn"]).code, 4);
    ultra.write("fine.env", "A='b c'\n");
    assert_eq!(ultra.run(&["env", "lint", "fine.env", "--fail-on", "warn"]).code, 0);
}

#[test]
fn a_secret_within_a_value_or_a_comment_is_not_shown() {
    let ultra = Ultra::empty();
    let canary = "hunter2canary";
    let lines = format!(
        "# password: {canary} \nA = 1 # token,{canary}\nN = key sk-proj-{canary}\n\
         C = host=db password={canary}\nJ = {{\"token\": \"{canary}\"}}\n"
    );
    ultra.write("a.env", lines);
    let outcome = ultra.run(&["env", "fmt", "--check", "a.env"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stdout);
    assert!(!outcome.stdout.contains(canary) && !outcome.stderr.contains(canary));
    assert!(outcome.stdout.contains("   5 J = "), "{}", outcome.stdout);
}

#[test]
fn lint_reads_standard_input() {
    let ultra = Ultra::empty();
    ultra.write("a.env", "A='1'\n");
    let text = format!("A=1\nULTRA_PROT=2\nOPENAI_API_KEY={CANARY}\n");
    let lint = |args: &[&str]| {
        let args = [&["env", "lint"][..], args].concat();
        ultra.run_with_stdin(&args, text.as_bytes()).keeps_the_canary()
    };
    // Nobody else can read it, and git does not track it.
    lint(&["-"]).exits(3).says("stdin:2:1").says("1 error, 0 warnings in 1 file");
    lint(&["a.env", "-", "--compat"]).exits(3).says("in 2 files");
    lint(&["-", "-"]).exits(2).complains("can be read once");
    lint(&["-", "none.env"]).exits(2).complains("none.env");
    ultra.run_with_stdin(&["env", "lint", "-"], b"").exits(0);
}

#[test]
fn what_lint_says_of_fmt_fmt_does() {
    let ultra = Ultra::empty();
    let lines = "B=1\nK=${A:-a b}\nC=a ${B}\nD=it's ${B}\nE=${B:-#}\nF=a $B\nG=a ${B} \\n\nH=${B:-\"x\"}\nI=a b\n";
    ultra.write("a.env", lines);
    let lint = || {
        let json = ultra.run(&["env", "lint", "a.env", "-o", "json"]).exits(0).json();
        let problems = json["files"][0]["problems"].as_array().unwrap().clone();
        let needs_quotes = problems.into_iter().filter(|p| p["code"] == "unquoted-value");
        needs_quotes.map(|p| p["hint"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = lint();
    let (by_fmt, by_hand): (Vec<&String>, Vec<&String>) =
        before.iter().partition(|hint| hint.contains("ultra env fmt"));
    assert_eq!((by_fmt.len(), by_hand.len()), (5, 3), "{before:?}");
    let values = || {
        let args = ["env", "export", "--file", "a.env", "--shell", "json"];
        ultra.run(&args).exits(0).json()
    };
    let meant = values();
    ultra.run(&["env", "fmt", "a.env"]).exits(0);
    assert_eq!(
        ultra.read("a.env"),
        "B=1\nK=\"${A:-a b}\"\nC=\"a ${B}\"\nD=\"it's ${B}\"\nE=\"${B:-#}\"\nF=a $B\nG=a ${B} \\n\nH=${B:-\"x\"}\nI='a b'\n"
    );
    assert_eq!(values(), meant);
    assert!(lint().iter().all(|hint| !hint.contains("ultra env fmt")));
    assert_eq!(lint().len(), by_hand.len());
    ultra.run(&["env", "fmt", "--check", "a.env"]).exits(0);
}
