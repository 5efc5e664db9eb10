//! `ultra env import`: dotenv files of other programs, taken over.

use crate::support::{CANARY, Outcome, Ultra, have};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

const ANTHROPIC: &str = "sk-ant-canary-8d1f0c9b7a6e5d4c";
const JWT: &str = "q7Gm2xVt9LrB4nWz8KdY5cPh1sJf6uEaQ0";

fn project() -> Ultra {
    let ultra = Ultra::empty();
    ultra.run(&["env", "init", "--yes"]).exits(0);
    let identity = ultra.home().join("identity").display().to_string();
    ultra.env("ULTRA_VAULT_IDENTITY_FILE", identity)
}

fn import(ultra: &Ultra, args: &[&str]) -> Outcome {
    ultra.run(&[&["env", "import", "--no-verify"], args].concat())
}

/// By name, what became of it.
fn decisions(outcome: &Outcome) -> BTreeMap<String, String> {
    let json: Value = outcome.json();
    let entries = json["entries"].as_array().unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    entries
        .iter()
        .map(|e| {
            let already = if e["already"] == true { " already" } else { "" };
            (text(&e["name"]), format!("{}{already}", text(&e["decision"])))
        })
        .collect()
}

fn development() -> String {
    format!(
        "# Local work.\nENVIRONMENT=development\nDEBUG=true\nLOG_LEVEL=WARNING\n# Where it listens.\nAPI_HOST=127.0.0.1\nAPI_PORT=8095\nCORS_ORIGINS=*\nSECRET_KEY=default-dev-a\nJWT_SECRET=change-me\nAPI_KEY_ENCRYPTION_KEY=your-key-here\nENABLE_AUTH=false\nJWT_ALGORITHM=HS256\nJWT_ACCESS_TOKEN_EXPIRE_MINUTES=60\nJWT_REFRESH_TOKEN_EXPIRE_DAYS=30\nDATABASE_URL=sqlite:///./app.db\nDATABASE_POOL_SIZE=5\nDATABASE_MAX_OVERFLOW=10\nDATABASE_POOL_TIMEOUT=30\nREDIS_URL=redis://127.0.0.1:6379/0\nENABLE_CACHE=true\nCACHE_TTL=3600\nDOCUMENT_STORAGE_PATH=documents\nENABLE_RATE_LIMIT=true\nOPENAI_API_KEY=\nANTHROPIC_API_KEY={ANTHROPIC}\nDEFAULT_PROVIDER=openai\nUSE_MOCK=true\nMOCK_MODE=true\nENABLE_MOCK_LLM=true\nSENTRY_DSN=\nHEALTH_CHECK_INTERVAL=5\nULTRA_VERSION=1.2.3\nSTRIPE_API_KEY={CANARY}\nGREETING='say \"hi\" to $USER'\n"
    )
}

