//! Providers and their keys.

mod addresses_safe;
mod models_exist;
mod models_last;
mod real;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] =
    &[check!(real), check!(models_exist), check!(models_last), check!(addresses_safe)];
