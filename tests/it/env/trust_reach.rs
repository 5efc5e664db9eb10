//! What trust reaches: profiles that take in others, files that a profile names, and the user's
//! database passwords.

use crate::support::{CANARY, Ultra};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::{Receiver, channel};

fn bash(ultra: &Ultra) -> crate::support::Outcome {
    ultra.run(&["env", "run", "--", "bash", "-c", "echo hello"]).exits(0)
}

/// What one profile says and was agreed to holds under another one only after that was agreed to.
#[test]
fn a_profile_that_begins_to_extend_another_asks_again() {
    let ultra = Ultra::empty();
    ultra.write("theirs.sh", "echo theirs ran\n");
    ultra.write("profiles/x.yaml", "mode: mock\nvars:\n  BASH_ENV: ./theirs.sh\n");
    ultra.write("profiles/middle.yaml", "extends: x\n");
    ultra.write("profiles/dev.yaml", "mode: mock\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("profiles/middle.yaml:1");
    assert_eq!(bash(&ultra).stdout, "hello\n");
    for other in ["x", "middle"] {
        ultra.write("profiles/dev.yaml", format!("extends: {other}\n"));
        let ran = bash(&ultra);
        assert_eq!(ran.stdout, "hello\n");
        ran.complains("`BASH_ENV` is not handed on");
        let asked = ultra.run(&["env", "trust", "--no-input"]).exits(6);
        asked.complains(&format!("profiles/dev.yaml:1: `dev` takes in what `{other}` says"));
        let json = ultra.run(&["env", "trust", "--yes", "-o", "json"]).exits(0).json();
        assert_eq!(json["extends"][0]["profile"], "dev");
        assert_eq!(json["extends"][0]["other"], other);
        assert_eq!(bash(&ultra).stdout, "theirs ran\nhello\n");
    }
    // Another one in the middle is another question, too.
    ultra.write("profiles/y.yaml", "mode: mock\n");
    ultra.write("profiles/middle.yaml", "extends: y\n");
    ultra.run(&["env", "trust", "--no-input"]).exits(6);
}

#[test]
fn a_key_follows_no_address_into_a_profile_that_begins_to_extend() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    let address = "https://collector.example.org/v1";
    let provider = format!(
        "mode: mock\nproviders:\n  openai:\n    kind: openai\n    base_url: {address}\n    keys: [OPENAI_API_KEY]\n"
    );
    ultra.write("profiles/mocky.yaml", provider);
    ultra.write("profiles/live.yaml", "mode: real\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra.write("profiles/live.yaml", "mode: real\nextends: mocky\n");
    let explained = ultra.run(&["env", "explain", "OPENAI_API_KEY", "--profile", "live"]);
    explained.says("withheld").keeps_the_canary();
    ultra.run(&["env", "trust", "--no-input"]).exits(6).complains("profiles/live.yaml:2");
}

/// Profiles that take in nothing that has to be agreed to ask nothing.
#[test]
fn a_plain_profile_that_extends_a_plain_one_asks_nothing() {
    let ultra = Ultra::empty();
    ultra.write("profiles/x.yaml", "mode: mock\nvars:\n  A: b\n");
    ultra.write("profiles/dev.yaml", "extends: x\n");
    ultra.run(&["env", "trust", "--no-input"]).exits(0).says("reference no secrets");
    // A circle is told elsewhere.
    ultra.write("profiles/x.yaml", "extends: dev\n");
    ultra.run(&["env", "trust", "--no-input"]).exits(0);
}

/// Before anybody has agreed, nothing is shown that did not come with the root.
#[test]
fn a_file_of_the_users_is_not_shown_to_whoever_asks_for_trust() {
    let ultra = Ultra::empty();
    let words = "correct horse battery staple";
    std::fs::write(ultra.home().join("private.txt"), words).unwrap();
    std::fs::create_dir_all(ultra.root().join(".ultra")).unwrap();
    ultra.write_private(".ultra/note", words);
    ultra.write_private("own", "./theirs.so");
    for (link, to) in [("link", "../private.txt"), ("folder", ".."), ("inner", ".ultra/note")] {
        std::os::unix::fs::symlink(to, ultra.root().join(link)).unwrap();
    }
    let absolute = ultra.home().join("private.txt").display().to_string();
    let paths =
        ["../private.txt", "link", "folder/private.txt", "inner", ".ultra/note", &*absolute];
    for path in paths {
        let profile =
            format!("mode: mock\nsecrets:\n  BASH_ENV: file:{path}\n  LD_AUDIT: file:own\n");
        ultra.write("profiles/dev.yaml", profile);
        let asked = ultra.run(&["env", "trust", "--no-input"]).exits(6).complains("./theirs.so");
        assert!(!asked.stderr.contains("horse"), "{path}: {}", asked.stderr);
        let json = ultra.run(&["env", "trust", "--yes", "-o", "json"]).exits(0);
        assert!(!json.stdout.contains("horse"), "{path}: {}", json.stdout);
    }
}

/// A built-in default that an address takes in is the program's: no file can change it.
#[test]
fn an_address_may_take_in_a_built_in_default() {
    let ultra = Ultra::empty();
    let lines = "OPENAI_BASE_URL=http://localhost:${ULTRA_DB_POOL_SIZE}/v1\n";
    ultra.write_private(".env.local", format!("{lines}OPENAI_API_KEY={CANARY}\n"));
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let run = ultra.run(&["env", "run", "--", "env"]).exits(0);
    run.says("OPENAI_BASE_URL=http://localhost:10/v1").says(CANARY);
    // Where a file says otherwise, it is a part of the agreement, and the value another.
    ultra.write("profiles/dev.yaml", "mode: mock\nvars:\n  ULTRA_DB_POOL_SIZE: 11\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("profiles/dev.yaml:3");
    let run = ultra.run(&["env", "run", "--", "env"]).exits(3).keeps_the_canary();
    run.complains("(`ULTRA_DB_POOL_SIZE` at profiles/dev.yaml:3), so nobody can agree to it");
}

/// A PostgreSQL server that asks everybody for the password in clear text, and what it is told.
fn curious() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(password) = asked(stream)
                && told.send(password).is_err()
            {
                return;
            }
        }
    });
    (port, heard)
}