#[test]
fn a_development_file_is_taken_over_and_the_profile_holds() {
    let ultra = project();
    ultra.write(".env.old", development());
    let args = [".env.old", "-o", "json"];
    let dry = import(&ultra, &[&args[..], &["--dry-run"]].concat()).exits(0).keeps_the_canary();
    assert!(!ultra.root().join(".env.dev.local").exists());
    assert!(!ultra.state().exists(), "a dry run made a state directory");

    let said = import(&ultra, &args).exits(0).keeps_the_canary();
    assert!(!said.stdout.contains(ANTHROPIC));
    assert_eq!(decisions(&dry), decisions(&said));
    let decided = decisions(&said);
    for (name, what) in [
        ("ENVIRONMENT", "profile"),
        ("DEBUG", "renamed"),
        ("LOG_LEVEL", "renamed"),
        ("API_HOST", "default"),
        ("API_PORT", "renamed"),
        ("SECRET_KEY", "unused"),
        ("JWT_SECRET", "placeholder"),
        ("API_KEY_ENCRYPTION_KEY", "placeholder"),
        ("ENABLE_AUTH", "unused"),
        ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "renamed"),
        ("DATABASE_URL", "unused"),
        ("REDIS_URL", "vault"),
        ("OPENAI_API_KEY", "empty"),
        ("ANTHROPIC_API_KEY", "vault"),
        ("USE_MOCK", "default"),
        ("MOCK_MODE", "duplicate"),
        ("HEALTH_CHECK_INTERVAL", "unused"),
        ("STRIPE_API_KEY", "kept"),
        ("GREETING", "kept"),
    ] {
        assert_eq!(decided[name], what, "{name}");
    }
    assert_eq!(
        ultra.read(".env.dev.local"),
        format!(
            "# Imported from .env.old.\nULTRA_DEBUG=true\nRUST_LOG=warn\nULTRA_PORT=8095\nULTRA_CORS_ORIGINS='*'\nULTRA_JWT_ACCESS_TTL=60m\nULTRA_DB_POOL_SIZE=5\nSTRIPE_API_KEY={CANARY}\nGREETING='say \"hi\" to $USER'\n"
        )
    );
    let mode = std::fs::metadata(ultra.root().join(".env.dev.local")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let keys = ultra.run(&["keys", "list", "-o", "json"]).exits(0).json();
    let sources: Vec<String> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| format!("{} {}", k["name"], k["source"]).replace('"', ""))
        .collect();
    assert!(sources.contains(&"anthropic vault".to_owned()), "{sources:?}");
    assert!(sources.contains(&"redis vault".to_owned()), "{sources:?}");
    ultra.run(&["env", "validate", "dev"]).exits(0);
    ultra.run(&["env", "show", "ULTRA_PORT"]).exits(0).says("8095");

    let before = ultra.read(".env.dev.local");
    let again = import(&ultra, &args).exits(0);
    assert_eq!(again.json()["changed"], false);
    assert_eq!(decisions(&again)["ANTHROPIC_API_KEY"], "vault already");
    assert_eq!(decisions(&again)["API_PORT"], "renamed already");
    assert_eq!(ultra.read(".env.dev.local"), before);
    let said = import(&ultra, &[".env.old"]).exits(0).says("rm .env.old").keeps_the_canary();
    assert!(!said.stdout.contains("--remove-source"), "that would be refused: {said:?}");
    let refused = import(&ultra, &[".env.old", "--remove-source"]).exits(6).keeps_the_canary();
    refused.complains("`HEALTH_CHECK_INTERVAL` would be lost").complains("`SECRET_KEY`");
    assert_eq!(ultra.read(".env.old"), development());
}

#[test]
fn a_source_is_removed_only_when_all_of_it_is_elsewhere() {
    let ultra = project();
    let taken = format!(
        "# Local work.\nPORT=8095\nULTRA_PORT=8095\nAPI_HOST=127.0.0.1\nJWT_SECRET=\nANTHROPIC_API_KEY={ANTHROPIC}\n# JWT_SECRET=change-me\n"
    );
    for (more, lost) in [
        (format!("DB_PASSWORD={CANARY}\n"), "`DB_PASSWORD` would be lost"),
        ("ENABLE_AUTH=false\n".to_owned(), "`ENABLE_AUTH` would be lost"),
        ("DATABASE_URL=sqlite:///./app.db\n".to_owned(), "`DATABASE_URL` would be lost"),
        (format!("# STRIPE_API_KEY={CANARY}\n"), "a comment that may hold a secret"),
    ] {
        ultra.write("old.env", format!("{taken}{more}"));
        for dry in [&[][..], &["--dry-run"]] {
            let args = [&["old.env", "--remove-source"][..], dry].concat();
            import(&ultra, &args)
                .exits(6)
                .complains(lost)
                .complains("old.env:8:1")
                .keeps_the_canary();
        }
        assert!(!ultra.root().join(".env.dev.local").exists(), "something was written");
        assert_eq!(ultra.read("old.env"), format!("{taken}{more}"));
    }
    ultra.write("old.env", format!("{taken}DB_PASSWORD={CANARY}\n"));
    import(&ultra, &["old.env", "--remove-source", "--keep-unused"])
        .exits(0)
        .says("removed `old.env`")
        .keeps_the_canary();
    assert!(ultra.read(".env.dev.local").contains(&format!("DB_PASSWORD={CANARY}\n")));
    // A placeholder is nothing to lose.
    ultra.write("old.env", format!("{taken}OPENAI_API_KEY=test-openai-key\n"));
    import(&ultra, &["old.env", "--dry-run"]).exits(0).says("`--remove-source` removes it");
    import(&ultra, &["old.env", "--remove-source"]).exits(0).says("removed `old.env`");
    assert!(!ultra.root().join("old.env").exists());
}

