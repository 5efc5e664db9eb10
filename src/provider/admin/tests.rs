//! Issuers against a server that plays their API, and against one that plays tricks.

use super::*;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const CANARY: &str = "sk-admin-canary-5d20b7";

/// A server that answers each request, given as `METHOD path body`, by `answer`.
struct Fake {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut bytes = Vec::new();
                    let mut chunk = [0; 4096];
                    let request = loop {
                        let n = stream.read(&mut chunk).await.unwrap_or(0);
                        bytes.extend_from_slice(&chunk[..n]);
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let Some((head, body)) = text.split_once("\r\n\r\n") else {
                            assert!(n > 0);
                            continue;
                        };
                        let length = head
                            .lines()
                            .find_map(|l| {
                                l.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
                            })
                            .unwrap_or(0);
                        if body.len() >= length {
                            let line = head.lines().next().unwrap();
                            let line = line.trim_end_matches(" HTTP/1.1");
                            break format!("{line} {body}").trim_end().to_owned();
                        }
                    };
                    let said = answer(&request);
                    seen.lock().unwrap().push(request);
                    let _ = stream.write_all(said.as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            });
        });
        Self { base: format!("http://{}", told.recv().unwrap()), asked }
    }

    fn openai(&self, project: Option<&str>) -> openai::OpenAi {
        let base = format!("{}/v1", self.base).parse().unwrap();
        openai::OpenAi::new(&base, &Secret::new(CANARY), project.map(str::to_owned)).unwrap()
    }

    fn anthropic(&self) -> anthropic::Anthropic {
        let base = self.base.parse().unwrap();
        anthropic::Anthropic::new(&base, &Secret::new(CANARY)).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn says(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn ok(body: &Value) -> String {
    says("200 OK", &body.to_string())
}

fn page(data: &Value, more: bool) -> String {
    ok(&json!({ "object": "list", "data": data, "has_more": more }))
}

const ACCOUNTS: &str = "/v1/organization/projects/proj_1/service_accounts";

#[test]
fn openai_makes_one_account_a_tag_and_takes_it_away() {
    let fake = Fake::start(|request| match request {
        r if r.starts_with("POST") => ok(&json!({
            "object": "organization.project.service_account", "id": "svc_3", "name": "t",
            "role": "member", "created_at": 1,
            "api_key": { "object": "organization.project.service_account.api_key",
                         "id": "key_3", "value": "sk-new", "name": "Secret Key", "created_at": 1 },
        })),
        r if r.starts_with("DELETE") && r.contains("svc_gone") => {
            says("404 Not Found", r#"{"error":{"message":"no such account"}}"#)
        }
        r if r.starts_with("DELETE") => ok(&json!({ "id": "x", "deleted": true })),
        r if r.contains("after=svc_1") => {
            page(&json!([{ "id": "svc_2", "name": "tag/v2" }]), false)
        }
        _ => page(&json!([{ "id": "svc_1", "name": "theirs" }]), true),
    });
    let issuer = fake.openai(Some("proj_1"));
    let issued = issuer.create("tag/v2").unwrap();
    assert_eq!(issued.value.expose(), "sk-new");
    assert_eq!(issued.remote.account.as_deref(), Some("svc_3"));
    assert_eq!(issued.remote.key.as_deref(), Some("key_3"));
    assert_eq!(
        fake.asked(),
        [
            format!("GET {ACCOUNTS}?limit=100"),
            format!("GET {ACCOUNTS}?limit=100&after=svc_1"),
            format!("DELETE {ACCOUNTS}/svc_2"),
            format!(r#"POST {ACCOUNTS} {{"name":"tag/v2"}}"#),
        ]
    );
    issuer.delete(&issued.remote).unwrap();
    let gone = Remote { account: Some("svc_gone".into()), ..issued.remote.clone() };
    issuer.delete(&gone).unwrap();
    let theirs = Remote { account: None, key: Some("../key".into()), ..issued.remote };
    issuer.delete(&theirs).unwrap();
    let asked = fake.asked();
    assert!(asked[2].ends_with("/proj_1/api_keys/..%2Fkey"), "{asked:?}");
    assert_eq!(issuer.disable(&gone), Err(IssuerError::Unable));
    assert!(!fake.openai(None).can().create);
    assert_eq!(fake.openai(None).create("t").unwrap_err(), IssuerError::Unable);
}

#[test]
fn openai_lists_accounts_with_their_keys_and_keys_of_people() {
    let fake = Fake::start(|request| match request {
        r if r.contains("service_accounts") => {
            page(&json!([{ "id": "svc_1", "name": "tag", "created_at": 60 }]), false)
        }
        r if r.contains("api_keys") => page(
            &json!([
                { "id": "key_1", "redacted_value": "sk-svc...abcd",
                  "owner": { "type": "service_account", "service_account": { "id": "svc_1" } } },
                { "id": "key_2", "name": "mine", "redacted_value": "sk-ab*****wxyz",
                  "owner": { "type": "user", "user": { "id": "u" } } },
            ]),
            false,
        ),
        _ => page(&json!([{ "id": "proj_1" }]), false),
    });
    let issuer = fake.openai(None);
    let listed = issuer.list().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (listed[0].name.as_str(), listed[0].hint.as_deref()),
        ("tag", Some("sk-svc...abcd"))
    );
    fake.asked();
    assert_eq!(issuer.recognise(&Secret::new("sk-ab-0123456789-wxyz")).unwrap(), None);
    assert!(fake.asked().is_empty(), "deleting is for good: a likeness is no ground for it");
}

#[test]
fn anthropic_sets_keys_inactive_and_makes_none() {
    let key = |id: &str, status: &str| {
        json!({ "id": id, "type": "api_key", "name": "k", "status": status,
                "created_at": "2024-10-30T23:58:27.427722Z", "workspace_id": null,
                "partial_key_hint": "sk-ant-api03-R2D...igAA" })
    };
    let fake = Fake::start(move |request| match request {
        r if r.contains("stubborn") => ok(&key("stubborn", "active")),
        r if r.starts_with("GET") && r.ends_with("pretender") => ok(&key("pretender", "active")),
        r if r.contains("/apikey_1") || r.contains("pretender") => ok(&key("x", "inactive")),
        _ => page(&json!([key("apikey_1", "active"), key("apikey_0", "archived")]), false),
    });
    let issuer = fake.anthropic();
    let remote = issuer.recognise(&Secret::new("sk-ant-api03-R2D-0123-igAA")).unwrap().unwrap();
    assert_eq!(remote.key.as_deref(), Some("apikey_1"));
    issuer.disable(&remote).unwrap();
    issuer.delete(&remote).unwrap();
    let at = "/v1/organizations/api_keys";
    assert_eq!(
        fake.asked(),
        [
            format!("GET {at}?limit=1000"),
            format!(r#"POST {at}/apikey_1 {{"status":"inactive"}}"#),
            format!("GET {at}/apikey_1"),
            format!(r#"POST {at}/apikey_1 {{"status":"archived"}}"#),
            format!("GET {at}/apikey_1"),
        ]
    );
    for name in ["stubborn", "pretender"] {
        let active = Remote { key: Some(name.into()), ..remote.clone() };
        assert!(matches!(issuer.disable(&active), Err(IssuerError::Malformed(_))), "{name}");
    }
    assert_eq!(issuer.create("t").unwrap_err(), IssuerError::Unable);
}

#[test]
fn what_an_issuer_says_is_told_apart_and_not_quoted() {
    let quoting = format!(r#"{{"error":{{"message":"wrong key {CANARY}"}}}}"#);
    let html = format!("<html>{CANARY}</html>");
    let never = json!({ "data": [{ "id": "same" }], "has_more": true, "last_id": "same" });
    for (head, body, wanted) in [
        ("401 Unauthorized", quoting.as_str(), "refuses with 401"),
        ("403 Forbidden", &html, "not as an API does"),
        ("429 Too Many Requests\r\nretry-after: 7", &quoting, "later"),
        ("500 Internal Server Error", &quoting, "500"),
        ("502 Bad Gateway", &html, "502"),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", "", "redirects"),
        ("200 OK", &html, "not as an API does"),
        ("200 OK", r#"{"data":7}"#, "without `data`"),
        ("200 OK", &never.to_string(), "do not go on"),
    ] {
        let answer = says(head, body);
        let fake = Fake::start(move |_| answer.clone());
        for issuer in [&fake.openai(Some("p")) as &dyn Issuer, &fake.anthropic()] {
            let error = issuer.list().unwrap_err();
            assert!(error.to_string().contains(wanted), "{head}: {error}");
            assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
        }
        assert!(fake.asked().len() <= 4, "{head} is not asked again and again");
    }
    let fake = Fake::start(|r| match r {
        r if r.starts_with("GET") => page(&json!([]), false),
        r if r.starts_with("DELETE") => ok(&json!({ "deleted": false })),
        _ => ok(&json!({ "id": "svc", "api_key": null })),
    });
    let error = fake.openai(Some("p")).create("t").unwrap_err();
    assert!(error.to_string().contains("without a key"), "{error}");
    let remote =
        Remote { issuer: "openai".into(), project: None, account: Some("a".into()), key: None };
    let error = fake.openai(Some("p")).delete(&remote).unwrap_err();
    assert!(matches!(error, IssuerError::Malformed(_)));
}

#[test]
fn a_silent_or_absent_issuer_is_given_up_on() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base: Url = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
    let api = api::Api::new(base.clone(), http::HeaderMap::new(), Secret::new(CANARY))
        .hasty(Duration::from_millis(200));
    let error = api.act(async |s| s.all(&["x"], "1", "after").await).unwrap_err();
    assert_eq!(error, IssuerError::Unreachable("no answer in time".into()));
    drop(silent);
    let absent = anthropic::Anthropic::new(&base, &Secret::new(CANARY)).unwrap();
    assert!(matches!(absent.list(), Err(IssuerError::Unreachable(why)) if why.contains("refused")));
    let odd = Secret::new("line\nbreak");
    assert!(anthropic::Anthropic::new(&base, &odd).is_err());
}

#[test]
fn a_hint_fits_the_value_it_was_made_of() {
    for (hint, value, fit) in [
        ("sk-ab...wxyz", "sk-ab12345wxyz", true),
        ("sk-ab****wxyz", "sk-ab12345wxyz", true),
        ("sk-ab…wxyz", "sk-ac12345wxyz", false),
        ("sk-ab...wxyz", "sk-abwxyz", false),
        ("sk-ab...xyz", "sk-ab12345xyz", false),
        ("sk-ab12345wxyz", "sk-ab12345wxyz", false),
        ("****", "sk-ab12345wxyz", false),
    ] {
        assert_eq!(fits(hint, value), fit, "{hint} {value}");
    }
}
