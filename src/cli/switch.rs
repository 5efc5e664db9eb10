//! `ultra env switch`, `undo` and `history`.

use crate::settings::value::{Kind, Value as _};
use clap::Args;
use std::time::Duration;

/// Make another profile the one in use.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env switch staging\n  \
    ultra env switch prod --dry-run\n  \
    ultra env switch -\n  \
    ultra env switch dev --adopt")]
pub(crate) struct SwitchArgs {
    /// The profile to use from now on; `-` is the one before.
    #[arg(value_name = "PROFILE")]
    pub(crate) target: String,
    /// Move a `.env` that somebody wrote to `.env.local`, where its values keep counting.
    #[arg(long, conflicts_with = "no_dotenv")]
    pub(crate) adopt: bool,
    #[command(flatten)]
    pub(crate) manner: MannerArgs,
}

/// Go back to what was before the last switch.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env undo\n  \
    ultra env undo 3 --dry-run\n  \
    ultra env undo --to 12")]
pub(crate) struct UndoArgs {
    /// How many switches to go back.
    #[arg(value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) steps: u32,
    /// Go back to where things stood after this generation (`ultra env history`); 0 is before the
    /// first switch.
    #[arg(long, value_name = "GENERATION", conflicts_with = "steps")]
    pub(crate) to: Option<u64>,
    #[command(flatten)]
    pub(crate) manner: MannerArgs,
}

/// How a switch or an undo is to be done.
#[derive(Args, Debug)]
pub(crate) struct MannerArgs {
    /// Say what would happen, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave `.env` as it is.
    #[arg(long)]
    pub(crate) no_dotenv: bool,
    /// How long to wait for another switch to end.
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = span)]
    pub(crate) wait: Duration,
}

/// The switches so far, newest first.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env history\n  \
    ultra env history --limit 100\n  \
    ultra env history --limit 1 -o json")]
pub(crate) struct HistoryArgs {
    /// How many to show at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

/// A time span as everywhere: `500ms`, `30s`, `10m`.
fn span(text: &str) -> Result<Duration, String> {
    Duration::parse(text).ok_or_else(|| format!("expected {}", Kind::Duration.expected()))
}
