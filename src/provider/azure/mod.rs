//! The OpenAI API at Azure: the same bytes, at other addresses and with the key in another header
//! (<https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>).

mod dialect;

pub(crate) use dialect::Azure;

use super::native::segment;
use super::wire::Endpoint;
use crate::base::Secret;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The address without what the API adds to it: people copy it with and without.
fn root(base: &str) -> &str {
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    base.strip_suffix("/openai").unwrap_or(base)
}

/// Whether where something is depends on the model: where the base URL says a version.
pub(crate) fn by_deployment(base: &str) -> bool {
    base.contains('?')
}

/// Where `endpoint` is for `model`, the name of a deployment. Without a version in the query of the
/// base URL it is the API that has none; responses know no deployments in either.
pub(crate) fn url(base: &str, endpoint: Endpoint, model: &str) -> String {
    let (base, version) = match base.split_once('?') {
        Some((base, version)) => (base, Some(version)),
        None => (base, None),
    };
    let (root, path) = (root(base), endpoint.path());
    let below = path.strip_prefix("/v1").unwrap_or(path);
    match (version, endpoint) {
        (None, _) => format!("{root}/openai/v1{below}"),
        (Some(version), Endpoint::Responses) => {
            format!("{root}/openai{below}?{version}")
        }
        (Some(version), _) => {
            format!("{root}/openai/deployments/{}{below}?{version}", segment(model))
        }
    }
}

/// `api-key: KEY`.
pub(crate) fn credentials(key: &Secret) -> Option<HeaderMap> {
    let mut value = HeaderValue::from_str(key.expose()).ok()?;
    value.set_sensitive(true);
    Some(HeaderMap::from_iter([(HeaderName::from_static("api-key"), value)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_address_are_known() {
        for base in ["https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1/"] {
            let with = format!("{base}?api-version=2024-10-21");
            let root = "https://r.openai.azure.com/openai";
            for (base, endpoint, at) in [
                (base, Endpoint::ChatCompletions, "v1/chat/completions"),
                (
                    &with,
                    Endpoint::ChatCompletions,
                    "deployments/my%20dep/chat/completions?api-version=2024-10-21",
                ),
                (
                    &with,
                    Endpoint::Embeddings,
                    "deployments/my%20dep/embeddings?api-version=2024-10-21",
                ),
                (&with, Endpoint::Responses, "responses?api-version=2024-10-21"),
            ] {
                assert_eq!(url(base, endpoint, "my dep"), format!("{root}/{at}"));
            }
            assert!(by_deployment(&with) && !by_deployment(base));
        }
    }
}
