//! Embeddings: vectors of length 1 that depend on the model and the text and mean nothing.

use super::super::envelope::Malformed;
use super::{Draft, text};
use bytes::Bytes;
use serde_json::{Value, json};

/// The numbers of a vector, unless the request says how many.
const DIMENSIONS: u64 = 1536;

/// The most of them that may be asked for.
const MOST_DIMENSIONS: u64 = 4096;

/// The most texts in one request.
const MOST_TEXTS: usize = 2048;

fn malformed(param: &'static str, message: String) -> Malformed {
    Malformed { param: Some(param), message }
}

/// The whole answer.
///
/// # Errors
/// Too many texts, or numbers or a format that there are not.
pub(super) fn plain(draft: &Draft, request: &Value) -> Result<Bytes, Malformed> {
    let dimensions = match request.get("dimensions") {
        None | Some(Value::Null) => DIMENSIONS,
        Some(n) => n.as_u64().filter(|n| (1..=MOST_DIMENSIONS).contains(n)).ok_or_else(|| {
            let message =
                format!("`dimensions` must be a whole number from 1 to {MOST_DIMENSIONS}");
            malformed("dimensions", message)
        })?,
    };
    let base64 = match request.get("encoding_format").map(Value::as_str) {
        None | Some(Some("float")) => false,
        Some(Some("base64")) => true,
        Some(_) => {
            let message = "`encoding_format` must be `float` or `base64`".to_owned();
            return Err(malformed("encoding_format", message));
        }
    };
    let texts: &[Value] = match request.get("input") {
        Some(Value::Array(list)) if list.iter().any(|item| !item.is_number()) => list,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    if texts.len() > MOST_TEXTS {
        return Err(malformed("input", format!("`input` has more than {MOST_TEXTS} texts")));
    }
    let model = Value::from(draft.model.as_str());
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(&text::Digest::of(&[&model, text]), dimensions);
            let embedding = if base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
                Value::from(data_encoding::BASE64.encode(&bytes))
            } else {
                Value::from(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let answer = json!({
        "object": "list",
        "data": data,
        "model": draft.model,
        "usage": {"prompt_tokens": draft.input, "total_tokens": draft.input},
    });
    Ok(Bytes::from(answer.to_string()))
}

/// A vector of length 1.
fn vector(digest: &text::Digest, dimensions: u64) -> Vec<f32> {
    let mut state = digest.number(0) | 1;
    let numbers: Vec<f32> = (0..dimensions)
        .map(|_| {
            // xorshift64, as for words; 16 bits of it are a number from -1 to 1.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let bits = u16::try_from(state >> 48).unwrap_or(0);
            f32::from(bits) / f32::from(u16::MAX) * 2.0 - 1.0
        })
        .collect();
    let length = numbers.iter().map(|n| n * n).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    numbers.into_iter().map(|n| n / length).collect()
}
