//! A cloned repository names secrets of this machine and addresses of its own.

use crate::support::{CANARY, Ultra};
use std::os::unix::fs::PermissionsExt as _;

/// A root whose profile wants a secret and says where it would go.
fn cloned() -> Ultra {
    let ultra = Ultra::empty().env("SOMETHING_OF_MINE", CANARY);
    ultra.write("profiles/theirs.yaml", theirs("https://collector.example.org/v1"));
    ultra
}

fn theirs(address: &str) -> String {
    format!(
        "secrets:\n  OPENAI_API_KEY: env:SOMETHING_OF_MINE\nproviders:\n  openai:\n    kind: openai\n    base_url: {address}\n    keys: [OPENAI_API_KEY]\n"
    )
}

#[test]
fn references_lead_to_nothing_until_the_user_agrees() {
    let ultra = cloned();
    let said = ultra.run(&["env", "switch", "theirs"]).exits(0).keeps_the_canary();
    let said = said.says("not trusted").says("env:SOMETHING_OF_MINE");
    said.says("https://collector.example.org").says("ultra env trust");
    assert!(!ultra.read(".env").contains("OPENAI_API_KEY"), "{}", ultra.read(".env"));

    let refused = ultra.run(&["env", "trust"]).exits(6).keeps_the_canary();
    refused.complains("https://collector.example.org").complains("env:SOMETHING_OF_MINE");
    let agreed = ultra.run(&["env", "trust", "--yes"]).exits(0).keeps_the_canary();
    agreed.says("OPENAI_API_KEY").says("https://collector.example.org/v1");
    let list = ultra.home().join(".config/ultra/trust.json");
    assert_eq!(list.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let trusted = ultra.run(&["env", "switch", "theirs"]).exits(0).keeps_the_canary();
    assert!(!trusted.stdout.contains("not trusted"), "{}", trusted.stdout);
    assert!(ultra.read(".env").contains("# OPENAI_API_KEY: "), "{}", ultra.read(".env"));
    ultra.run(&["env", "trust"]).exits(0).says("this root is trusted");
}

#[test]
fn another_address_is_another_question() {
    let ultra = cloned();
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra.write("profiles/theirs.yaml", theirs("https://other.example.org/v1"));
    let said = ultra.run(&["env", "switch", "theirs"]).exits(0).keeps_the_canary();
    said.says("have changed").says("https://other.example.org");
    let json = ultra.run(&["env", "trust", "--yes", "-o", "json"]).exits(0).json();
    assert_eq!(json["status"], "trusted");
    assert_eq!(json["destinations"][0]["url"], "https://other.example.org/v1");
}

#[test]
fn another_key_for_the_same_address_is_another_question() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    let profile = |key: &str| {
        format!(
            "mode: mock\nproviders:\n  acme:\n    kind: openai\n    base_url: https://api.acme.io/v1\n    keys: [{key}]\n"
        )
    };
    ultra.write("profiles/dev.yaml", profile("ACME_API_KEY"));
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("ACME_API_KEY");
    ultra.run(&["env", "trust"]).exits(0).says("this root is trusted");
    ultra.write("profiles/dev.yaml", profile("OPENAI_API_KEY"));
    let asked = ultra.run(&["env", "trust", "--no-input"]).exits(6).keeps_the_canary();
    asked.complains("`dev` sends OPENAI_ADMIN_KEY, OPENAI_API_KEY to https://api.acme.io/v1");
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0).keeps_the_canary();
    run.complains("have changed since you trusted them");
    let json = ultra.run(&["env", "trust", "--yes", "-o", "json"]).exits(0).json();
    assert_eq!(json["destinations"][0]["keys"][1], "OPENAI_API_KEY");
}

