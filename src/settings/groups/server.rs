//! The HTTP server.

use crate::settings::catalogue::{Alias, Consumer, Need, Reload, settings};
use crate::settings::profile::Mode;
use crate::settings::value::{Count, List, Port, Size};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// `USE_MOCK=true` and its kin in terms of `ULTRA_MODE`.
fn mock_flag(value: &str) -> Option<String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some("mock".to_owned()),
        "false" | "0" | "no" | "off" => Some("real".to_owned()),
        _ => None,
    }
}

settings! {
    /// The server: where it listens, what it answers with, what it bears.
    pub(crate) struct ServerSettings in "server" {
        /// The address to listen on.
        addr: IpAddr = "ULTRA_ADDR" { default: Some("127.0.0.1"), example: Some("0.0.0.0"), aliases: &[Alias::same("API_HOST")] },
        /// The port to listen on; `auto` takes a free one.
        port: Port = "ULTRA_PORT" { default: Some("8085"), example: Some("8000"), aliases: &[Alias::same("API_PORT"), Alias::same("PORT")] },
        /// Whether answers come from the mock or from real providers.
        mode: Mode = "ULTRA_MODE" { default: Some("mock"), example: Some("real"), consumer: Consumer::Both, aliases: &[
            Alias::converted("USE_MOCK", mock_flag),
            Alias::converted("MOCK_MODE", mock_flag),
            Alias::converted("ENABLE_MOCK_LLM", mock_flag),
        ] },
        /// The URL under which clients reach the server, for links and checks.
        public_url: Option<Url> = "ULTRA_PUBLIC_URL" { need: Need::Protected, example: Some("https://api.example.com") },
        /// Origins that browsers may call from; none if empty.
        cors_origins: List = "ULTRA_CORS_ORIGINS" { default: Some(""), example: Some("https://app.example.com"), reload: Reload::Live, aliases: &[Alias::same("CORS_ORIGINS")] },
        /// Adds details for developers to logs; never allowed in a protected profile.
        debug: bool = "ULTRA_DEBUG" { default: Some("false"), aliases: &[Alias::same("DEBUG")] },
        /// The largest request body.
        body_limit: Size = "ULTRA_BODY_LIMIT" { default: Some("10MiB"), example: Some("32MiB") },
        /// The time a client has to send its request's head.
        header_timeout: Duration = "ULTRA_HEADER_TIMEOUT" { default: Some("10s") },
        /// The time a client has to send its request's body.
        body_timeout: Duration = "ULTRA_BODY_TIMEOUT" { default: Some("30s") },
        /// The time a request may take in all, streams included.
        request_timeout: Duration = "ULTRA_REQUEST_TIMEOUT" { default: Some("600s"), reload: Reload::Live },
        /// The time that requests under way have to end once the server stops.
        drain_timeout: Duration = "ULTRA_DRAIN_TIMEOUT" { default: Some("30s") },
        /// Requests that are worked on at a time; more are refused at once with 503.
        max_concurrency: Count<1, 1_000_000> = "ULTRA_MAX_CONCURRENCY" { default: Some("2048") },
        /// Bytes of request bodies above 64 KiB that are held at a time, until their answers begin; more
        /// are refused at once with 503. One body of the largest size is always taken.
        body_memory: Size = "ULTRA_BODY_MEMORY" { default: Some("256MiB"), example: Some("1GiB") },
        /// How late the process may get to its work, for half a second on end, before it refuses a
        /// growing share of requests with 503; `0s` refuses none for that.
        lag_limit: Duration = "ULTRA_LAG_LIMIT" { default: Some("100ms") },
        /// Whether answers above a size are compressed for clients that take it; streams never are.
        compression: bool = "ULTRA_COMPRESSION" { default: Some("true") },
        /// Connections that are open at a time. When there are as many, a new one takes the place of
        /// one that waits for a request; never of one with a request under way.
        max_connections: Count<1, 1_000_000> = "ULTRA_MAX_CONNECTIONS" { default: Some("8192") },
        /// Prices that replace those of the list in the program, a comma-separated file; `prices.csv`
        /// of the root if unset, where there is one.
        prices: Option<PathBuf> = "ULTRA_PRICES" { example: Some("prices.csv"), reload: Reload::Live },
        /// The address and port of a second listener for `/metrics` without a key, for scrapers
        /// on a private network.
        metrics_addr: Option<String> = "ULTRA_METRICS_ADDR" { example: Some("127.0.0.1:9464") },
    }
}
