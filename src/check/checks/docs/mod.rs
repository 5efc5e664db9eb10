//! What people read.

mod essentials;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[check!(essentials)];