#[test]
fn an_address_that_nobody_agreed_to_reaches_no_command_and_no_file() {
    let address = "https://collector.example.org/v1";
    for file in [".env", "profiles/dev.yaml"] {
        let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
        let line = match file {
            ".env" => format!("OPENAI_BASE_URL={address}\nGREETING=hi\n"),
            _ => format!("mode: mock\nvars:\n  OPENAI_BASE_URL: {address}\n  GREETING: hi\n"),
        };
        ultra.write(file, line);
        // The shell has the key already: beside it the address would be enough.
        let export = ultra.run(&["env", "export"]).exits(0).keeps_the_canary();
        assert!(!export.stdout.contains("collector"), "{}", export.stdout);
        export.says("hi").complains("`OPENAI_BASE_URL` is not handed on").complains(file);
        let run = ultra.run(&["env", "run", "--", "env"]).exits(0).says("GREETING=hi");
        assert!(!run.stdout.contains("collector"), "{}", run.stdout);
        if file != ".env" {
            ultra.run(&["env", "switch", "dev"]).exits(0).says("`OPENAI_BASE_URL` is not written");
            let written = ultra.read(".env");
            assert!(!written.contains("collector"), "{written}");
            assert!(written.contains("# OPENAI_BASE_URL is left out: keys are sent"), "{written}");
        }
        ultra.run(&["env", "trust", "--yes"]).exits(0).says(address).says("OPENAI_API_KEY");
        ultra.run(&["env", "export"]).exits(0).says(address);
        let run = ultra.run(&["env", "run", "--", "env"]).exits(0);
        run.says(&format!("OPENAI_BASE_URL={address}")).says(CANARY);
    }
    // The user's own address is the user's own.
    let ultra = Ultra::empty().env("OPENAI_BASE_URL", "https://mine.example.org/v1");
    ultra.write(".env", format!("OPENAI_BASE_URL={address}\n"));
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0).says("https://mine.example.org/v1");
    assert!(!run.stderr.contains("not handed on"), "{}", run.stderr);
}

#[test]
fn trust_is_for_one_root_and_not_needed_without_references() {
    let ultra = Ultra::empty();
    ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
    ultra.run(&["env", "trust"]).exits(0).says("reference no secrets");
    assert!(!ultra.home().join(".config").exists());

    let mut here = cloned();
    here.run(&["env", "trust", "--yes"]).exits(0);
    let there = cloned();
    let config = here.home().join(".config");
    here.set_env("XDG_CONFIG_HOME", config.to_str().unwrap());
    let other = there.root().to_str().unwrap().to_owned();
    here.run(&["env", "trust", "--dir", &other]).exits(6);
}

#[test]
fn what_a_killed_agreement_left_is_swept_by_the_next() {
    let ultra = cloned();
    let folder = ultra.home().join(".config/ultra");
    std::fs::create_dir_all(&folder).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let left = folder.join(".ultra-x.tmp");
    std::fs::write(&left, "left").unwrap();
    std::fs::File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    assert!(!left.exists());
}

/// A trusted root with a provider at an address of its own, whose key comes from elsewhere.
fn trusted() -> Ultra {
    let ultra = Ultra::empty().env("SOMETHING_OF_MINE", CANARY);
    let profile = "mode: mock\nsecrets:\n  ACME_API_KEY: env:NOT_SET\nproviders:\n  acme:\n    kind: openai\n    base_url: https://api.acme.io/v1\n    keys: [MISTRAL_API_KEY, ACME_API_KEY]\n";
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra
}

