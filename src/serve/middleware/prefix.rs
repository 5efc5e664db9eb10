//! `/openai/v1/…`, as gateways that serve several APIs have it, is `/v1/…`.

use http::Uri;
use http::uri::PathAndQuery;

/// What may stand before the paths of the OpenAI API.
const PREFIX: &str = "/openai";

/// Takes the prefix away, before anything else looks at the path: permissions, limits and metrics
/// are those of the path that is meant.
pub(crate) fn strip(uri: &mut Uri) {
    let Some(whole) = uri.path_and_query().map(PathAndQuery::as_str) else { return };
    let Some(rest) = whole.strip_prefix(PREFIX).filter(|rest| rest.starts_with("/v1/")) else {
        return;
    };
    let Ok(rest) = PathAndQuery::try_from(rest) else { return };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(rest);
    // Only the path has become another, so this is a URI again.
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_prefix_goes() {
        for (path, meant) in [
            ("/openai/v1/models?limit=5", "/v1/models?limit=5"),
            ("/openai/v1/responses", "/v1/responses"),
            ("http://host:1/openai/v1/models", "http://host:1/v1/models"),
            ("/openai/v1", "/openai/v1"),
            ("/openai/api/health", "/openai/api/health"),
            ("/openai/openai/v1/models", "/openai/openai/v1/models"),
            ("/v1/openai/v1/models", "/v1/openai/v1/models"),
        ] {
            let mut uri: Uri = path.parse().unwrap();
            strip(&mut uri);
            assert_eq!(uri.to_string(), meant);
        }
    }
}
