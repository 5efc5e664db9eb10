//! What a request and its route want of the cache: the header `x-ultra-cache`, and for how long.

use crate::provider::Malformed;
use http::{HeaderMap, HeaderName};
use std::time::Duration;

/// What a request wants of the cache, and what an answer says of it.
pub(crate) const CACHE: HeaderName = HeaderName::from_static("x-ultra-cache");

/// How long an answer is kept where neither the route nor the request says.
const USUAL: Duration = Duration::from_secs(300);

/// The longest `max-age`: what only a request asks for is kept for a day.
const LONGEST: u64 = 86_400;

/// What a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing: the route decides.
    Unsaid,
    /// A provider answers, and nothing is kept.
    Bypass,
    /// An answer that is there will do.
    Use {
        /// How old it may be.
        max_age: Option<Duration>,
    },
    /// A provider answers, and its answer takes the place of the one that is there.
    Refresh {
        /// As for [`Wish::Use`].
        max_age: Option<Duration>,
    },
}

/// What holds for a request that may be answered from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How long its answer is kept.
    pub(crate) lifetime: Duration,
    /// How old one may be that is used.
    pub(crate) max_age: Duration,
    /// Whether none is used, however young.
    pub(crate) refresh: bool,
}

impl Wish {
    /// What the headers of a request say.
    ///
    /// # Errors
    /// The header is there twice, or says something else.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Malformed> {
        let mut values = headers.get_all(CACHE).iter();
        let Some(value) = values.next() else { return Ok(Self::Unsaid) };
        let parsed = value.to_str().ok().and_then(Self::parse).filter(|_| values.next().is_none());
        parsed.ok_or_else(|| Malformed {
            param: Some("x-ultra-cache"),
            message: format!(
                "the header is `use`, `refresh` or `bypass`; the first two may go on with `; max-age=SECONDS`, from 1 to {LONGEST}"
            ),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (word, max_age) = match text.split_once(';') {
            None => (text.trim(), None),
            Some((word, rest)) => {
                let digits = rest.trim().strip_prefix("max-age=")?;
                let plain = digits.len() <= 8 && digits.bytes().all(|b| b.is_ascii_digit());
                let seconds: u64 = digits.parse().ok().filter(|_| plain)?;
                let max_age = (1..=LONGEST).contains(&seconds).then_some(seconds)?;
                (word.trim(), Some(Duration::from_secs(max_age)))
            }
        };
        match word {
            "use" => Some(Self::Use { max_age }),
            "refresh" => Some(Self::Refresh { max_age }),
            "bypass" if max_age.is_none() => Some(Self::Bypass),
            _ => None,
        }
    }

    /// What holds for the request, where the route keeps answers for `ttl` if at all; `None` if
    /// nobody wants the cache, or the request does not.
    pub(crate) fn terms(self, ttl: Option<Duration>) -> Option<Terms> {
        let (said, refresh) = match self {
            Self::Bypass => return None,
            Self::Unsaid => {
                ttl?;
                (None, false)
            }
            Self::Use { max_age } => (max_age, false),
            Self::Refresh { max_age } => (max_age, true),
        };
        let lifetime = ttl.or(said).unwrap_or(USUAL);
        Some(Terms { lifetime, max_age: said.map_or(lifetime, |age| age.min(lifetime)), refresh })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(values: &[&str]) -> Option<Wish> {
        let values = values.iter().map(|v| (CACHE, HeaderValue::from_str(v).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, value);
        }
        Wish::of(&headers).ok()
    }

    #[test]
    fn the_header_is_read_strictly() {
        let secs = |n| Some(Duration::from_secs(n));
        assert_eq!(of(&[]), Some(Wish::Unsaid));
        assert_eq!(of(&["bypass"]), Some(Wish::Bypass));
        assert_eq!(of(&["use"]), Some(Wish::Use { max_age: None }));
        assert_eq!(of(&["refresh; max-age=60"]), Some(Wish::Refresh { max_age: secs(60) }));
        assert_eq!(of(&["use;max-age=86400"]), Some(Wish::Use { max_age: secs(86_400) }));
        for wrong in [
            "",
            "on",
            "Use",
            "no-cache",
            "use;",
            "use; max-age=0",
            "use; max-age=86401",
            "use; max-age=+5",
            "use; max-age=5s",
            "use; max-age=00000000000000000005",
            "bypass; max-age=5",
            "use, bypass",
            "use; max-age=5; max-age=6",
        ] {
            assert_eq!(of(&[wrong]), None, "{wrong}");
        }
        assert_eq!(of(&["use", "bypass"]), None);
    }

    #[test]
    fn the_request_goes_before_the_route_and_never_keeps_longer() {
        let secs = Duration::from_secs;
        let terms = |wish: &str, ttl: Option<u64>| {
            let wish = if wish.is_empty() { Wish::Unsaid } else { of(&[wish]).unwrap() };
            wish.terms(ttl.map(secs))
                .map(|t| (t.lifetime.as_secs(), t.max_age.as_secs(), t.refresh))
        };
        assert_eq!(terms("", None), None);
        assert_eq!(terms("bypass", Some(60)), None);
        assert_eq!(terms("", Some(60)), Some((60, 60, false)));
        assert_eq!(terms("use", None), Some((300, 300, false)));
        assert_eq!(terms("use; max-age=9", None), Some((9, 9, false)));
        assert_eq!(terms("use; max-age=9", Some(60)), Some((60, 9, false)));
        assert_eq!(terms("refresh; max-age=900", Some(60)), Some((60, 60, true)));
    }
}
