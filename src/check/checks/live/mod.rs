//! The server as such.

mod reachable;
mod same_profile;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[check!(reachable), check!(same_profile)];
