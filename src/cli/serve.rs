//! `serve`.

use clap::Args;

/// Serve the API, with the mock or with real providers.
#[derive(Args, Debug)]
#[command(
    after_help = "SIGTERM stops accepting and lets requests end; SIGHUP loads keys, rates and origins again."
)]
pub(crate) struct ServeArgs {
    /// Answer with the mock, whatever the profile says.
    #[arg(long, conflicts_with = "real")]
    pub(crate) mock: bool,
    /// Answer with real providers, whatever the profile says.
    #[arg(long)]
    pub(crate) real: bool,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) addr: Option<String>,
    /// The port to listen on; `auto` takes a free one.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,
    /// Be there only to be looked at: loopback, a free port, a state directory of its own, and one
    /// service key, which is the first line of standard input. Ends with standard input.
    #[arg(long, hide = true, conflicts_with_all = ["addr", "mock", "real"])]
    pub(crate) probe: bool,
}
