//! What came of a request: the answer, and what it is told by, or why there is none.

use serde_json::Value;
use std::time::Duration;
use url::Url;

/// A request that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The request as a `curl` line without secrets.
    pub(crate) request: String,
    /// The status code.
    pub(crate) status: u16,
    /// The headers: lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, at most 1 MiB of it, with our own key masked.
    pub(crate) body: String,
    /// From the first byte sent to the last received.
    pub(crate) latency: Duration,
    /// To the first byte of the body.
    pub(crate) first_byte: Duration,
}

impl Exchange {
    /// The value of a header; the name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// The status, with the code of the error body if there is one: `401 token_expired`.
    pub(crate) fn summary(&self) -> String {
        let json = self.json();
        let code = json.as_ref().and_then(|json| {
            ["/error/code", "/error/type", "/code", "/title"]
                .iter()
                .find_map(|pointer| json.pointer(pointer)?.as_str())
        });
        match code {
            Some(code) if self.status >= 400 => {
                format!("{} {}", self.status, code.chars().take(60).collect::<String>())
            }
            _ => self.status.to_string(),
        }
    }

    /// Whether this is a health document of `ultra serve`, good or bad: of all that may answer at a
    /// wrong address, only ours tells a status together with its mode.
    pub(crate) fn is_ours(&self) -> bool {
        let json = self.json().unwrap_or_default();
        let mode = json.get("mode").and_then(Value::as_str);
        matches!(mode, Some("mock" | "real")) && json.get("status").is_some_and(Value::is_string)
    }

    /// What was answered instead of what was expected: the status, the content type and where a
    /// redirect leads. Nothing of the body, which may be anybody's.
    pub(crate) fn manner(&self) -> String {
        let kind = self.header("content-type").and_then(|kind| kind.split(';').next());
        let plain = |c: char| c.is_ascii_alphanumeric() || "/+-.".contains(c);
        let kind = match kind.map(str::trim) {
            Some(kind) if kind.len() <= 60 && kind.chars().all(plain) => format!("`{kind}`"),
            Some(_) => "an odd content type".to_owned(),
            None => "no content type".to_owned(),
        };
        let origin = self.header("location").and_then(|to| Url::parse(to).ok()).map(|u| u.origin());
        match origin.filter(|_| (300..400).contains(&self.status)) {
            Some(to) => format!("{}, which leads to `{}`", self.status, to.ascii_serialization()),
            None => format!("{} with {kind}", self.status),
        }
    }

    /// Whether the status is 2xx.
    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no answer. The texts name no URL and no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// No connection could be made.
    Connect(String),
    /// The deadline passed.
    Timeout,
    /// The connection broke, or the request could not be made.
    Broken(String),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "no connection: {why}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Broken(why) => write!(f, "no answer: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_health_document_is_told_from_anything_else() {
        let answer = |status: u16, headers: &[(&str, &str)], body: &str| Exchange {
            request: String::new(),
            status,
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: body.to_owned(),
            latency: Duration::ZERO,
            first_byte: Duration::ZERO,
        };
        assert!(answer(503, &[], r#"{"status":"degraded","mode":"real"}"#).is_ours());
        for body in
            ["", "<html>", "[]", "{}", r#"{"status":"ok"}"#, r#"{"status":1,"mode":"mock"}"#]
        {
            assert!(!answer(200, &[], body).is_ours(), "{body}");
        }
        let html = [("content-type", "text/html; charset=utf-8")];
        assert_eq!(answer(404, &html, "canary").manner(), "404 with `text/html`");
        assert_eq!(
            answer(200, &[("content-type", "a b")], "").manner(),
            "200 with an odd content type"
        );
        let moved = [("location", "https://u:canary@x.example/a?b=canary")];
        let manner = answer(301, &moved, "").manner();
        assert_eq!(manner, "301, which leads to `https://x.example`");
        assert_eq!(answer(302, &[("location", "/login")], "").manner(), "302 with no content type");
    }
}
