//! How long a provider says to wait before it is asked again.

use http::HeaderMap;
use http::header::RETRY_AFTER;
use std::time::{Duration, SystemTime};

/// How long the provider says to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date
/// (RFC 9110 §10.2.3). `None` if it says nothing that can be understood.
pub(crate) fn told_to_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| {
        let seconds: f64 = text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    if let Some(millis) = text("retry-after-ms").and_then(number) {
        return Some(millis / 1000);
    }
    let text = text(RETRY_AFTER.as_str())?;
    number(text).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(now).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn told(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        told_to_wait(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_700))
    }

    #[test]
    fn a_provider_says_how_long_in_seconds_milliseconds_or_by_a_date() {
        assert_eq!(told("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(told("retry-after", " 1.5 "), Some(Duration::from_millis(1500)));
        assert_eq!(told("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(told("retry-after", date), Some(Duration::from_secs(77)));
        assert_eq!(told("retry-after", "Sat, 06 Nov 1993 08:49:37 GMT"), Some(Duration::ZERO));
        for nonsense in ["", "soon", "-1", "NaN", "inf", "1e400"] {
            assert_eq!(told("retry-after", nonsense), None, "{nonsense}");
        }
        assert!(told("retry-after", "99999999999").unwrap() > Duration::from_secs(30));
    }
}
