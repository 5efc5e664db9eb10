//! What the stack has found out about a request, for the handlers.

use super::auth::Caller;
use super::error::Refusal;
use super::surface::Surface;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// A request as far as it is known before its handler runs.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) request_id: Arc<str>,
    /// The API it speaks.
    pub(crate) surface: Surface,
    /// Who calls; `None` on public paths.
    pub(crate) caller: Option<Caller>,
    /// Where it comes from.
    pub(crate) peer: SocketAddr,
    /// When its head was there.
    pub(crate) started: Instant,
}

impl Seen {
    /// What the stack has put on a request.
    ///
    /// # Errors
    /// 500: the request did not come through the stack.
    pub(crate) fn of(extensions: &http::Extensions) -> Result<Arc<Self>, Refusal> {
        extensions.get::<Arc<Self>>().cloned().ok_or_else(super::error::internal)
    }

    /// Who calls.
    ///
    /// # Errors
    /// 401 if nobody has said so.
    pub(crate) fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or_else(|| super::auth::AuthError::Missing.into())
    }
}
