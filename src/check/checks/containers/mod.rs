//! Images and compose files.

mod compose_confined;
mod files;
mod no_secrets_in_images;
mod not_root;
mod pinned_bases;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[
    check!(not_root),
    check!(pinned_bases),
    check!(compose_confined),
    check!(no_secrets_in_images),
];
