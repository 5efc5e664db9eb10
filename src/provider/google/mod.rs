//! The Gemini API of Google (<https://ai.google.dev/api/generate-content>).

mod dialect;
mod failure;
mod reply;
mod request;
mod schema;

pub(crate) use dialect::Google;

use super::native::segment;
use crate::base::Secret;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Where `model` answers below `base`, which is written without the version; one with it is taken
/// as it is.
fn url(base: &str, model: &str, stream: bool) -> String {
    let base = base.trim_end_matches('/');
    let version = if base.ends_with("/v1beta") || base.ends_with("/v1") { "" } else { "/v1beta" };
    // A tuned model's name says what it is; all others may be written with or without it.
    let (folder, name) = match model.split_once('/') {
        Some((folder @ ("models" | "tunedModels"), name)) => (folder, name),
        _ => ("models", model),
    };
    let name = segment(name);
    let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    format!("{base}{version}/{folder}/{name}:{verb}")
}

/// `x-goog-api-key: KEY`. The API also takes keys in the address, where they would end in logs.
fn credentials(key: &Secret) -> Option<HeaderMap> {
    let mut value = HeaderValue::from_str(key.expose()).ok()?;
    value.set_sensitive(true);
    Some(HeaderMap::from_iter([(HeaderName::from_static("x-goog-api-key"), value)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_part_of_the_address() {
        let base = "https://generativelanguage.googleapis.com";
        assert_eq!(
            url(base, "gemini-2.5-pro", false),
            format!("{base}/v1beta/models/gemini-2.5-pro:generateContent")
        );
        assert_eq!(
            url(&format!("{base}/"), "models/gemini-2.5-pro", true),
            format!("{base}/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse")
        );
        assert_eq!(
            url(&format!("{base}/v1"), "tunedModels/mine", false),
            format!("{base}/v1/tunedModels/mine:generateContent")
        );
        assert_eq!(
            url(base, "a/../../files?x", false),
            format!("{base}/v1beta/models/a%2F..%2F..%2Ffiles%3Fx:generateContent")
        );
    }
}
