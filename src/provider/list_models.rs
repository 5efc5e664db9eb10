//! The cheap test of a key: listing models costs no tokens and changes nothing. An admin key is
//! tested by a list that only it may see: projects (OpenAI API) or keys (Anthropic API).
//!
//! `GET {base}/models` with `Authorization: Bearer` (OpenAI API), or `GET {base}/v1/models` with
//! `x-api-key` and `anthropic-version` (Anthropic API), and the like at the others. A redirect is not
//! followed: it would carry the key somewhere else.

use super::translation::dialect;
use crate::base::{Secret, redact};
use crate::settings::profile::ProviderKind;
use http::header::{ACCEPT, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use serde_json::Value;
use std::time::{Duration, Instant};
use url::Url;

/// The version of the Anthropic API that we speak.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The version of the API of Azure in which what can be deployed is listed, whatever version else
/// is asked for.
const AZURE_LISTING: &str = "api-version=2024-10-21";

/// How long the whole test may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How much of an answer is read: several times the longest list of models.
const BODY_LIMIT: usize = 4 << 20;

/// What a provider says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyVerdict {
    /// It accepts the key, and lists these models.
    Accepted {
        /// Their names, in the provider's order.
        models: Vec<String>,
    },
    /// It refuses the key, in the words of its API.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// It asks to come back later.
    RateLimited {
        /// In how many seconds, if it says.
        retry_after: Option<u64>,
    },
    /// It could not be asked, or something else than its API answered.
    Unverified {
        /// Why; without anything that was sent.
        why: String,
    },
}

/// Asks the provider at `base_url` whether it accepts `key`, for at most ten seconds.
pub(crate) async fn test_key(kind: ProviderKind, base_url: &Url, key: &Secret) -> KeyVerdict {
    of_key(kind, key, list_models(kind, base_url, key).await)
}

/// What a list says of the key that it was asked for with.
fn of_key(kind: ProviderKind, key: &Secret, listed: KeyVerdict) -> KeyVerdict {
    match listed {
        KeyVerdict::Accepted { .. } if kind == ProviderKind::Ollama && !key.is_empty() => {
            // Everybody may see the list.
            let why = "its list of models is for everybody, and says nothing of a key".to_owned();
            KeyVerdict::Unverified { why }
        }
        verdict => verdict,
    }
}

/// Asks the provider at `base_url` for its models, with `key`, for at most ten seconds. That it lists
/// them need not mean that it accepts the key, see [`test_key`].
pub(crate) async fn list_models(kind: ProviderKind, base_url: &Url, key: &Secret) -> KeyVerdict {
    let page = page_of_key(base_url).filter(|_| !key.is_empty());
    let listed = listed(kind, page, address(kind, base_url), key, DEADLINE).await;
    listed.unwrap_or_else(|why| KeyVerdict::Unverified { why })
}

/// Asks the page of the key, if there is one, and then for the list: for `deadline` in all.
async fn listed(
    kind: ProviderKind,
    page: Option<Url>,
    list: Url,
    key: &Secret,
    deadline: Duration,
) -> Result<KeyVerdict, String> {
    let began = Instant::now();
    if let Some(page) = page {
        match ask(kind, page, key, deadline / 2, Asked::Key).await? {
            KeyVerdict::Accepted { .. } => {}
            verdict => return Ok(verdict),
        }
    }
    ask(kind, list, key, deadline.saturating_sub(began.elapsed()), Asked::List).await
}

/// Where a provider whose list of models everybody may see says what it knows of a key
/// (<https://openrouter.ai/docs/api-reference/limits>).
fn page_of_key(base_url: &Url) -> Option<Url> {
    if base_url.host_str() != Some("openrouter.ai") {
        return None;
    }
    let mut url = base_url.clone();
    url.set_path(&format!("{}/key", base_url.path().trim_end_matches('/')));
    Some(url)
}

/// Asks the admin API at `base_url` whether it accepts `key`, for at most ten seconds. What it lists
/// are no models, and are not named.
pub(crate) async fn test_admin_key(kind: ProviderKind, base_url: &Url, key: &Secret) -> KeyVerdict {
    let mut url = base_url.clone();
    let path = match kind {
        ProviderKind::OpenAi => "organization/projects",
        ProviderKind::Anthropic => "v1/organizations/api_keys",
        ProviderKind::Azure
        | ProviderKind::Google
        | ProviderKind::Cohere
        | ProviderKind::Ollama => {
            let why = "its API has no keys that make keys".to_owned();
            return KeyVerdict::Unverified { why };
        }
    };
    url.set_path(&format!("{}/{path}", base_url.path().trim_end_matches('/')));
    url.set_query(Some("limit=1"));
    match ask(kind, url, key, DEADLINE, Asked::List).await {
        Ok(KeyVerdict::Accepted { .. }) => KeyVerdict::Accepted { models: Vec::new() },
        Ok(verdict) => verdict,
        Err(why) => KeyVerdict::Unverified { why },
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A list.
    List,
    /// What the provider knows of the key.
    Key,
}

async fn ask(
    kind: ProviderKind,
    url: Url,
    key: &Secret,
    deadline: Duration,
    asked: Asked,
) -> Result<KeyVerdict, String> {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        // The server goes without a proxy; a test that takes another way proves nothing.
        .no_proxy()
        .connect_timeout(deadline / 2)
        .timeout(deadline)
        .build()
        .map_err(|e| cause(e, key))?;
    let request = client.get(url).headers(headers(kind, key)?);
    let mut answer = request.send().await.map_err(|e| cause(e, key))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    if status == StatusCode::TOO_MANY_REQUESTS {
        let retry_after =
            headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        return Ok(KeyVerdict::RateLimited { retry_after });
    }
    if status.is_redirection() {
        return Err(format!("{status}: it redirects elsewhere, and a key does not follow"));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| cause(e, key))? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(format!("{status}, with more than {} MiB", BODY_LIMIT >> 20));
        }
        body.extend_from_slice(&chunk);
    }
    judge(status, &body, asked)
}

