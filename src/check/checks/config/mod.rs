//! Profiles, variables, addresses.

mod addresses_sane;
mod debug_off;
mod loads;
mod no_placeholders;
mod profiles_apart;
mod required_set;
mod state_dir;
mod unknown_names;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[
    check!(loads),
    check!(unknown_names),
    check!(required_set),
    check!(no_placeholders),
    check!(profiles_apart),
    check!(debug_off),
    check!(addresses_sane),
    check!(state_dir),
];
