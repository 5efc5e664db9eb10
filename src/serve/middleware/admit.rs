//! Who is let in: everybody on the public paths, else whoever shows valid credentials, as often
//! as their limit says.

use super::rate::{self, Shown};
use crate::gateway::limits::Limited;
use crate::serve::auth::{AuthError, Caller};
use crate::serve::error::Refusal;
use crate::serve::router;
use crate::serve::state::App;
use http::{HeaderMap, Uri};
use std::net::SocketAddr;
use std::sync::Arc;

/// A request that may go on.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// Who calls; `None` on public paths.
    pub(crate) caller: Option<Caller>,
    /// What the caller is told of its limit.
    pub(crate) shown: Option<Shown>,
}

/// Judges a request by its target and credentials. `key_id` is whose they are, also of those that
/// are refused although they are genuine.
///
/// # Errors
/// 401, 429 or 503.
pub(crate) async fn admit(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    peer: SocketAddr,
    key_id: &mut Option<Arc<str>>,
) -> Result<Admitted, Refusal> {
    if router::is_public(uri) {
        return Ok(Admitted::default());
    }
    let live = app.live.load();
    // Guessing is slowed down; it costs the server a hash and a look-up in memory.
    let who = Limited::Address(peer.ip());
    let guess = || rate::check(&*app.limiter, &who, live.anonymous_per_minute);
    let mut judged = app.auth.authenticate(headers, app.clock.now());
    let unknown = matches!(judged, Err(AuthError::UnknownKey));
    if unknown {
        guess().await?;
        // A key that was made a moment ago is good at once. If the store has not said that there is
        // none, a key that is still unknown is nobody's fault.
        let looked = app.auth.looked_again().await;
        judged = app.auth.authenticate(headers, app.clock.now());
        if judged == Err(AuthError::UnknownKey) {
            looked?;
        }
    }
    match judged {
        Ok(caller) => {
            *key_id = Some(Arc::clone(&caller.key_id));
            let who = Limited::Key(Arc::clone(&caller.key_id));
            let per_minute = caller.rate.unwrap_or(live.per_minute);
            let shown = rate::check(&*app.limiter, &who, per_minute).await?;
            Ok(Admitted { caller: Some(caller), shown: Some(shown) })
        }
        Err(error @ AuthError::Unavailable { .. }) => Err(error.into()),
        Err(error) => {
            if matches!(error, AuthError::KeyRevoked | AuthError::KeyExpired) {
                *key_id = app.auth.known_id(headers);
            }
            if !unknown {
                guess().await?;
            }
            Err(error.into())
        }
    }
}
