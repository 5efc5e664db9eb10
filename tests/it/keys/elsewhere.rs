//! Vaults in several places: a backup that was put back, a machine that only follows, and profiles
//! that use keys of another.

use super::provider::Provider;
use super::servers::{beside, machine};
use super::{NEW, OLD, nowhere, set, with_identity_file};
use crate::support::services::Postgres;
use crate::support::{Server, eventually};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);
const FORKED: &str = "does not come from it";

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
    assert!(cli.state().join("vault.age.before").exists());
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
