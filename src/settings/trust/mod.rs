//! Trust in a root: a cloned repository's profiles could name a secret of this machine, and they
//! and its dotenv files an address of their own. Until the user has seen what goes where and
//! agreed, references of these files (`vault:openai`, `NAME_FILE`, a key that takes in another
//! variable) resolve to nothing, and so does a key that would go to
//! an address that the root's files name, wherever the key itself comes from. No command gets such
//! an address, for its own key may be in its environment, nor a variable of the root's files that is
//! known to make programs run code or send what they send by another way.
//!
//! Agreement is kept per user and root as a digest of all references, base URLs and such variables,
//! and of which profiles take these in by `extends`, outside the root: in `$XDG_CONFIG_HOME/ultra/trust.json`, else `$HOME/.config/ultra/trust.json`. Any
//! change of these asks again, but that references and addresses were taken away and nothing goes
//! elsewhere for that: a provider that is no good any more is not kept in use by a question.

mod claims;
mod list;
mod parts;
#[cfg(test)]
mod tests;

pub(crate) use claims::{Claims, Destination, Extends, Hook, Wanted, value_digest};
pub(crate) use list::{TrustStatus, agreed, grant, status, store_path};
