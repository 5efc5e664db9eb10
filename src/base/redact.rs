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

    /// JSON with every known value in its texts replaced by the mask, however it is written there
    /// (`\/`, `\u002f`); `None` if there is none in it.
    pub(crate) fn clean_json(&self, json: &str) -> Option<String> {
        let mut cleaned: Option<String> = None;
        for secret in &self.secrets {
            let now = cleaned.as_deref().unwrap_or(json);
            let next = match now.contains('\\') {
                true => without_escaped(now, secret.expose()),
                false if now.contains(secret.expose()) => Some(now.replace(secret.expose(), MASK)),
                false => None,
            };
            cleaned = next.or(cleaned);
        }
        cleaned
    }
}

/// JSON without a value that may be written with escapes.
fn without_escaped(json: &str, value: &str) -> Option<String> {
    // What the texts say, and where in the JSON each byte of that stands.
    let mut said = String::with_capacity(json.len());
    let mut from = Vec::with_capacity(json.len() + 1);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let (c, length) = escaped(rest).unwrap_or((first, first.len_utf8()));
        said.push(c);
        from.resize(said.len(), json.len() - rest.len());
        rest = rest.get(length..).unwrap_or_default();
    }
    from.push(json.len());
    let mut out = String::with_capacity(json.len());
    let mut done = 0;
    for (at, _) in said.match_indices(value) {
        let (start, end) = (*from.get(at)?, *from.get(at + value.len())?);
        out.push_str(json.get(done..start)?);
        out.push_str(MASK);
        done = end;
    }
    if done == 0 {
        return None;
    }
    out.push_str(json.get(done..)?);
    Some(out)
}

/// The character that a text begins with, if that is an escape (RFC 8259 §7), and the length of it.
/// Halves of a character are none: no secret has them.
fn escaped(text: &str) -> Option<(char, usize)> {
    let after = text.strip_prefix('\\')?;
    let c = match after.chars().next()? {
        'u' => {
            let code = u32::from_str_radix(after.get(1..5)?, 16).ok()?;
            return Some((char::from_u32(code)?, 6));
        }
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        c @ ('"' | '\\' | '/') => c,
        _ => return None,
    };
    Some((c, 2))
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
    fn known_values_are_found_in_json_however_they_are_written() {
        let redactor = Redactor::new([Secret::new("sk/a\"b=é1"), Secret::new("second-one")]);
        for written in [
            r#"sk/a\"b=é1"#,
            r#"sk\/a\"b\u003dé1"#,
            r#"\u0073k\u002Fa\u0022b=\u00e91"#,
            "second-one",
        ] {
            let json = format!(r#"{{"a":"\n\ud83d\ude00 {written}é","b":"{written}","c":"\x\u"}}"#);
            let expected = json.replace(written, MASK);
            assert_eq!(redactor.clean_json(&json), Some(expected), "{written}");
        }
        for other in [r#"{"a":"sk\\/a"}"#, "", "\\", "\\u12", "\\ué123"] {
            assert_eq!(redactor.clean_json(other), None, "{other}");
        }
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
