//! A limit for all that it takes until a connection stands.

use http::Uri;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::Service;

type BoxError = Box<dyn Error + Send + Sync>;

/// A connector whose connections stand within a limit, or are none: the name has to be resolved and,
/// with TLS, hands to be shaken in that time too. Connectors themselves bound only what TCP takes,
/// address by address.
#[derive(Clone, Debug)]
pub(super) struct Within<C> {
    connector: C,
    limit: Duration,
}

impl<C> Within<C> {
    pub(super) fn new(connector: C, limit: Duration) -> Self {
        Self { connector, limit }
    }
}

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = C::Response;
    /// An I/O error of the kind `TimedOut` when the time is over.
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connected = tokio::time::timeout(self.limit, self.connector.call(to));
        Box::pin(async move {
            let late = |_| BoxError::from(io::Error::from(io::ErrorKind::TimedOut));
            connected.await.map_err(late)?.map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::{ServiceExt as _, service_fn};

    #[tokio::test(start_paused = true)]
    async fn whatever_a_connection_waits_for_it_stands_within_its_limit() {
        let limit = Duration::from_secs(3);
        let after = |seconds| {
            Within::new(
                service_fn(move |_: Uri| async move {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    Ok::<_, io::Error>("connected")
                }),
                limit,
            )
        };
        let uri = Uri::from_static("https://example.com/v1");
        assert_eq!(after(2).oneshot(uri.clone()).await.unwrap(), "connected");
        let began = tokio::time::Instant::now();
        let error = after(4).oneshot(uri.clone()).await.unwrap_err();
        let error = error.downcast_ref::<io::Error>().unwrap();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, limit));
        let refused = service_fn(|_: Uri| async {
            Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused))
        });
        let error = Within::new(refused, limit).oneshot(uri).await.unwrap_err();
        let error = error.downcast_ref::<io::Error>().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
