//! Vaults in several places: a backup that was put back, a machine that only follows, and profiles
//! that use keys of another.

use super::provider::Provider;
use super::servers::{beside, machine};
use super::{NEW, OLD, nowhere, set, with_identity_file};
use crate::support::services::Postgres;
use crate::support::{Server, Ultra, eventually};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);
/// What is said of a vault that servers do not get.
pub(super) const FORKED: &str = "does not come from it";

#[test]
fn a_backup_that_was_put_back_never_wins_over_what_servers_have() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let provider = Provider::knowing(&[OLD, NEW]);
    let cli = machine(&url, &provider).env("ANTHROPIC_BASE_URL", provider.root_url());
    cli.run(&["db", "migrate", "--yes"]).exits(0);
    set(&cli, "jwt", &"k".repeat(40)).exits(0);
    let files = ["vault.age", "vault-index.json", "fingerprint.key", "audit.jsonl"];
    let backup = files.map(|name| std::fs::read(cli.state().join(name)).unwrap());
    set(&cli, "openai", OLD).exits(0);
    cli.run(&["keys", "verify", "openai"]).exits(0);
    cli.run(&["keys", "doctor"]).exits(0).says("were given generation 3");
    cli.run(&["keys", "doctor", "--take-published"]).exits(0).says("nothing to take");
    for (name, bytes) in files.iter().zip(&backup) {
        std::fs::write(cli.state().join(name), bytes).unwrap();
    }
    cli.run(&["keys", "doctor"]).exits(3).says(FORKED);
    // However often it is written.
    for n in 0..4 {
        let value = format!("{n}").repeat(40);
        let args = ["keys", "set", "encryption", "--replace"];
        cli.run_with_stdin(&args, value.as_bytes()).exits(0).complains(FORKED);
    }
    cli.run(&["keys", "doctor", "--open"]).exits(3).says(FORKED);
    let refused = cli.run(&["keys", "doctor", "--take-published"]);
    refused.exits(6).complains("--yes");
    let taken = cli.run(&["keys", "doctor", "--take-published", "--yes"]).exits(0);
    let kept = taken.stdout.trim().rsplit('/').next().unwrap().to_owned();
    assert!(kept.starts_with("vault.age.before-"), "{}", taken.stdout);
    assert!(cli.state().join(kept).exists());
    let list = cli.run(&["keys", "list"]).exits(0).says("openai");
    assert!(!list.stdout.contains("encryption  vault"), "{}", list.stdout);
    cli.run(&["keys", "verify", "openai"]).exits(0);
    cli.run(&["keys", "doctor", "--open"]).exits(0);
    let again = set(&cli, "encryption", &"e".repeat(40)).exits(0);
    assert!(!again.stderr.contains(FORKED), "{}", again.stderr);
    nowhere(&cli, &[&taken, &list, &again], &[OLD, NEW]);
}

#[test]
fn a_machine_that_follows_reads_the_vault_and_founds_no_other() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let provider = Provider::knowing(&[OLD]);
    let cli = machine(&url, &provider);
    cli.run(&["db", "migrate", "--yes"]).exits(0);
    set(&cli, "openai", OLD).exits(0);
    cli.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let two = beside(&cli, &url, &provider);
    let server = Server::start(&two, &["--real"]);
    let refused = two.run(&["keys", "set", "encryption", "--generate"]).exits(6);
    let refused = refused.complains("written elsewhere");
    two.run(&["env", "run", "--", "env"]).exits(0).says(OLD);
    two.run(&["keys", "verify", "openai"]).exits(0);
    two.run(&["keys", "doctor"]).exits(0).says("written elsewhere");
    for args in [["keys", "list"], ["keys", "status"]] {
        two.run(&args).exits(0).says("the local vault only").says("--take-published");
    }
    let listed = two.run(&["keys", "list", "-o", "json"]).exits(0).json();
    assert!(listed["follows"].as_u64().is_some_and(|generation| generation >= 2), "{listed:#}");
    let elsewhere = Provider::knowing(&[OLD]);
    let bound = two.env("OPENAI_BASE_URL", elsewhere.base_url());
    bound.run(&["keys", "verify", "openai"]).exits(5).says("sent nowhere else");
    assert!(elsewhere.seen().is_empty(), "it is bound here as well");
    server.stop();
    // The machine with the vault is gone: this one goes on.
    bound.run(&["keys", "doctor", "--take-published", "--yes"]).exits(0);
    bound.run(&["keys", "list"]).exits(0).says("openai");
    bound.run(&["keys", "set", "encryption", "--generate"]).exits(0);
    // Should the other come back, it is told.
    let back = cli.run(&["keys", "rotate", "jwt"]).exits(6).complains(FORKED);
    nowhere(&bound, &[&refused], &[OLD]);
    nowhere(&cli, &[&back], &[OLD]);
}

