//! What `env switch` and `env undo` have in common: where they act, whom they ask, what they tell.

use crate::base::redact;
use crate::report::{Block, Console, Fault, Place, Problem};
use crate::settings::secret::{SecretRef, ValueRef};
use crate::settings::servers::{self, ServerRecord};
use crate::settings::switch::{Present, history};
use crate::settings::switch_record::SwitchRecord;
use crate::settings::{Resolution, SecretSource, Settings, Workspace};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// How a switch or an undo is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Whether to say only what would happen.
    pub(crate) dry_run: bool,
    /// Whether `.env` is left alone.
    pub(crate) no_dotenv: bool,
    /// How long to wait for another switch.
    pub(crate) wait: Duration,
}

/// The profile that counts when nobody has decided.
pub(crate) const UNDECIDED: &str = "dev";

/// The root; without one there is nothing to switch.
pub(crate) fn root(workspace: &Workspace) -> Result<&Path, Fault> {
    workspace.root.as_deref().ok_or_else(|| {
        Fault::usage(
            Problem::error("no-root", "there is no root here: no directory with `profiles/`")
                .hint("`ultra env init` starts a project here; or name the root with `--dir ROOT`"),
        )
    })
}

/// What stands at `.env`.
pub(crate) fn present(root: &Path) -> Result<Present, Fault> {
    Present::read(root).map_err(|e| {
        Fault::unreachable(
            Problem::error("unreadable-dotenv", "cannot read `.env`")
                .at(Place::file(".env"))
                .why(e),
        )
    })
}

/// The entries of the history.
pub(crate) fn entries(workspace: &Workspace) -> Result<Vec<SwitchRecord>, Fault> {
    history::read(&workspace.state_dir).map_err(Fault::unreachable)
}

/// The profile that was in use before the one that is: what `env switch -` goes to. A switch to the
/// same profile again leaves none behind.
///
/// # Errors
/// Nobody has switched yet (2); the history cannot be read (5).
pub(crate) fn before(workspace: &Workspace) -> Result<String, Fault> {
    let entries = entries(workspace)?;
    let now = decided(entries.last());
    let from = |r: &SwitchRecord| r.from.clone().unwrap_or_else(|| UNDECIDED.to_owned());
    entries.iter().rev().map(from).find(|from| from != now).ok_or_else(|| {
        Fault::usage(
            Problem::error("no-profile-before", "there is no profile before this one")
                .hint("`ultra env history` shows the switches so far"),
        )
    })
}

/// The profile that the record decides, or the one that counts without it.
pub(crate) fn decided(record: Option<&SwitchRecord>) -> &str {
    record.and_then(|r| r.to.as_deref()).unwrap_or(UNDECIDED)
}

/// Those of these profiles that are protected. One that cannot be read any more counts as
/// protected: nobody can say that it is not.
pub(crate) fn protected(profiles: [(&str, Option<&Resolution>); 2]) -> Vec<String> {
    let mut found: Vec<String> = profiles
        .into_iter()
        .filter(|(_, resolution)| resolution.is_none_or(|r| r.profile.protected))
        .map(|(name, _)| name.to_owned())
        .collect();
    found.dedup();
    found
}

/// Asks for the confirmation that a protected profile demands, by typing its name.
///
/// # Errors
/// Exit 6 without a yes.
pub(crate) fn confirm(
    console: &dyn Console,
    question: &str,
    protected: &[String],
    command: &str,
) -> Result<(), Fault> {
    let Some(word) = protected.first() else { return Ok(()) };
    let names: Vec<String> = protected.iter().map(|name| format!("`{name}`")).collect();
    let question = format!("{question}: {} is protected.", names.join(" and "));
    match console.confirm_by_typing(&question, word) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::refused(
            Problem::error("not-confirmed", "not confirmed, nothing was changed")
                .hint(format!("{command} --yes")),
        )),
        Err(unanswered) => Err(unanswered.unless_interrupted(|| {
            let all = names.join(" and ");
            Fault::refused(
                Problem::error(
                    "needs-confirmation",
                    format!("{all} is protected, and there is no terminal to ask on"),
                )
                .why("a change to, into, out of or under a protected profile is confirmed")
                .hint(format!("{command} --yes")),
            )
        })),
    }
}

/// What a server that starts now would load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Loads {
    profile: String,
    mode: String,
    database: String,
    cache: String,
    providers: Vec<LoadedProvider>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LoadedProvider {
    name: String,
    base_url: String,
    keys: Vec<String>,
}

impl Loads {
    /// What these settings come to.
    pub(crate) fn of(
        settings: &Settings,
        workspace: &Workspace,
        secrets: &dyn SecretSource,
    ) -> Self {
        let profile = &settings.profile;
        let database = match &settings.database.url {
            Some(url) => address(url, secrets),
            None => {
                let path = workspace.state_dir.join(format!("data/{}.db", profile.name));
                format!("sqlite:{}", workspace.shown(&path).display())
            }
        };
        let cache = match &settings.cache.redis_url {
            Some(url) if settings.cache.kind.word() == "redis" => address(url, secrets),
            _ => settings.cache.kind.word().to_owned(),
        };
        let providers = profile.providers.iter().map(|(name, spec)| LoadedProvider {
            name: name.clone(),
            base_url: redact::url(spec.base_url.as_str()),
            keys: spec.keys.clone(),
        });
        Self {
            profile: profile.name.clone(),
            mode: settings.server.mode.word().to_owned(),
            database,
            cache,
            providers: providers.collect(),
        }
    }

    /// The same for people.
    pub(crate) fn view(&self) -> Vec<Block> {
        let providers = if self.providers.is_empty() {
            "none".to_owned()
        } else {
            let each = self.providers.iter().map(|p| format!("{} ({})", p.name, p.base_url));
            each.collect::<Vec<_>>().join(", ")
        };
        let providers = match self.mode.as_str() {
            "mock" => format!("{providers}; not called in mode mock"),
            _ => providers,
        };
        vec![
            Block::heading("A server started now loads"),
            Block::pairs([
                ("profile", self.profile.clone()),
                ("mode", self.mode.clone()),
                ("database", self.database.clone()),
                ("cache", self.cache.clone()),
                ("providers", providers),
            ]),
        ]
    }
}

/// An address that may hold credentials: without them, or where it comes from if it is in the
/// vault, which is not opened for this.
fn address(secret: &SecretRef, secrets: &dyn SecretSource) -> String {
    match &secret.value {
        ValueRef::Vault { profile, name } => format!("from vault:{profile}/{name}"),
        ValueRef::Text(_) | ValueRef::Literal(_) | ValueRef::File(_) => secret
            .reveal(secrets)
            .map_or_else(|_| "not readable".to_owned(), |value| redact::url(value.expose())),
    }
}

/// The servers that run with another profile than `profile`.
pub(crate) fn others(workspace: &Workspace, profile: &str) -> Vec<ServerRecord> {
    let mut running = servers::running(&workspace.state_dir);
    running.retain(|server| server.profile != profile);
    running
}

/// The servers that keep their profile, for people.
pub(crate) fn view_servers(servers: &[ServerRecord]) -> Vec<Block> {
    if servers.is_empty() {
        return Vec::new();
    }
    let items = servers.iter().map(|s| {
        format!(
            "pid {} at {} keeps `{}` ({}) until it is restarted",
            s.pid, s.addr, s.profile, s.mode
        )
    });
    vec![Block::heading("Servers that run with another profile"), Block::List(items.collect())]
}
