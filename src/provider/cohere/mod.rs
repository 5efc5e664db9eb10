//! The API of Cohere, version 2 (<https://docs.cohere.com/reference/chat>).

mod dialect;
mod failure;
mod reply;
mod request;

pub(crate) use dialect::Cohere;

/// Where conversations go below `base`, which is written without the version; one with it is taken
/// as it is.
fn url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    format!("{}/v2/chat", base.strip_suffix("/v2").unwrap_or(base))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_ours() {
        for base in
            ["https://api.cohere.com", "https://api.cohere.com/", "https://api.cohere.com/v2"]
        {
            assert_eq!(super::url(base), "https://api.cohere.com/v2/chat");
        }
    }
}
