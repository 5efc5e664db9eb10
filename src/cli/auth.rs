//! `ultra auth`.

use clap::{Args, Subcommand};

/// Who may use the server: service keys and access tokens.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum AuthCommand {
    /// Keys with which programs use the server.
    #[command(subcommand)]
    ServiceKey(ServiceKeyCommand),
    /// Short-lived access tokens.
    #[command(subcommand)]
    Token(TokenCommand),
}

/// What to do with service keys.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum ServiceKeyCommand {
    /// Make a key and print it, once: only a hash of it is kept.
    Create(CreateKeyArgs),
    /// List the keys of the profile.
    List,
    /// Make a new key in the place of another and print it, once; both are accepted until the old
    /// one ends.
    Rotate(RotateKeyArgs),
    /// Take a key back; running servers refuse it within 5 seconds.
    Revoke(RevokeArgs),
}

/// Make a key and print it, once: only a hash of it is kept.
#[derive(Args, Debug)]
pub(crate) struct CreateKeyArgs {
    /// What to call it, such as the program that will use it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it may do: read, write, admin, check, metrics; several with commas
    /// (`--scope read,write`) or the flag again (`--scope read --scope write`).
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_values = ["read", "write"])]
    pub(crate) scopes: Vec<String>,
    /// When it ends by itself, such as 30d or 12h.
    #[arg(long, value_name = "SPAN")]
    pub(crate) expires: Option<String>,
    /// Requests per minute, instead of the limit that all keys have.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) rate: Option<u32>,
}

/// Make a new key in the place of another and print it, once; both are accepted until the old
/// one ends.
#[derive(Args, Debug)]
pub(crate) struct RotateKeyArgs {
    /// The old key: its name or its id.
    #[arg(value_name = "NAME|ID")]
    pub(crate) key: String,
    /// How long the old key is accepted; `0` ends it at once [default: 24h].
    #[arg(long, value_name = "SPAN")]
    pub(crate) grace: Option<String>,
    /// When the new key ends by itself, such as 30d or 12h; it lives as long as the old one was made
    /// to live if left out.
    #[arg(long, value_name = "SPAN")]
    pub(crate) expires: Option<String>,
}

/// Take a key back; running servers refuse it within 5 seconds.
#[derive(Args, Debug)]
pub(crate) struct RevokeArgs {
    /// Its id or its name.
    #[arg(value_name = "ID|NAME")]
    pub(crate) key: String,
}

/// What to do with access tokens.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum TokenCommand {
    /// Make an access token and print it, once.
    Create(CreateTokenArgs),
}

/// Make an access token and print it, once.
#[derive(Args, Debug)]
pub(crate) struct CreateTokenArgs {
    /// Whom it speaks of: usage and limits count by it.
    #[arg(long, value_name = "NAME", default_value = "operator")]
    pub(crate) subject: String,
    /// What its bearer may do: read, write, admin, check, metrics; several with commas
    /// (`--scope read,write`) or the flag again (`--scope read --scope write`).
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_values = ["read"])]
    pub(crate) scopes: Vec<String>,
    /// How long it is valid, at most 24h; `ULTRA_JWT_ACCESS_TTL` if left out.
    #[arg(long, value_name = "SPAN")]
    pub(crate) ttl: Option<String>,
}
