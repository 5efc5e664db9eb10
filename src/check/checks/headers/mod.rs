//! Response headers, CORS, and what errors give away.

mod allowed_origin_exact;
mod content_security_policy;
mod errors_say_little;
mod foreign_origins_refused;
mod hardening;
mod not_stored;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[
    check!(hardening),
    check!(content_security_policy),
    check!(foreign_origins_refused),
    check!(allowed_origin_exact),
    check!(not_stored),
    check!(errors_say_little),
];
