//! For tests only: rows.

use super::{Outcome, UsageRow};
use crate::base::Timestamp;
use uuid::Uuid;

/// A usage row that differs from others by `n`.
pub(crate) fn usage_row(n: u32) -> UsageRow {
    UsageRow {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)),
        at: Timestamp::from_second(1_790_000_000 + i64::from(n)).unwrap(),
        request_id: format!("req-{n}"),
        key_id: "key".to_owned(),
        api: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        provider: Some("openai".to_owned()),
        upstream_model: Some("gpt-4o-2024".to_owned()),
        mode: "mock".to_owned(),
        outcome: Outcome::Ok,
        status: 200,
        attempt: 1,
        streamed: n % 2 == 0,
        input_tokens: Some(u64::from(n)),
        cached_tokens: None,
        output_tokens: Some(7),
        reasoning_tokens: Some(0),
        latency_ms: 12,
        cost_nano_usd: None,
        price_version: None,
    }
}
