//! What the mock has counted is what the usage rows say.

use super::{BOTH, Mock, conversation, rows};
use std::io::Read as _;
use std::time::Duration;

/// Reads until the end of the answer or of the patience.
fn read(connection: &mut std::net::TcpStream) {
    let mut piece = [0; 4096];
    while let Ok(1..) = connection.read(&mut piece) {}
}

#[test]
fn the_sum_of_the_rows_is_the_mocks_own_account() {
    const CLIENTS: usize = 4;
    const MODELS: [&str; 13] = [
        "mock-chat",
        "gpt-4o",
        "mock-500-1-of-3",
        "mock-429-once",
        "mock-reset-1-of-2",
        "mock-cut",
        "mock-stream-error",
        "mock-malformed-event",
        "mock-latency-5ms",
        "mock-tokens-2000-per-s",
        "mock-truncated",
        "mock-tool-call",
        "mock-stall-50ms",
    ];
    let mock = Mock::start();
    let addr = mock.server.addr();
    let sent: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let mock = &mock;
                scope.spawn(move || {
                    let mut sent = 0;
                    for (n, model) in MODELS.iter().cycle().take(60).enumerate() {
                        let family = BOTH[(n / MODELS.len()) % 2];
                        if *model == "gpt-4o" && family == super::Family::Anthropic {
                            continue;
                        }
                        let mut body = conversation(model, n % 3 > 0);
                        body["messages"][0]["content"] = format!("{client} says {}", n % 24).into();
                        let request = mock.request(family, &body).header("connection", "close");
                        let mut connection = request.open(addr);
                        // Some go away in the middle, whatever comes.
                        let patience = if n % 7 == 3 { 20 } else { 20_000 };
                        connection.set_read_timeout(Some(Duration::from_millis(patience))).unwrap();
                        read(&mut connection);
                        sent += 1;
                    }
                    sent
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let rows = rows(&mock.ultra, |rows| rows.len() >= sent);
    // Whoever goes before the request was read leaves nothing, in either account.
    let billed = mock.ledger();
    let sum = |of: fn(&super::Row) -> u64| rows.iter().map(of).sum::<u64>();
    assert_eq!(billed["total"]["requests"], u64::try_from(rows.len()).unwrap(), "{billed}");
    assert_eq!(billed["total"]["input_tokens"], sum(|row| row.input), "{billed}");
    assert_eq!(billed["total"]["output_tokens"], sum(|row| row.output), "{billed}");
    for (model, account) in billed["models"].as_object().unwrap() {
        let of = rows.iter().filter(|row| row.model == *model);
        let output: u64 = of.map(|row| row.output).sum();
        assert_eq!(account["output_tokens"], output, "{model}: {account}");
    }
    for outcome in ["ok", "error", "truncated", "client_closed"] {
        assert!(rows.iter().any(|row| row.outcome == outcome), "no `{outcome}` among them");
    }
}
