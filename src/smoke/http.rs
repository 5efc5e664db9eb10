//! An HTTP client for judging servers: it follows no redirect, keeps what it sent as a `curl`
//! line without secrets, and reads answers within bounds.

use super::exchange::{Exchange, NoAnswer};
use crate::base::{Secret, redact::Redactor};
use reqwest::Method;
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use url::Url;

/// The largest answer that is kept; more is cut off and said so.
const BODY_LIMIT: usize = 1 << 20;

/// The header that marks the requests of one run, so that they can be told from real traffic.
pub(crate) const RUN_ID: &str = "x-ultra-run-id";

/// Who a request says it is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Auth {
    /// Nobody.
    #[default]
    None,
    /// The service key of the client.
    Key,
    /// The bearer of this token.
    Token(Secret),
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    auth: Auth,
    body: Option<Vec<u8>>,
    timeout: Duration,
}

impl Call {
    /// A GET of `path`, which begins with `/`.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST of a JSON document.
    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes())
    }

    /// A request with this method.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            auth: Auth::None,
            body: None,
            timeout: Duration::from_secs(10),
        }
    }

    /// The same with a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a body.
    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    /// The same from somebody.
    pub(crate) fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// The same with the service key of the client.
    pub(crate) fn with_key(self) -> Self {
        self.auth(Auth::Key)
    }

    /// The same with another deadline than 10 s.
    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// A client for one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    base: Url,
    key: Option<Secret>,
    run_id: String,
    http: reqwest::Client,
    redactor: Redactor,
}

impl Client {
    /// A client for the server at `base` (scheme, host, port), with a service key if there is one.
    ///
    /// # Errors
    /// The TLS back end cannot be set up.
    pub(crate) fn new(base: Url, key: Option<Secret>) -> Result<Self, NoAnswer> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("ultra/", env!("CARGO_PKG_VERSION"), " (check)"))
            // A probe speaks to the server that was named, never to a proxy in between.
            .no_proxy()
            .build()
            .map_err(|e| NoAnswer::Broken(cause(&e)))?;
        let redactor = Redactor::new(key.clone());
        let run_id = format!("run-{}", uuid::Uuid::new_v4().simple());
        Ok(Self { base, key, run_id, http, redactor })
    }

    /// The server, without credentials.
    pub(crate) fn base(&self) -> String {
        crate::base::redact::url(self.base.as_str()).trim_end_matches('/').to_owned()
    }

    /// What marks the requests of this run.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Whether there is a service key.
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Sends the request and reads the whole answer within the deadline of the call.
    ///
    /// # Errors
    /// There is no answer, or no whole one.
    pub(crate) async fn send(&self, call: &Call) -> Result<Exchange, NoAnswer> {
        match tokio::time::timeout(call.timeout, self.exchange(call)).await {
            Ok(done) => done,
            Err(_) => Err(NoAnswer::Timeout),
        }
    }

    async fn exchange(&self, call: &Call) -> Result<Exchange, NoAnswer> {
        let url = self.url(&call.path)?;
        let mut request = self.http.request(call.method.clone(), url).header(RUN_ID, &self.run_id);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        match (&call.auth, &self.key) {
            (Auth::Key, Some(key)) => request = request.bearer_auth(key.expose()),
            (Auth::Token(token), _) => request = request.bearer_auth(token.expose()),
            _ => {}
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let began = Instant::now();
        let mut response = request.send().await.map_err(|e| no_answer(&e))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), self.redactor.clean(&value))
            })
            .collect();
        let mut body = Vec::new();
        let mut first_byte = None;
        while let Some(chunk) = response.chunk().await.map_err(|e| no_answer(&e))? {
            first_byte.get_or_insert_with(|| began.elapsed());
            let room = BODY_LIMIT.saturating_sub(body.len());
            body.extend(chunk.iter().take(room));
            if chunk.len() > room {
                break;
            }
        }
        let latency = began.elapsed();
        Ok(Exchange {
            request: self.curl(call),
            status,
            headers,
            body: self.redactor.clean(&String::from_utf8_lossy(&body)),
            latency,
            first_byte: first_byte.unwrap_or(latency),
        })
    }

    fn url(&self, path: &str) -> Result<Url, NoAnswer> {
        let whole = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        Url::parse(&whole).map_err(|e| NoAnswer::Broken(format!("`{path}` is no path: {e}")))
    }

    /// The request as a line for a shell. A secret is the variable that holds it, a minted token
    /// is only named.
    pub(crate) fn curl(&self, call: &Call) -> String {
        let mut line = "curl -sS".to_owned();
        if call.method == Method::HEAD {
            line.push_str(" -I");
        } else if call.method != Method::GET
            && !(call.method == Method::POST && call.body.is_some())
        {
            let _ = write!(line, " -X {}", call.method);
        }
        match call.auth {
            Auth::None => {}
            Auth::Key => line.push_str(" -H \"authorization: Bearer $ULTRA_SERVICE_KEY\""),
            Auth::Token(_) => line.push_str(" -H \"authorization: Bearer $PROBE_TOKEN\""),
        }
        for (name, value) in &call.headers {
            let _ = write!(line, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if let Some(body) = &call.body {
            let text = String::from_utf8_lossy(body);
            let shown = if text.len() > 300 { "@body.json".into() } else { text };
            let _ = write!(line, " -d {}", quoted(&shown));
        }
        let _ = write!(line, " {}", quoted(&format!("{}{}", self.base(), call.path)));
        line
    }
}

/// Single quotes for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    if error.is_timeout() {
        NoAnswer::Timeout
    } else if error.is_connect() {
        NoAnswer::Connect(cause(error))
    } else {
        NoAnswer::Broken(cause(error))
    }
}

/// The innermost cause: the outer texts of the library quote the URL, which may hold a password.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    if std::ptr::eq(inner, std::ptr::from_ref::<reqwest::Error>(error).cast::<reqwest::Error>()) {
        return "the request could not be made".to_owned();
    }
    inner.to_string().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_curl_line_holds_no_secret() {
        let canary = "uk_1.canary-7f3a";
        let base = Url::parse("http://u:canary-url@127.0.0.1:9/").unwrap();
        let client = Client::new(base, Some(Secret::new(canary))).unwrap();
        let call = Call::post("/v1/x", &json!({"a": "it's"})).with_key();
        let line = client.curl(&call);
        assert_eq!(
            line,
            "curl -sS -H \"authorization: Bearer $ULTRA_SERVICE_KEY\" \
             -H 'content-type: application/json' -d '{\"a\":\"it'\\''s\"}' \
             'http://u:***@127.0.0.1:9/v1/x'"
        );
        assert!(!format!("{client:?} {call:?}").contains("canary-7f3a"));
    }

    #[tokio::test]
    async fn nobody_there_is_told_without_the_url() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let base = Url::parse(&format!("http://canary@127.0.0.1:{port}")).unwrap();
        let client = Client::new(base, None).unwrap();
        let failed = client.send(&Call::get("/")).await.unwrap_err();
        assert!(matches!(failed, NoAnswer::Connect(_)), "{failed:?}");
        assert!(!failed.to_string().contains("canary"));
    }
}
