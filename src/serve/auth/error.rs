//! Why a caller is not let in. A store that is away is never the caller's fault: it is 503, not
//! 401.

use http::StatusCode;

/// Why a caller is not let in. The texts go to the caller and say nothing that helps to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    /// No credentials at all.
    #[error("no credentials: send `Authorization: Bearer …` or `x-api-key`")]
    Missing,
    /// Credentials that are malformed, or a token that was not issued for this server.
    #[error("the token is not valid")]
    InvalidToken,
    /// A token that was valid.
    #[error("the token has expired")]
    TokenExpired,
    /// A service key that nobody knows, or whose secret is wrong.
    #[error("the API key is not valid")]
    InvalidKey,
    /// A service key that the store did not have when it was read last.
    #[error("the API key is not valid")]
    UnknownKey,
    /// A service key that has ended by itself.
    #[error("the API key has expired")]
    KeyExpired,
    /// A service key that was taken back.
    #[error("the API key has been revoked")]
    KeyRevoked,
    /// Known credentials that lack a scope; the scope that is needed.
    #[error("the credentials lack the scope `{0}`")]
    Forbidden(&'static str),
    /// Who calls cannot be told at present.
    #[error("callers cannot be identified at present, try again")]
    Unavailable {
        /// When to try again, seconds.
        retry_after: u32,
    },
}

impl AuthError {
    /// The stable code that clients may branch on.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_token",
            Self::InvalidToken => "invalid_token",
            Self::TokenExpired => "token_expired",
            Self::InvalidKey | Self::UnknownKey => "invalid_api_key",
            Self::KeyExpired => "api_key_expired",
            Self::KeyRevoked => "api_key_revoked",
            Self::Forbidden(_) => "insufficient_scope",
            Self::Unavailable { .. } => "identity_unavailable",
        }
    }

    /// The HTTP status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// `Retry-After` in seconds, where there is one.
    pub(crate) fn retry_after(self) -> Option<u32> {
        match self {
            Self::Unavailable { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// The value of `WWW-Authenticate` for a 401 or 403 (RFC 6750 §3).
    pub(crate) fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Unavailable { .. } => None,
            Self::Missing => Some(r#"Bearer realm="ultra""#),
            Self::Forbidden(_) => Some(r#"Bearer realm="ultra", error="insufficient_scope""#),
            _ => Some(r#"Bearer realm="ultra", error="invalid_token""#),
        }
    }
}
