//! `ultra models`.

use clap::{Args, Subcommand};
use url::Url;

/// Models: what answers for each, and whether it does.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum ModelsCommand {
    /// List models with their targets, keys, limits and prices.
    List(ListArgs),
    /// Ask a model for a word, and say what it took and cost.
    Test(TestArgs),
}

/// List models with their targets, keys, limits and prices.
///
/// The files of the profile say it, or with `--url` a running server, which knows of its keys
/// whether they are taken, and of its providers which models they list. Nothing is opened, and no
/// provider is asked.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Models of providers without a key, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only models that can do this.
    #[arg(long, value_name = "WHAT", value_parser = ["tools", "vision", "reasoning"])]
    pub(crate) capability: Option<String>,
    /// The server that is asked; it wants a service key with the scope `read` in
    /// `ULTRA_SERVICE_KEY` or `ULTRA_SERVICE_KEY_FILE`.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,
}

/// Ask a model for a word, and say what it took and cost.
///
/// A real request with an answer of a few tokens: it says first what it may cost, and asks. It goes
/// the way of a server's requests, with the profile's keys, and leaves no usage row; with `--url` a
/// running server sends it. Ends with 3 if the answer is wrong or the model cannot be used, and with
/// 5 if nobody answers.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra models test gpt-4o-mini\n  \
    ultra models test claude-haiku-4-5 --yes --url https://api.example.com")]
pub(crate) struct TestArgs {
    /// The model, as clients ask for it; `PROVIDER/MODEL` is one too.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The server that sends it; it wants a service key with the scopes `read` and `write` in
    /// `ULTRA_SERVICE_KEY` or `ULTRA_SERVICE_KEY_FILE`.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,
}
