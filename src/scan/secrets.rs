//! Keys that can be told by their shape: a prefix that the provider gives them, then enough
//! random characters; private keys; URLs with passwords.
//!
//! One Aho-Corasick pass finds the prefixes, an exact matcher looks at each. The table holds
//! prefixes only, and a prefix alone is no key, so the table does not find itself.

use super::finding::{Hit, Rule};
use super::random;
use aho_corasick::{AhoCorasick, MatchKind};
use std::sync::LazyLock;

/// The characters that may follow a prefix.
#[derive(Clone, Copy)]
enum Class {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `-` and `_`.
    Url,
    /// Upper-case letters and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// Letters, digits and `/ + =`.
    Base64,
    /// Letters, digits, `-`, `_` and `.`.
    Dotted,
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'='),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
        }
    }
}

/// A kind of key: prefix, what it is, the characters after it, how few and how many of them.
type Shape = (&'static str, &'static str, Class, usize, usize);

/// The shapes that vendors document. Longer prefixes win over shorter ones.
const SHAPES: &[Shape] = &[
    ("sk-ant-", "Anthropic key", Class::Url, 32, 200),
    ("sk-proj-", "OpenAI project key", Class::Url, 40, 220),
    ("sk-svcacct-", "OpenAI service-account key", Class::Url, 40, 220),
    ("sk-admin-", "OpenAI admin key", Class::Url, 40, 220),
    ("sk-or-v1-", "OpenRouter key", Class::Hex, 60, 70),
    ("sk-", "OpenAI-style key", Class::Alnum, 24, 70),
    ("AIza", "Google API key", Class::Url, 35, 35),
    ("AQ.Ab", "Google API key", Class::Url, 40, 60),
    ("gsk_", "Groq key", Class::Alnum, 40, 70),
    ("hf_", "Hugging Face token", Class::Alnum, 30, 45),
    ("xai-", "xAI key", Class::Alnum, 60, 100),
    ("pplx-", "Perplexity key", Class::Alnum, 40, 60),
    ("r8_", "Replicate token", Class::Alnum, 36, 42),
    ("AKIA", "AWS access key id", Class::Upper, 16, 16),
    ("ASIA", "AWS temporary key id", Class::Upper, 16, 16),
    ("ghp_", "GitHub token", Class::Alnum, 36, 40),
    ("gho_", "GitHub OAuth token", Class::Alnum, 36, 40),
    ("ghs_", "GitHub app token", Class::Alnum, 36, 40),
    ("ghu_", "GitHub user token", Class::Alnum, 36, 40),
    ("github_pat_", "GitHub fine-grained token", Class::Url, 60, 90),
    ("glpat-", "GitLab token", Class::Dotted, 20, 60),
    ("xoxb-", "Slack bot token", Class::Url, 30, 90),
    ("xoxp-", "Slack user token", Class::Url, 30, 90),
    ("xapp-", "Slack app token", Class::Url, 40, 130),
    ("hooks.slack.com/services/", "Slack webhook", Class::Base64, 40, 60),
    ("sk_live_", "Stripe live key", Class::Alnum, 20, 120),
    ("rk_live_", "Stripe restricted key", Class::Alnum, 20, 120),
    ("whsec_", "webhook signing secret", Class::Base64, 28, 80),
    ("SG.", "SendGrid key", Class::Dotted, 60, 70),
    ("npm_", "npm token", Class::Alnum, 36, 40),
    ("pypi-", "PyPI token", Class::Url, 80, 300),
    ("dop_v1_", "DigitalOcean token", Class::Hex, 64, 64),
    ("shpat_", "Shopify token", Class::Hex, 32, 32),
    ("hvs.", "Vault token", Class::Url, 24, 200),
    ("dckr_pat_", "Docker Hub token", Class::Url, 24, 40),
    ("lin_api_", "Linear key", Class::Alnum, 36, 44),
    ("PMAK-", "Postman key", Class::Url, 50, 70),
    ("AGE-SECRET-KEY-1", "age identity", Class::Upper, 58, 58),
    ("uk_", "ultra service key", Class::Dotted, 30, 120),
    ("eyJ", "signed token", Class::Dotted, 80, 4096),
];

/// What private keys begin with; the end of the same line tells them from other blocks.
const BLOCK: &str = "-----BEGIN ";

/// What separates the scheme of a URL from the rest.
const SCHEME: &str = "://";

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let anchors = SHAPES.iter().map(|s| s.0).chain([BLOCK, SCHEME]);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(anchors).ok()
});

/// Everything in `text` that has the shape of a key.
///
/// In code of tests passwords are made up all the time: only random ones count there.
pub(super) fn find(text: &str, test: bool, hits: &mut Vec<Hit>) {
    // The anchors are constants, which a test builds; without the automaton nothing can be found.
    let Some(finder) = FINDER.as_ref() else { return };
    for found in finder.find_iter(text) {
        let hit = match SHAPES.get(found.pattern().as_usize()) {
            Some(shape) => shaped(text, found.start(), found.end(), shape),
            None if text.get(found.start()..found.end()) == Some(BLOCK) => {
                private_key(text, found.start(), found.end())
            }
            None => url_password(text, found.start(), found.end(), test),
        };
        hits.extend(hit);
    }
}

