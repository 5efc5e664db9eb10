//! Keys are rotated on servers under load, and no request fails: the provider's key and the key
//! that signs tokens, three times each. `benches/run --only rotation` does the same at full rate.

use super::{rotate, set, with_identity_file};
use crate::support::keyed::{self, Keyed};
use crate::support::load::{self, Load, Tally};
use crate::support::services::Postgres;
use crate::support::{Server, Ultra, eventually};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// How long streams pause between their parts: some are under way at every instant.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a key is used before the next comes.
const USES: u64 = 200;

/// Requests per second, of all servers together.
const RATE: u32 = 150;

/// The keys of the provider, one after the other.
const KEYS: [&str; 4] = [
    "sk-load-canary-0-9d2f61",
    "sk-load-canary-1-b07c3e",
    "sk-load-canary-2-45ae18",
    "sk-load-canary-3-f16d90",
];

/// What does not stand in the way of a load: nothing of it is refused for being much.
fn wide(ultra: Ultra, base_url: &str) -> Ultra {
    ultra
        .env("OPENAI_BASE_URL", base_url)
        .env("ULTRA_RATE_LIMIT", "100000000")
        .env("ULTRA_MAX_CONCURRENCY", "100000")
}

fn minted(cli: &Ultra) -> String {
    let made = cli.run(&["auth", "token", "create", "--scope", "read,write", "--ttl", "1h"]);
    made.exits(0).stdout.trim().to_owned()
}

/// A provider on a thread of its own.
fn provider(runtime: &tokio::runtime::Runtime) -> (Arc<Keyed>, String) {
    let provider = Keyed::new(PAUSE);
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    runtime.spawn(Arc::clone(&provider).serve(listener));
    (provider, url)
}

/// The vault with a first key of each kind, and a service key for the load.
fn furnished(cli: &Ultra, provider: &Keyed) -> String {
    provider.accept(KEYS[0]);
    set(cli, "openai", KEYS[0]).exits(0);
    cli.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let made = cli.run(&["auth", "service-key", "create", "load", "--scope", "write"]).exits(0);
    made.stdout.trim().to_owned()
}

/// Waits until every server lets the caller in: keys and tokens reach them within seconds.
fn known(servers: &[Server], credential: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    for server in servers {
        eventually(PATIENCE, "the server to know the caller", || {
            let request = client.get(server.url("/api/auth/me")).bearer_auth(credential);
            let answer = runtime.block_on(async { request.send().await }).unwrap();
            (answer.status() == 200).then_some(())
        });
    }
}

/// What the load came to, and when each key of the provider was out of use.
struct Outcome {
    tally: Tally,
    cuts: Vec<u64>,
}

/// Rotates both keys three times while the load runs, and mints tokens all the while. A key of the
/// provider is disabled there as soon as `rotate` says that it is out of use.
fn rotated(cli: &Ultra, servers: &[Server], provider: &Keyed, key: &str) -> Outcome {
    let first = minted(cli);
    known(servers, key);
    known(servers, &first);
    let load = Arc::new(Load {
        targets: servers.iter().map(|server| server.addr().parse().unwrap()).collect(),
        rate: RATE,
        key: key.to_owned(),
        tokens: RwLock::new(vec![first]),
        over: AtomicBool::new(false),
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let running = runtime.spawn(load::run(Arc::clone(&load)));
    let cuts = std::thread::scope(|scope| {
        // Tokens signed by whichever key signs at the moment, before, between and amid rotations.
        scope.spawn(|| {
            while !load.over.load(Ordering::Relaxed) {
                let token = minted(cli);
                load.tokens.write().unwrap().push(token);
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        let cuts = KEYS.windows(2).map(|keys| {
            provider.accept(keys[1]);
            rotate(cli, "openai", keys[1]).exits(0);
            let cut = keyed::now();
            provider.refuse(keys[0]);
            cli.run(&["keys", "rotate", "jwt"]).exits(0);
            let token = minted(cli);
            load.tokens.write().unwrap().push(token);
            eventually(PATIENCE, "the new key to be used", || {
                provider.seen().get(keys[1]).filter(|seen| seen.answered > USES).map(|_| ())
            });
            cut
        });
        let cuts = cuts.collect();
        load.over.store(true, Ordering::Relaxed);
        cuts
    });
    let tally = runtime.block_on(running).unwrap();
    Outcome { tally, cuts }
}

/// Nothing failed, nothing was lost, and no key was used once it was out of use.
fn holds(cli: &Ultra, provider: &Keyed, outcome: &Outcome) {
    let Outcome { tally, cuts } = outcome;
    assert_eq!(tally.failed(), 0, "{:#?} of {}", tally.failures, tally.sent);
    assert_eq!(tally.answered, tally.sent);
    assert!(tally.tokens > 0 && !tally.plain.is_empty() && !tally.first.is_empty());
    assert!(tally.behind.len() as u64 == tally.sent);
    let seen = provider.seen();
    for (key, cut) in KEYS.iter().zip(cuts) {
        let seen = seen[*key];
        assert!(seen.answered > 0 && seen.refused == 0, "{key}: {seen:?}");
        assert!(seen.last <= *cut, "{key} was used {} µs after the cut", seen.last - cut);
    }
    let asked: u64 = seen.values().map(|seen| seen.answered).sum();
    assert_eq!(asked, tally.sent, "the provider saw each request once");
    let rows = || {
        let status = cli.run(&["db", "status", "-o", "json"]).exits(0).json();
        status["usage"]["rows"].as_u64().unwrap()
    };
    eventually(PATIENCE, "a row for each request", || (rows() >= tally.sent).then_some(()));
    assert_eq!(rows(), tally.sent);
    let list = cli.run(&["keys", "list", "-o", "json"]).exits(0).json().to_string();
    assert!(!list.contains("rejected"), "{list}");
}

#[test]
fn a_server_that_sees_the_vault_fails_no_request() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (provider, url) = provider(&runtime);
    let cli = wide(with_identity_file(), &url);
    let key = furnished(&cli, &provider);
    let servers = [Server::start(&cli, &["--real"])];
    let outcome = rotated(&cli, &servers, &provider, &key);
    holds(&cli, &provider, &outcome);
}

#[test]
fn servers_with_a_store_alone_in_common_fail_no_request() {
    let Some(postgres) = Postgres::shared() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (provider, url) = provider(&runtime);
    let store = postgres.database();
    let cli = wide(with_identity_file(), &url).env("DATABASE_URL", &store);
    cli.run(&["db", "migrate", "--yes"]).exits(0);
    let key = furnished(&cli, &provider);
    let identity = cli.home().join("identity").display().to_string();
    let machines = [(); 2].map(|()| {
        wide(Ultra::empty(), &url)
            .env("ULTRA_VAULT_IDENTITY_FILE", &identity)
            .env("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
            .env("DATABASE_URL", &store)
    });
    let servers = machines.each_ref().map(|machine| Server::start(machine, &["--real"]));
    let outcome = rotated(&cli, &servers, &provider, &key);
    holds(&cli, &provider, &outcome);
}
