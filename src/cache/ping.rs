//! Whether a Redis answers with the credentials of a URL: one connection, one `PING`.

use super::redis::cause;
use crate::base::{Secret, redact};
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError};
use std::time::Duration;

/// What a Redis says of a URL's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ping {
    /// It accepts them and answers.
    Answered,
    /// It does not accept them, or the URL cannot be used.
    Refused(String),
    /// It could not be asked.
    Unreachable(String),
}

/// Where a URL leads to, fit for people, and what the Redis there says of its credentials within
/// `deadline`.
pub(crate) async fn ping(url: &Secret, deadline: Duration) -> (String, Ping) {
    let at = redact::url(url.expose());
    // The library's message may quote the URL.
    let Ok(client) = Client::open(url.expose()) else {
        return (at, Ping::Refused("the URL cannot be used".to_owned()));
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(deadline))
        .set_response_timeout(Some(deadline));
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await
    };
    let said = match tokio::time::timeout(deadline, asked).await {
        Ok(Ok(())) => Ping::Answered,
        Ok(Err(e)) if refuses(&e) => Ping::Refused("it does not accept the credentials".to_owned()),
        Ok(Err(e)) => Ping::Unreachable(cause(&e)),
        Err(_) => Ping::Unreachable("no answer in time".to_owned()),
    };
    (at, said)
}

/// Whether it is the credentials that are wrong, missing, or worth too little.
fn refuses(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"))
}