/// Whether a key may begin at `at`: not in the middle of a word.
fn begins(text: &str, at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| text.as_bytes().get(before))
        .is_none_or(|b| !(b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-'))
}

fn shaped(text: &str, start: usize, end: usize, shape: &Shape) -> Option<Hit> {
    let (prefix, what, class, least, most) = *shape;
    if !begins(text, start) && !prefix.contains('/') {
        return None;
    }
    let rest = text.get(end..)?;
    let length = rest.bytes().take(most + 1).take_while(|b| class.has(*b)).count();
    let tail = rest.get(..length)?;
    if length < least || length > most || random::is_stand_in(tail) {
        return None;
    }
    if prefix == "eyJ" && tail.matches('.').count() != 2 {
        return None;
    }
    // Fixed alphabets without lower case have few letter pairs to judge; their length suffices.
    let fixed = matches!(class, Class::Upper | Class::Hex) || prefix == "eyJ";
    if !fixed && !random::looks_random(tail) {
        return None;
    }
    Some(Hit {
        at: start,
        rule: Rule::ProviderKey,
        what: what.to_owned(),
        shown: format!("{prefix}*** ({length} characters)"),
    })
}

fn private_key(text: &str, start: usize, end: usize) -> Option<Hit> {
    let rest = text.get(end..)?;
    let label = rest.get(..rest.find("-----")?)?;
    if !label.ends_with("PRIVATE KEY") && !label.ends_with("PRIVATE KEY BLOCK") {
        return None;
    }
    // A block that is only mentioned has no body: look for a run of base64 soon after it. Escaped
    // newlines (JSON, .env) separate as well as real ones.
    let body = rest.get(label.len() + 5..)?;
    let window: String = body.chars().take(400).collect();
    let longest = window
        .replace("\\n", "\n")
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')))
        .map(str::len)
        .max()
        .unwrap_or(0);
    (longest >= 32).then(|| Hit {
        at: start,
        rule: Rule::PrivateKey,
        what: label.to_lowercase(),
        shown: format!("{BLOCK}{label}-----"),
    })
}

/// Passwords that stand in for one in addresses of examples and of the own machine.
const WEAK: &[&str] =
    &["password", "pass", "secret", "postgres", "user", "pwd", "guest", "admin", "root"];

/// `scheme://user:password@host`.
fn url_password(text: &str, start: usize, end: usize, test: bool) -> Option<Hit> {
    let rest = text.get(end..)?;
    let authority_end = rest
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '`' | '<' | '>' | ',' | ')')
        })
        .unwrap_or(rest.len());
    let authority = rest.get(..authority_end)?;
    let (credentials, host) = authority.rsplit_once('@')?;
    let (_, password) = credentials.split_once(':')?;
    let scheme_start = text
        .get(..start)?
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+')
        .map_or(0, |n| n + 1);
    let scheme = text.get(scheme_start..start)?;
    let harmless = password.len() < 6
        || (test && !random::looks_random(password))
        || scheme.is_empty()
        || host.is_empty()
        || random::is_stand_in(password)
        || WEAK.contains(&password.to_ascii_lowercase().as_str());
    (!harmless).then(|| Hit {
        at: scheme_start,
        rule: Rule::UrlPassword,
        what: "password in a URL".to_owned(),
        shown: format!("{scheme}://***:***@{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str) -> Vec<(Rule, String)> {
        let mut hits = Vec::new();
        find(text, false, &mut hits);
        hits.into_iter().map(|h| (h.rule, h.shown)).collect()
    }

    /// A random-looking tail that stands nowhere in this file.
    fn tail(length: usize) -> String {
        let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
        let mut state = 77_u64;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
                letters[(state >> 33) as usize % letters.len()]
            })
            .collect()
    }

    #[test]
    fn every_shape_is_found_and_masked() {
        for (prefix, _, class, least, _) in SHAPES {
            let body = match class {
                Class::Hex => "0f9a3c7d".repeat(20).chars().take(*least).collect(),
                Class::Upper => tail(*least).to_uppercase(),
                _ if *prefix == "eyJ" => format!("{}.{}.{}", tail(40), tail(40), tail(40)),
                _ => tail(*least),
            };
            let found = hits(&format!("key = \"{prefix}{body}\""));
            assert_eq!(found.len(), 1, "{prefix}");
            assert!(!found[0].1.contains(body.get(..8).unwrap()), "{} shows the key", found[0].1);
        }
    }

    #[test]
    fn stand_ins_and_parts_of_words_are_not_keys() {
        for text in [
            "sk-your-key-here-your-key-here-your-key",
            "task-management-and-organisation-tools",
            "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "AKIAIOSFODNN7EXAMPLE",
            "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB",
            "a block that begins with -----BEGIN PRIVATE KEY----- and so on",
            "postgres://ultra:${DB_PASSWORD}@db/ultra",
            "postgres://postgres:postgres@localhost/test",
            "https://example.com/@user:something",
        ] {
            assert_eq!(hits(text), [], "{text}");
        }
    }

    #[test]
    fn private_keys_and_url_passwords_are_found() {
        let body = tail(64);
        let pem = format!("{BLOCK}RSA PRIVATE {}\n{body}\n", "KEY-----");
        assert_eq!(hits(&pem)[0].0, Rule::PrivateKey);
        let escaped = format!("{BLOCK}PRIVATE {}\\n{body}\\n", "KEY-----");
        assert_eq!(hits(&escaped)[0].0, Rule::PrivateKey);
        let url = format!("url: postgres://app:{}@db.internal:5432/x", tail(12));
        assert_eq!(
            hits(&url),
            [(Rule::UrlPassword, "postgres://***:***@db.internal:5432".to_owned())]
        );
    }
}
