//! `ultra env init`: a project in an empty directory.

use crate::support::{Terminal, Ultra, have};
use std::process::Command;

#[test]
fn a_project_starts_in_an_empty_directory_and_works() {
    let ultra = Ultra::empty();
    ultra.run(&["env", "switch", "dev"]).exits(2).complains("ultra env init");
    let said = ultra.run(&["env", "init", "--yes", "--provider", "openai"]).exits(0);
    said.says("ultra keys set openai --profile prod").says("ultra env validate prod");
    let list = ultra.run(&["env", "list", "-o", "json"]).exits(0).json();
    let names: Vec<&str> =
        list["profiles"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dev", "prod", "staging", "test"]);
    ultra.run(&["env", "switch", "dev"]).exits(0);
    ultra.run(&["check", "readiness", "--profile", "dev"]).exits(0).says("verdict: ready");
    ultra
        .run(&["env", "switch", "prod"])
        .exits(3)
        .complains("`ULTRA_PUBLIC_URL` is not set")
        .complains("ultra keys set jwt --profile prod")
        .complains("ultra keys set database --profile prod");
    for name in names {
        let text = ultra.read(&format!("profiles/{name}.yaml"));
        let schema = text.lines().next().unwrap().split_once("$schema=").unwrap().1;
        let schema = ultra.root().join("profiles").join(schema);
        let schema = std::fs::read_to_string(schema).unwrap();
        serde_json::from_str::<serde_json::Value>(&schema).unwrap();
    }
}

#[test]
fn what_is_there_is_kept_and_what_is_missing_completed() {
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock # mine\n");
    ultra.write(".gitignore", "target\n.env\n");
    let dry = ultra.run(&["env", "init", "--yes", "--dry-run", "-o", "json"]).exits(0).json();
    assert_eq!(dry["changed"], false);
    assert!(!ultra.root().join("profiles/prod.yaml").exists());
    assert_eq!(ultra.read(".gitignore"), "target\n.env\n");

    let json = ultra.run(&["env", "init", "--yes", "-o", "json"]).exits(0).json();
    let deeds: Vec<String> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| format!("{} {}", f["deed"], f["path"]).replace('"', ""))
        .collect();
    assert_eq!(
        deeds,
        [
            "extend .gitignore",
            "write .env.example",
            "write profiles/profile.schema.json",
            "keep profiles/dev.yaml",
            "write profiles/test.yaml",
            "write profiles/staging.yaml",
            "write profiles/prod.yaml",
        ]
    );
    assert_eq!(ultra.read("profiles/dev.yaml"), "mode: mock # mine\n");
    assert!(ultra.read(".gitignore").starts_with("target\n.env\n"));
    assert!(ultra.read(".gitignore").ends_with("/.ultra/\n.env.*\n!.env.example\n"));
    let again = ultra.run(&["env", "init", "-o", "json"]).exits(0).json();
    assert_eq!(again["changed"], false);
    ultra.run(&["env", "init"]).exits(0).says("nothing to do");
}

#[test]
fn git_ignores_state_and_secrets_but_not_the_example() {
    if !have("git") {
        return;
    }
    let ultra = Ultra::empty();
    ultra.write(".gitignore", "!.env.example");
    ultra.run(&["env", "init", "--yes"]).exits(0);
    let git = |args: &[&str]| {
        let mut command: Command = ultra.wrapped("git", args);
        command.output().unwrap().status.code().unwrap()
    };
    assert_eq!(git(&["init", "-q"]), 0);
    for path in [".env", ".env.local", ".env.prod.local", ".ultra/vault.age"] {
        assert_eq!(git(&["check-ignore", "-q", path]), 0, "{path} is not ignored");
    }
    for path in [".env.example", "profiles/prod.yaml"] {
        assert_eq!(git(&["check-ignore", "-q", path]), 1, "{path} is ignored");
    }
}

