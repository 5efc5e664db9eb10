//! The books balance: what the gateway has in its store is what the provider behind it has counted,
//! attempt by attempt, whatever providers, clients and the store did meanwhile.
//!
//! The provider is a second `ultra serve --mock`, which keeps accounts of its own; the gateway
//! keeps its rows in PostgreSQL, which stands still for ten seconds in the middle. One request in
//! twenty meets a fault, one client in twenty-five leaves, at some point between the middle of its
//! own request and the middle of the answer. Every model name is its own or one of few, and every
//! name has prices of its own, so that each attempt can be found on the other side.
//!
//! What must hold:
//!
//! 1. Whatever the mock has counted has exactly one row, and every row was counted there. The one
//!    exception: a client may leave before its request has reached the mock; its row is
//!    `client_closed`, without counts or with 0.
//! 2. A row that ended well (`ok`) has the mock's input, output and cost, exactly. So has every
//!    count that any other row has.
//! 3. What a row does not know, the mock has never told: providers tell the output of a stream at
//!    its end, and bill for what they have made until it is cut. Nobody can know that count, so a
//!    row leaves it out, and the report says how many such attempts there are (`uncounted`). The
//!    mock's sums less those of the rows are exactly what it has billed for these.
//! 4. A whole plain answer tells its client the counts that its row has, and the rows of a request
//!    are numbered from 1 to what `x-ultra-attempts` said.
//! 5. Nobody's request fails because the store stands still.

pub(super) mod books;
mod load;
mod plan;

use super::dev_key;
use super::http::Request;
use crate::support::services::Postgres;
use crate::support::{Server, Ultra, eventually, missing};
use books::{Balance, Entry, Sums};
use load::{Load, Outcome};
use plan::Plan;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Requests in an ordinary run; `benches/run PATH --only ledger` makes a hundred thousand.
const REQUESTS: u64 = 10_000;

/// So many more may come until the store is back.
const MORE: u64 = 20_000;

const CLIENTS: usize = 24;

/// How long the store stands still.
const FROZEN: Duration = Duration::from_secs(10);

/// How long rows may take into the store once all is over.
const DRAINED: Duration = Duration::from_secs(120);

fn requests() -> u64 {
    let told = std::env::var("ULTRA_TEST_LEDGER_REQUESTS").ok();
    told.map_or(REQUESTS, |text| text.parse().unwrap())
}

/// The names that a request may have beside those at a provider.
fn routes() -> impl Iterator<Item = String> {
    let chains = (0..plan::CHAINS).map(|n| format!("chain-{n}"));
    chains.chain((0..plan::SILENT).map(|n| format!("silent-{n}")))
}

/// What the gateway asks the mock with: it refuses service keys of its own kind as those of a
/// provider.
pub(crate) fn token(mock: &Ultra) -> String {
    let args = ["auth", "token", "create", "--scope", "write", "--ttl", "3h"];
    mock.run(&args).exits(0).stdout.trim().to_owned()
}

/// The profile of the gateway: both providers are the mock.
fn profile(mock: &Server) -> String {
    let mut text = format!(
        "mode: real\n\
         secrets:\n  ONE_KEY: env:ONE_KEY\n  TWO_KEY: env:TWO_KEY\n\
         providers:\n  \
         one: {{kind: openai, base_url: \"{}\", keys: [ONE_KEY]}}\n  \
         two: {{kind: anthropic, base_url: \"{}\", keys: [TWO_KEY]}}\n\
         routes:\n",
        mock.url("/v1"),
        mock.url(""),
    );
    for route in routes() {
        writeln!(text, "  {route}:").unwrap();
        if route.starts_with("silent") {
            text += "    timeouts: {stall: 250ms}\n";
        }
        text += "    targets:\n";
        for (provider, model) in plan::targets(&route) {
            writeln!(text, "      - {{provider: {provider}, model: {model}}}").unwrap();
        }
    }
    text
}

/// The price of every name that can be met.
fn prices(most: u64) -> String {
    let mut known: Vec<(String, String)> = (0..most)
        .filter_map(|n| {
            let plan = Plan::of(n);
            plan.priced().map(|(provider, model)| (provider.to_owned(), model.to_owned()))
        })
        .chain(routes().flat_map(|route| plan::targets(&route)).map(|(p, m)| (p.to_owned(), m)))
        .collect();
    known.sort();
    known.dedup();
    let mut text = "provider,model,input_microusd_per_mtok,output_microusd_per_mtok\n".to_owned();
    for (provider, model) in known {
        let (input, output) = plan::price(&provider, &model);
        writeln!(text, "{provider},{model},{input},{output}").unwrap();
    }
    text
}

