//! Request bodies: the right kind, bounded in size and time, whole.

use crate::base::Joined;
use crate::serve::error::Refusal;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
use std::time::Duration;

/// Refuses a body that is not JSON by its own account.
///
/// # Errors
/// 415.
pub(crate) fn json_only(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |message: &str| {
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    };
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(unsupported("the content type must be `application/json`"));
    }
    match headers.get(CONTENT_ENCODING).map(http::HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(unsupported("encoded bodies are not supported, send it as it is")),
    }
}

/// The whole body.
///
/// # Errors
/// 413, 408, or 400 if the client broke off.
pub(crate) async fn read<B>(body: B, limit: u64, patience: Duration) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > limit {
        return Err(too_large(limit));
    }
    tokio::time::timeout(patience, collect(body, limit)).await.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            format!("the body did not arrive within {} ms", patience.as_millis()),
        ))
    })
}

async fn collect<B>(mut body: B, limit: u64) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut joined = Joined::default();
    while let Some(frame) = body.frame().await {
        let broken =
            |_| Refusal::new(StatusCode::BAD_REQUEST, "incomplete_body", "the body broke off");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if u64::try_from(joined.len() + data.len()).map_or(true, |n| n > limit) {
            return Err(too_large(limit));
        }
        joined.push(data);
    }
    Ok(joined.whole())
}

fn too_large(limit: u64) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request_too_large",
        format!("the body exceeds {limit} bytes"),
    )
}
