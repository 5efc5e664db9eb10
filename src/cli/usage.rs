//! `ultra usage`.

use clap::{Args, Subcommand, ValueEnum};

/// What was used, and what it cost.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum UsageCommand {
    /// Sum up requests, tokens and cost from the store of the profile.
    Report(ReportArgs),
}

/// Sum up requests, tokens and cost from the store of the profile.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// What to bring together.
    #[arg(long, value_name = "WHAT", value_enum, default_value = "model")]
    pub(crate) by: ByArg,
    /// From when on: a span back from now (`7d`), a date (UTC) or a time; 30 days before the end if
    /// left out.
    #[arg(long, value_name = "SPAN|DATE")]
    pub(crate) since: Option<String>,
    /// Until when; of a date the whole day [default: now].
    #[arg(long, value_name = "SPAN|DATE")]
    pub(crate) until: Option<String>,
    /// Only this model, by the name that clients ask for.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Only this service key, by its id or name, or this subject of tokens.
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) key: Option<String>,
}

/// What usage is brought together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByArg {
    /// Service keys, and subjects of tokens.
    Key,
    /// Users, where the credentials name one.
    User,
    /// Models, as clients ask for them.
    Model,
    /// Providers.
    Provider,
    /// Days, UTC.
    Day,
}
