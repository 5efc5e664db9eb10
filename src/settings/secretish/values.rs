//! Texts that are secrets by their looks, or have one in them.

use super::names::by_custom;
use crate::settings::rules::placeholder::is_placeholder;

/// Beginnings of well-known keys and tokens.
pub(super) const VALUE_BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_",
    "rk_",
    "pk_live_",
    "AIza",
    "AQ.Ab",
    "gsk_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "xapp-",
    "xai-",
    "pplx-",
    "AKIA",
    "ASIA",
    "uk_",
    "eyJ",
    "hf_",
    "r8_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "SG.",
    "shpat_",
    "whsec_",
    "hvs.",
    "ya29.",
    "lin_api_",
    "sntrys_",
    "figd_",
    "tskey-",
    "AGE-SECRET-KEY-",
    "-----BEGIN",
    "Bearer ",
    "Basic ",
];

/// Addresses that are secrets themselves: whoever knows them can write there.
const WEBHOOKS: &[&str] = &[
    "://hooks.slack.com/",
    "://discord.com/api/webhooks/",
    "://discordapp.com/api/webhooks/",
    "://hooks.zapier.com/",
    ".webhook.office.com/",
    "://outlook.office.com/webhook/",
    "://chat.googleapis.com/v1/spaces/",
    "://api.telegram.org/bot",
];

/// Whether a text looks like a key, a token, or a URL with a password in it.
pub(crate) fn value(text: &str) -> bool {
    let text = text.trim();
    if VALUE_BEGINNINGS.iter().any(|begin| text.starts_with(begin) && text.len() >= begin.len() + 8)
    {
        return true;
    }
    text.contains("://")
        && (WEBHOOKS.iter().any(|host| text.contains(host)) || url_with_password(text))
}

/// Whether a text may be a secret by its looks, or have one in it: as [`value`], a well-known key
/// anywhere, something said to be a secret, or a word that is long and drawn by lot. Digests look
/// so too, so this decides what is shown and never what is refused.
pub(crate) fn perhaps(text: &str) -> bool {
    value(text)
        || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| hex(word) || random(word))
        || key_within(text)
        || said(text)
}

/// What stands around the words of a connection string, of JSON or of a remark.
pub(super) fn separates(c: char) -> bool {
    c.is_whitespace() || "\"'`=:,;(<[{".contains(c)
}

/// Whether a word anywhere in a text begins as well-known keys do, and goes on for a while.
fn key_within(text: &str) -> bool {
    let begins = |rest: &str| {
        VALUE_BEGINNINGS.iter().any(|begin| {
            rest.strip_prefix(begin).is_some_and(|key| {
                begin.starts_with("-----")
                    || key.chars().take_while(|c| !separates(*c)).nth(7).is_some()
            })
        })
    };
    let ends = text.char_indices().filter(|(_, c)| separates(*c));
    ends.filter_map(|(at, c)| text.get(at + c.len_utf8()..)).any(begins)
}

/// Whether a text says of something in it that it is a secret, such as `host=db password=x` and
/// `{"token": "x"}`.
pub(super) fn said(text: &str) -> bool {
    let mut name = "";
    let mut rest = text;
    while let Some(at) = rest.find(separates) {
        let (word, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
        // Quotes and blanks may stand between a name and what follows it.
        name = if word.is_empty() { name } else { word };
        let sign = behind.chars().next().unwrap_or_default();
        rest = behind.get(sign.len_utf8()..).unwrap_or_default();
        // As a variable that is the working directory, here it is a password.
        let secret = || by_custom(name) || name.eq_ignore_ascii_case("pwd");
        if matches!(sign, '=' | ':') && secret() {
            let around = |c: char| c.is_whitespace() || "\"'`".contains(c);
            let value = rest.trim_start_matches(around);
            let value = value.split(|c| around(c) || matches!(c, ',' | ';')).next();
            let value = value.unwrap_or_default();
            if value.contains(char::is_alphanumeric) && !is_placeholder(value) {
                return true;
            }
        }
        if !matches!(sign, '"' | '\'' | '`' | ' ' | '\t') {
            name = "";
        }
    }
    false
}

/// Whether a word is a number of 128 bits or more in hexadecimal.
pub(super) fn hex(word: &str) -> bool {
    word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

fn url_with_password(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        url.password().is_some_and(|p| !p.is_empty())
            || perhaps_token(url.username())
            || url.query_pairs().any(|(name, value)| !value.is_empty() && by_custom(&name))
    })
}

/// Whether the user of a URL is a token in truth.
fn perhaps_token(user: &str) -> bool {
    VALUE_BEGINNINGS.iter().any(|begin| user.starts_with(begin) && user.len() >= begin.len() + 8)
        || hex(user)
        || random(user)
}

/// Whether a word looks drawn by lot: long, with small and capital letters and digits.
pub(super) fn random(word: &str) -> bool {
    word.len() >= 20
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_that_are_secrets_are_told_from_ordinary_ones() {
        for value in [
            "sk-proj-12345678",
            "postgres://u:pw@h/db",
            concat!("-----BE", "GIN PRIVATE KEY-----"),
            "https://hooks.slack.com/services/T0/B0/x",
            "https://h/a?api_key=1",
        ] {
            assert!(super::value(value), "{value}");
        }
        for value in [
            "0123456789abcdef0123456789abcdef",
            "q7Gm2xVt9LrB4nWz8KdY5c",
            "key sk-proj-12345678",
            "the=sk-proj-12345678",
            "Authorization:Bearer abcdefgh",
            "host=db password=hunter2",
            "{\"user\": \"u\", \"password\" : \"hunter2\"}",
            "password: hunter2",
            "user=u;Pwd=x",
            concat!("a -----BE", "GIN PRIVATE KEY-----"),
        ] {
            assert!(super::perhaps(value) && !super::value(value), "{value}");
        }
        for value in [
            "meta-llama/Llama-3.3-70B-Instruct",
            "https://api.example.com/V1",
            "a b",
            "a sk-ip",
            "password=",
            "password: <password>",
            "max_tokens: 5",
            "the key, then: a",
            "10:30",
            "info,hyper=warn",
        ] {
            assert!(!super::perhaps(value), "{value}");
        }
        for value in ["sk-", "https://h/a@b", "hello", "postgres://u@h/db"] {
            assert!(!super::value(value), "{value}");
        }
    }
}