#[test]
fn a_testing_file_with_test_keys_is_taken_over() {
    let ultra = project();
    ultra.write(
        ".env.testing",
        "ENVIRONMENT=testing\nTESTING=true\nDEBUG=false\nAPI_PORT=8086\nDATABASE_URL=sqlite:///:memory:\nREDIS_URL=redis://127.0.0.1:6379/1\nCACHE_TTL=60\nTEMP_PATH=test_temp\nOPENAI_API_KEY=test-openai-key\nANTHROPIC_API_KEY=test-anthropic-key\nUSE_MOCK=false\nMOCK_MODE=false\nENABLE_MOCK_LLM=false\n",
    );
    let refused = import(&ultra, &[".env.testing"]).exits(3);
    refused.complains("is meant for profile `testing`").complains("--profile");
    let args = [".env.testing", "--profile", "test", "-o", "json"];
    let decided = decisions(&import(&ultra, &args).exits(0));
    assert_eq!(decided["OPENAI_API_KEY"], "placeholder");
    assert_eq!(decided["USE_MOCK"], "renamed");
    assert_eq!(decided["DEBUG"], "default");
    assert_eq!(
        ultra.read(".env.test.local"),
        "# Imported from .env.testing.\nULTRA_PORT=8086\nULTRA_MODE=real\n"
    );
}

#[test]
fn a_production_file_says_what_production_still_lacks() {
    let ultra = project();
    ultra.write_private(
        ".env.production",
        format!(
            "ENVIRONMENT=production\nDEBUG=false\nLOG_LEVEL=info\nAPI_HOST=0.0.0.0\nAPI_PORT=8000\nCORS_ORIGINS=[\"https://app.acme.io\",\"https://acme.io\"]\nSECRET_KEY=replace_with_a\nJWT_SECRET_KEY={JWT}\nAPI_KEY_ENCRYPTION_KEY=replace_with_b\nDATABASE_URL=postgresql+asyncpg://app:{CANARY}@127.0.0.1:1/app\nREDIS_URL=redis://redis:6379/0\nENABLE_HTTPS_REDIRECT=true\nDEFAULT_PROVIDER=anthropic\nUSE_MOCK=false\nMOCK_MODE=false\nANTHROPIC_API_KEY={ANTHROPIC}\n"
        ),
    );
    let args = [".env.production", "--profile", "prod"];
    import(&ultra, &args).exits(6).complains("--yes").keeps_the_canary();
    assert!(!ultra.root().join(".env.prod.local").exists());
    let said = import(&ultra, &[&args[..], &["--yes", "-o", "json"]].concat());
    // The store is the one of the address that went into the vault, not of that in the file.
    let said = said.exits(0).keeps_the_canary().complains("others wait");
    assert!(!said.stderr.contains("begins neither"), "{}", said.stderr);
    let decided = decisions(&said);
    for (name, what) in [
        ("API_HOST", "default"),
        ("API_PORT", "default"),
        ("USE_MOCK", "default"),
        ("JWT_SECRET_KEY", "vault"),
        ("DATABASE_URL", "vault"),
        ("CORS_ORIGINS", "renamed"),
    ] {
        assert_eq!(decided[name], what, "{name}");
    }
    let lacks = said.json()["lacks"].to_string();
    assert!(lacks.contains("`ULTRA_PUBLIC_URL` is not set"), "{lacks}");
    assert!(lacks.contains("`ULTRA_ENCRYPTION_KEY`"), "{lacks}");
    assert!(!lacks.contains("`DATABASE_URL` is not set"), "{lacks}");
    assert_eq!(
        ultra.read(".env.prod.local"),
        "# Imported from .env.production.\nULTRA_CORS_ORIGINS=https://app.acme.io,https://acme.io\n"
    );
}

