//! What a request presents.

use super::AuthError;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

/// No credential we know is longer; longer ones are not worth looking at.
const LONGEST: usize = 8 << 10;

/// The header in which the Anthropic SDKs send it.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The text of the one credential of a request: of `Authorization: Bearer`, else of `x-api-key`
/// (as the Anthropic SDKs send it).
///
/// # Errors
/// [`AuthError::Missing`], or [`AuthError::InvalidToken`] for another scheme, a malformed header,
/// or two credentials that differ: which one counts must not be a matter of luck.
pub(super) fn presented(headers: &HeaderMap) -> Result<&str, AuthError> {
    let bearer = one(headers, &AUTHORIZATION)?.map(bearer).transpose()?;
    let key = one(headers, &API_KEY)?.map(str::trim).filter(|key| !key.is_empty());
    match (bearer, key) {
        (None, None) => Err(AuthError::Missing),
        (Some(bearer), Some(key)) if bearer != key => Err(AuthError::InvalidToken),
        (Some(text), _) | (None, Some(text)) if text.len() <= LONGEST => Ok(text),
        _ => Err(AuthError::InvalidToken),
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, AuthError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| AuthError::InvalidToken),
        _ => Err(AuthError::InvalidToken),
    }
}

fn bearer(value: &str) -> Result<&str, AuthError> {
    let (scheme, text) = value.trim().split_once(' ').ok_or(AuthError::InvalidToken)?;
    let text = text.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !text.is_empty() && !text.contains(' ') {
        Ok(text)
    } else {
        Err(AuthError::InvalidToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn one_credential_is_found_and_two_must_agree() {
        let of =
            |pairs: &[(&'static str, &'static str)]| presented(&headers(pairs)).map(str::to_owned);
        assert_eq!(of(&[("authorization", "Bearer abc")]), Ok("abc".into()));
        assert_eq!(of(&[("authorization", "bearer  abc ")]), Ok("abc".into()));
        assert_eq!(of(&[("x-api-key", "abc")]), Ok("abc".into()));
        assert_eq!(of(&[("authorization", "Bearer abc"), ("x-api-key", "abc")]), Ok("abc".into()));
        for wrong in [
            &[("authorization", "Basic abc")][..],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer a b")],
            &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
            &[("authorization", "Bearer a"), ("x-api-key", "b")],
        ] {
            assert_eq!(of(wrong), Err(AuthError::InvalidToken), "{wrong:?}");
        }
        assert_eq!(of(&[]), Err(AuthError::Missing));
        assert_eq!(of(&[("x-api-key", "")]), Err(AuthError::Missing));
        assert_eq!(of(&[("x-test-mode", "1"), ("cookie", "token=abc")]), Err(AuthError::Missing));
    }
}
