//! The vault as the command line hands it to servers that do not see its file.

use crate::base::Timestamp;

/// The most bytes of a vault that are read from the store: the limit of `vault.age`. Whoever can
/// write there is not to fill the memory of every server.
pub(super) const LARGEST_VAULT: i64 = 8 << 20;

/// A sealed vault in the store. The store can open neither of its two texts: both are encrypted
/// to the vault's own identity and authenticated with it, so whoever can write here can withhold
/// a generation, but neither read nor make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedVault {
    /// Which of the vaults that share the store it is, and who can open it.
    pub(crate) head: PublishedHead,
    /// The bytes of `vault.age`.
    pub(crate) sealed: Vec<u8>,
    /// The key of the fingerprints, sealed: servers that compare values need the same.
    pub(crate) fingerprints: Vec<u8>,
    /// When it was published, by the clock of whoever did.
    pub(crate) at: Timestamp,
}

/// What is known of a published vault without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedHead {
    /// The vault's id.
    pub(crate) vault_id: String,
    /// Its generation, as its publisher says; what counts is the one inside.
    pub(crate) generation: u64,
    /// The public half of the identity that opens it, `age1…`.
    pub(crate) recipient: String,
}
