//! `ultra env render`.

use clap::Args;
use std::path::PathBuf;

/// Fill a template from a profile: Docker Compose, systemd, Kubernetes, dotenv, or one of your own.
/// Secrets never get into it as values, only by name.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env render --list\n  \
    ultra env render kubernetes --profile prod --out deploy/prod.yaml\n  \
    ultra env render systemd --profile prod --out ultra.service\n  \
    ultra env render deploy/nomad.tmpl --profile staging     a template of your own")]
pub(crate) struct RenderArgs {
    /// The name of a template (`--list`), or the path of one.
    #[arg(value_name = "TEMPLATE", required_unless_present = "list")]
    pub(crate) template: Option<String>,
    /// List the templates.
    #[arg(long, conflicts_with_all = ["template", "out", "replace"])]
    pub(crate) list: bool,
    /// Write the result into a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a file that is there and differs.
    #[arg(long, requires = "out")]
    pub(crate) replace: bool,
}
