//! Who may do what on the running server.

mod alg_none_refused;
mod claims_enforced;
mod credentials_required;
mod no_bypass_headers;
mod no_keys_in_urls;
mod roles_apart;
mod signature_verified;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[
    check!(credentials_required),
    check!(alg_none_refused),
    check!(claims_enforced),
    check!(signature_verified),
    check!(roles_apart),
    check!(no_bypass_headers),
    check!(no_keys_in_urls),
];