#[test]
fn a_key_takes_in_nothing_of_the_users_before_he_agrees() {
    for (file, key, told) in [
        (".env", "MISTRAL_API_KEY=${SOMETHING_OF_MINE}\n", "${SOMETHING_OF_MINE}"),
        (".env", "ACME_API_KEY=\"x${SOMETHING_OF_MINE:-}\"\n", "${SOMETHING_OF_MINE}"),
        (".env.local", "A=${SOMETHING_OF_MINE}\nMISTRAL_API_KEY=${A}\n", "${SOMETHING_OF_MINE}"),
        (".env", "MISTRAL_API_KEY_FILE=../token\n", "file:../token"),
        (".env.dev", "MISTRAL_API_KEY_FILE=../token\n", "file:../token"),
    ] {
        let ultra = trusted();
        std::fs::write(ultra.home().join("token"), CANARY).unwrap();
        ultra.write_private(file, key);
        let child = ["env", "run", "--", "sh", "-c", "echo \"got $MISTRAL_API_KEY$ACME_API_KEY\""];
        let run = ultra.run(&child).exits(0).keeps_the_canary();
        assert_eq!(run.stdout, "got \n", "{key}");
        run.complains("have changed since you trusted them").complains(told);
        ultra.run(&["env", "trust", "--no-input"]).exits(6).complains(told).complains(file);
        if key.contains("MISTRAL") {
            ultra.run(&["env", "explain", "MISTRAL_API_KEY"]).says("withheld");
        }
        ultra.run(&["env", "trust", "--yes"]).exits(0).says(told).keeps_the_canary();
        let run = ultra.run(&child).exits(0);
        assert!(run.stdout.contains(CANARY), "{key}: {}", run.stdout);
    }
    // By way of another file, whose change would not show in what was agreed to.
    let ultra = trusted();
    ultra.write(".env", "A=${SOMETHING_OF_MINE}\n");
    ultra.write_private(".env.local", "MISTRAL_API_KEY=${A}\n");
    let child = ["env", "run", "--only", "MISTRAL_API_KEY", "--", "printenv", "MISTRAL_API_KEY"];
    let run = ultra.run(&child).exits(1).keeps_the_canary();
    run.complains("${SOMETHING_OF_MINE}");
    ultra.write(".env", "SECRETS=..\n");
    std::fs::write(ultra.home().join("token"), CANARY).unwrap();
    ultra.write_private(".env.local", "MISTRAL_API_KEY_FILE=${SECRETS}/token\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let said = ultra.run(&child).exits(3).keeps_the_canary();
    said.complains("nobody can agree to it").complains(".env.local:1");
}

#[test]
fn a_key_that_takes_in_what_is_the_files_own_asks_nothing() {
    let ultra = Ultra::empty();
    ultra.write_private(
        ".env",
        "DB_PASSWORD=hT83kd02\nDATABASE_URL=postgres://${USER}:${DB_PASSWORD}@db.acme.io/app\nOPENAI_API_KEY=${OPENAI_API_KEY:-}\n",
    );
    let run = ultra.run(&["env", "run", "--", "printenv", "DATABASE_URL"]).exits(0);
    assert!(run.stdout.contains("hT83kd02"), "{}", run.stdout);
    assert!(!run.stderr.contains("trust"), "{}", run.stderr);
    // The process environment has its say first, and then it is the user's.
    let ultra = ultra.env("DB_PASSWORD", CANARY);
    let run = ultra.run(&["env", "run", "--", "printenv", "DATABASE_URL"]).exits(1);
    run.keeps_the_canary().complains("${DB_PASSWORD}").complains("ultra env trust");
}

#[test]
fn what_ultra_itself_works_with_is_sent_to_no_provider() {
    for key in ["ULTRA_JWT_KEY", "ULTRA_SERVICE_KEY", "DATABASE_URL"] {
        let ultra = Ultra::empty();
        let profile = format!(
            "mode: mock\nsecrets:\n  {key}: env:NOT_SET\nproviders:\n  acme:\n    kind: openai\n    base_url: https://api.acme.io/v1\n    keys: [{key}]\n"
        );
        ultra.write("profiles/dev.yaml", profile);
        let said = ultra.run(&["env", "validate"]).exits(3).says("is no key of a provider");
        said.says("ACME_API_KEY");
    }
}

#[test]
fn files_of_another_user_are_no_part_of_a_root() {
    let theirs = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(65534), None).is_ok();
    let open = std::fs::Permissions::from_mode(0o1777);
    // Only root may give a file away; elsewhere there is nothing to try.
    for name in ["profiles", "profiles/theirs.yaml", ".env"] {
        let ultra = Ultra::empty();
        ultra.write("profiles/theirs.yaml", "vars:\n  A: b\n");
        ultra.write(".env", "A=c\n");
        for dir in [ultra.root().to_owned(), ultra.root().join("profiles")] {
            std::fs::set_permissions(dir, open.clone()).unwrap();
        }
        ultra.run(&["env", "show", "A"]).exits(0);
        if theirs(&ultra.root().join(name)) {
            let said = ultra.run(&["env", "show", "A"]).exits(6).complains("another user");
            said.complains(name).complains("--dir");
            let root = ultra.root().to_str().unwrap();
            ultra.run(&["env", "show", "A", "--dir", root]).exits(0);
        }
    }
    // Without a root it is not read.
    let ultra = Ultra::empty();
    let file = ultra.write(".env", "A=c\n");
    std::fs::set_permissions(ultra.root(), open).unwrap();
    ultra.run(&["env", "run", "--", "printenv", "A"]).exits(0);
    if theirs(&file) {
        ultra.run(&["env", "run", "--", "printenv", "A"]).exits(1);
    }
}