#[test]
fn profiles_that_use_a_key_of_another_are_told_of_and_given_it() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let provider = Provider::knowing(&[OLD, NEW]);
    machine(&url, &provider).run(&["db", "migrate", "--yes"]).exits(0);
    let cli = with_identity_file().env("OPENAI_BASE_URL", provider.base_url());
    cli.write_private("staging-store", &url);
    cli.write(
        "profiles/staging.yaml",
        "secrets:\n  OPENAI_API_KEY: vault:dev/openai\n  DATABASE_URL: file:staging-store\n",
    );
    cli.run(&["env", "trust", "--yes"]).exits(0);
    set(&cli, "openai", OLD).exits(0);
    let there = beside(&cli, &url, &provider);
    let _server = Server::start(&there, &["--real"]);
    let known = || {
        let status = there.run(&["db", "status", "-o", "json"]).exits(0).json();
        status["servers"][0]["vault_generation"].as_u64()
    };
    eventually(PATIENCE, "the first key", || known().filter(|g| *g >= 1));
    let rotated = super::rotate(&cli, "openai", NEW).exits(0);
    let rotated = rotated.complains("profile `staging` uses `openai` of `dev`");
    let status = cli.run(&["keys", "status", "-o", "json"]).exits(0).json();
    let last = status["vault"]["generation"].as_u64().unwrap();
    eventually(PATIENCE, "the second key", || known().filter(|known| *known == last));
    nowhere(&cli, &[&rotated], &[OLD, NEW]);
}

/// What a vault lies in.
pub(super) const FILES: [&str; 4] =
    ["vault.age", "vault-index.json", "fingerprint.key", "audit.jsonl"];

/// The versions of `jwt` with their states and fingerprints.
fn versions(ultra: &Ultra) -> serde_json::Value {
    ultra.run(&["keys", "show", "jwt", "-o", "json"]).exits(0).json()["versions"].clone()
}

#[test]
fn a_rotation_of_one_fork_is_not_gone_on_with_in_the_other() {
    let ultra = with_identity_file();
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let backup = FILES.map(|name| std::fs::read(ultra.state().join(name)).unwrap());
    ultra.run(&["keys", "rotate", "jwt"]).exits(0).says("version 1 → 2");
    let restore = || {
        for (name, bytes) in FILES.iter().zip(&backup) {
            std::fs::write(ultra.state().join(name), bytes).unwrap();
        }
    };
    let take = ["keys", "doctor", "--take-published", "--yes"];
    let published = versions(&ultra);
    let number = |v: &serde_json::Value| v.as_array().unwrap().len();

    restore();
    // The way out of the refusal is not hidden by those that end in it again.
    let refused = ultra.run(&["keys", "rotate", "jwt"]).exits(6).complains(FORKED);
    refused.complains("--take-published");
    let journal = ultra.state().join("rotation/dev.jwt.json");
    assert!(journal.exists());
    ultra.run(&take).exits(0).complains("is set aside").says("from the store");
    assert!(!journal.exists());
    assert_eq!(versions(&ultra), published);
    ultra.run(&["keys", "rotate", "jwt", "--resume"]).exits(2).complains("no rotation");
    ultra.run(&["keys", "audit"]).exits(0).says("rotate.set-aside");

    // However it comes to lie there: version 2 is another one.
    std::fs::rename(ultra.state().join("rotation/dev.jwt.json.aside"), &journal).unwrap();
    ultra.run(&["keys", "rotate", "jwt", "--resume"]).exits(6).complains("has another value");
    ultra.run(&["keys", "rotate", "jwt"]).exits(6).complains("--abort");
    ultra.run(&["keys", "rotate", "--all-due"]).exits(3).says("has another value");
    let text = std::fs::read_to_string(&journal).unwrap();
    for end in ["rotate", "retire"] {
        let text = text.replace("\"kind\": \"rotate\"", &format!("\"kind\": \"{end}\""));
        let text = text.replace("\"from\": 1", "\"from\": 2");
        std::fs::write(&journal, text).unwrap();
        let args = ["keys", "rotate", "jwt", "--resume"];
        ultra.run(&args).exits(6).complains("has another value");
    }
    let aborted = ultra.run(&["keys", "rotate", "jwt", "--abort"]).exits(0);
    aborted.says("nothing in the vault was changed");
    assert_eq!(versions(&ultra), published);
    assert_eq!(number(&published), 2);
    ultra.run(&["keys", "rotate", "jwt"]).exits(0).says("version 2 → 3");

    // A second fork that is replaced leaves the first where it is kept.
    restore();
    ultra.run(&take).exits(0);
    // The backup's audit is shorter than that of the vault that was taken, and neither is broken.
    let whole = ultra.run(&["keys", "audit", "--verify", "--open"]).exits(0);
    whole.says("in the audit of the machine whose vault was taken");
    let audit = ultra.state().join("audit.jsonl");
    let text = std::fs::read_to_string(&audit).unwrap();
    let cut: Vec<&str> = text.lines().collect();
    assert!(cut.len() > 1);
    std::fs::write(&audit, format!("{}\n", cut[1..].join("\n"))).unwrap();
    ultra.run(&["keys", "audit", "--verify"]).exits(3).says("missing");
    std::fs::write(&audit, text).unwrap();
    let kept = || {
        let all = std::fs::read_dir(ultra.state()).unwrap();
        let names = all.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("vault.age.before")).count()
    };
    let before = kept();
    restore();
    ultra.run(&take).exits(0);
    assert_eq!(kept(), before + 1);
}

