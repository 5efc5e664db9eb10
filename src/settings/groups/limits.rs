//! Rates.

use crate::settings::catalogue::{Reload, settings};
use crate::settings::value::Count;

settings! {
    /// Limits on callers; more is answered with 429 and `Retry-After`.
    pub(crate) struct LimitSettings in "limits" {
        /// Requests per minute and service key, unless the key has its own limit.
        requests_per_minute: Count<1, 100_000_000> = "ULTRA_RATE_LIMIT" { default: Some("6000"), reload: Reload::Live },
        /// Requests per minute and client address that carry no valid credentials.
        anonymous_per_minute: Count<1, 100_000_000> = "ULTRA_RATE_LIMIT_ANONYMOUS" { default: Some("600"), reload: Reload::Live },
    }
}