#[test]
fn what_is_agreed_to_stays_so_in_another_environment() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    let lines = "OPENAI_BASE_URL=http://localhost:${OLLAMA_PORT:-11434}/v1\nHTTPS_PROXY=${MY_PROXY}\nCXXFLAGS=\"${CFLAGS} -g\"\nMISTRAL_API_KEY_FILE=${HOME}/k\n";
    ultra.write_private(".env", lines);
    std::fs::write(ultra.home().join("k"), "mistral-hT83kd02").unwrap();
    let agreed = ultra.run(&["env", "trust", "--yes"]).exits(0).keeps_the_canary();
    agreed.says("${OLLAMA_PORT:-11434}").says("${CFLAGS} -g").says("file:${HOME}/k");
    let ultra = ultra.env("OLLAMA_PORT", "1").env("CFLAGS", "-O2").env("MY_PROXY", "http://me:2");
    ultra.run(&["env", "trust"]).exits(0).says("this root is trusted");
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0);
    let run = run.says("OPENAI_BASE_URL=http://localhost:1/v1").says("CXXFLAGS=-O2 -g");
    run.says("HTTPS_PROXY=http://me:2").says("MISTRAL_API_KEY=mistral-hT83kd02");
    // What another file of the root says of such a name is a part of the agreement.
    ultra.write(".env.local", "OLLAMA_PORT=1\n");
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0).keeps_the_canary();
    let run = run.complains("have changed since you trusted them");
    assert!(!run.stdout.contains("OPENAI_BASE_URL"), "{}", run.stdout);
    let asked = ultra.run(&["env", "trust", "--no-input"]).exits(6);
    asked.complains(".env.local:1 sets `OLLAMA_PORT`, which these take in, to 1");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says(".env.local:1");
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0);
    run.says("OPENAI_BASE_URL=http://localhost:1/v1");
    ultra.write(".env.local", "OLLAMA_PORT=2\n");
    ultra.run(&["env", "trust", "--no-input"]).exits(6);
    // Nor is another text the one that was agreed to.
    ultra.write(".env.local", "");
    ultra.write_private(".env", lines.replace("11434", "11435"));
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0).keeps_the_canary();
    assert!(!run.stdout.contains("OPENAI_BASE_URL"), "{}", run.stdout);
}

#[test]
fn what_the_files_say_themselves_is_nothing_of_the_users() {
    let ultra = Ultra::empty();
    let line = "PGPW=hT83kd02\nDATABASE_URL=postgres://app:${PGPW}@h/db\n";
    ultra.write_private(".env", line);
    let mut ultra = ultra.env("PGPW", "hT83kd02");
    ultra.run(&["env", "run", "--", "printenv", "DATABASE_URL"]).exits(0).says("hT83kd02");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("is trusted from now on");
    ultra.set_env("PGPW", "of-the-shell-93");
    ultra.run(&["env", "run", "--", "printenv", "DATABASE_URL"]).exits(0).says("of-the-shell-93");
}

#[test]
fn a_link_in_the_root_leads_to_no_file_of_the_users() {
    let ultra = Ultra::empty();
    ultra.write_private(".env", "MISTRAL_API_KEY_FILE=./key\n");
    ultra.write_private("key", "mistral-hT83kd02");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let child = ["env", "run", "--", "sh", "-c", "echo got $MISTRAL_API_KEY"];
    ultra.run(&child).exits(0).says("mistral-hT83kd02");
    let token = ultra.home().join("token");
    std::fs::write(&token, CANARY).unwrap();
    std::fs::remove_file(ultra.root().join("key")).unwrap();
    std::os::unix::fs::symlink(&token, ultra.root().join("key")).unwrap();
    let said = ultra.run(&child).exits(3).keeps_the_canary();
    said.complains("a link in the root or its checkout leads elsewhere").complains(".env:1");
}

/// A root below the top of a checkout, or of what an archive brought: what lies beside it has the
/// same author.
#[test]
fn nor_does_a_link_beside_the_root_in_the_same_checkout() {
    let path = "../shared/key";
    for repository in [true, false] {
        for file in [".env", "profiles/dev.yaml"] {
            let ultra = Ultra::empty();
            let token = ultra.home().join("token");
            std::fs::write(&token, CANARY).unwrap();
            let app = ultra.root().join("top/app");
            std::fs::create_dir_all(app.join("profiles")).unwrap();
            if repository {
                std::fs::create_dir(ultra.root().join("top/.git")).unwrap();
            }
            std::fs::create_dir(ultra.root().join("top/shared")).unwrap();
            ultra.write_private("top/own", "mistral-hT83kd02");
            let said = match file {
                ".env" => format!("MISTRAL_API_KEY_FILE={path}\n"),
                _ => format!("mode: mock\nsecrets:\n  MISTRAL_API_KEY: file:{path}\n"),
            };
            ultra.write_private("top/app/profiles/dev.yaml", "mode: mock\n");
            ultra.write_private(&format!("top/app/{file}"), said);
            let run = |words: &[&str]| {
                let mut command = ultra.command(words);
                command.current_dir(&app);
                crate::support::Outcome::from(command.output().unwrap())
            };
            let child = ["env", "run", "--", "sh", "-c", "echo got $MISTRAL_API_KEY"];
            let link = ultra.root().join("top/shared/key");
            // A link that stays in the checkout is the project's own business.
            std::os::unix::fs::symlink("../own", &link).unwrap();
            run(&["env", "trust", "--yes"]).exits(0);
            run(&child).exits(0).says("got mistral-hT83kd02");
            std::fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink(&token, &link).unwrap();
            let said = run(&child).exits(3).keeps_the_canary();
            said.complains("a link in the root or its checkout leads elsewhere").complains(file);
        }
    }
}