#[test]
fn everything_wrong_is_told_at_once_and_nothing_written() {
    let ultra = project();
    ultra.write(
        "old.env",
        format!(
            "API_PORT=eighty\nUSE_MOCK=true\nMOCK_MODE=false\nULTRA_PROT=1\nJWT_SECRET={CANARY}\nPORT=81\nULTRA_PORT=82\nA=1\nA=2\nB=${{HOME}}/x\nOPENAI_API_KEY=sk-ant-{CANARY}\nANTHROPIC_API_KEY=a\nANTHROPIC_API_KEY_FILE=/run/a\nULTRA_ADDR=${{JWT_SECRET}}\n1bad\n"
        ),
    );
    let told = import(&ultra, &["old.env"]).exits(3).keeps_the_canary();
    for text in [
        "old.env:1:1",
        "`API_PORT` has no value that `ULTRA_PORT` could take",
        "`USE_MOCK` and `MOCK_MODE` disagree",
        "did you mean `ULTRA_PORT`?",
        "old.env:5:1",
        "`PORT` and `ULTRA_PORT` disagree",
        "old.env:9:1",
        "`HOME` is not set here",
        "old.env:11:1",
        "`ANTHROPIC_API_KEY` and `ANTHROPIC_API_KEY_FILE` are both set",
        "old.env:14:1",
        "old.env:15:1",
    ] {
        assert!(told.stderr.contains(text), "no {text:?} in {}", told.stderr);
    }
    assert!(!ultra.root().join(".env.dev.local").exists());
    assert!(!ultra.state().join("vault.age").exists());
    import(&ultra, &["gone.env"]).exits(2).complains("there is no file `gone.env`");
    std::fs::create_dir(ultra.root().join("dir")).unwrap();
    import(&ultra, &["dir"]).exits(5).complains("not a regular file");
}

#[test]
fn nothing_that_is_there_is_overwritten_unless_asked() {
    let ultra = project();
    ultra.write("old.env", format!("API_PORT=8095\nANTHROPIC_API_KEY={ANTHROPIC}\n"));
    ultra.write_private(".env.dev.local", "# mine\nULTRA_PORT=9000 # here\nMORE=\"a\nb\"\n");
    let mine = ultra.read(".env.dev.local");
    import(&ultra, &["old.env"]).exits(3).complains(".env.dev.local:2:1").complains("--replace");
    assert_eq!(ultra.read(".env.dev.local"), mine);
    assert!(!ultra.state().join("vault.age").exists());
    import(&ultra, &["old.env", "--except", "API_PORT"]).exits(0);
    assert_eq!(ultra.read(".env.dev.local"), mine);

    ultra.write("old.env", format!("API_PORT=8095\nANTHROPIC_API_KEY={ANTHROPIC}x\n"));
    import(&ultra, &["old.env", "--except", "API_PORT"])
        .exits(6)
        .complains("the vault has another value for `anthropic`");
    import(&ultra, &["old.env", "--replace", "--yes"]).exits(0);
    assert_eq!(ultra.read(".env.dev.local"), "# mine\nULTRA_PORT=8095\nMORE=\"a\nb\"\n");
    let list = ultra.run(&["keys", "list", "-o", "json"]).exits(0).json();
    assert!(list.to_string().contains("\"version\":2"), "{list}");
    import(&ultra, &["old.env", "--except", "API_PROT"]).exits(3).complains("`API_PORT`?");
    ultra.run(&["env", "switch", "dev"]).exits(0);
    import(&ultra, &["old.env", "--into", ".env", "--replace"]).exits(6).complains("is generated");
}

#[test]
fn a_file_of_the_profile_gives_its_secrets_away_and_keeps_the_rest() {
    let ultra = project();
    ultra.write_private(
        ".env.dev.local",
        format!(
            "# Mine.\nULTRA_PORT=8095\n\n# The key.\nANTHROPIC_API_KEY={ANTHROPIC}\nPEM=\"one\nA=x\n\"\nLOG_LEVEL=debug # loud\nGREETING=hello\n"
        ),
    );
    let hint = ultra.run(&["env", "validate", "prod"]);
    assert!(!hint.stdout.contains(ANTHROPIC));
    import(&ultra, &[".env.dev.local", "--remove-source"]).exits(2).complains("taken out anyway");
    import(&ultra, &[".env.dev.local"]).exits(0);
    assert_eq!(
        ultra.read(".env.dev.local"),
        "# Mine.\nULTRA_PORT=8095\n\n# The key.\nPEM=\"one\nA=x\n\"\nRUST_LOG=debug\nGREETING=hello\n"
    );
    ultra.run(&["keys", "list"]).exits(0).says("anthropic").says("vault");
    ultra.write_private(".env.prod.local", format!("ANTHROPIC_API_KEY={ANTHROPIC}\n"));
    ultra
        .run(&["env", "validate", "prod"])
        .exits(3)
        .says("ultra env import .env.prod.local --profile prod");
}

