//! Headers that every answer has, whatever its status.

use http::header::{CACHE_CONTROL, STRICT_TRANSPORT_SECURITY, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that says what answers come from.
pub(crate) const MODE: HeaderName = HeaderName::from_static("x-ultra-mode");

/// The headers, made once.
#[derive(Clone, Debug)]
pub(crate) struct SecurityHeaders(Vec<(HeaderName, HeaderValue)>);

impl SecurityHeaders {
    /// The headers of a server in this mode; `https` if clients reach it so.
    pub(crate) fn new(mode: &'static str, https: bool, cors: bool) -> Self {
        let fixed = |name: &'static str, value: &'static str| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = vec![
            (MODE, HeaderValue::from_static(mode)),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            fixed("x-content-type-options", "nosniff"),
            fixed("referrer-policy", "no-referrer"),
            fixed("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            fixed("permissions-policy", "camera=(), geolocation=(), microphone=()"),
            fixed("cross-origin-resource-policy", "same-origin"),
            fixed("x-frame-options", "DENY"),
        ];
        if https {
            let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
            headers.push((STRICT_TRANSPORT_SECURITY, value));
        }
        if cors {
            headers.push((VARY, HeaderValue::from_static("Origin")));
        }
        Self(headers)
    }

    /// Puts them on an answer.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.reserve(self.0.len() + 4);
        for (name, value) in &self.0 {
            headers.insert(name.clone(), value.clone());
        }
    }
}
