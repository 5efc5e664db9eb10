//! The forms of addresses of stores and caches, for everybody who takes one.

use url::Url;

/// Whether a text has the form of a database: `postgres://…`, `postgresql://…` or `sqlite:PATH`.
pub(crate) fn database(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        return !path.is_empty() && path != ":memory:" && !path.contains(['?', '\0']);
    }
    (text.starts_with("postgres://") || text.starts_with("postgresql://"))
        && Url::parse(text).is_ok()
}

/// Whether a text has the form of a Redis server: `redis://HOST…` or `rediss://HOST…`.
pub(crate) fn redis(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host())
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_are_told_from_other_texts() {
        for text in ["postgres://u:p@h/db", "postgresql://h/db", "sqlite:data/a.db"] {
            assert!(super::database(text), "{text}");
        }
        for text in [
            "CANARY",
            "mysql://h/db",
            "postgres:h",
            "sqlite:",
            "sqlite::memory:",
            "postgres://h:port/db",
        ] {
            assert!(!super::database(text), "{text}");
        }
        assert!(super::redis("rediss://h:6379/0"));
        for text in ["CANARY", "http://h", "redis:h"] {
            assert!(!super::redis(text), "{text}");
        }
    }
}