#[test]
fn standard_input_comments_and_the_names_of_the_application() {
    let ultra = project();
    let text = format!(
        "# Says hello.\n# Twice.\nGREETING=hi\n# OPENAI_API_KEY={CANARY}\nEMPTY=\nOPENAI_API_KEY_FILE=/run/openai\nJWT_SECRET_FILE=/run/jwt\n"
    );
    let args = ["env", "import", "-", "--into", "conf/app.env"];
    std::fs::create_dir(ultra.root().join("conf")).unwrap();
    ultra.run_with_stdin(&args, text.as_bytes()).exits(0);
    assert_eq!(
        ultra.read("conf/app.env"),
        "# Imported from stdin.\n# Says hello.\n# Twice.\nGREETING=hi\nEMPTY=\nOPENAI_API_KEY_FILE=/run/openai\nULTRA_JWT_KEY_FILE=/run/jwt\n"
    );
    let kept = ["env", "import", "-", "--keep-unused", "--into", "conf/app.env"];
    ultra.run_with_stdin(&kept, b"SECRET_KEY=abc\n").exits(0);
    assert!(ultra.read("conf/app.env").ends_with("SECRET_KEY=abc\n"));
    ultra.run_with_stdin(&args, b"A=\xff\nB=\0\n").exits(3).complains("not UTF-8");
}

#[test]
fn killed_at_any_point_a_second_run_completes_it() {
    if !have("strace") {
        return;
    }
    for n in 1..80 {
        let ultra = project();
        ultra.write("old.env", development());
        let inject =
            format!("inject=rename,renameat,renameat2,link,linkat,fsync:signal=KILL:when={n}");
        let binary = env!("CARGO_BIN_EXE_ultra");
        let mut args = vec!["-f", "-qq", "-o", "/dev/null", "-e", &inject, binary];
        args.extend(["env", "import", "old.env", "--no-verify"]);
        let killed = !ultra.wrapped("strace", args).output().unwrap().status.success();
        import(&ultra, &["old.env"]).exits(0);
        let text = ultra.read(".env.dev.local");
        assert_eq!(text.matches("ULTRA_PORT=8095").count(), 1, "{n}: {text}");
        let shown = ultra.run(&["keys", "show", "anthropic", "-o", "json"]).exits(0).json();
        assert_eq!(shown["versions"].as_array().unwrap().len(), 1, "{n}: {shown}");
        if !killed {
            assert!(n > 5, "nothing was killed");
            return;
        }
    }
    panic!("it never came through");
}

#[test]
fn what_an_unknown_name_holds_is_not_told() {
    let ultra = project();
    let drawn = "hR7qLm2Zx9TbVn4KcWpY81DsQeFgUjAo";
    ultra.write(".env.dev.local", "OTHER=1\n");
    ultra.write("old.env", format!("DB_LOGIN=joe:{CANARY}\nMYTHING={drawn}\nAPI_PORT=8095\n"));
    for args in [["old.env", "--dry-run"].as_slice(), &["old.env"], &["old.env", "-o", "json"]] {
        let said = import(&ultra, args).exits(0).keeps_the_canary().says("8095");
        assert!(!said.stdout.contains(drawn), "{}", said.stdout);
    }
    assert!(ultra.read(".env.dev.local").contains(drawn));
    let mode = ultra.root().join(".env.dev.local").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others can read it");
}

