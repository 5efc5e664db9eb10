//! The project's own sources.

mod no_auth_bypass;
mod no_dev_keys;
mod no_reachable_mocks;
mod no_secrets;
mod nothing_disabled;
mod nothing_unfinished;
mod tls_checked;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[
    check!(no_secrets),
    check!(no_reachable_mocks),
    check!(nothing_disabled),
    check!(no_dev_keys),
    check!(nothing_unfinished),
    check!(tls_checked),
    check!(no_auth_bypass),
];
