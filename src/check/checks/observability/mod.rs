//! Health, metrics, request ids.

mod health_apart;
mod metrics_guarded;
mod request_ids;

use crate::check::Check;

/// The checks of the group, by id.
pub(super) const ALL: &[Check] =
    &[check!(health_apart), check!(metrics_guarded), check!(request_ids)];