#[test]
fn nothing_is_lost_and_nothing_written_outside() {
    let ultra = project();
    ultra.write("old.env", "A_THING=1\nB_THING=2\n");
    import(&ultra, &["old.env", "--except", "B_THING", "--remove-source"])
        .exits(6)
        .complains("`B_THING` would be lost");
    assert!(ultra.root().join("old.env").exists());
    assert!(!ultra.root().join(".env.dev.local").exists());

    let outside = ultra.home().join("rc");
    std::fs::write(&outside, "X=1\n").unwrap();
    std::os::unix::fs::symlink(&outside, ultra.root().join(".env.dev.local")).unwrap();
    import(&ultra, &["old.env"]).exits(6).complains("leads out of the root");
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "X=1\n");
    import(&ultra, &["old.env", "--into", ".env.dev.local"]).exits(0);
    assert!(std::fs::read_to_string(&outside).unwrap().contains("A_THING=1\n"));
}

#[test]
fn names_that_an_application_would_miss_are_told_and_kept_on_request() {
    let ultra = project();
    let old = format!(
        "PORT=8095\nDEBUG=false\nENVIRONMENT=development\nUSE_MOCK=true\nMOCK_MODE=true\nJWT_SECRET={JWT}\nJWT_SECRET_KEY_FILE=\nCORS_ORIGINS=[\"https://a.acme.io\",\"https://b.acme.io\"]\nOPENAI_API_KEY_FILE=/etc/hostname\nACCESS_TOKEN_EXPIRE_MINUTES=15\nENABLE_AUTH=false\nANTHROPIC_API_KEY={ANTHROPIC}\nGREETING=hi\n"
    );
    ultra.write("old.env", &old);
    let said = import(&ultra, &["old.env", "--dry-run", "-o", "json"]).exits(0).json();
    let unseen: Vec<String> = said["unseen"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| format!("{} {}", u["name"], u["keep"]).replace('"', ""))
        .collect();
    assert_eq!(
        unseen,
        [
            "PORT --keep-names",
            "DEBUG --keep-names",
            "ENVIRONMENT --keep-names",
            "USE_MOCK --keep-names",
            "MOCK_MODE null",
            "JWT_SECRET --keep-names",
            "CORS_ORIGINS null",
            "ACCESS_TOKEN_EXPIRE_MINUTES --keep-names",
            "ENABLE_AUTH --keep-unused",
        ]
    );
    import(&ultra, &["old.env", "--dry-run"])
        .exits(0)
        .says("sees no more `PORT`, `DEBUG`")
        .says("`--keep-names` keeps");
    // What no flag keeps is not promised.
    ultra.write("other.env", "PORT=8095\nDEBUG=True\nUSE_MOCK=yes\n");
    let promised = |flags: &[&str]| {
        let args = [&["other.env", "--dry-run", "-o", "json"][..], flags].concat();
        let said = import(&ultra, &args).exits(0).json();
        let unseen = said["unseen"].as_array().unwrap().clone();
        let kept = |u: &&Value| u["keep"] == "--keep-names";
        (unseen.iter().filter(kept).count(), unseen.iter().filter(|u| u["keep"].is_null()).count())
    };
    let (kept, lost) = promised(&[]);
    assert!(kept > 0 && lost > 0, "{kept} {lost}");
    assert_eq!(promised(&["--keep-names"]), (0, lost));

    let said = import(&ultra, &["old.env", "--keep-names", "-o", "json"]).exits(0);
    assert!(!said.stdout.contains(JWT) && !said.stdout.contains(ANTHROPIC), "{}", said.stdout);
    let decided = decisions(&said);
    assert_eq!(decided["JWT_SECRET"], "kept");
    assert_eq!(decided["ANTHROPIC_API_KEY"], "vault");
    assert_eq!(decided["CORS_ORIGINS"], "renamed");
    assert_eq!(
        ultra.read(".env.dev.local"),
        format!(
            "# Imported from old.env.\nPORT=8095\nDEBUG=false\nENVIRONMENT=development\nUSE_MOCK=true\nJWT_SECRET={JWT}\nULTRA_CORS_ORIGINS=https://a.acme.io,https://b.acme.io\nOPENAI_API_KEY_FILE=/etc/hostname\nACCESS_TOKEN_EXPIRE_MINUTES=15\nGREETING=hi\n"
        )
    );
    let mode = ultra.root().join(".env.dev.local").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Both read them: the application by its names, and `ultra` too.
    let script = "echo $PORT $DEBUG $ENVIRONMENT $USE_MOCK $JWT_SECRET";
    let args = ["env", "run", "--profile", "dev", "--", "sh", "-c", script];
    let seen = ultra.run(&args).exits(0);
    assert_eq!(seen.stdout, format!("8095 false development true {JWT}\n"));
    ultra.run(&["env", "show", "ULTRA_PORT"]).exits(0).says("8095");
    let again = import(&ultra, &["old.env", "--keep-names", "-o", "json"]).exits(0).json();
    assert_eq!(again["changed"], false, "{again}");
}

