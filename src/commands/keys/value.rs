//! What a value must be before it is kept: said by its form alone, without asking anybody.

use super::names::{Key, Kind};
use crate::base::Secret;
use crate::report::{Fault, Problem};
use crate::settings::address as addresses;
use crate::settings::groups::KNOWN_PROVIDERS;
use url::Url;

/// The longest value that is kept.
const LONGEST: usize = 64 << 10;

/// The least length of a key that signs or seals: 256 bits.
const LEAST_KEY: usize = 32;

/// Refuses a value that cannot be right, with everything that is wrong with it.
///
/// # Errors
/// What is wrong (3); the value is not quoted.
pub(super) fn check(key: &Key, value: &Secret) -> Result<(), Fault> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut wrong = |code, why: String, hint: Option<String>| {
        problems.push(
            Problem::error(code, format!("the value for `{}` is not kept", key.name))
                .why(why)
                .maybe_hint(hint),
        );
    };
    let text = value.expose();
    if text.is_empty() {
        wrong("empty-value", "it is empty".to_owned(), None);
    } else if text.trim() != text {
        let hint = "copy it again without the blanks; one newline at the end is taken off anyway";
        wrong(
            "blank-around",
            "it begins or ends with white space".to_owned(),
            Some(hint.to_owned()),
        );
    }
    if text.contains('\0') {
        wrong("nul-in-value", "it has a NUL in it".to_owned(), None);
    }
    if text.len() > LONGEST {
        wrong("long-value", format!("it is longer than {} KiB", LONGEST >> 10), None);
    }
    match key.kind {
        Kind::Provider | Kind::Operator
            if text.trim().bytes().any(|b| !b.is_ascii_graphic() && b != 0) =>
        {
            let why = "it has characters that no key has, such as a blank or a newline inside";
            wrong("odd-value", why.to_owned(), None);
        }
        Kind::Jwt | Kind::Encryption if !text.is_empty() && text.len() < LEAST_KEY => {
            let hint = format!("ultra keys set {} --generate", key.name);
            wrong("weak-value", format!("it is shorter than {LEAST_KEY} bytes"), Some(hint));
        }
        Kind::Redis if !text.is_empty() && !addresses::redis(text) => {
            wrong("odd-value", "it is no `redis://` or `rediss://` address".to_owned(), None);
        }
        Kind::Database if !text.is_empty() && !addresses::database(text) => {
            wrong("odd-value", "it is no `postgres://` or `sqlite:` address".to_owned(), None);
        }
        _ => {}
    }
    if let Some((why, hint)) = foreign(key, text) {
        wrong("foreign-value", why, hint);
    }
    if problems.is_empty() { Ok(()) } else { Err(Fault::does_not_hold(problems)) }
}

