//! The cache.

mod bounded;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[check!(bounded)];
