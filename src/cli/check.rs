//! `ultra check …`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use url::Url;

/// Readiness, status, smoke tests and scans.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum CheckCommand {
    /// Say whether the profile may go live, and what to fix if not.
    Readiness(ReadinessArgs),
    /// List all checks.
    List(ListArgs),
    /// Show what a check looks at, why, and how to fix what it finds.
    Explain(ExplainArgs),
    /// Say what is broken on a running server.
    Status(StatusArgs),
    /// Try a running server, step by step.
    Smoke(SmokeArgs),
    /// Search files for secrets.
    Scan(ScanArgs),
}

/// Say whether the profile may go live, and what to fix if not.
#[derive(Args, Debug)]
pub(crate) struct ReadinessArgs {
    /// Judge only these checks: ids, groups, globs such as `ULT-AUTH-*`.
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Leave out these checks.
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Judge only checks of these stages.
    #[arg(long, value_name = "STAGE", value_delimiter = ',', value_enum)]
    pub(crate) stage: Vec<StageArg>,
    /// Failures at this gate and above count, instead of those that the profile names.
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) gate: Option<GateArg>,
    /// End with 4 if nothing is worse than this.
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) fail_on: Option<FailOnArg>,
    /// Judge the server that runs here instead of one that is started for the checks.
    #[arg(long, value_name = "URL", value_parser = server_url)]
    pub(crate) url: Option<Url>,
    /// Whether secrets must have values, or only be declared.
    #[arg(long, value_name = "HOW", value_enum, default_value = "present")]
    pub(crate) secrets: SecretsArg,
}

/// List all checks.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Only these checks: ids, groups, globs such as `ULT-AUTH-*`.
    #[arg(value_name = "CHECK")]
    pub(crate) only: Vec<String>,
}

/// Show what a check looks at, why, and how to fix what it finds.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The id, such as `ULT-AUTH-001`.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Say what is broken on a running server.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// The server; those that run on this state directory if left out.
    #[arg(long, value_name = "URL", value_parser = server_url)]
    pub(crate) url: Option<Url>,
}

/// Try a running server, step by step.
#[derive(Args, Debug)]
pub(crate) struct SmokeArgs {
    /// The server.
    #[arg(long, value_name = "URL", value_parser = server_url)]
    pub(crate) url: Url,
    /// How long to wait until the server is ready, such as `60s`.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s")]
    pub(crate) wait: std::time::Duration,
    /// The version that must answer.
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect_version: Option<String>,
    /// The model to ask; the first that the server lists if left out.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
}

/// Search files for secrets.
#[derive(Args, Debug)]
pub(crate) struct ScanArgs {
    /// A file or directory; the root, or the current directory without one, if left out.
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
}

/// What a check needs in order to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageArg {
    /// The project's files.
    Static,
    /// The resolved configuration.
    Config,
    /// A running server.
    Live,
    /// An experiment that breaks something.
    Drill,
}

/// What a failing check blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateArg {
    /// Every release.
    #[value(name = "P0")]
    P0,
    /// A production release.
    #[value(name = "P1")]
    P1,
    /// Nothing.
    #[value(name = "P2")]
    P2,
}

/// What ends with its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOnArg {
    /// Warnings.
    Warn,
}

/// Whether secrets must have values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecretsArg {
    /// They must.
    Present,
    /// It is enough that they are declared: for CI, which has no secrets of production.
    Declared,
}

/// The URL of a server: `http` or `https`, with a host.
fn server_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|e| format!("{e}; expected something like `http://127.0.0.1:8085`"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("expected something like `http://127.0.0.1:8085`".to_owned());
    }
    Ok(url)
}

/// A time such as `500ms`, `30s` or `2m`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    use crate::settings::value::Value as _;
    std::time::Duration::parse(text).ok_or_else(|| "expected a time such as `30s`".to_owned())
}