#[test]
fn a_file_that_git_would_take_is_told() {
    if !have("git") {
        return;
    }
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock\n");
    ultra.write("old.env", "GREETING=hi\n");
    // Without git there is nobody to take it.
    let said = import(&ultra, &["old.env", "--dry-run"]).exits(0);
    assert_eq!(said.stderr, "");
    assert!(ultra.wrapped("git", ["init", "-q"]).status().unwrap().success());
    import(&ultra, &["old.env", "--dry-run"]).exits(0).complains("would not be ignored by git");
    let said = import(&ultra, &["old.env"]).exits(0).complains("is not ignored by git");
    let hint = said.stderr.lines().find_map(|l| l.trim().strip_prefix("hint: ")).unwrap();
    assert_eq!(hint, "echo '.env.*.local' >> .gitignore");
    assert!(ultra.wrapped("sh", ["-c", hint]).status().unwrap().success());
    let said = import(&ultra, &["old.env"]).exits(0);
    assert_eq!(said.stderr, "");
    import(&ultra, &["old.env", "--into", "app.env"])
        .exits(0)
        .complains("echo 'app.env' >> .gitignore");
    assert!(ultra.wrapped("git", ["add", "-f", ".env.dev.local"]).status().unwrap().success());
    import(&ultra, &["old.env"]).exits(0).complains("git rm --cached .env.dev.local && echo");
}

#[test]
fn every_error_names_the_entry_to_leave_out() {
    let ultra = project();
    ultra.write(
        "old.env",
        "JWT_SECRET=q7Gm2xVt9Lr\nDATABASE_URL=mysql://a:b@db.acme.io/c\nPORT=81\n",
    );
    let said = import(&ultra, &["old.env"]).exits(3);
    for name in ["JWT_SECRET", "DATABASE_URL"] {
        assert!(said.stderr.contains(&format!("leave it out: `--except {name}`")), "{said:?}");
    }
    import(&ultra, &["old.env", "--except", "JWT_SECRET,DATABASE_URL"]).exits(0);
    ultra.write("old.env", format!("JWT_SECRET={JWT}\n"));
    import(&ultra, &["old.env"]).exits(0);
    ultra.write("old.env", format!("JWT_SECRET={JWT}x\n"));
    import(&ultra, &["old.env"]).exits(6).complains("keep that one with `--except JWT_SECRET`");
}

#[test]
fn plain_values_are_shown_as_env_show_does_and_tables_end() {
    let ultra = project();
    let many: String = (0..70).map(|n| format!("NAME_{n}=value-{n}\n")).collect();
    ultra.write(
        "old.env",
        format!("GREETING=hi there\nMY_TOKEN={CANARY}\nOPENAI_BASE_URL=https://u:{CANARY}@h.acme.io/v1\n{many}"),
    );
    let human = import(&ultra, &["old.env", "--except", "OPENAI_BASE_URL"])
        .exits(0)
        .keeps_the_canary()
        .says("hi there")
        .says("value-40")
        .says("22 more kept");
    assert!(!human.stdout.contains("value-60"), "{}", human.stdout);
    let json = import(&ultra, &["old.env", "--except", "OPENAI_BASE_URL", "-o", "json"]);
    let json = json.exits(0).keeps_the_canary().json();
    let entries = json["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 73);
    assert_eq!(entries[72]["value"], "value-69");
    let shown = ultra.run(&["env", "show", "-o", "json"]).exits(0).json();
    for entry in entries {
        let of = |v: &&Value| v["name"] == entry["name"];
        let Some(shown) = shown["variables"].as_array().unwrap().iter().find(of) else { continue };
        if entry["decision"] == "kept" {
            assert_eq!(entry.get("value").unwrap_or(&Value::Null), &shown["value"], "{entry}");
        }
    }
}
