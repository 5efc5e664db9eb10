//! Token counts as this family tells them: cached ones are part of the prompt.

use crate::provider::usage::Tokens;
use serde_json::{Value, json};

/// What was counted: of the request, of it read from and written to a cache, of the answer, of it
/// for reasoning. `None` if nothing was.
pub(in super::super) fn counted(tokens: &Tokens) -> Option<[u64; 5]> {
    if tokens.input.is_none() && tokens.output.is_none() {
        return None;
    }
    let (read, written) = (tokens.cache_read.unwrap_or(0), tokens.cache_write.unwrap_or(0));
    let input = tokens.input.unwrap_or(0).saturating_add(read).saturating_add(written);
    Some([input, read, written, tokens.output.unwrap_or(0), tokens.reasoning.unwrap_or(0)])
}

/// `usage`; `null` if nothing was counted.
pub(super) fn usage(tokens: &Tokens) -> Value {
    let Some([input, read, written, output, reasoning]) = counted(tokens) else {
        return Value::Null;
    };
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
        "prompt_tokens_details": {
            "cached_tokens": read, "cache_write_tokens": written, "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
