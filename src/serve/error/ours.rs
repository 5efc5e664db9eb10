//! Errors of our own API.

use super::Refusal;
use serde_json::{Value, json};

/// The body.
pub(super) fn body(refusal: &Refusal, mode: &str, request_id: &str) -> Value {
    let mut body = json!({
        "status": "error",
        "code": refusal.code,
        "message": refusal.message,
        "mode": mode,
        "request_id": request_id,
    });
    if let (Some(param), Some(map)) = (&refusal.param, body.as_object_mut()) {
        map.insert("param".to_owned(), Value::from(param.as_ref()));
    }
    body
}