#[test]
fn choices_are_flags_and_without_them_somebody_must_answer() {
    let ultra = Ultra::empty();
    ultra
        .run(&["env", "init"])
        .exits(6)
        .complains("--yes")
        .complains("--provider openai --database postgres --cache redis");
    assert_eq!(std::fs::read_dir(ultra.root()).unwrap().count(), 0);
    ultra
        .run(&["env", "init", "--yes", "--provider", "opnai,antropic"])
        .exits(2)
        .complains("did you mean `openai`?")
        .complains("did you mean `anthropic`?");
    let args = ["env", "init", "--provider", "none", "--database", "sqlite", "--cache", "memory"];
    ultra.run(&[&args[..], &["--profile-set", "small", "new/app"]].concat()).exits(0);
    let prod = ultra.read("new/app/profiles/prod.yaml");
    assert!(prod.contains("ULTRA_CACHE: memory"), "{prod}");
    assert!(prod.contains("require_postgres: false"), "{prod}");
    assert!(!ultra.root().join("new/app/profiles/test.yaml").exists());
    let said = ultra.run(&["env", "validate", "prod", "--dir", "new/app"]).exits(3);
    assert!(!said.stdout.contains("DATABASE_URL"), "{}", said.stdout);
}

#[test]
fn no_project_starts_where_many_live_or_within_another() {
    let ultra = Ultra::empty();
    ultra.run(&["env", "init", "/", "--yes"]).exits(6).complains("no project is started here");
    let home = ultra.home().to_str().unwrap().to_owned();
    ultra.run(&["env", "init", &home, "--yes"]).exits(6);
    assert!(!ultra.home().join("profiles").exists());
    ultra.run(&["env", "init", "--yes"]).exits(0);
    let mut command = ultra.command(["env", "init", "--yes"]);
    let out = command.current_dir(ultra.root().join("profiles")).output().unwrap();
    assert_eq!(out.status.code(), Some(6), "{out:?}");
    assert!(!ultra.root().join("profiles/profiles").exists());
    ultra.write("file", "x");
    ultra.run(&["env", "init", "file", "--yes"]).exits(5).complains("no directory");
}