#[test]
fn a_machine_goes_on_from_its_copy_when_the_store_has_none() {
    let one = with_identity_file();
    set(&one, "jwt", &"k".repeat(40)).exits(0);
    let identity = one.home().join("identity").display().to_string();
    let two = Ultra::empty().env("ULTRA_VAULT_IDENTITY_FILE", identity);
    // As a server there keeps it.
    for file in &FILES[..3] {
        let bytes = std::fs::read(one.state().join(file)).unwrap();
        two.write_private(&format!(".ultra/published/{file}"), bytes);
    }
    for dir in [two.state(), two.state().join("published")] {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let args = ["keys", "set", "encryption", "--generate"];
    two.run(&args).exits(6).complains("--take-published");
    let take = ["keys", "doctor", "--take-published", "--yes"];
    two.run(&take).exits(0).says("from `published/vault.age`");
    two.run(&["keys", "audit", "--verify", "--open"]).exits(0).says("that is no gap");
    two.run(&["keys", "doctor"]).says("whole:");
    let fingerprint = |ultra: &Ultra| versions(ultra)[0]["fingerprint"].clone();
    assert_eq!(fingerprint(&one), fingerprint(&two));
    two.run(&args).exits(0);
    two.run(&take).exits(2).complains("were given no vault");
    // Gone, although its audit knows the copy.
    std::fs::remove_file(two.state().join("vault.age")).unwrap();
    let taken = two.run(&take).exits(0).says("was taken");
    two.run(&["keys", "verify", "jwt"]).exits(0);
    nowhere(&two, &[&taken], &[&"k".repeat(40)]);
}

#[test]
fn looking_at_keys_gives_servers_what_they_lack() {
    let ultra = with_identity_file();
    set(&ultra, "jwt", &"k".repeat(40)).exits(0);
    ultra.run(&["db", "migrate", "--yes"]).exits(0);
    ultra.run(&["keys", "doctor"]).exits(0).says("were given no vault");
    ultra.run(&["keys", "verify", "jwt"]).exits(0).complains("servers were given generation 1");
    ultra.run(&["keys", "doctor"]).exits(0).says("were given generation 1");
    let again = ultra.run(&["keys", "verify", "jwt"]).exits(0);
    assert!(!again.stderr.contains("were given"), "it is not new to them: {}", again.stderr);
    // One elsewhere that cannot be reached is told: servers there wait.
    let url = "postgres://u:p-canary-5d@127.0.0.1:1/db?sslmode=disable";
    let args = ["keys", "verify", "jwt"];
    let told = ultra.command(args).env("DATABASE_URL", url).output().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("could not be given the vault"), "{told}");
    assert!(!told.contains("p-canary-5d"), "{told}");
    // A store that cannot be read is not one in which there is nothing.
    let store = ultra.state().join("data/dev.db");
    assert!(store.exists());
    std::fs::write(&store, "no database at all\n".repeat(400)).unwrap();
    let told = ultra.run(&["keys", "doctor", "--take-published", "--yes"]).exits(5);
    assert!(!told.stderr.contains("were given no vault"), "{}", told.stderr);
}
