//! A server that is frozen may still use an old value: for as long as it is there, and for a minute
//! after its last sign of life.

use super::provider::{Manner, Provider};
use super::servers::servers;
use super::{NEW, OLD, set, with_provider};
use crate::support::{Server, Ultra, eventually};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

/// Makes every sign of life in the store older by as much as a server may be silent.
fn a_minute_later(ultra: &Ultra, server: &Server) {
    let path = ultra.state().join("data/dev.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    eventually(PATIENCE, "the store to be free", || {
        let done = runtime.block_on(async {
            use sqlx::Connection as _;
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
            let mut store = sqlx::SqliteConnection::connect_with(&options).await?;
            let sql = "UPDATE heartbeats SET seen = seen - 61000000";
            let rows = sqlx::query(sql).execute(&mut store).await?.rows_affected();
            store.close().await?;
            Ok::<_, sqlx::Error>(rows)
        });
        match done {
            Ok(rows) => {
                assert_eq!(rows, 1);
                Some(())
            }
            // It was frozen in the middle of a write.
            Err(error) => {
                println!("{error}");
                server.signal("CONT");
                std::thread::sleep(Duration::from_millis(50));
                server.signal("STOP");
                None
            }
        }
    });
}

#[test]
fn it_keeps_an_old_value_from_being_ended_and_is_named() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let ultra = with_provider(&provider);
    set(&ultra, "openai", OLD).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let instance = eventually(PATIENCE, "its sign of life", || {
        servers(&ultra).first().map(|server| server["instance"].as_str().unwrap().to_owned())
    });
    server.signal("STOP");
    let replace = ["keys", "set", "openai", "--replace"];
    ultra.run_with_stdin(&replace, NEW.as_bytes()).exits(0);
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    let disable = ["keys", "disable", "openai", "--version", "1", "--wait", "300ms"];
    let waits = ultra.run(&disable).exits(5).complains("0 of 1 server").complains(&instance);
    waits.complains("not seen on");
    a_minute_later(&ultra, &server);
    // It is on this machine, and has not gone.
    ultra.run(&disable).exits(5).complains(&instance);
    drop(server);
    ultra.run(&disable).exits(0).says("version 1 of `openai` is disabled");
}

#[test]
fn who_runs_elsewhere_is_asked_when_the_vault_may_be_opened_for_it() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    let url = format!("sqlite:{}", ultra.home().join("store.db").display());
    let unasked = ["keys", "set", "database", "--no-verify"];
    ultra.run_with_stdin(&unasked, url.as_bytes()).exits(0);
    set(&ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "status"]).exits(0).says("none runs on this machine; others not asked");
    let server = Server::start(&ultra, &["--real"]);
    let told = ultra.run(&["keys", "status"]).exits(0).says("1 runs on this machine");
    told.says("`ultra keys status --profile dev --open` opens");
    let told = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    assert_eq!(told["replicas_asked"], "this-machine");
    let told = ultra.run(&["keys", "status", "--open", "-o", "json"]).exits(0).json();
    assert_eq!(told["replicas_asked"], "all");
    assert_eq!(told["replicas"].as_array().unwrap().len(), 1);
    // Without the identity it is the plain status that still answers.
    let locked = ultra.env("ULTRA_VAULT_IDENTITY_FILE", "/nowhere/identity");
    locked.run(&["keys", "status"]).exits(0).says("others not asked");
    let told = locked.run(&["keys", "status", "--open"]).exits(0).says("not known");
    assert!(!told.stdout.contains(&url), "{}", told.stdout);
    server.stop();
}