/// Whether a value is plainly the key of somebody else, told by how it begins.
fn foreign(key: &Key, text: &str) -> Option<(String, Option<String>)> {
    let provider = key.provider.as_ref()?;
    if text.starts_with("uk_") {
        return Some(("it is a service key of ours; a provider does not know it".to_owned(), None));
    }
    let by_variable = || {
        let variable = key.variable.as_deref()?;
        KNOWN_PROVIDERS.iter().find(|known| known.keys().any(|key| key == variable))
    };
    let own = provider.known.or_else(by_variable);
    let beginnings = KNOWN_PROVIDERS.iter().flat_map(|k| {
        let admin = k.admin.map(|admin| (admin.prefix, k, true));
        k.key_prefixes.iter().map(move |prefix| (*prefix, k, false)).chain(admin)
    });
    // `sk-ant-…` begins with `sk-` too: the longest beginning tells.
    let (prefix, whose, admin) = beginnings
        .filter(|(prefix, ..)| text.starts_with(prefix))
        .max_by_key(|(prefix, ..)| prefix.len())?;
    let wanted = own.is_some_and(|own| match provider.admin {
        true => own.admin.is_some_and(|admin| admin.prefix == prefix),
        false => own.key_prefixes.contains(&prefix),
    });
    if wanted {
        return None;
    }
    // At another address much may be a key: many servers speak the OpenAI API, and many keys begin
    // with `sk-`. An admin key goes to none of them, and the key of somebody else only to them.
    if provider.known.is_none() && !admin {
        let shared =
            KNOWN_PROVIDERS.iter().filter(|k| k.key_prefixes.contains(&prefix)).count() > 1;
        let theirs =
            Url::parse(whose.base_url).is_ok_and(|url| url.origin() == provider.base_url.origin());
        if own.is_none() || shared || theirs {
            return None;
        }
    }
    let (what, suffix) = if admin { ("admin keys", "-admin") } else { ("keys", "") };
    Some((
        format!("it begins with `{prefix}`, as {what} of `{}` do", whose.name),
        Some(format!("ultra keys set {}{suffix}", whose.name)),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::names::Provider;
    use super::*;

    fn key(name: &str, kind: Kind) -> Key {
        let known = KNOWN_PROVIDERS.iter().find(|k| k.name == name);
        let provider = known.map(|k| Provider {
            kind: k.kind,
            base_url: k.base_url.parse().unwrap(),
            known: Some(k),
            admin: kind == Kind::Operator,
        });
        let variable = known.map(|k| match (kind, k.admin) {
            (Kind::Operator, Some(admin)) => admin.key.to_owned(),
            _ => k.key.to_owned(),
        });
        Key { name: name.into(), variable, kind, provider }
    }

    fn codes(key: &Key, value: &str) -> Vec<&'static str> {
        match check(key, &Secret::new(value)) {
            Ok(()) => vec![],
            Err(fault) => {
                assert!(value.len() < 4 || !format!("{fault:?}").contains(value));
                fault.problems.iter().map(|p| p.code).collect()
            }
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        let openai = key("openai", Kind::Provider);
        assert_eq!(codes(&openai, "sk-good-0123456789"), [""; 0]);
        assert_eq!(codes(&openai, ""), ["empty-value"]);
        assert_eq!(codes(&openai, " sk-good-0123456789"), ["blank-around"]);
        assert_eq!(codes(&openai, "sk-good\n"), ["blank-around"]);
        assert_eq!(codes(&openai, "sk-go od-0123"), ["odd-value"]);
        assert_eq!(codes(&openai, "sk-go\0od-0123"), ["nul-in-value"]);
    }

    #[test]
    fn keys_of_other_providers_are_told_by_their_beginning() {
        let openai = key("openai", Kind::Provider);
        let anthropic = key("anthropic", Kind::Provider);
        let deepseek = key("deepseek", Kind::Provider);
        let mistral = key("mistral", Kind::Provider);
        assert_eq!(codes(&openai, "sk-ant-0123456789"), ["foreign-value"]);
        assert_eq!(codes(&anthropic, "sk-ant-0123456789"), [""; 0]);
        assert_eq!(codes(&anthropic, "sk-0123456789abc"), ["foreign-value"]);
        assert_eq!(codes(&deepseek, "sk-0123456789abc"), [""; 0]);
        assert_eq!(codes(&mistral, "gsk_0123456789abc"), ["foreign-value"]);
        assert_eq!(codes(&mistral, "0123456789abcdef"), [""; 0]);
        assert_eq!(codes(&openai, "uk_0123456789abc"), ["foreign-value"]);
        let google = key("google", Kind::Provider);
        assert_eq!(codes(&google, "AIza0123456789abc"), [""; 0]);
        assert_eq!(codes(&google, "AQ.Ab0123456789ab"), [""; 0]);
        assert_eq!(codes(&openai, "sk-or-v1-0123456789"), ["foreign-value"]);
        assert_eq!(codes(&key("openrouter", Kind::Provider), "sk-or-v1-0123456789"), [""; 0]);
        assert_eq!(codes(&mistral, "xai-0123456789abc"), ["foreign-value"]);
        assert_eq!(codes(&openai, "sk-admin-0123456789"), ["foreign-value"]);
        let admin = Key { name: "openai-admin".into(), ..key("openai", Kind::Operator) };
        assert_eq!(codes(&admin, "sk-admin-0123456789"), [""; 0]);
        assert_eq!(codes(&admin, "sk-proj-0123456789"), ["foreign-value"]);
        assert_eq!(codes(&admin, "sk-ant-admin01-0123"), ["foreign-value"]);
        // At an address of one's own what begins with `sk-` is anybody's, and no key of another.
        let at = |address: &str| {
            let mut moved = openai.clone();
            let provider = moved.provider.as_mut().unwrap();
            (provider.known, provider.base_url) = (None, address.parse().unwrap());
            moved
        };
        let proxied = at("https://proxy.example/v1");
        assert_eq!(codes(&proxied, "sk-ant-0123456789"), ["foreign-value"]);
        assert_eq!(codes(&proxied, "sk-0123456789abc"), [""; 0]);
        // The address belongs to the other one.
        assert_eq!(codes(&at("https://api.anthropic.com/v1"), "sk-ant-0123456789"), [""; 0]);
    }

    #[test]
    fn internal_values_have_their_own_rules() {
        assert_eq!(codes(&key("jwt", Kind::Jwt), "q7x9-q7x9"), ["weak-value"]);
        assert_eq!(codes(&key("jwt", Kind::Jwt), &"k".repeat(32)), [""; 0]);
        assert_eq!(codes(&key("redis", Kind::Redis), "http://h"), ["odd-value"]);
        assert_eq!(codes(&key("redis", Kind::Redis), "rediss://:p@h:6379/0"), [""; 0]);
        assert_eq!(codes(&key("database", Kind::Database), "postgres://u:p@h/db"), [""; 0]);
    }
}
