//! Secrets: the vault and its versions, the backends that keep its identity, the index that
//! answers without opening anything, and the audit.
//!
//! Files in the state directory: `vault.age` (the values), `vault-index.json` (no values),
//! `fingerprint.key`, `identity.age` (passphrase backend only), `audit.jsonl`, `vault.lock`.

pub(crate) mod audit;
mod audited;
pub(crate) mod backend;
pub(crate) mod chain;
mod crypto;
mod document;
mod entry;
pub(crate) mod examine;
mod followed;
mod founding;
pub(crate) mod index;
mod kept;
mod lineage;
pub(crate) mod migrate;
mod opening;
mod overview;
mod passing;
pub(crate) mod source;
mod taking;
#[cfg(test)]
mod tests;
mod unlock;
mod write;

pub(crate) use backend::BackendKind;
pub(crate) use crypto::random_key;
pub(crate) use document::Document;
pub(crate) use entry::{Entry, State, Version};
pub(crate) use followed::Followed;
pub(crate) use index::EntryFacts;
pub(crate) use overview::{Form, Freshness, Overview};
pub(crate) use source::{BackendOptions, VaultSource};
pub(crate) use taking::{KnownAs, Offered};
pub(crate) use write::{Edited, Written};

use url::Url;

/// The destination of a URL, as versions are bound to it: `scheme://host:port`.
pub(crate) fn destination(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}
