//! Who issues keys: the admin APIs of providers, behind one trait.
//!
//! A key is made under a tag, so that a request that may or may not have come through can be made
//! again, and so that a key that was left behind is found. Answers never carry a body of the
//! provider: it may quote a value.

mod anthropic;
mod api;
mod openai;
#[cfg(test)]
mod tests;

use crate::base::Secret;
use crate::settings::profile::ProviderKind;
use crate::settings::secret::Remote;
use std::time::Duration;
use url::Url;

/// A key that was issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    /// The value; the provider shows it this once.
    pub(crate) value: Secret,
    /// What the provider calls it.
    pub(crate) remote: Remote,
}

/// A key as its issuer lists it.
#[derive(Clone, Debug)]
pub(crate) struct RemoteKey {
    /// What the provider calls it.
    pub(crate) remote: Remote,
    /// The name it was made under: ours are tags.
    pub(crate) name: String,
    /// Whether the provider accepts it.
    pub(crate) active: bool,
    /// What the provider shows of its value.
    pub(crate) hint: Option<String>,
}

/// What an issuer can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// Make keys.
    pub(crate) create: bool,
    /// Have a key refused, in a way that can be taken back.
    pub(crate) disable: bool,
    /// Delete a key for good.
    pub(crate) delete: bool,
}

/// Why an issuer did not do what it was asked for. No value and no body of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IssuerError {
    /// It says no: to the admin key, or to the request.
    #[error("it refuses with {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// It asks to come back later.
    #[error("it asks to come back later")]
    RateLimited {
        /// In how long, if it says so.
        retry_after: Option<Duration>,
    },
    /// Its API has no call for that, or what is known of the key does not name one.
    #[error("its API cannot do that")]
    Unable,
    /// It did not answer in time, or not at all.
    #[error("it could not be reached: {0}")]
    Unreachable(String),
    /// Its answer is none that can be understood.
    #[error("its answer cannot be understood: {0}")]
    Malformed(String),
}

/// Who issues the keys of a name. Every call has a deadline, follows no redirect, and can be made
/// again.
pub(crate) trait Issuer {
    /// What it is called in messages, such as `openai`.
    fn name(&self) -> &str;

    /// What it can do.
    fn can(&self) -> Abilities;

    /// Makes a key under `tag`. A key that was made under it before and whose value is lost is
    /// deleted, so that one key is left.
    ///
    /// # Errors
    /// As [`IssuerError`] says; it may have made the key all the same.
    fn create(&self, tag: &str) -> Result<Issued, IssuerError>;

    /// Has the provider refuse a key from now on. One that is gone is disabled too.
    ///
    /// # Errors
    /// As [`IssuerError`] says.
    fn disable(&self, remote: &Remote) -> Result<(), IssuerError>;

    /// Deletes a key. One that is gone is deleted.
    ///
    /// # Errors
    /// As [`IssuerError`] says.
    fn delete(&self, remote: &Remote) -> Result<(), IssuerError>;

    /// All keys that the admin key can see.
    ///
    /// # Errors
    /// As [`IssuerError`] says.
    fn list(&self) -> Result<Vec<RemoteKey>, IssuerError>;

    /// What the provider calls a value that was not made here, told by what it shows of it; `None`
    /// if it shows no such key, or several that it could be. A few characters are a likeness and no
    /// proof: where the only way to end a key is to delete it for good, none is told by them, and a
    /// person ends it in the provider's console.
    ///
    /// # Errors
    /// As [`IssuerError`] says.
    fn recognise(&self, value: &Secret) -> Result<Option<Remote>, IssuerError> {
        if !self.can().disable {
            return Ok(None);
        }
        let mut fitting = self.list()?.into_iter().filter(|key| {
            key.active && key.hint.as_deref().is_some_and(|hint| fits(hint, value.expose()))
        });
        Ok(match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key.remote),
            _ => None,
        })
    }
}

/// The issuer of the keys of a provider's API at `base_url`, spoken to with an admin key. `project`
/// is where keys are made, if the API has projects.
///
/// # Errors
/// The key cannot be one.
pub(crate) fn issuer(
    kind: ProviderKind,
    base_url: &Url,
    key: &Secret,
    project: Option<String>,
) -> Result<Box<dyn Issuer>, IssuerError> {
    Ok(match kind {
        ProviderKind::OpenAi => Box::new(openai::OpenAi::new(base_url, key, project)?),
        ProviderKind::Anthropic => Box::new(anthropic::Anthropic::new(base_url, key)?),
        ProviderKind::Azure
        | ProviderKind::Google
        | ProviderKind::Cohere
        | ProviderKind::Ollama => return Err(IssuerError::Unable),
    })
}

/// How much of an end must be shown for it to tell one key from another: of base64, one in sixteen
/// million is like it.
const TELLING: usize = 4;

/// Whether a value could be the one that a provider shows as `sk-ab...xyz` or `sk-ab****xyz`.
fn fits(hint: &str, value: &str) -> bool {
    let hidden = |c: char| matches!(c, '*' | '.' | '…' | '•');
    let Some((head, rest)) = hint.split_once(hidden) else { return false };
    let tail = rest.rsplit(hidden).next().unwrap_or_default();
    tail.len() >= TELLING
        && head.len() + tail.len() < value.len()
        && value.starts_with(head)
        && value.ends_with(tail)
}

/// The name that a key is issued under: tells which vault, profile, name and version it is of.
pub(crate) fn tag(vault: &str, profile: &str, name: &str, version: u32) -> String {
    format!("ultra/{vault}/{profile}/{name}/v{version}")
}