fn asked(mut stream: TcpStream) -> Option<String> {
    let body = |stream: &mut TcpStream| {
        let mut length = [0; 4];
        stream.read_exact(&mut length).ok()?;
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()? - 4];
        stream.read_exact(&mut body).ok()?;
        Some(body)
    };
    // No TLS here, and who it is does not matter.
    if body(&mut stream)? == 80_877_103_u32.to_be_bytes() {
        stream.write_all(b"N").ok()?;
        body(&mut stream)?;
    }
    stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).ok()?;
    let mut kind = [0];
    stream.read_exact(&mut kind).ok()?;
    Some(String::from_utf8(body(&mut stream)?).unwrap().trim_end_matches('\0').to_owned())
}

/// The address of a database in a file of a clone leads no password of the user's to it.
#[test]
fn a_database_of_the_clone_gets_no_password_of_the_users() {
    let (port, heard) = curious();
    let patience = std::time::Duration::from_secs(20);
    let url = |password: &str| format!("postgres://me{password}@127.0.0.1:{port}/db");
    for by_file in [true, false] {
        let mut ultra = Ultra::empty();
        if by_file {
            let list = ultra.home().join(".pgpass");
            std::fs::write(&list, format!("*:*:*:me:{CANARY}\n")).unwrap();
            std::fs::set_permissions(&list, std::fs::Permissions::from_mode(0o600)).unwrap();
        } else {
            ultra.set_env("PGPASSWORD", CANARY);
        }
        let verify = |ultra: &Ultra, words: &[&str]| {
            while heard.try_recv().is_ok() {}
            ultra.run(words).keeps_the_canary();
            heard.recv_timeout(patience).unwrap()
        };
        let keys = ["keys", "verify"];
        for file in [".env.local", ".env", ".env.dev"] {
            ultra.write_private(file, format!("DATABASE_URL={}\n", url("")));
            assert_eq!(verify(&ultra, &keys), "", "{file}");
            assert_eq!(verify(&ultra, &["db", "status"]), "", "{file}");
            // By way of the environment it is the same address.
            let program = env!("CARGO_BIN_EXE_ultra");
            let nested = ["env", "run", "--", program, "db", "status"];
            assert_eq!(verify(&ultra, &nested), "", "{file}");
            // What the file itself says is its author's own.
            ultra.write_private(file, format!("DATABASE_URL={}\n", url(":theirs")));
            assert_eq!(verify(&ultra, &keys), "theirs", "{file}");
            std::fs::remove_file(ultra.root().join(file)).unwrap();
        }
        ultra.write_private("url", url(""));
        ultra.write("profiles/dev.yaml", "mode: mock\nsecrets:\n  DATABASE_URL: file:url\n");
        ultra.run(&["env", "trust", "--yes"]).exits(0);
        assert_eq!(verify(&ultra, &["db", "status"]), "");
        std::fs::remove_file(ultra.root().join("profiles/dev.yaml")).unwrap();
        // The user's own address goes with the user's own password.
        ultra.set_env("DATABASE_URL", url(""));
        assert_eq!(verify(&ultra, &["db", "status"]), CANARY);
        assert_eq!(verify(&ultra, &keys), CANARY);
    }
}

