//! Connections without TLS against providers that keep, close and cut them.

use super::*;
use http_body_util::BodyExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What a provider does with a request, and whether it keeps the connection.
type Script = fn(usize) -> (&'static [&'static str], bool);

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A provider under the tests' control.
struct Provider {
    uri: String,
    accepted: Arc<AtomicUsize>,
    heads: mpsc::UnboundedReceiver<String>,
    /// Connections that their clients have ended.
    ended: Arc<AtomicUsize>,
}

/// Reads one request; `None` at the end of the connection.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

async fn provider(script: Script) -> Provider {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    let (accepted, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (tell, heads) = mpsc::unbounded_channel();
    let (count, gone) = (Arc::clone(&accepted), Arc::clone(&ended));
    tokio::spawn(async move {
        let answered = Arc::new(AtomicUsize::new(0));
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let (tell, answered, gone) = (tell.clone(), Arc::clone(&answered), Arc::clone(&gone));
            tokio::spawn(async move {
                while let Some(text) = request(&mut stream).await {
                    tell.send(text).unwrap();
                    let (pieces, keeps) = script(answered.fetch_add(1, Ordering::Relaxed));
                    for piece in pieces {
                        stream.write_all(piece.as_bytes()).await.unwrap();
                        stream.flush().await.unwrap();
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    if !keeps {
                        return;
                    }
                }
                gone.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    Provider { uri, accepted, heads, ended }
}

impl Provider {
    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits until clients have ended so many connections.
    async fn sees_ended(&self, count: usize) {
        let all = async {
            while self.ended.load(Ordering::Relaxed) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    }
}

fn client() -> Client {
    Client::new(Duration::from_secs(5)).unwrap()
}

async fn send(client: &Client, uri: &str) -> Result<Response<Received>, Failure> {
    send_noting(client, uri, &mut false).await
}

async fn send_noting(
    client: &Client,
    uri: &str,
    sent: &mut bool,
) -> Result<Response<Received>, Failure> {
    let body = Full::new(Bytes::from_static(b"{}"));
    client.send(Request::post(uri).body(body).unwrap(), None, sent).await
}

async fn whole(client: &Client, uri: &str) -> Bytes {
    send(client, uri).await.unwrap().into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn a_connection_is_used_again_and_the_request_names_its_host() {
    let mut provider = provider(|_| (&[WHOLE], true)).await;
    let client = client();
    for _ in 0..5 {
        assert_eq!(whole(&client, &provider.uri).await, "ok");
    }
    assert_eq!(provider.accepted(), 1);
    let head = provider.heads.recv().await.unwrap();
    let host = provider.uri.trim_start_matches("http://").split('/').next().unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nhost: {host}\r\n")), "{head}");
}

#[tokio::test]
async fn a_request_meets_no_connection_that_was_ended_while_nobody_used_it() {
    let provider = provider(|_| (&[WHOLE], false)).await;
    let client = client();
    for n in 1..5 {
        assert_eq!(whole(&client, &provider.uri).await, "ok");
        assert_eq!(provider.accepted(), n);
        // Long enough for the end to arrive.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn however_many_kept_connections_have_ended_a_request_goes_on() {
    let provider = provider(|_| (&[WHOLE], true)).await;
    let to: Authority = provider.uri.parse::<Uri>().unwrap().authority().unwrap().clone();
    // A task may do so much before it has to let others go first: whichever step uses that up.
    for spent in 0..3 {
        let client = client();
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for _ in 0..150 {
            let stream = TcpStream::connect(gone.local_addr().unwrap()).await.unwrap();
            let (other_end, _) = gone.accept().await.unwrap();
            let driven = Driven::on(Tcp::of(stream)).await.unwrap();
            client.idle.keep(to.clone(), driven);
            drop(other_end);
        }
        // Long enough for the ends to arrive.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let uri = provider.uri.clone();
        let asked = tokio::spawn(async move {
            for _ in 0..spent {
                tokio::task::consume_budget().await;
            }
            whole(&client, &uri).await
        });
        let answered = tokio::time::timeout(Duration::from_secs(20), asked).await;
        assert_eq!(answered.unwrap().unwrap(), "ok");
    }
}

#[tokio::test]
async fn an_answer_in_pieces_is_waited_for_and_its_connection_used_again() {
    const PIECES: &[&str] = &[
        "HTTP/1.1 200 OK\r\ntransfer-enco",
        "ding: chunked\r\n\r\n",
        "5\r\nhello\r\n",
        "6\r\n world\r\n0",
        "\r\n\r\n",
    ];
    let provider = provider(|_| (PIECES, true)).await;
    let client = client();
    for _ in 0..3 {
        let body = whole(&client, &provider.uri).await;
        assert_eq!(body, "hello world");
    }
    assert_eq!(provider.accepted(), 1);
}

#[tokio::test]
async fn requests_at_a_time_have_connections_of_their_own_and_leave_them_to_others() {
    let provider =
        provider(|_| (&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "ok"], true)).await;
    let client = client();
    for _ in 0..3 {
        let (one, two) = tokio::join!(whole(&client, &provider.uri), whole(&client, &provider.uri));
        assert_eq!((&one[..], &two[..]), (&b"ok"[..], &b"ok"[..]));
    }
    assert_eq!(provider.accepted(), 2);
}

#[tokio::test]
async fn whoever_goes_away_ends_the_connection() {
    let provider = provider(|n| match n {
        0 => (&[], true),
        _ => (&["HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n", "the beginning"], true),
    })
    .await;
    let client = client();
    let mut sent = false;
    let unanswered = send_noting(&client, &provider.uri, &mut sent);
    assert!(tokio::time::timeout(Duration::from_millis(200), unanswered).await.is_err());
    assert!(sent);
    provider.sees_ended(1).await;
    let mut unread = send(&client, &provider.uri).await.unwrap().into_body();
    assert!(unread.frame().await.unwrap().is_ok());
    drop(unread);
    provider.sees_ended(2).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_is_told_from_a_whole_one() {
    let provider = provider(|n| match n {
        0 => (&["HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nthe beginning"], false),
        1 => (&["HTTP/1.1 200 O"], false),
        2 => (&["SSH-2.0-OpenSSH_9.2\r\n\r\n"], false),
        _ => (&["HTTP/1.1 200 OK\r\n\r\nto the end of the connection"], false),
    })
    .await;
    let client = client();
    let cut = send(&client, &provider.uri).await.unwrap();
    assert!(cut.into_body().collect().await.is_err());
    let failure = send(&client, &provider.uri).await.unwrap_err();
    assert!(matches!(failure, Failure::Transport(_)), "{failure:?}");
    let failure = send(&client, &provider.uri).await.unwrap_err();
    assert!(matches!(failure, Failure::Malformed(_)), "{failure:?}");
    assert_eq!(whole(&client, &provider.uri).await, "to the end of the connection");
}

#[tokio::test]
async fn nobody_there_is_told_from_a_broken_connection() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    for scheme in ["http", "https"] {
        let mut sent = false;
        let uri = format!("{scheme}://{addr}/v1/models");
        let failure = send_noting(&client(), &uri, &mut sent).await.unwrap_err();
        assert!(matches!(failure, Failure::Connect(_)), "{failure:?}");
        assert!(!sent);
    }
}

#[test]
fn the_host_is_named_without_credentials_and_the_usual_port() {
    for (uri, host) in [
        ("http://example.com/v1?x=1", "example.com"),
        ("http://example.com:80/v1?x=1", "example.com"),
        ("http://example.com:8080/v1?x=1", "example.com:8080"),
        ("http://user:word@example.com/v1?x=1", "example.com"),
        ("http://[::1]:8080/v1?x=1", "[::1]:8080"),
    ] {
        let mut request = Request::post(uri).body(Full::default()).unwrap();
        let to = request.uri().authority().unwrap().clone();
        assert_eq!(origin(&mut request, &to), uri);
        assert_eq!(
            (request.headers()[HOST].to_str().unwrap(), request.uri().to_string().as_str()),
            (host, "/v1?x=1")
        );
    }
}
