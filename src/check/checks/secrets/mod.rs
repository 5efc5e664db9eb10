//! Keys: where they live, how old they are, who can read them.

mod accepted;
mod not_in_plain_files;
mod not_too_old;
mod out_of_git;
mod private_files;
mod strong;
mod vault_answers;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] = &[
    check!(vault_answers),
    check!(not_in_plain_files),
    check!(not_too_old),
    check!(accepted),
    check!(strong),
    check!(private_files),
    check!(out_of_git),
];
