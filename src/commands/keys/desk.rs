//! What every `keys` command has at hand, and the questions it asks before it changes anything.

use super::names::{Key, Provider};
use crate::base::Secret;
use crate::provider::{KeyVerdict, test_admin_key, test_key};
use crate::report::{Console, Fault, Problem};
use crate::secrets::{Document, Freshness, VaultSource};
use crate::settings::secret::ValueRef;
use crate::settings::{Layer, Resolution, Settings};
use std::path::Path;

/// What every `keys` command has at hand.
pub(crate) struct Desk<'a> {
    /// The vault.
    pub(crate) vault: &'a VaultSource,
    /// The state directory.
    pub(crate) state_dir: &'a Path,
    /// What every layer says in the profile.
    pub(crate) resolution: &'a Resolution,
    /// The typed settings of the profile, if they can be read.
    pub(crate) settings: Option<&'a Settings>,
    /// Whether `--profile` named the profile.
    pub(crate) explicit: bool,
    /// The people in front of the command.
    pub(crate) console: &'a dyn Console,
}

impl Desk<'_> {
    /// The profile that the command acts on.
    pub(crate) fn profile(&self) -> &str {
        &self.resolution.profile.name
    }

    /// Says which profile the command acts on.
    pub(super) fn announce(&self) {
        self.console.note(&format!("profile: {}", self.profile()));
    }

    /// Whether a change must name the profile and be confirmed.
    pub(super) fn is_protected(&self) -> bool {
        self.resolution.profile.protected
    }

    /// Confirms a change: in a protected profile it needs `--profile` and a yes.
    ///
    /// # Errors
    /// Without both (6).
    pub(crate) fn may_change(&self, act: &str) -> Result<(), Fault> {
        self.announce();
        if !self.resolution.profile.protected {
            return Ok(());
        }
        let profile = self.profile();
        if !self.explicit {
            return Err(Fault::refused(
                Problem::error("protected-profile", format!("profile `{profile}` is protected"))
                    .why("a change to its keys must name it")
                    .hint(format!("add `--profile {profile}`")),
            ));
        }
        let question = format!("{act} in the protected profile `{profile}`");
        match self.console.confirm_by_typing(&question, profile) {
            Ok(true) => Ok(()),
            Ok(false) => Err(not_confirmed(&question)),
            Err(unanswered) => Err(unanswered.fault(&question, "add `--yes`")),
        }
    }

    /// Refuses to write a value that nobody would read: one that a higher layer shadows.
    ///
    /// # Errors
    /// A layer above the vault has the variable (6).
    pub(super) fn not_shadowed(&self, key: &Key, allowed: bool) -> Result<(), Fault> {
        let Some((variable, candidate)) = key.variable.as_deref().and_then(|variable| {
            let mut candidates = self.resolution.candidates(variable).iter().rev();
            candidates.find(|c| !c.value.is_empty()).map(|c| (variable, c))
        }) else {
            return Ok(());
        };
        if allowed || candidate.origin.layer <= Layer::Vault {
            return Ok(());
        }
        let origin = &candidate.origin;
        let written = origin.written_as.as_deref().unwrap_or(variable);
        let hint = match &candidate.value {
            // The platform feeds it, so the platform rotates it.
            ValueRef::File(_) => format!(
                "`{}` tests a new value and says how to store it; or add `--shadowed`",
                self.command("rotate", key)
            ),
            _ => format!(
                "unset `{written}` there, or name a file with `{variable}_FILE`, and start the \
                 server again; or add `--shadowed`"
            ),
        };
        Err(Fault::refused(
            Problem::error(
                "shadowed",
                format!("`{written}` in the {} wins over the vault", origin.layer.describe()),
            )
            .at(origin.place.clone())
            .why(format!("a value of `{variable}` in the vault would not be used"))
            .hint(hint),
        ))
    }

    /// The entry's name for messages and commands.
    pub(super) fn command(&self, verb: &str, key: &Key) -> String {
        format!("ultra keys {verb} {} --profile {}", key.name, self.profile())
    }

    /// The fault of a name that has no entry.
    pub(super) fn no_entry(&self, key: &Key) -> Fault {
        self.announce();
        if let Some(fault) = self.gone() {
            return fault;
        }
        Fault::usage(
            Problem::error(
                "no-such-entry",
                format!("the vault has no entry `{}`", Document::key(self.profile(), &key.name)),
            )
            .hint(self.command("set", key)),
        )
    }

    /// Why nobody can tell what is in the vault: it is gone while its index tells of keys in it, or
    /// its index is of no use and it does not open.
    pub(super) fn gone(&self) -> Option<Fault> {
        match self.vault.overview().ok()?.freshness {
            Freshness::Lost => Some(self.vault.lost()),
            Freshness::NoIndex | Freshness::Stale => self.vault.document().err(),
            Freshness::NoVault | Freshness::Fresh => None,
        }
    }

    /// Whether a key is kept from an address that the user has not agreed to.
    pub(super) fn withheld(&self, key: &Key) -> bool {
        key.variable.as_deref().is_some_and(|variable| self.resolution.is_withheld(variable))
    }

    /// Whether a key may be sent where the profiles of this root say.
    ///
    /// # Errors
    /// The user has not agreed to that (6).
    pub(super) fn may_send(&self, key: &Key) -> Result<(), Fault> {
        match &key.provider {
            Some(provider) if self.withheld(key) => Err(Fault::refused(
                Problem::error("untrusted-root", format!("`{}` is not sent anywhere", key.name))
                    .why(format!(
                        "the files of this root would send it to {}, and you have not agreed to that",
                        provider.destination()
                    ))
                    .hint("read them, then `ultra env trust`"),
            )),
            _ => Ok(()),
        }
    }

    /// Asks a provider about a key, showing that it takes a while.
    pub(super) fn ask(&self, provider: &Provider, value: &Secret) -> KeyVerdict {
        let what = if provider.admin { "admin API" } else { "models" };
        let _progress =
            self.console.progress(&format!("asking {} for its {what}", provider.destination()));
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(e) => {
                return KeyVerdict::Unverified { why: format!("cannot start the client: {e}") };
            }
        };
        let Provider { kind, base_url, .. } = provider;
        runtime.block_on(async {
            match provider.admin {
                true => test_admin_key(*kind, base_url, value).await,
                false => test_key(*kind, base_url, value).await,
            }
        })
    }
}

/// The fault of a question that was answered with no.
pub(super) fn not_confirmed(question: &str) -> Fault {
    Fault::refused(
        Problem::error("not-confirmed", format!("not confirmed: {question}"))
            .why("nothing was changed"),
    )
}