/// What the answer means.
fn judge(status: StatusCode, body: &[u8], asked: Asked) -> Result<KeyVerdict, String> {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let api = json.as_ref().filter(|json| json.is_object() || json.is_array());
    match (status, api) {
        (_, Some(_)) if status.is_success() && asked == Asked::Key => {
            Ok(KeyVerdict::Accepted { models: Vec::new() })
        }
        (_, Some(json)) if status.is_success() => models(json)
            .map(|models| KeyVerdict::Accepted { models })
            .ok_or_else(|| format!("{status}, but without a list")),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_)) => {
            Ok(KeyVerdict::Refused { status: status.as_u16() })
        }
        (StatusCode::BAD_REQUEST, Some(json)) if blames_key(json) => {
            Ok(KeyVerdict::Refused { status: status.as_u16() })
        }
        (_, Some(_)) => Err(format!("it answers {status}")),
        // A firewall or a sign-in page says nothing about the key.
        (_, None) => Err(format!("it answers {status}, and not as an API does")),
    }
}

/// Whether an error of status 400 says that the key is wrong, as Google and xAI do.
fn blames_key(json: &Value) -> bool {
    let text = json.to_string().to_lowercase();
    ["api key not valid", "api key expired", "incorrect api key"].iter().any(|s| text.contains(s))
}

/// The names in a list of models: `{"data": [{"id": …}]}` (OpenAI and Anthropic API), the list alone
/// (Together), or `{"models": [{"name": …}]}` (Google, Cohere, Ollama).
fn models(json: &Value) -> Option<Vec<String>> {
    let list = json.get("data").or_else(|| json.get("models")).unwrap_or(json).as_array()?;
    let name = |model: &Value| {
        let name = model.get("id").or_else(|| model.get("name"))?.as_str()?;
        // Google's names say that they are names of models.
        Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    Some(list.iter().filter_map(name).collect())
}

fn address(kind: ProviderKind, base_url: &Url) -> Url {
    let mut url = base_url.clone();
    let base = base_url.path().trim_end_matches('/');
    let without = |ending: &str| base.strip_suffix(ending).unwrap_or(base);
    // So many to a page: the most that may be asked for.
    let (path, query) = match kind {
        ProviderKind::OpenAi => (format!("{base}/models"), None),
        ProviderKind::Anthropic => (format!("{base}/v1/models"), Some("limit=1000")),
        ProviderKind::Azure => {
            let root = without("/v1");
            let root = root.strip_suffix("/openai").unwrap_or(root);
            (format!("{root}/openai/models"), Some(AZURE_LISTING))
        }
        ProviderKind::Google => {
            (format!("{}/v1beta/models", without("/v1beta")), Some("pageSize=1000"))
        }
        ProviderKind::Cohere => {
            (format!("{}/v1/models", without("/v2")), Some("page_size=1000&endpoint=chat"))
        }
        ProviderKind::Ollama => (format!("{}/api/tags", without("/api")), None),
    };
    url.set_path(&path);
    url.set_query(query);
    url
}

fn headers(kind: ProviderKind, key: &Secret) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if kind == ProviderKind::Anthropic {
        let version = HeaderValue::from_static(ANTHROPIC_VERSION);
        headers.insert(HeaderName::from_static("anthropic-version"), version);
    }
    // A provider that needs no key is asked without one.
    if key.is_empty() {
        return Ok(headers);
    }
    let credentials = dialect(kind, true)
        .credentials(key)
        .ok_or_else(|| "the value has characters that a header cannot carry".to_owned())?;
    headers.extend(credentials);
    Ok(headers)
}

/// The innermost cause, without the address and without the key.
fn cause(error: reqwest::Error, key: &Secret) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let why = super::client::root_cause(&error);
    redact::Redactor::new([key.clone()]).clean(&why)
}

#[cfg(test)]
#[path = "list_models_tests.rs"]
mod tests;
