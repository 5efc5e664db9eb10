//! `ultra keys`.

use super::import::IntakeArgs;
use clap::{Args, Subcommand, ValueEnum};
use url::Url;

/// Give, see, test, rotate and roll back keys. No argument ever carries a value.
#[derive(Args, Debug)]
pub(crate) struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum KeysCommand {
    /// List the keys of the profile; opens nothing.
    List,
    /// Keep a value in the vault: by hidden prompt, or one line of stdin. A provider's key is tested
    /// first (it lists models, which spends no tokens) and from then on sent to that address only.
    Set(SetArgs),
    /// Show the versions of a key.
    Show(ShowArgs),
    /// Ask whether the keys in use are good: providers by listing models, which spends no tokens,
    /// the database and Redis by connecting, a service key by the server it opens, other keys of ours
    /// by their form.
    Verify(VerifyArgs),
    /// Replace a key by a new one, tested before it is used and acknowledged by every server before
    /// the old one ends. Does not wait for the grace of the old one: it says when that is over.
    Rotate(RotateArgs),
    /// Go back to the value before, as a new version. An end of that value that is due is called
    /// off.
    Rollback(RollbackArgs),
    /// End an old version now: nobody accepts it any more.
    Disable(DisableArgs),
    /// Take a version out of the vault, or a key with all its versions.
    Remove(RemoveArgs),
    /// Let the key in use be sent to one more address. A key goes only where it was tested first.
    Allow(AllowArgs),
    /// Show the vault, its backend, rotations under way, keys that are due and servers; opens
    /// nothing unless that is asked for.
    Status(StatusArgs),
    /// Show what was done to the vault and its keys, and whether that record is whole.
    Audit(AuditArgs),
    /// Move the identity of the vault to another backend: copied, read back, switched, deleted. Run
    /// again, it goes on where it was cut short.
    Migrate(MigrateArgs),
    /// Take the keys of a dotenv file into the vault, such as those of `.env.api_keys`: each is tested,
    /// placeholders are skipped, all of it is examined before anything is written.
    Import(KeysImportArgs),
    /// Say what is wrong with the vault and what surrounds it, each with its remedy. Ends with 0 if
    /// all is well, 3 if something is wrong, 5 if something could not be looked at.
    Doctor(DoctorArgs),
}

/// Keep a value in the vault: by hidden prompt, or one line of stdin. A provider's key is tested
/// first (it lists models, which spends no tokens) and from then on sent to that address only.
#[derive(Args, Debug)]
pub(crate) struct SetArgs {
    /// The name, such as `openai`, or its variable, such as `OPENAI_API_KEY`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Replace a value that is there, at once and without the steps of a rotation.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Make the value here: 256 random bits (`jwt`, `encryption`).
    #[arg(long)]
    pub(crate) generate: bool,
    /// Ask nobody about the value, such as a provider that is out of reach from here. It is bound to
    /// no address until `ultra keys verify` finds it accepted.
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Write it although another layer wins over the vault.
    #[arg(long)]
    pub(crate) shadowed: bool,
    /// What keeps the identity of a new vault.
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(crate) backend: Option<Backend>,
    /// Nothing: values are not arguments.
    #[arg(hide = true, num_args = 0.., value_name = "NOTHING")]
    pub(crate) surplus: Vec<String>,
}

/// Show what was done to the vault and its keys, and whether that record is whole.
#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// Look at every line: end with 3 if one was removed, changed, moved, cut off or forged, and
    /// name it.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Compare with what the vault itself remembers too, which nobody can forge without its
    /// identity.
    #[arg(long, requires = "verify")]
    pub(crate) open: bool,
    /// Show at most the last N lines.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

/// Move the identity of the vault to another backend: copied, read back, switched, deleted. Run
/// again, it goes on where it was cut short.
#[derive(Args, Debug)]
pub(crate) struct MigrateArgs {
    /// What is to keep it. `identity-file` goes to the file that `ULTRA_VAULT_IDENTITY_FILE` names;
    /// a passphrase is asked for, or read from the file that `ULTRA_VAULT_PASSPHRASE_FILE` names.
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(crate) to: Backend,
}

/// Take the keys of a dotenv file into the vault, such as those of `.env.api_keys`: each is tested,
/// placeholders are skipped, all of it is examined before anything is written.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra keys import .env.api_keys --dry-run        say what would become of each line\n  \
    ultra keys import .env.api_keys --remove-source  take the keys over, then remove the file")]
pub(crate) struct KeysImportArgs {
    #[command(flatten)]
    pub(crate) intake: IntakeArgs,
}

/// Say what is wrong with the vault and what surrounds it, each with its remedy. Ends with 0 if
/// all is well, 3 if something is wrong, 5 if something could not be looked at.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Open the vault too, and look whether it is the one that its index tells of.
    #[arg(long)]
    pub(crate) open: bool,
    /// Take the vault that servers were given through the store, in the place of the one here,
    /// which is kept as `vault.age.before-GENERATION`: after a backup was put back, or on a new machine.
    #[arg(long, conflicts_with = "open")]
    pub(crate) take_published: bool,
}

/// Show the vault, its backend, rotations under way, keys that are due and servers; opens
/// nothing unless that is asked for.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Open the vault if the store's address is in it: who runs elsewhere is only known there.
    #[arg(long)]
    pub(crate) open: bool,
}

