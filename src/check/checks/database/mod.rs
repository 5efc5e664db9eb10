//! The store.

mod fit_for_replicas;
mod migrated;
mod reachable;
mod waits_bounded;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] =
    &[check!(reachable), check!(migrated), check!(fit_for_replicas), check!(waits_bounded)];
