//! What `env run --redact` masks: the secrets, and the secrets within them that a program may write
//! alone.

use crate::base::redaction::{Pattern, SHORTEST, Value as Masked, percent_decoded};
use crate::base::{Secret, SecretBytes};
use crate::report::{Console, Problem};
use crate::settings::secretish;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use url::Url;

/// What to look for, and a warning for what is too short to be looked for.
pub(super) fn patterns(
    secrets: BTreeMap<&str, Secret>,
    bytes: BTreeMap<&str, SecretBytes>,
    console: &dyn Console,
) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    let mut short = Vec::new();
    let pattern = |name: &str, value| Pattern { name: name.to_owned(), value };
    for (name, value) in bytes {
        if value.expose().len() < SHORTEST {
            short.push(format!("`{name}`"));
        } else {
            patterns.push(pattern(name, Masked::Bytes(value)));
        }
    }
    for (name, value) in secrets {
        if value.expose().len() < SHORTEST {
            if !value.is_empty() {
                short.push(format!("`{name}`"));
            }
            continue;
        }
        let within = within(value.expose()).into_iter();
        patterns.extend(within.map(|value| pattern(name, Masked::Text(value))));
        patterns.push(pattern(name, Masked::Text(value)));
    }
    if !short.is_empty() {
        console.warn(
            &Problem::warning("short-secret", format!("not redacted: {}", short.join(", ")))
                .why(format!("shorter than {SHORTEST} bytes, which ordinary words are too")),
        );
    }
    patterns
}

/// The secrets within a secret: of a URL its password, a user name that is a token, and what its
/// query says under names of secrets; of a JSON document the texts that are secrets by their name,
/// that of something around them or their looks, and the numbers that are by a name.
fn within(value: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    if let Ok(url) = Url::parse(value) {
        in_url(&url, &mut found);
    }
    if value.trim_start().starts_with(['{', '['])
        && let Ok(document) = serde_json::from_str(value)
    {
        in_json(document, false, DEEPEST, &mut found);
    }
    found.retain(|text: &Secret| text.expose().len() >= SHORTEST && text.expose() != value);
    found
}

fn in_url(url: &Url, found: &mut Vec<Secret>) {
    let decoded = |text: &str| String::from_utf8(percent_decoded(text)).ok();
    found.extend(url.password().and_then(decoded).map(Secret::new));
    if let Some(user) = decoded(url.username()) {
        // A lone user name is how services on the web take a token; that of a database is a name.
        let lone = url.password().is_none() && matches!(url.scheme(), "http" | "https");
        if lone || secretish::value(&user) {
            found.push(Secret::new(user));
        }
    }
    for (name, value) in url.query_pairs() {
        if secretish::name(&name) || secretish::value(&value) {
            found.push(Secret::new(value));
        }
    }
}

/// So deep a document is looked into.
const DEEPEST: u8 = 128;

/// Part by part as it is written, for a number may be of more digits than any type of ours has.
fn in_json(value: &RawValue, named: bool, deep: u8, found: &mut Vec<Secret>) {
    let Some(deep) = deep.checked_sub(1) else { return };
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            let Ok(text) = serde_json::from_str::<String>(text) else { return };
            if named || secretish::value(&text) {
                found.push(Secret::new(text));
            }
        }
        Some(b'-' | b'0'..=b'9') if named => found.push(Secret::new(text)),
        Some(b'[') => {
            let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) else { return };
            items.into_iter().for_each(|item| in_json(item, named, deep, found));
        }
        Some(b'{') => {
            let Ok(Members(members)) = serde_json::from_str(text) else { return };
            for (name, member) in members {
                in_json(member, named || secretish::name(&name), deep, found);
            }
        }
        _ => {}
    }
}

/// The members of an object, each of those with the same name: which of them its reader takes is
/// the reader's own choice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_secrets_within_a_secret_are_found() {
        let of = |value: &str| -> Vec<String> {
            let found = super::within(value);
            let mut found: Vec<_> = found.iter().map(|text| text.expose().to_owned()).collect();
            found.sort();
            found
        };
        assert_eq!(of(concat!("postgres://user-name:", "pass%2Fword@host/db")), ["pass/word"]);
        assert_eq!(of("postgres://user-name@host/db?sslpassword=hidden"), ["hidden"]);
        assert_eq!(of("https://0123456789abcdef@o1.example.org/2"), ["0123456789abcdef"]);
        assert_eq!(of("https://host.example.org/x?api_key=hidden&page=second"), ["hidden"]);
        assert_eq!(
            of(
                r#"{"type": "service_account", "token": "hidden", "a": [{"privateKey": "b\nc-d-e"}]}"#
            ),
            ["b\nc-d-e", "hidden"]
        );
        assert_eq!(
            of(
                r#"{"credentials": {"value": "hidden", "pins": [12345678, 1, true]}, "page": 87654321}"#
            ),
            ["12345678", "hidden"]
        );
        assert_eq!(
            of(
                r#"{"pin": 1, "tokens": [ 123456789012345678901234567890, -1.50e+10, {"n" : 18446744073709551616}]}"#
            ),
            ["-1.50e+10", "123456789012345678901234567890", "18446744073709551616"]
        );
        assert_eq!(
            of(r#"{"token": "first-hidden", "page": "one", "token": "second-hidden"}"#),
            ["first-hidden", "second-hidden"]
        );
        assert_eq!(of("no more than a text"), [] as [&str; 0]);
        let deep =
            format!(r#"{{"token": "hidden", "a": {}1{}}}"#, "[".repeat(9999), "]".repeat(9999));
        assert_eq!(of(&deep), ["hidden"]);
    }
}
