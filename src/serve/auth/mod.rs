//! Identity: who calls, judged from what this process knows, without asking anybody.
//!
//! Two kinds of credentials are taken: service keys (`uk_<id>.<secret>`) and access tokens (JWT,
//! HS256). Keys are looked up in a [`Snapshot`] of the store that a task refreshes; a sealed copy
//! of the last good one bridges a start without the store.

mod authenticator;
mod credentials;
mod dev_key;
mod error;
mod key;
mod material;
mod refresh;
mod sealed;
mod snapshot;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use authenticator::{AuthOptions, Authenticator, Caller, Credential};
pub(crate) use dev_key::{DevKey, dev_key};
pub(crate) use error::AuthError;
pub(crate) use key::{KeyRequest, generate, id_of, stored};
pub(crate) use material::token_keys;
pub(crate) use refresh::{follow, start_up};
pub(crate) use sealed::{LastGood, Seal, Seals};
pub(crate) use snapshot::{Snapshot, SnapshotSource};
pub(crate) use token::{LONGEST_LIFE, TokenKeys, TokenRequest, mint, mint_probe_tokens};
