//! Cross-origin requests: an exact list of origins, no wildcard, no credentials of the browser.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

/// The origins that browsers may call from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<HeaderValue>);

impl Origins {
    /// These origins. `*` is none: validation refuses it where it matters, and it never works.
    pub(crate) fn of(list: &[String]) -> Self {
        let usable = list.iter().filter(|o| *o != "*" && *o != "null");
        Self(usable.filter_map(|o| HeaderValue::from_str(o.trim_end_matches('/')).ok()).collect())
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The caller's origin, if it is one of them.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.0.iter().find(|o| *o == origin).cloned()
    }

    /// What is put on the answer of a request with these headers.
    pub(crate) fn grant(&self, request: &HeaderMap) -> Option<HeaderValue> {
        if self.0.is_empty() { None } else { self.allowed(request) }
    }
}

/// The answer to a preflight from an allowed origin; anything else goes its ordinary way.
pub(crate) fn preflight<B: Default>(
    origins: &Origins,
    method: &Method,
    headers: &HeaderMap,
) -> Option<Response<B>> {
    if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    origins.allowed(headers)?;
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let out = response.headers_mut();
    out.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        out.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(response)
}

/// Lets the browser show the answer to the page.
pub(crate) fn write(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "x-request-id, request-id, retry-after, x-ultra-mode, x-ultra-cost, x-ultra-cache",
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (ORIGIN, HeaderValue::from_static(value)),
            (ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST")),
        ])
    }

    #[test]
    fn only_listed_origins_are_granted() {
        let origins = Origins::of(&["https://app.example.com".to_owned(), "*".to_owned()]);
        assert!(origins.grant(&origin("https://app.example.com")).is_some());
        for other in ["https://evil.example", "null", "*", "https://app.example.com.evil"] {
            assert!(origins.grant(&origin(other)).is_none(), "{other}");
            let answer = preflight::<()>(&origins, &Method::OPTIONS, &origin(other));
            assert!(answer.is_none(), "{other}");
        }
        assert!(
            preflight::<()>(&origins, &Method::OPTIONS, &origin("https://app.example.com"))
                .is_some()
        );
    }
}
