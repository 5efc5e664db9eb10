//! Token counts as this family tells them: cached ones are not part of the input.

use crate::provider::usage::Tokens;
use serde_json::{Value, json};

/// `usage`, with nought where nothing was counted: the field is never left out here.
pub(super) fn usage(tokens: &Tokens) -> Value {
    let mut out = json!({
        "input_tokens": tokens.input.unwrap_or(0),
        "cache_creation_input_tokens": tokens.cache_write.unwrap_or(0),
        "cache_read_input_tokens": tokens.cache_read.unwrap_or(0),
        "output_tokens": tokens.output.unwrap_or(0),
    });
    if let (Some(thinking), Some(map)) = (tokens.reasoning, out.as_object_mut()) {
        map.insert("output_tokens_details".to_owned(), json!({"thinking_tokens": thinking}));
    }
    out
}
