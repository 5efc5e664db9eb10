//! What the files of a root ask for, as far as it is agreed to.

use crate::settings::dotenv;
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// A reference to a secret in a profile or a dotenv file of the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Wanted {
    /// The profile; `None` for a dotenv file that counts under every profile.
    pub(crate) profile: Option<String>,
    /// The dotenv file that says it; `None` for the profile's own file.
    pub(crate) file: Option<String>,
    /// The variable that would hold the secret.
    pub(crate) variable: String,
    /// The reference as it is written, such as `vault:openai`; `file:PATH` for a `NAME_FILE`, the
    /// path as [`dotenv::spelled`] writes it; for a value that takes in others, these:
    /// `${GITHUB_TOKEN}`.
    #[serde(serialize_with = "told")]
    pub(crate) reference: String,
    /// The path of a `NAME_FILE` in this environment, as far as it can be agreed to; of `env:NAME`
    /// for a variable that can make a command run code or send elsewhere, the value.
    #[serde(skip)]
    pub(crate) now: Option<String>,
    /// Whether there is anything of the user's to take in: the process environment may lack these.
    #[serde(skip)]
    pub(crate) live: bool,
}

impl Wanted {
    /// Who says it: the profile or the dotenv file.
    pub(crate) fn said_by(&self) -> &str {
        self.file.as_deref().or(self.profile.as_deref()).unwrap_or("-")
    }
}

/// A base URL in a profile or a dotenv file of the root: where a secret may be sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Destination {
    /// The profile; `None` for a dotenv file that counts under every profile.
    pub(crate) profile: Option<String>,
    /// The dotenv file that says it; `None` for the profile's own file.
    pub(crate) file: Option<String>,
    /// The provider or variable that it belongs to.
    pub(crate) name: String,
    /// The URL as it is written; in a dotenv file as [`dotenv::spelled`] writes it.
    #[serde(serialize_with = "told")]
    pub(crate) url: String,
    /// The URL in this environment, as far as it can be agreed to.
    #[serde(skip)]
    pub(crate) now: Option<String>,
    /// The variables of the keys that are sent there, sorted; empty if none is.
    pub(crate) keys: Vec<String>,
}

impl Destination {
    /// Who says it: the profile or the dotenv file.
    pub(crate) fn said_by(&self) -> &str {
        self.file.as_deref().or(self.profile.as_deref()).unwrap_or("-")
    }
}

/// A variable in a profile or a dotenv file of the root that can make a command run code, or send
/// what it sends by another way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Hook {
    /// The profile; `None` for a dotenv file that counts under every profile.
    pub(crate) profile: Option<String>,
    /// Whether a dotenv file says it, and not the profile's own file.
    pub(crate) dotenv: bool,
    /// The variable.
    pub(crate) name: String,
    /// The digest of its value, as [`value_digest`]; in a dotenv file of what [`dotenv::spelled`]
    /// writes.
    pub(crate) value: String,
    /// The digest of its value in this environment, as far as it can be agreed to.
    #[serde(skip)]
    pub(crate) now: Option<String>,
    /// The value for people; described if it may be a secret.
    pub(crate) shown: String,
    /// Where it stands.
    pub(crate) place: String,
}

/// That a profile of the root takes in what another says: what was agreed to under that one's name
/// holds under this one's, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Extends {
    /// The profile.
    pub(crate) profile: String,
    /// The one that it extends.
    pub(crate) other: String,
    /// Where it says so.
    pub(crate) place: String,
}

fn told<S: serde::Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&dotenv::told(text))
}

/// A digest of a value, in hexadecimal.
pub(crate) fn value_digest(value: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(value))
}

/// Everything in the files of a root that trust is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Claims {
    /// Secrets that are asked for.
    pub(crate) wanted: BTreeSet<Wanted>,
    /// Addresses that they may be sent to.
    pub(crate) destinations: BTreeSet<Destination>,
    /// Variables that can make a command run code or send elsewhere what it sends.
    pub(crate) hooks: BTreeSet<Hook>,
    /// What other lines say of variables that addresses, paths of secrets and such variables take
    /// in: the environment may have it from there.
    pub(crate) taken_in: BTreeSet<Hook>,
    /// Which profiles extend which, as far as any of the above is said by either or by one further
    /// along.
    pub(crate) extends: BTreeSet<Extends>,
}

impl Claims {
    /// Whether there is nothing to agree to: no secret is wanted, no key sent anywhere, and
    /// no variable set that is known to make a command run code or to send by another way.
    pub(super) fn harmless(&self) -> bool {
        !self.wanted.iter().any(|wanted| wanted.live)
            && self.hooks.is_empty()
            && !self.destinations.iter().any(|to| !to.keys.is_empty())
    }

    /// A digest of all of it.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        // Each part with its length, so that no two sets of claims run together to the same text.
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        for wanted in &self.wanted {
            // The dotenv file's name is left out: `.env` becomes `.env.local` when it is adopted.
            let kind = if wanted.file.is_some() { "dotenv-wanted" } else { "wanted" };
            let profile = wanted.profile.as_deref().unwrap_or("");
            let parts = [kind, profile, &wanted.variable, &wanted.reference];
            parts.into_iter().for_each(&mut add);
        }
        for to in &self.destinations {
            let kind = if to.file.is_some() { "dotenv" } else { "destination" };
            let keys = to.keys.join(",");
            let parts = [kind, to.profile.as_deref().unwrap_or(""), &to.name, &to.url, &keys];
            parts.into_iter().for_each(&mut add);
        }
        let hooks = self.hooks.iter().map(|hook| (["dotenv-hook", "hook"], hook));
        let taken_in = self.taken_in.iter().map(|said| (["dotenv-taken-in", "taken-in"], said));
        for ([of_dotenv, of_profile], hook) in hooks.chain(taken_in) {
            let kind = if hook.dotenv { of_dotenv } else { of_profile };
            let parts = [kind, hook.profile.as_deref().unwrap_or(""), &hook.name, &hook.value];
            parts.into_iter().for_each(&mut add);
        }
        for Extends { profile, other, .. } in &self.extends {
            ["extends", profile, other].into_iter().for_each(&mut add);
        }
        HEXLOWER.encode(&hash.finalize())
    }
}
