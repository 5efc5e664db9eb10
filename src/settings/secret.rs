//! Secrets as unopened references, and the trait through which they are opened.

use super::origin::Origin;
use crate::base::{Secret, Timestamp, file};
use crate::report::Problem;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// A value, or where it is found. Only [`ValueRef::Text`] of a variable that is no secret may be
/// shown.
#[derive(Clone, Debug)]
pub(crate) enum ValueRef {
    /// The text of a variable that is no secret.
    Text(String),
    /// A secret that stands in the layer itself (a dotenv file, the process environment).
    Literal(Secret),
    /// The entry `<profile>/<name>` of the vault.
    Vault {
        /// The profile whose entry it is.
        profile: String,
        /// The name in the vault, such as `openai`.
        name: String,
    },
    /// The content of a file, without one trailing newline.
    File(PathBuf),
}

impl ValueRef {
    /// Whether it is an empty text: for secrets that counts as unset.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Literal(secret) => secret.is_empty(),
            Self::Vault { .. } | Self::File(_) => false,
        }
    }
}

/// What the vault's index says of the current version of an entry, without opening the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretFacts {
    /// The number of the current version, from 1.
    pub(crate) version: u32,
    /// When that version was made.
    pub(crate) created_at: Timestamp,
    /// Keyed fingerprint (HMAC-SHA-256, hexadecimal, shortened).
    pub(crate) fingerprint: String,
    /// The origins (`scheme://host:port`) this version may be sent to; empty if not yet bound.
    pub(crate) allowed: Vec<String>,
    /// How long servers let the version before stand by, if whoever replaced it said so.
    pub(crate) drain: Option<Duration>,
    /// Other versions that may stand by for it: they were in use, and are neither disabled nor
    /// compromised.
    pub(crate) standby: Vec<u32>,
}

/// What the issuer of a key calls it: its ids, by which it is disabled and deleted. No values.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remote {
    /// Who issued it, such as `openai`.
    pub(crate) issuer: String,
    /// The project or workspace that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// The account of the provider that carries it, such as a service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// One of the keys of a name that servers sign, verify or seal with.
#[derive(Clone, Debug)]
pub(crate) struct RingKey {
    /// The number of its version, from 1.
    pub(crate) version: u32,
    /// The value.
    pub(crate) secret: Secret,
    /// What it is used for.
    pub(crate) role: RingRole,
}

/// What a key of a ring is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RingRole {
    /// New tokens and seals are made with it, and those it made are accepted.
    Signs,
    /// What it signed is accepted, and nothing new is made with it.
    Verifies {
        /// Until then; `None` for the next key, which is about to sign.
        until: Option<Timestamp>,
    },
}

/// Who opens references. Supplied by `app`, so that settings need not know the vault.
pub(crate) trait SecretSource: Debug + Send + Sync {
    /// What is known of the entry without opening anything; `None` if there is no such entry.
    ///
    /// # Errors
    /// The index cannot be read, or is damaged.
    fn facts(&self, profile: &str, name: &str) -> Result<Option<SecretFacts>, Problem>;

    /// Whether it is certain, without opening anything, that there is no entry at all: whoever asks
    /// for one name after the other need not.
    fn holds_nothing(&self) -> bool {
        false
    }

    /// The current value of the entry; `None` if there is no such entry.
    ///
    /// # Errors
    /// The backend is locked, gone or denies access; the vault is damaged.
    fn open(&self, profile: &str, name: &str) -> Result<Option<Secret>, Problem>;

    /// The same with what is known of it, as the vault itself says: what stands beside the vault
    /// is for looking, and nothing that decides where a value is sent. The fingerprint is that of
    /// the value, and empty where its key cannot be had.
    ///
    /// # Errors
    /// As [`SecretSource::open`].
    fn opened(&self, profile: &str, name: &str) -> Result<Option<(SecretFacts, Secret)>, Problem> {
        Ok(self.facts(profile, name)?.zip(self.open(profile, name)?))
    }

    /// All keys of the entry that servers work with, the one that signs first; empty if there is
    /// no such entry. A source without versions knows the current one only.
    ///
    /// # Errors
    /// As [`SecretSource::open`].
    fn ring(&self, profile: &str, name: &str) -> Result<Vec<RingKey>, Problem> {
        let version = self.facts(profile, name)?.map_or(1, |facts| facts.version);
        let secret = self.open(profile, name)?;
        Ok(secret
            .map(|secret| RingKey { version, secret, role: RingRole::Signs })
            .into_iter()
            .collect())
    }