#[test]
fn a_link_to_nothing_is_told_as_a_missing_file() {
    for file in [".env", "profiles/dev.yaml"] {
        let ultra = Ultra::empty();
        let (said, missing) = match file {
            ".env" => ("MISTRAL_API_KEY_FILE=./key\n", "there is no such file"),
            _ => ("mode: mock\nsecrets:\n  MISTRAL_API_KEY: file:key\n", "there is no file `key`"),
        };
        ultra.write_private(file, said);
        std::os::unix::fs::symlink("not-there", ultra.root().join("key")).unwrap();
        ultra.run(&["env", "trust", "--yes"]).exits(0);
        let run = ultra.run(&["env", "run", "--", "true"]);
        assert!(!run.stderr.contains("leads elsewhere"), "{}", run.stderr);
        run.complains(missing);
    }
}

/// What was agreed to takes in a name of which a file of the root has a say that is not part of the
/// agreement: neither comes into a command by way of the environment.
#[test]
fn what_the_root_says_elsewhere_is_not_laundered_through_the_environment() {
    let ultra = Ultra::empty();
    ultra.write(".env", "NODE_OPTIONS=${MISTRAL_API_KEY:-}\nMISTRAL_API_KEY_FILE=./o\nCXXFLAGS=${FLAGS:-}\nFLAGS=-O2\n");
    ultra.write_private("o", "a");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let ultra = ultra.env("MISTRAL_API_KEY", "--require=./evil.js").env("FLAGS", "-fplugin=evil");
    ultra.run(&["env", "trust"]).exits(0).says("this root is trusted");
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0);
    assert!(!run.stdout.contains("NODE_OPTIONS"), "{}", run.stdout);
    let run = run.complains("`MISTRAL_API_KEY` at .env:2");
    // The shell says what it likes of what the file says in the open.
    run.says("CXXFLAGS=-fplugin=evil");
    ultra.write(".env", ultra.read(".env").replace("-O2", "-O3"));
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0);
    assert!(!run.stdout.contains("CXXFLAGS"), "{}", run.stdout);
    ultra.run(&["env", "trust", "--no-input"]).exits(6).complains("to -O3");
}

/// What a profile or another file says of a variable that the shell sets: agreed to, it just works;
/// where the shell does not set it, who says it is told.
#[test]
fn a_variable_of_the_shell_that_the_root_mentions_elsewhere_is_the_shells() {
    for (file, said, line) in [
        (".env.dev", "GATE_PORT=1\n", 1),
        (".env", "GATE_PORT=1\n", 1),
        ("profiles/dev.yaml", "mode: mock\nvars:\n  GATE_PORT: 1\n", 3),
        ("profiles/other.yaml", "mode: mock\nvars:\n  GATE_PORT: 1\n", 3),
    ] {
        let mut ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY).env("GATE_PORT", "7");
        ultra.write_private("k7", "mistral-hT83kd02");
        let lines = "OPENAI_BASE_URL=http://localhost:${GATE_PORT}/v1\nMISTRAL_API_KEY_FILE=./k${GATE_PORT}\n";
        ultra.write_private(".env.local", lines);
        ultra.write(file, said);
        ultra.run(&["env", "trust", "--yes"]).exits(0).says(&format!("{file}:{line}"));
        let run = ultra.run(&["env", "run", "--", "env"]).exits(0);
        run.says("OPENAI_BASE_URL=http://localhost:7/v1").says("MISTRAL_API_KEY=mistral-hT83kd02");
        ultra.unset_env("GATE_PORT");
        if file == ".env" {
            let run = ultra.run(&["env", "run", "--", "env"]).exits(3).keeps_the_canary();
            run.complains("(`GATE_PORT` at .env:1), so nobody can agree to it");
        }
    }
}
