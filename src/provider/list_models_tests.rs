//! What a key is worth by what the list of models answers.

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

    let (asked, verdict) = exchange(ProviderKind::Anthropic, "/", &answer("200 OK", body)).await;
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
        (ProviderKind::Cohere, "/v2/", "GET /v1/models?page_size=1000&", "authorization: Bearer "),
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

#[tokio::test]
async fn the_page_of_a_key_and_the_list_share_one_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async move {
        // The page comes late, the list never.
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::time::sleep(Duration::from_millis(900)).await;
        stream.write_all(answer("200 OK", "{}").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let silent = listener.accept().await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        drop(silent);
    });
    let began = Instant::now();
    let key = Secret::new(CANARY);
    let deadline = Duration::from_secs(2);
    let asked = listed(ProviderKind::OpenAi, Some(url.clone()), url, &key, deadline).await;
    assert_eq!(asked.unwrap_err(), "no answer in time");
    let took = began.elapsed();
    // Both on their own would take 2.9 s.
    assert!(took >= Duration::from_millis(1900) && took < Duration::from_millis(2700), "{took:?}");
    server.abort();
}
