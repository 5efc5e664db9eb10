//! What somebody typed or pasted, fit for a message.

use super::values::{VALUE_BEGINNINGS, hex, perhaps, random, separates, value};
use crate::base::words;

/// A name somebody typed, fit for a message: in backticks if it looks like a name, and not at all
/// if it may be a secret that stands in the wrong place.
pub(crate) fn name_for_message(text: &str) -> String {
    told(fit_name(text))
}

/// A name in a message, or that there is one which is not shown.
pub(crate) fn told(name: Option<&str>) -> String {
    name.map_or_else(|| "a name that cannot be shown".to_owned(), |name| format!("`{name}`"))
}

/// Something with its name in a message, or that it has one which is not shown: ``key `x` ``.
pub(crate) fn named(what: &str, name: &str) -> String {
    fit_name(name).map_or_else(
        || format!("{what}, whose name cannot be shown"),
        |name| format!("{what} `{name}`"),
    )
}

/// The name itself, if it is fit to be shown.
pub(crate) fn fit_name(text: &str) -> Option<&str> {
    let fit = !text.is_empty()
        && text.len() <= 64
        && !value(text)
        && !text.split_whitespace().any(|part| value(part) || hex(part) || random(part))
        && text.chars().all(|c| c.is_alphanumeric() || "_-./:*? ".contains(c));
    fit.then_some(text)
}

/// A value for a message: quoted if it is short and harmless, else its length. Somebody may have
/// pasted a key, or the beginning of one, where a number belongs.
pub(crate) fn value_for_message(text: &str) -> String {
    let short = text.chars().count() <= 16 && !text.chars().any(char::is_control);
    if short && !perhaps_pasted(text) {
        format!("`{text}`")
    } else {
        format!("a text of {}", words::count(text.chars().count(), "character"))
    }
}

/// Whether a short text may hold a piece of a secret: the beginning of a well-known key anywhere in
/// it, or a word of twelve or more in which letters and digits are mixed.
fn perhaps_pasted(text: &str) -> bool {
    let mixed = |word: &str| {
        word.len() >= 12
            && word.bytes().any(|b| b.is_ascii_digit())
            && word.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let begins = |part: &str| {
        VALUE_BEGINNINGS.iter().any(|begin| part.len() > begin.len() && part.starts_with(begin))
    };
    perhaps(text)
        || text.contains('@')
        || text.split(|c: char| !c.is_ascii_alphanumeric()).any(mixed)
        || text.split(separates).any(begins)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pasted_key_is_not_repeated_in_a_message() {
        // Put together here, so that our own scanner finds no password in an address.
        let address = format!("postgres://u:{}@db/app", "hunter2");
        for value in [
            "sk-abc123",
            "sk-proj-12345678",
            "\"sk-abc\"",
            "key=sk-abc",
            "eyJhbGciOiJI",
            "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            "h://u:pw@h",
            address.as_str(),
            "0123456789abcdef",
            "0123456789abcdef0123456789abcdef",
            "q7Gm2xVt9LrB4nWz",
        ] {
            let shown = super::value_for_message(value);
            assert!(shown.starts_with("a text of "), "{value}: {shown}");
        }
        for value in ["yes", "8085x", "10 minutes", "0.0.0.0:99999", "info,hyper=warn", "gpt-4o"] {
            assert_eq!(super::value_for_message(value), format!("`{value}`"));
        }
    }

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
}
