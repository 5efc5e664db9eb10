//! What looks like a secret although nobody declared it one.

/// Endings of names whose values are secrets by custom.
const NAME_ENDINGS: &[&str] = &[
    "KEY",
    "SECRET",
    "TOKEN",
    "TOKENS",
    "PASSWORD",
    "PASSWD",
    "PASS",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDENTIALS",
    "DSN",
    "PRIVATE_KEY",
    "WEBHOOK_URL",
];

/// Beginnings of well-known keys and tokens.
const VALUE_BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_",
    "rk_",
    "pk_live_",
    "AIza",
    "gsk_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "ASIA",
    "uk_",
    "eyJ",
    "hf_",
    "AGE-SECRET-KEY-",
    "-----BEGIN",
];

/// Whether a variable of this name holds a secret by custom, such as `STRIPE_API_KEY`.
pub(crate) fn name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    NAME_ENDINGS.iter().any(|ending| {
        upper
            .strip_suffix(ending)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-', '.']))
    })
}

/// Whether a text looks like a key, a token, or a URL with a password in it.
pub(crate) fn value(text: &str) -> bool {
    let text = text.trim();
    if VALUE_BEGINNINGS.iter().any(|begin| text.starts_with(begin) && text.len() >= begin.len() + 8)
    {
        return true;
    }
    text.contains("://") && text.contains('@') && url_with_password(text)
}

fn url_with_password(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.password().is_some_and(|p| !p.is_empty()))
}

/// A name somebody typed, fit for a message: in backticks if it looks like a name, and not at all
/// if it may be a secret that stands in the wrong place.
pub(crate) fn name_for_message(text: &str) -> String {
    let fit = !text.is_empty()
        && text.len() <= 64
        && !text.split_whitespace().any(|part| value(part) || random(part))
        && text.chars().all(|c| c.is_alphanumeric() || "_-./: ".contains(c));
    if fit { format!("`{text}`") } else { "a name that cannot be shown".to_owned() }
}

/// Whether a word looks drawn by lot: long, with small and capital letters and digits.
fn random(word: &str) -> bool {
    word.len() >= 20
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_digit())
}

/// A value for a message: quoted if it is short and harmless, else its length.
pub(crate) fn value_for_message(text: &str) -> String {
    let short = text.chars().count() <= 16 && !text.chars().any(char::is_control) && !value(text);
    if short {
        format!("`{text}`")
    } else {
        format!("a text of {} characters", text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_may_be_a_secret_is_no_name_in_a_message() {
        for text in
            ["", "sk-abcdefgh12", "password sk-abcdefgh12", "q7Gm2xVt9LrB4nWz8KdY5c", "a\nb"]
        {
            assert!(!super::name_for_message(text).contains('`'), "{text}");
        }
        for text in ["ULTRA_PROT", "gpt-4o-mini-2024-07-18", "modles"] {
            assert_eq!(super::name_for_message(text), format!("`{text}`"));
        }
    }

    #[test]
    fn names_and_values_are_told_from_ordinary_ones() {
        for name in ["STRIPE_API_KEY", "TOKEN", "DB_PASSWORD", "SENTRY_DSN"] {
            assert!(super::name(name), "{name}");
        }
        for name in ["MONKEY", "TOKEN_TTL", "KEYBOARD", "COMPASS", "APP_NAME"] {
            assert!(!super::name(name), "{name}");
        }
        for value in ["sk-proj-12345678", "postgres://u:pw@h/db", "-----BEGIN PRIVATE KEY-----"] {
            assert!(super::value(value), "{value}");
        }
        for value in ["sk-", "https://h/a@b", "hello", "postgres://u@h/db"] {
            assert!(!super::value(value), "{value}");
        }
    }
}
