//! The wire of admin APIs: one request and its answer, within a deadline, without redirects.
//!
//! Of an answer that is none of the API's, only the status is told: bodies can quote keys.

use super::IssuerError;
use crate::base::{Secret, redact};
use crate::provider::told_to_wait;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};
use url::Url;
use zeroize::Zeroizing;

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// How long everything that one act takes may take together, all pages of all lists.
const ACT: Duration = Duration::from_secs(40);

/// How much of an answer is read: several times the longest page.
const BODY_LIMIT: usize = 4 << 20;

/// The most pages that are read of a list: more objects than an organisation can have.
const PAGES: usize = 500;

/// The admin API at an address, spoken to with an admin key.
pub(super) struct Api {
    base: Url,
    headers: HeaderMap,
    key: Secret,
    request: Duration,
    act: Duration,
}

impl Api {
    /// The API below `base`; `headers` carry the key.
    pub(super) fn new(base: Url, headers: HeaderMap, key: Secret) -> Self {
        Self { base, headers, key, request: REQUEST, act: ACT }
    }

    /// The same with less patience.
    #[cfg(test)]
    pub(super) fn hasty(mut self, patience: Duration) -> Self {
        self.request = patience;
        self
    }

    /// Carries an act to its end, or to the deadline.
    pub(super) fn act<T>(
        &self,
        work: impl AsyncFnOnce(&Session<'_>) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        let cannot = |why: String| IssuerError::Unreachable(format!("cannot start: {why}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| cannot(e.to_string()))?;
        runtime.block_on(async {
            let client = reqwest::Client::builder()
                .redirect(Policy::none())
                // As with the test of a key: the server goes without a proxy too.
                .no_proxy()
                .connect_timeout(self.request / 2)
                .timeout(self.request)
                .build()
                .map_err(|e| cannot(self.cause(e)))?;
            let session = Session { api: self, client };
            match tokio::time::timeout(self.act, work(&session)).await {
                Ok(done) => done,
                Err(_) => Err(IssuerError::Unreachable("no answer in time".to_owned())),
            }
        })
    }

    /// The innermost cause, without the address and without the key.
    fn cause(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        if error.is_timeout() {
            return "no answer in time".to_owned();
        }
        let why = crate::provider::client::root_cause(&error);
        redact::Redactor::new([self.key.clone()]).clean(&why)
    }
}

/// Several requests that make up one act.
pub(super) struct Session<'a> {
    api: &'a Api,
    client: reqwest::Client,
}

impl Session<'_> {
    /// Sends a request to the segments below the base, and reads the JSON of the answer. The body is
    /// wiped: a new key is in it, and what it is read into takes care of that.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<T, IssuerError> {
        let mut url = self.api.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // What a provider calls its things is escaped: an id cannot lead elsewhere.
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self
            .client
            .request(method, url)
            .headers(self.api.headers.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let gone = |e| IssuerError::Unreachable(self.api.cause(e));
        let mut answer = request.send().await.map_err(gone)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Wiped::default();
        while let Some(chunk) = answer.chunk().await.map_err(gone)? {
            if body.0.len() + chunk.len() > BODY_LIMIT {
                return Err(IssuerError::Malformed(format!(
                    "{status}, with more than {} MiB",
                    BODY_LIMIT >> 20
                )));
            }
            body.add(&chunk);
        }
        judge(status, &headers, &body.0)
    }

    /// All objects of a list, page by page; `cursor` is the parameter that asks for what comes
    /// after an id.
    pub(super) async fn all(
        &self,
        path: &[&str],
        limit: &str,
        cursor: &str,
    ) -> Result<Vec<Value>, IssuerError> {
        let mut objects = Vec::new();
        let mut seen = BTreeSet::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = vec![("limit", limit)];
            query.extend(after.as_deref().map(|after| (cursor, after)));
            let page: Value = self.call(Method::GET, path, &query, None).await?;
            let Some(data) = page.get("data").and_then(Value::as_array) else {
                return Err(malformed("a list without `data`"));
            };
            let more = page.get("has_more").and_then(Value::as_bool).unwrap_or(false);
            let last = text(&page, "last_id").or_else(|| text(data.last()?, "id"));
            objects.extend(data.iter().cloned());
            match last {
                _ if !more => return Ok(objects),
                Some(last) if seen.insert(last.clone()) => after = Some(last),
                _ => return Err(malformed("a list whose pages do not go on")),
            }
        }
        Err(malformed("a list without an end"))
    }
}

/// Bytes that leave no copy behind, also while they grow.
#[derive(Default)]
struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    fn add(&mut self, chunk: &[u8]) {
        let wanted = self.0.len() + chunk.len();
        if wanted > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted.max(64 << 10) * 2));
            larger.extend_from_slice(&self.0);
            // The smaller one is wiped here.
            self.0 = larger;
        }
        self.0.extend_from_slice(chunk);
    }
}

/// An answer of which nothing is kept.
#[derive(Deserialize)]
struct Anything {}

/// What an answer means.
fn judge<T: DeserializeOwned>(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, IssuerError> {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let retry_after = told_to_wait(headers, SystemTime::now());
        return Err(IssuerError::RateLimited { retry_after });
    }
    if status.is_redirection() {
        return Err(IssuerError::Malformed(format!(
            "{status}: it redirects elsewhere, and a key does not follow"
        )));
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Err(IssuerError::Unreachable(format!("it answers {status}")));
    }
    let object = body.trim_ascii_start().first() == Some(&b'{')
        && serde_json::from_slice::<Anything>(body).is_ok();
    if !object {
        // A firewall or a sign-in page says nothing about the key.
        return Err(IssuerError::Malformed(format!("{status}, and not as an API does")));
    }
    if !status.is_success() {
        return Err(IssuerError::Refused { status: status.as_u16() });
    }
    // What serde says may quote the answer.
    serde_json::from_slice(body).map_err(|_| malformed("an object of another form"))
}

/// The error of an answer that is not what its API describes.
pub(super) fn malformed(what: &str) -> IssuerError {
    IssuerError::Malformed(what.to_owned())
}

/// Takes "there is no such thing" for done.
pub(super) fn or_gone<T>(done: Result<T, IssuerError>) -> Result<Option<T>, IssuerError> {
    match done {
        Err(IssuerError::Refused { status: 404 }) => Ok(None),
        other => other.map(Some),
    }
}

/// A text of an object, if it has one that is not empty.
pub(super) fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A header that carries a key, and is not shown.
///
/// # Errors
/// The key has characters that no header can carry.
pub(super) fn secret_header(text: &Secret) -> Result<HeaderValue, IssuerError> {
    let mut value = HeaderValue::from_str(text.expose()).map_err(|_| {
        IssuerError::Unreachable(
            "the admin key has characters that a header cannot carry".to_owned(),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
