//! The steps, one file each, in their order.

mod s01_connect;
mod s02_live;
mod s03_ready;
mod s04_version;
mod s05_metrics_guarded;
mod s06_completion;
mod s07_stream;
mod s08_models;
mod s09_request_id;
mod s10_no_credentials;
mod s11_garbage_key;
mod s12_expired_token;
mod s13_future_token;
mod s14_foreign_token;
mod s15_alg_none;

use super::step::Step;

/// All steps, in their order.
pub(super) static ALL: &[Step] = &[
    s01_connect::STEP,
    s02_live::STEP,
    s03_ready::STEP,
    s04_version::STEP,
    s05_metrics_guarded::STEP,
    s06_completion::STEP,
    s07_stream::STEP,
    s08_models::STEP,
    s09_request_id::STEP,
    s10_no_credentials::STEP,
    s11_garbage_key::STEP,
    s12_expired_token::STEP,
    s13_future_token::STEP,
    s14_foreign_token::STEP,
    s15_alg_none::STEP,
];
