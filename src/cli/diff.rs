//! `ultra env diff`.

use clap::Args;
use url::Url;

/// What differs between two profiles, files, or a running server.
///
/// A side is the name of a profile, or the path of a dotenv or YAML file; a name that is both is
/// the profile, and `./NAME` is the file. With one side the profile in use is the other. Secrets
/// are compared by keyed fingerprint and never shown; no vault is opened.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env diff dev prod\n  \
    ultra env diff .env.example .env --origins\n  \
    ultra env diff prod --url https://api.example.com\n  \
    ultra env diff staging prod --exit-code -o json")]
pub(crate) struct DiffArgs {
    /// The first side; with `--url` the only one.
    #[arg(value_name = "A", required_unless_present = "url")]
    pub(crate) a: Option<String>,
    /// The second side.
    #[arg(value_name = "B", conflicts_with = "url")]
    pub(crate) b: Option<String>,
    /// The second side is the server that runs here; it wants a service key with the scope
    /// `admin` in `ULTRA_SERVICE_KEY` or `ULTRA_SERVICE_KEY_FILE`.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,
    /// Say which file and line each side's value comes from.
    #[arg(long)]
    pub(crate) origins: bool,
    /// End with 3 if anything differs, and with 5 if that cannot be said.
    #[arg(long)]
    pub(crate) exit_code: bool,
}
