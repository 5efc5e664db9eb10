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
use std::time::Duration;
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
    let listed = async {
        if let Some(page) = page_of_key(base_url).filter(|_| !key.is_empty()) {
            match ask(kind, page, key, DEADLINE / 2, Asked::Key).await? {
                KeyVerdict::Accepted { .. } => {}
                verdict => return Ok(verdict),
            }
        }
        ask(kind, address(kind, base_url), key, DEADLINE, Asked::List).await
    };
    listed.await.unwrap_or_else(|why| KeyVerdict::Unverified { why })
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
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const CANARY: &str = "sk-canary-91c7";

    /// Answers one request with `answer`; what was asked, and what the verdict is.
    async fn exchange(kind: ProviderKind, path: &str, answer: &str) -> (String, KeyVerdict) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Url = format!("http://{}{path}", listener.local_addr().unwrap()).parse().unwrap();
        let answer = answer.to_owned();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            let mut chunk = [0; 4096];
            while !asked.windows(4).any(|w| w == b"\r\n\r\n") {
                let n = stream.read(&mut chunk).await.unwrap();
                asked.extend_from_slice(&chunk[..n]);
            }
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
            String::from_utf8(asked).unwrap()
        });
        let verdict = list_models(kind, &base, &Secret::new(CANARY)).await;
        (server.await.unwrap(), verdict)
    }

    fn answer(head: &str, body: &str) -> String {
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_accepted_key_lists_models() {
        let body = r#"{"object":"list","data":[{"id":"a"},{"id":"b"}]}"#;
        let (asked, verdict) = exchange(ProviderKind::OpenAi, "/v1", &answer("200 OK", body)).await;
        assert!(asked.starts_with("GET /v1/models HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains(&format!("authorization: Bearer {CANARY}\r\n")), "{asked}");
        assert_eq!(verdict, KeyVerdict::Accepted { models: vec!["a".into(), "b".into()] });

        let (asked, verdict) =
            exchange(ProviderKind::Anthropic, "/", &answer("200 OK", body)).await;
        assert!(asked.starts_with("GET /v1/models?limit=1000 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains(&format!("x-api-key: {CANARY}\r\n")), "{asked}");
        assert!(asked.contains("anthropic-version: 2023-06-01\r\n"), "{asked}");
        assert!(matches!(verdict, KeyVerdict::Accepted { .. }));
    }

    #[tokio::test]
    async fn lists_are_read_in_every_form_and_need_no_key_where_there_is_none() {
        let (_, verdict) =
            exchange(ProviderKind::OpenAi, "/v1", &answer("200 OK", r#"[{"id":"a"}]"#)).await;
        assert_eq!(verdict, KeyVerdict::Accepted { models: vec!["a".into()] });
        let headers = headers(ProviderKind::OpenAi, &Secret::new("")).unwrap();
        assert!(!headers.contains_key("authorization"));
    }

    #[tokio::test]
    async fn every_api_is_asked_in_its_own_way() {
        let named = r#"{"models":[{"name":"models/a"},{"name":"b"}]}"#;
        for (kind, path, line, header) in [
            (ProviderKind::Google, "/", "GET /v1beta/models?pageSize=1000 ", "x-goog-api-key: "),
            (ProviderKind::Google, "/x/v1beta", "GET /x/v1beta/models?", "x-goog-api-key: "),
            (
                ProviderKind::Cohere,
                "/v2/",
                "GET /v1/models?page_size=1000&",
                "authorization: Bearer ",
            ),
            (
                ProviderKind::Azure,
                "/openai/v1?api-version=x",
                "GET /openai/models?api-version=2",
                "api-key: ",
            ),
        ] {
            let (asked, verdict) = exchange(kind, path, &answer("200 OK", named)).await;
            assert!(asked.starts_with(line), "{asked}");
            assert!(asked.contains(&format!("\r\n{header}{CANARY}\r\n")), "{asked}");
            assert_eq!(verdict, KeyVerdict::Accepted { models: vec!["a".into(), "b".into()] });
        }
        let (asked, verdict) = exchange(ProviderKind::Ollama, "/", &answer("200 OK", named)).await;
        assert!(asked.starts_with("GET /api/tags "), "{asked}");
        assert_eq!(verdict, KeyVerdict::Accepted { models: vec!["a".into(), "b".into()] });
        let of_key = |key: &str| of_key(ProviderKind::Ollama, &Secret::new(key), verdict.clone());
        assert!(matches!(of_key(CANARY), KeyVerdict::Unverified { .. }), "anybody may see it");
        assert_eq!(of_key(""), verdict);
        let invalid = answer("401 Unauthorized", r#"{"message":"invalid api token"}"#);
        let (_, verdict) = exchange(ProviderKind::Cohere, "/", &invalid).await;
        assert_eq!(verdict, KeyVerdict::Refused { status: 401 });
    }

    #[test]
    fn where_lists_are_public_the_key_has_a_page_of_its_own() {
        let page = |base: &str| page_of_key(&base.parse().unwrap()).map(String::from);
        let own = "https://openrouter.ai/api/v1/key";
        assert_eq!(page("https://openrouter.ai/api/v1/").as_deref(), Some(own));
        assert_eq!(page("https://api.openai.com/v1"), None);
        let known = br#"{"data":{"label":"x"}}"#;
        assert!(judge(StatusCode::OK, known, Asked::Key).is_ok());
        assert!(judge(StatusCode::OK, known, Asked::List).is_err());
    }

    #[tokio::test]
    async fn only_the_api_itself_refuses_a_key() {
        let json = r#"{"error":{"message":"Incorrect API key"}}"#;
        let html = "<html>blocked</html>";
        let google = r#"[{"error":{"code":400,"message":"API key not valid."}}]"#;
        let xai = r#"{"code":"invalid","error":"Incorrect API key provided: xa***"}"#;
        for (head, body, refused) in [
            ("401 Unauthorized", json, true),
            ("403 Forbidden", json, true),
            ("400 Bad Request", google, true),
            ("400 Bad Request", xai, true),
            ("400 Bad Request", json.replace("Incorrect", "Odd").as_str(), false),
            ("401 Unauthorized", html, false),
            ("403 Forbidden", html, false),
            ("403 Forbidden", "", false),
            ("200 OK", html, false),
            ("200 OK", r#"{"data":"none"}"#, false),
            ("500 Internal Server Error", json, false),
            ("404 Not Found", json, false),
        ] {
            let (_, verdict) = exchange(ProviderKind::OpenAi, "/v1", &answer(head, body)).await;
            match verdict {
                KeyVerdict::Refused { .. } => assert!(refused, "{head} {body}"),
                KeyVerdict::Unverified { .. } => assert!(!refused, "{head} {body}"),
                other => panic!("{head} {body}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn later_is_neither_yes_nor_no() {
        let limited = "429 Too Many Requests\r\nretry-after: 7";
        let (_, verdict) = exchange(ProviderKind::OpenAi, "/v1", &answer(limited, "")).await;
        assert_eq!(verdict, KeyVerdict::RateLimited { retry_after: Some(7) });
    }

    #[tokio::test]
    async fn a_key_follows_no_redirect_and_is_not_quoted() {
        let elsewhere = "302 Found\r\nlocation: http://127.0.0.1:1/steal";
        let (_, verdict) = exchange(ProviderKind::OpenAi, "/v1", &answer(elsewhere, "")).await;
        assert!(matches!(&verdict, KeyVerdict::Unverified { why } if why.contains("302")));

        let (_, verdict) = exchange(ProviderKind::OpenAi, "/v1", "no http at all").await;
        assert!(matches!(verdict, KeyVerdict::Unverified { .. }));
        assert!(!format!("{verdict:?}").contains(CANARY));
    }

    #[tokio::test]
    async fn a_silent_or_absent_provider_is_unverified() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Url = format!("http://{}/v1", listener.local_addr().unwrap()).parse().unwrap();
        let key = Secret::new(CANARY);
        let silent =
            ask(ProviderKind::OpenAi, base.clone(), &key, Duration::from_millis(200), Asked::List)
                .await;
        assert_eq!(silent.unwrap_err(), "no answer in time");
        drop(listener);
        let absent = list_models(ProviderKind::OpenAi, &base, &key).await;
        assert!(matches!(&absent, KeyVerdict::Unverified { why } if why.contains("refused")));

        let odd = Secret::new("line\nbreak");
        let odd = list_models(ProviderKind::OpenAi, &base, &odd).await;
        assert!(matches!(&odd, KeyVerdict::Unverified { why } if why.contains("header")));
    }
}
