//! Redaction for what people read: URLs with credentials, and texts that hold known secrets.

use super::secret::{MASK, Secret};
use url::Url;

/// The URL with its user information, query values and fragment masked: what may be logged.
///
/// A text that is no URL is masked whole, because nothing is known about where a secret in it
/// would stand.
pub(crate) fn url(text: &str) -> String {
    let Ok(mut parsed) = Url::parse(text) else { return MASK.to_owned() };
    if parsed.cannot_be_a_base() {
        return parsed.scheme().to_owned() + ":" + MASK;
    }
    if parsed.password().is_some() {
        let _ = parsed.set_password(Some("***"));
    } else if !parsed.username().is_empty() {
        // A lone user name is how some services carry a token.
        let _ = parsed.set_username("***");
    }
    if parsed.query().is_some() {
        // Without a value the name may itself be the token.
        let masked = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            if value.is_empty() { "***".to_owned() } else { format!("{name}=***") }
        };
        let names: Vec<String> = parsed.query_pairs().map(masked).collect();
        parsed.set_query(Some(&names.join("&")));
    }
    parsed.set_fragment(None);
    parsed.to_string()
}

/// Values that must not pass, for texts that come from outside (a provider's error body, a
/// library's message) and may quote what we sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Shorter values are not masked: they would blacken ordinary words and hide nothing.
    const SHORTEST: usize = 6;

    /// A redactor for these values.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<Secret> =
            secrets.into_iter().filter(|s| s.expose().len() >= Self::SHORTEST).collect();
        // Longest first, so that a secret that contains another is masked whole.
        secrets.sort_by_key(|s| std::cmp::Reverse(s.expose().len()));
        Self { secrets }
    }

    /// `text` with every known value replaced by the mask.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in &self.secrets {
            if out.contains(secret.expose()) {
                out = out.replace(secret.expose(), MASK);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_their_credentials() {
        assert_eq!(
            url("postgres://u:canary@h:5432/db?sslkey=canary"),
            "postgres://u:***@h:5432/db?sslkey=***"
        );
        assert_eq!(url("https://canary@h/x#canary"), "https://***@h/x");
        assert_eq!(url("https://h/x?canary&a=canary"), "https://h/x?***&a=***");
        assert_eq!(url("canary"), MASK);
        assert_eq!(url("http://127.0.0.1:9100/v1"), "http://127.0.0.1:9100/v1");
    }

    #[test]
    fn known_values_are_masked_longest_first() {
        let redactor = Redactor::new([
            Secret::new("sk-abcdef"),
            Secret::new("sk-abcdef-long"),
            Secret::new("ab"),
        ]);
        assert_eq!(
            redactor.clean("key sk-abcdef-long or sk-abcdef, about"),
            "key [secret] or [secret], about"
        );
    }
}
