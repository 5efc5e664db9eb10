//! What a 403 means. Providers say with it that a key is blocked, that it may not use this model,
//! that the content was flagged; and whoever stands before them that they do not like the request.
//!
//! Only who names the key or its account has judged it: what a client can bring about with a
//! request must not take a key out of use for everybody.

use super::failure::Class;
use serde_json::Value;

/// Words that say that the request is the matter, and not the key.
const OF_THE_REQUEST: [&str; 4] = ["model", "resource", "operation", "scope"];

/// Words that say that the key is, or the account that it belongs to, in whichever place.
const OF_THE_KEY: [&str; 17] = [
    "api key",
    "api_key",
    "api-key",
    "api token",
    "access token",
    "authentication",
    "credentials",
    "account",
    "deactivated",
    "suspended",
    "billing",
    "credit",
    "quota",
    "key limit",
    "country",
    "consumer_",
    "service_disabled",
];

/// The class of an error with this status.
pub(super) fn class(body: &[u8]) -> Class {
    if body.trim_ascii().is_empty() {
        return Class::Forbidden;
    }
    // A page, of a firewall or of whoever has people sign in: it is not the provider's word.
    let Ok(error @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(body) else {
        return Class::ClientError;
    };
    // A gateway before the provider says so of the content (OpenRouter).
    if error.pointer("/error/metadata/flagged_input").is_some() {
        return Class::Filtered;
    }
    let mut said = String::new();
    words(&error, &mut said);
    let names = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match !names(&OF_THE_REQUEST) && names(&OF_THE_KEY) {
        true => Class::KeyRefused,
        false => Class::Forbidden,
    }
}

/// The texts of an error where APIs have them, in small letters: its kind and its message, not what
/// else it may tell of the request.
fn words(error: &Value, out: &mut String) {
    match error {
        Value::String(text) => {
            out.push_str(&text.to_lowercase());
            out.push('\n');
        }
        // Google writes the error in a list at times, and its reasons always.
        Value::Array(items) => items.iter().for_each(|item| words(item, out)),
        Value::Object(fields) => {
            let told =
                ["error", "code", "type", "status", "message", "detail", "details", "reason"];
            told.iter().filter_map(|name| fields.get(*name)).for_each(|field| words(field, out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_names_the_key_or_its_account_has_judged_it() {
        for (body, expected) in [
            (r#"{"error":{"code":"unsupported_country_region_territory"}}"#, Class::KeyRefused),
            (r#"{"error":{"message":"Your account was closed.","type":"x"}}"#, Class::KeyRefused),
            (r#"{"error":{"message":"Key limit exceeded","code":403}}"#, Class::KeyRefused),
            (r#"{"code":"denied","error":"The API key is blocked."}"#, Class::KeyRefused),
            (
                r#"[{"error":{"status":"PERMISSION_DENIED","details":[{"reason":"CONSUMER_SUSPENDED"}]}}]"#,
                Class::KeyRefused,
            ),
            (
                r#"{"error":{"code":"model_not_found","message":"Project p has no access to model api_key"}}"#,
                Class::Forbidden,
            ),
            (
                r#"{"type":"error","error":{"type":"permission_error","message":"Your API key may not use the resource."}}"#,
                Class::Forbidden,
            ),
            (r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#, Class::Forbidden),
            (r#"{"error":{"status":"PERMISSION_DENIED"}}"#, Class::Forbidden),
            (r#"{"error":{"message":"no","param":"api_key"}}"#, Class::Forbidden),
            ("{}", Class::Forbidden),
            ("", Class::Forbidden),
            (r#"{"error":{"code":403,"metadata":{"flagged_input":"x"}}}"#, Class::Filtered),
            ("<html>your api key</html>", Class::ClientError),
            ("7", Class::ClientError),
        ] {
            assert_eq!(class(body.as_bytes()), expected, "{body}");
        }
    }
}
