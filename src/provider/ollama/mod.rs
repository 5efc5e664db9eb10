//! The API of Ollama (<https://github.com/ollama/ollama/blob/main/docs/api.md>). A server of one's
//! own takes no key; the one of the vendor does.

mod dialect;
mod failure;
mod reply;
mod request;

pub(crate) use dialect::Ollama;

/// Where conversations go below `base`, the address of the server; one with `/api` is taken as it
/// is.
fn url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    format!("{}/api/chat", base.strip_suffix("/api").unwrap_or(base))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_path_is_ours() {
        for base in
            ["http://127.0.0.1:11434", "http://127.0.0.1:11434/", "http://127.0.0.1:11434/api"]
        {
            assert_eq!(super::url(base), "http://127.0.0.1:11434/api/chat");
        }
    }
}