/// The load, with the store frozen in the middle; when it stood still, for how long, and what the
/// clients met.
fn run(load: &Load, postgres: &Postgres) -> Outcome {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| load.client())).collect();
        while load.begun.load(Ordering::SeqCst) < load.requests * 2 / 5 {
            std::thread::sleep(Duration::from_millis(5));
        }
        postgres.freeze();
        load.frozen.store(true, Ordering::SeqCst);
        std::thread::sleep(FROZEN);
        load.frozen.store(false, Ordering::SeqCst);
        postgres.thaw();
        load.keep_on.store(false, Ordering::SeqCst);
        let mut all = Outcome::default();
        for client in clients {
            let one = client.join().unwrap();
            all.told.extend(one.told);
            all.wrong.extend(one.wrong);
            all.left += one.left;
            all.meanwhile += one.meanwhile;
            all.rested += one.rested;
            all.slowest = all.slowest.max(one.slowest);
        }
        all
    })
}

/// A number of the gateway's metrics, summed over its labels.
pub(super) fn metric(ultra: &Ultra, server: &Server, name: &str) -> u64 {
    let text = super::with_key(ultra, "GET", "/metrics").send(server.addr()).is(200).text();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

fn ledger(mock: &Ultra, server: &Server) -> Value {
    let path = "/api/health?detail=true";
    super::with_key(mock, "GET", path).send(server.addr()).is(200).json()["mock_ledger"].clone()
}

/// What clients were told against the rows of their requests.
fn check_told(told: &[load::Told], rows: &[Entry]) -> Vec<String> {
    let mut by_request: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for row in rows {
        by_request.entry(&row.request_id).or_default().push(row);
    }
    let mut wrong = Vec::new();
    for (id, rows) in &by_request {
        let mut numbers: Vec<u64> = rows.iter().map(|row| row.attempt).collect();
        numbers.sort_unstable();
        if !numbers.iter().copied().eq(1..=u64::try_from(rows.len()).unwrap()) {
            wrong.push(format!("the attempts of {id} are {numbers:?}"));
        }
    }
    for told in told {
        let rows = by_request.get(&*told.id).map_or(&[][..], Vec::as_slice);
        let last = rows.iter().max_by_key(|row| row.attempt);
        let count = u64::try_from(rows.len()).unwrap();
        if told.attempts.is_some_and(|attempts| attempts != count) {
            wrong.push(format!("{told:?} has {count} rows"));
        }
        match last {
            Some(last) if told.whole => {
                let known = (last.input.unwrap_or(0), last.output.unwrap_or(0));
                if last.outcome != "ok" || told.tokens.is_some_and(|tokens| tokens != known) {
                    wrong.push(format!("{told:?} has {last:?}"));
                }
            }
            None if told.whole => wrong.push(format!("{told:?} has no row")),
            _ => {}
        }
    }
    wrong
}

#[track_caller]
fn nothing(wrong: &[String], of: &str) {
    let shown = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{of}: {} of them\n{shown}", wrong.len());
}

#[test]
fn the_books_balance_after_faults_departures_and_a_frozen_store() {
    let Some(postgres) = Postgres::private() else { return missing("PostgreSQL") };
    let requests = requests();
    let most = requests + MORE;
    let unlimited = |ultra: Ultra| ultra.env("ULTRA_RATE_LIMIT", "100000000");
    let mock = unlimited(Ultra::empty());
    let provider = Server::start(&mock, &["--mock"]);
    let url = postgres.database();
    let database = url.rsplit('/').next().unwrap().to_owned();
    let key = token(&mock);
    let ultra = unlimited(Ultra::empty())
        .env("DATABASE_URL", &*url)
        .env("ONE_KEY", &*key)
        .env("TWO_KEY", &*key);
    ultra.write("profiles/dev.yaml", profile(&provider));
    ultra.write("prices.csv", prices(most));
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let load = Load {
        addr: server.addr().to_owned(),
        key: dev_key(&ultra),
        requests,
        most,
        begun: AtomicU64::new(0),
        keep_on: AtomicBool::new(true),
        frozen: AtomicBool::new(false),
    };

    let began = Instant::now();
    let outcome = run(&load, &postgres);
    let loaded = began.elapsed();
    let attempts = eventually(DRAINED, "every attempt to be in the store", || {
        let counted = metric(&ultra, &server, "ultra_upstream_attempts_total");
        let rows = postgres.sql(&database, "SELECT count(*) FROM ultra.usage");
        (rows == counted.to_string()).then_some(counted)
    });
    let drained = began.elapsed();
    eventually(DRAINED, "every answer of the mock to be in its store", || {
        let kept =
            mock.run(&["db", "status", "-o", "json"]).exits(0).json()["usage"]["rows"].as_u64();
        (kept == ledger(&mock, &provider)["total"]["requests"].as_u64()).then_some(())
    });
    let rows = books::of_postgres(&postgres, &database);
    let billed = books::billed(&mock);
    let balance = books::balance(&rows, &billed);
    let (kept, known) = (Sums::of(&rows), Sums::of(&billed));
    println!(
        "{} requests in {loaded:.1?} ({} of them answered while the store stood still), in the store \
         after {drained:.1?}; slowest answer {:.1?}; {} clients left, {} came back to a breaker\n\
         rows {kept:?}\nmock {known:?}\nuntold {:?}\nunheard {}, cost {} nano-dollars",
        load.begun.load(Ordering::SeqCst),
        outcome.meanwhile,
        outcome.slowest,
        outcome.left,
        outcome.rested,
        balance.untold,
        balance.unheard,
        balance.cost,
    );
    nothing(&outcome.wrong, "answers that should have been whole");
    nothing(&balance.wrong, "rows and accounts that differ");
    nothing(&balance.unsaid, "counts that are not known, and nobody says so");
    nothing(&check_told(&outcome.told, &rows), "requests whose rows are not what was told");
    assert!(outcome.meanwhile > 50, "the load went on: {}", outcome.meanwhile);
    assert_eq!(kept.attempts, attempts);
    sums_agree(&rows, &balance, kept, known);
    report_agrees(&ultra, &rows, &balance, kept);
    ledger_agrees(&ledger(&mock, &provider), known);
    every_end_is_among(&rows);

    // Nothing comes later, and nothing comes twice when the journal is read once more.
    server.stop();
    let again = Server::start(&ultra, &["--real"]);
    let ready = || Request::new("GET", "/api/health/ready").send(again.addr()).status == 200;
    eventually(DRAINED, "the next server", || ready().then_some(()));
    assert_eq!(books::of_postgres(&postgres, &database), rows);
}

/// The mock's sums are those of the rows and of what it has never told.
fn sums_agree(rows: &[Entry], balance: &Balance, kept: Sums, known: Sums) {
    let untold = balance.untold.values().fold(Sums::default(), |sum, one| Sums {
        attempts: sum.attempts + one.attempts,
        input: sum.input + one.input,
        output: sum.output + one.output,
    });
    assert_eq!(known.attempts + balance.unheard, kept.attempts);
    assert_eq!(known.input, kept.input + untold.input);
    assert_eq!(known.output, kept.output + untold.output);
    assert_eq!(balance.untold.get("ok").map_or(0, |sums| sums.attempts), 0, "{balance:?}");
    let cost: u64 = rows.iter().filter_map(|row| row.cost).sum();
    assert_eq!(cost, balance.cost);
}

/// The report says the same, and which attempts are not all known.
fn report_agrees(ultra: &Ultra, rows: &[Entry], balance: &Balance, kept: Sums) {
    let args = ["usage", "report", "--since", "1d", "--by", "provider", "-o", "json"];
    let total = ultra.run(&args).exits(0).json()["total"].clone();
    let uncounted = rows.iter().filter(|row| row.uncounted()).count();
    let firsts = rows.iter().filter(|row| row.attempt == 1).count();
    for (name, expected) in [
        ("attempts", kept.attempts),
        ("requests", u64::try_from(firsts).unwrap()),
        ("input_tokens", kept.input),
        ("output_tokens", kept.output),
        ("cost_nano_usd", balance.cost),
        ("uncounted", u64::try_from(uncounted).unwrap()),
    ] {
        assert_eq!(total[name], expected, "{name} of {total}");
    }
}

fn ledger_agrees(ledger: &Value, known: Sums) {
    let total = &ledger["total"];
    let told = ["requests", "input_tokens", "output_tokens"].map(|n| total[n].as_u64().unwrap());
    assert_eq!(told, [known.attempts, known.input, known.output], "{total}");
}

/// The load has met what it was made for.
fn every_end_is_among(rows: &[Entry]) {
    for outcome in ["ok", "error", "truncated", "timeout", "client_closed"] {
        let count = rows.iter().filter(|row| row.outcome == outcome).count();
        assert!(count > 5, "`{outcome}`: {count}");
    }
    assert!(rows.iter().any(|row| row.attempt == 3), "nothing was tried three times");
}