/// What keeps the identity of a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// The keyring of the operating system.
    Keyring,
    /// The file that `ULTRA_VAULT_IDENTITY_FILE` names.
    IdentityFile,
    /// A file in the state directory, under a passphrase.
    Passphrase,
}

/// Show the versions of a key.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The name, such as `openai`, or its variable.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Show the value in use; on a terminal only.
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// Ask whether the keys in use are good: providers by listing models, which spends no tokens,
/// the database and Redis by connecting, a service key by the server it opens, other keys of ours
/// by their form.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// One name; every key that somebody can say something about if left out.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The server to ask about the service key in `ULTRA_SERVICE_KEY` or `ULTRA_SERVICE_KEY_FILE`,
    /// with or without the name `service-key`. The key is shown to an ultra server only.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,
    /// Ask about superseded versions too. One that its provider refuses is settled: nothing needs
    /// to be disabled there any more.
    #[arg(long)]
    pub(crate) old: bool,
}

/// Replace a key by a new one, tested before it is used and acknowledged by every server before
/// the old one ends. Does not wait for the grace of the old one: it says when that is over.
#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    /// The name, such as `openai`, or its variable; asked for on a terminal if left out.
    #[arg(value_name = "NAME", conflicts_with = "all_due")]
    pub(crate) name: Option<String>,
    /// Do everything that is due and needs nobody: go on with rotations that were cut short, end
    /// old versions whose grace is over, replace keys that are made here or by their provider.
    /// Names the rest. Ends with 0 if nothing is left, 3 if something needs a person, 5 if
    /// something could not be reached.
    #[arg(long, conflicts_with_all = ["resume", "abort", "compromised", "paste", "shadowed"])]
    pub(crate) all_due: bool,
    /// Go on with a rotation that was cut short.
    #[arg(long, conflicts_with = "abort")]
    pub(crate) resume: bool,
    /// Give up a rotation that was cut short.
    #[arg(long)]
    pub(crate) abort: bool,
    /// Others may know the value in use: it ends as soon as the new one is in use. Tokens that
    /// were signed with it are refused at once.
    #[arg(long, conflicts_with_all = ["resume", "abort", "grace"])]
    pub(crate) compromised: bool,
    /// Ask for the new value although the provider could issue one.
    #[arg(long, conflicts_with_all = ["resume", "abort"])]
    pub(crate) paste: bool,
    #[command(flatten)]
    pub(crate) spans: SpanArgs,
    /// Write it although another layer wins over the vault.
    #[arg(long)]
    pub(crate) shadowed: bool,
    /// Nothing: values are not arguments.
    #[arg(hide = true, num_args = 0.., value_name = "NOTHING")]
    pub(crate) surplus: Vec<String>,
}

/// How long the parts of a rotation take.
#[derive(Args, Debug)]
pub(crate) struct SpanArgs {
    /// How long the old value is accepted after the cut-over; `0` ends it at once [default: 24h].
    /// Not less than tokens live for a key that signs them.
    #[arg(long, value_name = "SPAN")]
    pub(crate) grace: Option<String>,
    /// How long the old value stands by on servers for a new one that is rejected; what began with
    /// it ends with it in any case. The grace is at least that [default: 10m].
    #[arg(long, value_name = "SPAN")]
    pub(crate) drain: Option<String>,
    /// How long to wait until the servers have the new value [default: 30s; 5m where a file feeds
    /// the key, which somebody else has to write].
    #[arg(long, value_name = "SPAN")]
    pub(crate) wait: Option<String>,
}

/// End an old version now: nobody accepts it any more.
#[derive(Args, Debug)]
#[command(disable_version_flag = true)]
pub(crate) struct DisableArgs {
    #[command(flatten)]
    pub(crate) ending: EndingArgs,
    /// Its number; the newest old one that is still accepted if left out.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
}

/// Take a version out of the vault, or a key with all its versions.
#[derive(Args, Debug)]
#[command(disable_version_flag = true)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    pub(crate) ending: EndingArgs,
    /// One version; all of them if left out.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
}

/// Which key it is whose versions end.
#[derive(Args, Debug)]
pub(crate) struct EndingArgs {
    /// The name, such as `openai`, or its variable.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// How long to wait until the servers have the value in use [default: 30s].
    #[arg(long, value_name = "SPAN")]
    pub(crate) wait: Option<String>,
    /// Nothing: values are not arguments.
    #[arg(hide = true, num_args = 0.., value_name = "NOTHING")]
    pub(crate) surplus: Vec<String>,
}

/// Let the key in use be sent to one more address. A key goes only where it was tested first.
#[derive(Args, Debug)]
pub(crate) struct AllowArgs {
    /// The name, such as `openai`, or its variable.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The address: `https` unless it is a URL that says otherwise. `http` goes to this machine
    /// only.
    #[arg(long, value_name = "HOST[:PORT] | URL")]
    pub(crate) host: String,
}

/// Go back to the value before, as a new version. An end of that value that is due is called
/// off.
#[derive(Args, Debug)]
#[command(disable_version_flag = true)]
pub(crate) struct RollbackArgs {
    /// The name, such as `openai`, or its variable.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The version to go back to; the one before the one in use if left out.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
    #[command(flatten)]
    pub(crate) spans: SpanArgs,
    /// Write it although another layer wins over the vault.
    #[arg(long)]
    pub(crate) shadowed: bool,
    /// Nothing: values are not arguments.
    #[arg(hide = true, num_args = 0.., value_name = "NOTHING")]
    pub(crate) surplus: Vec<String>,
}
