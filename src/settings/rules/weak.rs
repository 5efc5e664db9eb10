//! Keys that sign and seal are strong; passwords are not the first guess.

use super::Rule;
use super::view::View;
use crate::report::Problem;
use std::collections::BTreeSet;
use url::Url;

pub(super) const RULE: Rule = Rule {
    id: "weak-secret",
    doc: "Keys that sign or seal have at least 32 bytes that vary; database passwords are no common ones.",
    judge,
};

/// Keys whose strength is all there is between a stranger and an administrator.
const KEYS: &[(&str, &str)] = &[("ULTRA_JWT_KEY", "jwt"), ("ULTRA_ENCRYPTION_KEY", "encryption")];
/// URLs with a password.
const URLS: &[&str] = &["DATABASE_URL", "REDIS_URL"];
/// The first guesses.
const COMMON: &[&str] = &[
    "postgres", "password", "passw0rd", "secret", "admin", "root", "redis", "ultra", "test",
    "123456", "12345678", "qwerty", "letmein", "changeit", "default",
];

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    for (name, entry) in KEYS {
        let Some(value) = view.opened.get(name) else { continue };
        let Some(why) = weakness(value.expose()) else { continue };
        problems.push(
            view.problem(&RULE, format!("`{name}` is weak"))
                .at(view.place(name))
                .why(why)
                .hint(format!("ultra keys rotate {entry} --profile {}", view.profile().name)),
        );
    }
    for name in URLS {
        let Some(value) = view.opened.get(name) else { continue };
        let password = Url::parse(value.expose()).ok().and_then(|url| {
            let user = url.username().to_owned();
            url.password().map(|password| (user, password.to_owned()))
        });
        let Some((user, password)) = password else { continue };
        if password == user || COMMON.contains(&password.to_lowercase().as_str()) {
            problems.push(
                view.problem(&RULE, format!("`{name}` has a password that is guessed first"))
                    .at(view.place(name))
                    .hint("give the account a random password"),
            );
        }
    }
}

/// Why a key is weak, if it is.
fn weakness(key: &str) -> Option<&'static str> {
    if key.len() < 32 {
        return Some("it has fewer than 32 bytes");
    }
    let distinct: BTreeSet<u8> = key.bytes().collect();
    if distinct.len() < 10 {
        return Some("it repeats a few characters");
    }
    let bytes = key.as_bytes();
    let repeats = (1..=bytes.len() / 2)
        .any(|period| bytes.iter().zip(bytes.iter().skip(period)).all(|(a, b)| a == b));
    repeats.then_some("it repeats itself")
}

#[cfg(test)]
mod tests {
    use super::weakness;

    #[test]
    fn random_keys_are_strong_and_others_weak() {
        assert!(weakness("short").is_some());
        assert!(weakness(&"ab".repeat(40)).is_some());
        assert!(weakness(&"0123456789abcdef".repeat(2)).is_some());
        assert!(weakness("q7Gm2xVt9LrB4nWz8KdY5cPh1sJf6uEa").is_none());
    }
}
