//! Answers made smaller for clients that take it (RFC 9110 §8.4 and §12.5.3), with gzip: every
//! client speaks it.
//!
//! Only what is whole and text: never a stream, whose events would wait in the compressor, never
//! what is encoded already, and nothing small. Making an answer of a model smaller costs
//! about as much as passing it on, so those have to be larger than what is told of the server itself.
//!
//! That a secret could be guessed from the length of an answer that repeats it beside what an
//! attacker has chosen (BREACH) takes a client that sends credentials of its own accord; callers here
//! show a key, there are no cookies, and an answer holds no secret of another caller.

use crate::base::apart::{HEAVY, apart};
use crate::serve::error;
use crate::serve::surface::Surface;
use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use std::io::Write as _;

/// The least size of what the server tells of itself, in bytes.
pub(crate) const CONTROL: u64 = 1 << 10;

/// The least size of answers that are passed on.
pub(crate) const DATA: u64 = 16 << 10;

/// Bodies that are not whole yet, whatever their length says, or are to be sent as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsItIs;

/// Whether a client prefers gzip to what is not encoded.
pub(crate) fn is_taken(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    for item in values.flat_map(|value| value.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let quality = parameters
            .split(';')
            .find_map(|parameter| parameter.trim().strip_prefix("q="))
            .map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
        let found = match coding.trim() {
            coding if coding.eq_ignore_ascii_case("gzip") => &mut gzip,
            coding if coding.eq_ignore_ascii_case("x-gzip") => &mut gzip,
            coding if coding.eq_ignore_ascii_case("identity") => &mut identity,
            "*" => &mut any,
            _ => continue,
        };
        *found = Some(quality);
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// Whether an answer of at least `least` bytes may be made smaller: whole, text, not encoded.
fn may_be(response: &Response<Body>, least: u64) -> bool {
    let headers = response.headers();
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let text = ["application/json", "application/problem+json", "application/openmetrics-text"]
        .iter()
        .any(|text| kind.starts_with(text.as_bytes()))
        || (kind.starts_with(b"text/") && !kind.starts_with(b"text/event-stream"));
    text && response.body().size_hint().exact().is_some_and(|size| size >= least)
        && response.extensions().get::<AsItIs>().is_none()
        && response.status() != StatusCode::PARTIAL_CONTENT
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
}

/// Makes an answer of at least `least` bytes smaller if the client takes that. A cache is told that
/// other clients get other bytes, whoever asks.
pub(crate) async fn compress(
    mut response: Response<Body>,
    taken: bool,
    least: u64,
) -> Response<Body> {
    if !may_be(&response, least) {
        return response;
    }
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    if !taken {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return error::internal().response(Surface::Ours, "", "");
    };
    let plain = whole.clone();
    let small = apart(plain.len().saturating_mul(HEAVY), move || gzip(&plain)).await;
    let body = match small.filter(|small| small.len() < whole.len()) {
        Some(small) => {
            let headers = &mut parts.headers;
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.remove(CONTENT_LENGTH);
            // It would be of the bytes before.
            headers.remove(ETAG);
            Body::from(small)
        }
        None => Body::from(whole),
    };
    Response::from_parts(parts, body)
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read as _;

    #[test]
    fn clients_say_what_they_take() {
        let taken = |values: &[&'static str]| {
            let values = values.iter().map(|v| (ACCEPT_ENCODING, HeaderValue::from_static(v)));
            is_taken(&values.collect())
        };
        for yes in [
            &["gzip"][..],
            &["gzip, deflate"],
            &["br;q=1.0, GZIP;q=0.8, *;q=0.1"],
            &["deflate", "x-gzip"],
            &["*"],
            &["identity;q=0.5, gzip;q=0.5"],
            &["gzip; q=0.001"],
        ] {
            assert!(taken(yes), "{yes:?}");
        }
        for no in [
            &[][..],
            &[""],
            &["br, deflate"],
            &["gzip;q=0"],
            &["gzip;q=0, *"],
            &["*;q=0"],
            &["identity, gzip;q=0.5"],
            &["gzip;q=none"],
            &["gzipped"],
        ] {
            assert!(!taken(no), "{no:?}");
        }
    }

    fn answer(kind: &'static str, size: usize) -> Response<Body> {
        let mut response = Response::new(Body::from("answer ".repeat(size / 7 + 1)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }

    async fn bytes(response: Response<Body>) -> Vec<u8> {
        response.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn whole_text_is_made_smaller_and_is_the_same_afterwards() {
        // The last is large enough to be worked on apart.
        for size in [2_000, 20_000, 400_000] {
            let plain = bytes(answer("application/json", size)).await;
            let small =
                compress(answer("application/json; charset=utf-8", size), true, CONTROL).await;
            assert_eq!(small.headers()[CONTENT_ENCODING], "gzip");
            assert_eq!(small.headers()[VARY], "accept-encoding");
            let small = bytes(small).await;
            assert!(small.len() < plain.len() / 4);
            let mut read = Vec::new();
            GzDecoder::new(&*small).read_to_end(&mut read).unwrap();
            assert_eq!(read, plain);
        }
    }

    #[tokio::test]
    async fn what_is_small_streamed_encoded_or_not_whole_stays_as_it_is() {
        let with = |change: fn(&mut Response<Body>)| {
            let mut response = answer("application/json", 2_000);
            change(&mut response);
            response
        };
        for response in [
            answer("application/json", 900),
            answer("text/event-stream; charset=utf-8", 2_000),
            answer("image/png", 2_000),
            with(|r| drop(r.headers_mut().remove(CONTENT_TYPE))),
            with(|r| {
                let brotli = HeaderValue::from_static("br");
                r.headers_mut().append(CONTENT_ENCODING, brotli);
            }),
            with(|r| assert!(r.extensions_mut().insert(AsItIs).is_none())),
            with(|r| *r.status_mut() = StatusCode::PARTIAL_CONTENT),
        ] {
            let before = response.headers().clone();
            let after = compress(response, true, CONTROL).await;
            assert_eq!(*after.headers(), before);
        }
        let for_others = compress(answer("text/plain", 2_000), false, CONTROL).await;
        assert_eq!(for_others.headers()[VARY], "accept-encoding");
        assert!(!for_others.headers().contains_key(CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn what_would_not_become_smaller_is_sent_as_it_is() {
        let mut state = 1_u32;
        let noise: Vec<u8> = (0..3_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        let mut response = Response::new(Body::from(noise.clone()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let after = compress(response, true, CONTROL).await;
        assert!(!after.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(bytes(after).await, noise);
    }
}