#[test]
fn a_run_that_fails_half_way_takes_back_what_it_wrote() {
    use std::os::unix::fs::PermissionsExt as _;
    let ultra = Ultra::empty();
    ultra.write("app/profiles/dev.yaml", "mode: mock\n");
    let profiles = ultra.root().join("app/profiles");
    std::fs::set_permissions(&profiles, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(profiles.join("x"), "").is_ok() {
        // Root writes everywhere; the rest of this test would prove nothing.
        return;
    }
    ultra.run(&["env", "init", "app", "--yes"]).exits(5).complains("nothing was written");
    let left: Vec<_> = std::fs::read_dir(ultra.root().join("app"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["profiles"]);
    std::fs::set_permissions(&profiles, std::fs::Permissions::from_mode(0o755)).unwrap();
    ultra.run(&["env", "init", "app", "--yes"]).exits(0);
}

#[test]
fn killed_at_any_point_a_second_run_completes_it() {
    if !have("strace") {
        return;
    }
    for n in 1..60 {
        let ultra = Ultra::empty();
        let mut command = ultra.wrapped(
            "strace",
            [
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &format!("inject=rename,renameat,renameat2,link,linkat,mkdir:signal=KILL:when={n}"),
                env!("CARGO_BIN_EXE_ultra"),
                "env",
                "init",
                "--yes",
            ],
        );
        let killed = !command.output().unwrap().status.success();
        ultra.run(&["env", "init", "--yes"]).exits(0);
        for path in ["profiles/prod.yaml", "profiles/dev.yaml", ".gitignore", ".env.example"] {
            assert!(!ultra.read(path).is_empty(), "{path} after a kill at {n}");
        }
        ultra.run(&["env", "list"]).exits(0);
        if !killed {
            assert!(n > 3, "nothing was killed");
            return;
        }
    }
    panic!("it never came through");
}

#[test]
fn no_link_leads_out_of_the_project() {
    for name in [".gitignore", "profiles"] {
        let ultra = Ultra::empty();
        let outside = ultra.home().join("outside");
        if name == "profiles" {
            std::fs::create_dir(&outside).unwrap();
        } else {
            std::fs::write(&outside, "export A=1\n").unwrap();
        }
        std::os::unix::fs::symlink(&outside, ultra.root().join(name)).unwrap();
        ultra.run(&["env", "init", "--yes"]).exits(5).complains("is a link to elsewhere");
        assert_eq!(std::fs::read_dir(ultra.root()).unwrap().count(), 1);
        if name == "profiles" {
            assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        } else {
            assert_eq!(std::fs::read_to_string(&outside).unwrap(), "export A=1\n");
        }
    }
}

#[test]
fn a_dotenv_file_that_is_there_is_to_be_imported_and_quiet_is_quiet() {
    let ultra = Ultra::empty();
    ultra.write_private(".env", "GREETING=hello\n");
    let said = ultra.run(&["-q", "env", "init", "--yes"]).exits(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let example = ultra.read(".env.example");
    assert!(!example.contains("src/") && !example.contains("generate"), "{example}");
    let other = Ultra::empty();
    other.write_private(".env", "GREETING=hello\n");
    other.run(&["env", "init", "--yes"]).exits(0).says("ultra env import .env");
    let bare = Ultra::empty();
    let said = bare.run(&["env", "init", "--yes"]).exits(0);
    assert!(!said.stdout.contains("env import"), "{}", said.stdout);
}

/// The questions, in their order.
const QUESTIONS: [&str; 3] = [
    "Which provider answers in production",
    "Where does production keep its data",
    "What does production remember answers in",
];

#[test]
fn on_a_terminal_return_takes_the_defaults_and_arrows_choose() {
    if !have("script") {
        return;
    }
    let expected = Ultra::empty();
    expected.run(&["env", "init", "--yes"]).exits(0);
    let ultra = Ultra::empty();
    let mut terminal = Terminal::start(&ultra, "env init");
    for question in QUESTIONS {
        terminal.shows(question);
        terminal.types(b"\r");
    }
    terminal.ends().exits(0).says("profiles/prod.yaml");
    let prod = "profiles/prod.yaml";
    assert_eq!(ultra.read(prod), expected.read(prod));

    let args = ["env", "init", "--provider", "none", "--database", "sqlite", "--cache", "memory"];
    let expected = Ultra::empty();
    expected.run(&args).exits(0);
    let ultra = Ultra::empty();
    let mut terminal = Terminal::start(&ultra, "env init");
    for (question, keys) in QUESTIONS.iter().zip([&b"\r"[..], b"\x1b[B\r", b"\x1b[B\r"]) {
        terminal.shows(question);
        terminal.types(keys);
    }
    terminal.ends().exits(0);
    assert_eq!(ultra.read(prod), expected.read(prod));
}

#[test]
fn who_breaks_off_at_a_question_leaves_nothing_behind() {
    if !have("script") {
        return;
    }
    // Control-C at every question. Control-D is no answer either: the question stays.
    for (answered, key) in
        [(0, "\x03"), (1, "\x03"), (2, "\x03"), (0, "\x04\x03"), (2, "\x04\x04\x03")]
    {
        let ultra = Ultra::empty();
        ultra.write(".gitignore", "target\n");
        let mut terminal = Terminal::start(&ultra, "env init");
        for question in &QUESTIONS[..answered] {
            terminal.shows(question);
            terminal.types(b"\r");
        }
        terminal.shows(QUESTIONS[answered]);
        terminal.types(key.as_bytes());
        let ended = terminal.ends();
        assert_eq!(ended.code, 130, "{key:?} at question {answered}: {}", ended.stdout);
        // The cursor, which a choice hides, is there again.
        let (hidden, shown) = (ended.stdout.rfind("\x1b[?25l"), ended.stdout.rfind("\x1b[?25h"));
        assert!(shown >= hidden, "the cursor stays hidden: {:?}", ended.stdout);
        let left: Vec<_> = std::fs::read_dir(ultra.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [".gitignore"], "{key:?} at question {answered}");
        assert_eq!(ultra.read(".gitignore"), "target\n");
    }
}