/// An import makes the address the vault's; it came from a file of the clone all the same.
#[test]
fn an_import_of_an_address_sends_no_password_of_the_users_there() {
    let (port, heard) = curious();
    let mut ultra = Ultra::empty();
    ultra.set_env("PGPASSWORD", CANARY);
    let identity = ultra.home().join("identity").display().to_string();
    ultra.set_env("ULTRA_VAULT_IDENTITY_FILE", identity);
    let url = format!("DATABASE_URL=postgres://me@127.0.0.1:{port}/db?sslmode=disable\n");
    ultra.write_private(".env.dev", url);
    let words = ["env", "import", ".env.dev", "--no-verify", "--profile", "dev", "--yes"];
    ultra.run(&words).exits(0).keeps_the_canary();
    let patience = std::time::Duration::from_secs(2);
    let passwords: Vec<String> = std::iter::from_fn(|| heard.recv_timeout(patience).ok()).collect();
    assert!(!passwords.is_empty());
    assert!(passwords.iter().all(String::is_empty), "{} connections", passwords.len());
}

/// A way from file to file leads to lines of the first one, too.
#[test]
fn a_line_that_a_line_of_another_file_takes_in_is_agreed_to() {
    let ultra = Ultra::empty();
    ultra.write_private(".env.local", "X=${Y}\n");
    let own = |text: &str| ultra.write(".env", format!("Y={text}\nGIT_SSH_COMMAND=${{X}}\n"));
    own("good");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("good");
    own("evil");
    ultra.run(&["env", "trust", "--no-input"]).exits(6).complains("evil");
}

/// A `.git` in the home directory, as of one's own configuration, does not make all of it a part of
/// the root below.
#[test]
fn a_repository_of_the_home_directory_is_no_checkout_of_a_root_in_it() {
    let ultra = Ultra::empty();
    std::fs::create_dir(ultra.home().join(".git")).unwrap();
    let words = "correct horse battery staple";
    let own = ultra.home().join("private.txt");
    std::fs::write(&own, words).unwrap();
    std::os::unix::fs::symlink(&own, ultra.root().join("link")).unwrap();
    let said = format!("secrets:\n  BASH_ENV: file:{}\n  LD_AUDIT: file:link\n", own.display());
    ultra.write("profiles/dev.yaml", said);
    let asked = ultra.run(&["env", "trust", "--no-input"]).exits(6);
    assert!(!asked.stderr.contains(words), "{}", asked.stderr);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let link = ultra.run(&["env", "validate", "dev"]);
    let said = format!("{}{}", link.stdout, link.stderr);
    assert!(said.contains("the file that `LD_AUDIT` names is not read"), "{said}");
    assert!(!said.contains(words), "{said}");
}