    /// The keyed fingerprint of a value that may come from anywhere, for comparing without
    /// showing.
    ///
    /// # Errors
    /// The project's fingerprint key cannot be read or made.
    fn fingerprint(&self, value: &Secret) -> Result<String, Problem>;

    /// Names the key of the fingerprints, so that two places can tell whether theirs may be
    /// compared; `None` if there is no key yet. Makes none.
    ///
    /// # Errors
    /// The key is there and cannot be read.
    fn fingerprint_key_id(&self) -> Result<Option<String>, Problem> {
        Ok(None)
    }
}

/// A secret that has a source and has not been opened.
#[derive(Clone, Debug)]
pub(crate) struct SecretRef {
    /// The variable, such as `OPENAI_API_KEY`.
    pub(crate) name: String,
    /// Where the value is.
    pub(crate) value: ValueRef,
    /// Who said so.
    pub(crate) origin: Origin,
    /// Whether a file of the root says it, which may have come with a clone. What the vault holds
    /// and what the process environment alone has is the user's own.
    pub(crate) by_root: bool,
}

impl SecretRef {
    /// The value with what is known of its version; `None` of one that no vault keeps. From the
    /// sealed vault, and not from the index beside it, which anybody who can write the state
    /// directory can change.
    ///
    /// # Errors
    /// As [`SecretRef::reveal`].
    pub(crate) fn opened(
        &self,
        source: &dyn SecretSource,
    ) -> Result<(Option<SecretFacts>, Secret), Problem> {
        let opened = match &self.value {
            ValueRef::Vault { profile, name } => source.opened(profile, name)?,
            ValueRef::Text(_) | ValueRef::Literal(_) | ValueRef::File(_) => None,
        };
        match opened {
            Some((facts, secret)) => Ok((Some(facts), secret)),
            None => Ok((None, self.reveal(source)?)),
        }
    }

    /// Whether a version with these facts may be sent to an address: it is bound to the origins it
    /// was verified for and those that the operator allows, once there is one.
    ///
    /// # Errors
    /// It may not (`key-bound-elsewhere`), with the command that allows it.
    pub(crate) fn may_go_to(&self, facts: &SecretFacts, address: &Url) -> Result<(), Problem> {
        let origin = address.origin();
        let is = |allowed: &String| Url::parse(allowed).is_ok_and(|url| url.origin() == origin);
        if facts.allowed.is_empty() || facts.allowed.iter().any(is) {
            return Ok(());
        }
        let origin = origin.ascii_serialization();
        let problem = Problem::error(
            "key-bound-elsewhere",
            format!("the key `{}` may not be sent to `{origin}`", self.name),
        )
        .why(format!("it was verified for {}", facts.allowed.join(", ")));
        Err(match &self.value {
            ValueRef::Vault { profile, name } => {
                problem.hint(format!("ultra keys allow {name} --host {origin} --profile {profile}"))
            }
            ValueRef::Text(_) | ValueRef::Literal(_) | ValueRef::File(_) => problem,
        })
    }

    /// Opens the secret.
    ///
    /// # Errors
    /// The file is missing, unreadable or empty; the vault has no such entry or cannot be opened.
    pub(crate) fn reveal(&self, source: &dyn SecretSource) -> Result<Secret, Problem> {
        match &self.value {
            ValueRef::Text(text) => Ok(Secret::new(text.as_str())),
            ValueRef::Literal(secret) => Ok(secret.clone()),
            ValueRef::Vault { profile, name } => source.open(profile, name)?.ok_or_else(|| {
                Problem::error(
                    "missing-secret",
                    format!("the vault has no entry `{profile}/{name}` for `{}`", self.name),
                )
                .at(self.origin.place.clone())
                .hint(format!("ultra keys set {name} --profile {profile}"))
            }),
            ValueRef::File(path) => self.read_file(path),
        }
    }

    fn read_file(&self, path: &std::path::Path) -> Result<Secret, Problem> {
        file::read_secret(path).map_err(|why| {
            Problem::error(
                "unreadable-secret-file",
                format!("cannot read the file that `{}` names", self.name),
            )
            .at(crate::report::Place::file(path))
            .why(why)
        })
    }
}

/// A source without entries.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoSecrets;

#[cfg(test)]
impl SecretSource for NoSecrets {
    fn facts(&self, _: &str, _: &str) -> Result<Option<SecretFacts>, Problem> {
        Ok(None)
    }

    fn open(&self, _: &str, _: &str) -> Result<Option<Secret>, Problem> {
        Ok(None)
    }

    fn fingerprint(&self, _: &Secret) -> Result<String, Problem> {
        Err(Problem::error("no-vault", "there is no vault, and so no key for fingerprints"))
    }
}
