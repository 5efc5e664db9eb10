//! The state of the store, and what happens to one that cannot be used.

use crate::support::services::{Postgres, free_port};
use crate::support::{CANARY, Ultra};

#[test]
fn the_embedded_database_is_made_by_migrate_and_shown_by_status() {
    let ultra = Ultra::empty();
    let before = ultra.run(&["db", "status", "-o", "json"]).exits(0).json();
    assert_eq!((&before["exists"], &before["kind"]), (&false.into(), &"sqlite".into()));
    assert_eq!(
        before["pending"],
        serde_json::json!([
            "0001-init",
            "0002-fleet",
            "0003-successors",
            "0004-usage-costs",
            "0005-usage-daily"
        ])
    );
    assert!(!ultra.state().exists(), "to look is not to create");
    ultra.run(&["db", "migrate"]).exits(0).says("0001-init");
    ultra.run(&["db", "migrate"]).exits(0).says("up to date");
    let after = ultra.run(&["db", "status", "-o", "json"]).exits(0).json();
    assert_eq!((&after["schema"], &after["current"]), (&"ultra.db.status/1".into(), &true.into()));
    ultra.run(&["db", "status"]).exits(0).says("0001-init");
}

#[test]
fn a_corrupt_database_is_refused_and_its_bytes_are_unchanged() {
    let ultra = Ultra::empty();
    ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    let path = ultra.state().join("data/dev.db");
    let sound = std::fs::read(&path).unwrap();
    let mut torn = sound.clone();
    torn[4_200..12_000].fill(0x5a);
    for bytes in [b"hello".to_vec(), torn, sound[..sound.len() / 2].to_vec()] {
        std::fs::write(&path, &bytes).unwrap();
        for command in [
            &["db", "status"][..],
            &["db", "migrate"],
            &["auth", "service-key", "create", "other"],
            &["auth", "service-key", "list"],
        ] {
            ultra.run(command).exits(3).complains("damaged").complains("nothing was changed");
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_database_that_may_not_be_written_is_refused_with_the_reason() {
    use std::os::unix::fs::PermissionsExt as _;
    let ultra = Ultra::empty();
    ultra.run(&["db", "migrate"]).exits(0);
    let path = ultra.state().join("data/dev.db");
    let before = std::fs::read(&path).unwrap();
    if rustix::process::geteuid().is_root() {
        // Nothing is closed to root but what the file system itself forbids.
        let ultra = Ultra::empty().env("DATABASE_URL", "sqlite:/proc/ultra.db");
        ultra.run(&["auth", "service-key", "create", "x"]).exits(5).complains("denies access");
        return;
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    ultra.run(&["auth", "service-key", "create", "x"]).exits(5).complains("denies access");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn an_absent_server_and_a_bad_address_are_told_without_the_password() {
    let url = format!("postgres://u:{CANARY}@127.0.0.1:{}/x", free_port());
    let ultra = Ultra::empty().env("DATABASE_URL", url);
    for command in [&["db", "status"][..], &["db", "migrate"], &["auth", "service-key", "list"]] {
        ultra.run(command).exits(5).complains("connection refused").keeps_the_canary();
    }
    for wrong in [
        CANARY.to_owned(),
        format!("mysql://u:{CANARY}@h/x"),
        format!("postgres://{CANARY}@h:0x/x"),
    ] {
        let ultra = Ultra::empty().env("DATABASE_URL", wrong);
        ultra.run(&["db", "status"]).exits(3).keeps_the_canary();
    }
}

#[test]
fn postgres_is_migrated_by_an_operator_and_shared_with_an_application() {
    let Some(postgres) = Postgres::shared() else { return };
    let url = postgres.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    postgres.sql(&name, "CREATE TABLE usage (mine int)");
    let ultra = Ultra::empty().env("DATABASE_URL", &url).env("ULTRA_DB_MIGRATE", "check");
    ultra.run(&["db", "status"]).exits(3).says("pending").says("ultra db migrate");
    ultra.run(&["auth", "service-key", "list"]).exits(3).complains("ultra db migrate");
    ultra.run(&["db", "migrate"]).exits(0).says("0001-init");
    ultra.run(&["db", "status"]).exits(0).says("PostgreSQL");
    ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    assert_eq!(postgres.sql(&name, "SELECT count(*) FROM ultra.service_keys"), "1");
    postgres.sql(&name, "INSERT INTO ultra.migrations VALUES (9999, 'future', '', 0)");
    ultra.run(&["db", "status"]).exits(3).says("newer");
    ultra.run(&["db", "migrate"]).exits(3).complains("newer");
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_its_bytes_are_unchanged() {
    let ultra = Ultra::empty();
    ultra.run(&["db", "migrate"]).exits(0);
    let path = ultra.state().join("data/dev.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions as _, Connection as _};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut newer = options.connect().await.unwrap();
        sqlx::raw_sql("INSERT INTO ultra_migrations VALUES (9999, 'future', x'00', 0)")
            .execute(&mut newer)
            .await
            .unwrap();
        newer.close().await.unwrap();
    });
    let before = std::fs::read(&path).unwrap();
    for command in [
        &["serve", "--port", "auto"][..],
        &["db", "migrate"],
        &["auth", "service-key", "create", "ci"],
    ] {
        ultra.run(command).exits(3).complains("newer").complains("9999");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{command:?}");
    }
}
