//! Connections of HTTP/2, which all requests to a provider share, against one that speaks it.
//!
//! They are made without TLS, by servers and clients who know of each other what they speak.

use super::*;
use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

type Shared = Pool<Within<HttpConnector>, Full<Bytes>>;

const PIECE: usize = 64 << 10;

/// Longer than anything takes here that comes to its end.
const PATIENCE: Duration = Duration::from_secs(30);

fn shared(probes: Probes) -> Shared {
    let limit = Duration::from_secs(5);
    pool(probes).http2_only(true).build(Within::new(connector(limit), limit))
}

/// A provider that answers `/N` with N pieces, and how many it has given out.
async fn provider() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let given = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&given);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            let answer = service_fn(move |request: Request<Incoming>| {
                let pieces: usize = request.uri().path().trim_matches('/').parse().unwrap();
                let count = Arc::clone(&count);
                let body = stream::iter(0..pieces).map(move |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; PIECE])))
                });
                async move { Ok::<_, Infallible>(Response::new(StreamBody::new(body))) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    });
    (addr, given)
}

/// Passes connections on to `to`. Those that are open when `lose` is told are lost from then on, as a
/// balancer loses them that forgets: nothing of them arrives any more, and nobody hears of it.
async fn forgetful(to: SocketAddr) -> (SocketAddr, Arc<Notify>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (lose, accepted) = (Arc::<Notify>::default(), Arc::<AtomicUsize>::default());
    let (told, count) = (Arc::clone(&lose), Arc::clone(&accepted));
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = told.notified() => std::future::pending().await,
                }
            });
        }
    });
    (addr, lose, accepted)
}

async fn asked(shared: &Shared, addr: SocketAddr, pieces: usize) -> Response<Incoming> {
    let uri = format!("http://{addr}/{pieces}");
    let request = Request::post(uri).body(Full::new(Bytes::from_static(b"{}"))).unwrap();
    shared.request(request).await.unwrap()
}

async fn whole(shared: &Shared, addr: SocketAddr, pieces: usize) -> usize {
    asked(shared, addr, pieces).await.into_body().collect().await.unwrap().to_bytes().len()
}

#[tokio::test]
async fn answers_that_nobody_reads_hold_no_other_up() {
    let (addr, given) = provider().await;
    let shared = shared(PROBES);
    let mut unread = Vec::new();
    for _ in 0..12 {
        unread.push(asked(&shared, addr, 64).await);
    }
    // More than a connection holds of all of them where nobody says otherwise.
    let held = async {
        while given.load(Ordering::Relaxed) * PIECE <= 5 << 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let _ = timeout(PATIENCE, held).await;
    let others = timeout(PATIENCE, whole(&shared, addr, 40)).await;
    assert_eq!(others.expect("held up"), 40 * PIECE);
    // And what was held up is all there.
    for answer in unread {
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), 64 * PIECE);
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_is_found_out_and_replaced() {
    let (provider, _) = provider().await;
    let (addr, lose, accepted) = forgetful(provider).await;
    let probes = Probes { after: Duration::from_millis(200), patience: Duration::from_millis(200) };
    let shared = shared(probes);
    for _ in 0..3 {
        assert_eq!(whole(&shared, addr, 1).await, PIECE);
    }
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
    lose.notify_waiters();
    let request = Request::post(format!("http://{addr}/1")).body(Full::default()).unwrap();
    let lost = timeout(PATIENCE, shared.request(request)).await.expect("nobody found out");
    assert!(!lost.unwrap_err().is_connect());
    assert_eq!(whole(&shared, addr, 1).await, PIECE);
    assert_eq!(accepted.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_answer_that_takes_its_time_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let answer = service_fn(|_| async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        server.serve_connection(TokioIo::new(stream), answer).await.unwrap();
    });
    // Silent for many times what a connection may be, but it says so when asked.
    let patience = Duration::from_secs(1);
    let shared = shared(Probes { after: Duration::from_millis(50), patience });
    assert_eq!(whole(&shared, addr, 1).await, 2);
}
