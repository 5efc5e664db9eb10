//! Request bodies: the right kind, bounded in size and time, whole.

use crate::base::Joined;
use crate::serve::error::Refusal;
use crate::serve::overload::{Overload, Room};
use crate::serve::state::App;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;

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

/// The whole body, and the room that it takes up. A client says how long its body is before it
/// sends it: without room for all of it nothing is read.
///
/// # Errors
/// 413, 408, 503, or 400 if the client broke off.
pub(crate) async fn read<B>(body: B, app: &App) -> Result<(Bytes, Room), Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (limit, patience) = (app.body_limit, app.body_timeout);
    let stated = body.size_hint().lower();
    if stated > limit {
        return Err(too_large(limit));
    }
    let room = app.overload.hold(stated)?;
    let collected = collect(body, limit, room, &app.overload);
    tokio::time::timeout(patience, collected).await.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            format!("the body did not arrive within {} ms", patience.as_millis()),
        ))
    })
}

async fn collect<B>(
    mut body: B,
    limit: u64,
    mut room: Room,
    bounds: &Overload,
) -> Result<(Bytes, Room), Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut joined = Joined::default();
    while let Some(frame) = body.frame().await {
        let broken =
            |_| Refusal::new(StatusCode::BAD_REQUEST, "incomplete_body", "the body broke off");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        let length = u64::try_from(joined.len() + data.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(too_large(limit));
        }
        bounds.enlarge(&mut room, length)?;
        joined.push(data);
    }
    Ok((joined.whole(), room))
}

fn too_large(limit: u64) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request_too_large",
        format!("the body exceeds {limit} bytes"),
    )
}
