//! Names of programs that `ultra` takes the place of: what they are called here, and which do
//! nothing any more.

use crate::settings::catalogue::{self, VarSpec};
use crate::settings::value::Kind;

/// Names that have nothing to set here, with the reason. A trailing `*` stands for any ending.
const UNUSED: &[(&str, &str)] = &[
    ("TESTING", "validation cannot be turned off; profile `test` is for tests"),
    ("SECRET_KEY", "tokens are signed with `ULTRA_JWT_KEY`"),
    ("ENABLE_AUTH", "authentication is always on"),
    ("JWT_ALGORITHM", "the key decides it: HS256"),
    ("JWT_REFRESH_SECRET_KEY", "one key signs all tokens: `ULTRA_JWT_KEY`"),
    ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "there are no refresh tokens to set a time for"),
    ("REFRESH_TOKEN_EXPIRE_DAYS", "there are no refresh tokens to set a time for"),
    ("DATABASE_MAX_OVERFLOW", "the pool has one size: `ULTRA_DB_POOL_SIZE`"),
    ("DATABASE_POOL_TIMEOUT", "`ULTRA_DB_TIMEOUT` is how long a request waits, in all"),
    ("DB_CONNECTION_TIMEOUT", "`ULTRA_DB_TIMEOUT` is how long a request waits, in all"),
    ("ENABLE_DB_FALLBACK", "there is no silent fallback to another store"),
    ("DB_HOST", "the database is one address: `DATABASE_URL`"),
    ("DB_PORT", "the database is one address: `DATABASE_URL`"),
    ("DB_NAME", "the database is one address: `DATABASE_URL`"),
    ("DB_USER", "the database is one address: `DATABASE_URL`"),
    ("DB_PASSWORD", "the database is one address: `DATABASE_URL`"),
    ("ENABLE_CACHE", "the cache is always on; `ULTRA_CACHE` says which"),
    ("CACHE_ENABLED", "the cache is always on; `ULTRA_CACHE` says which"),
    ("CACHE_TTL", "what is remembered decides how long"),
    ("REDIS_DB_CACHE", "the number stands in `REDIS_URL`"),
    ("MAX_MEMORY_ITEMS", "the memory cache is bounded in bytes: `ULTRA_CACHE_MAX_BYTES`"),
    ("DOCUMENT_STORAGE_PATH", "no documents are stored"),
    ("TEMP_UPLOADS_PATH", "nothing is uploaded"),
    ("TEMP_PATH", "the directory of the system is used"),
    ("LOGS_PATH", "logs go to standard error"),
    ("ENABLE_SECURITY_HEADERS", "they are always sent"),
    ("ENABLE_RATE_LIMIT", "limits are always on: `ULTRA_RATE_LIMIT`"),
    ("ENABLE_HTTPS_REDIRECT", "the proxy that ends TLS does that"),
    ("DEFAULT_PROVIDER", "`routes:` of the profile say who answers for a model"),
    ("DEFAULT_MODEL", "`routes:` of the profile say who answers for a model"),
    ("USE_MODEL_RUNNER", "a local server is a provider of the profile, with its `base_url`"),
    ("MODEL_RUNNER_*", "a local server is a provider of the profile, with its `base_url`"),
    ("DEFAULT_LOCAL_MODEL", "`routes:` of the profile say who answers for a model"),
    ("INTERNAL_SERVICE_TOKENS", "service keys take their place: `ultra auth service-key create`"),
    ("ULTRA_VERSION", "the program knows its version"),
    ("HEALTH_CHECK_*", "health needs no settings"),
    ("OPENAI_ORG_ID", "it is not sent; a key belongs to one organisation"),
    ("ALLOWED_EXTERNAL_DOMAINS", "no addresses are fetched for clients"),
    ("SENTRY_DSN", "errors are not sent there"),
];

/// Names with another name here and a value that is written differently.
const CONVERTED: &[(&str, &str, &str)] = &[
    ("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "ULTRA_JWT_ACCESS_TTL", "m"),
    ("ACCESS_TOKEN_EXPIRE_MINUTES", "ULTRA_JWT_ACCESS_TTL", "m"),
];

/// Why a name does nothing here; `None` if it may mean something.
pub(super) fn unused(name: &str) -> Option<&'static str> {
    let same = |pattern: &str| match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
    };
    UNUSED.iter().find(|(pattern, _)| same(pattern)).map(|(_, why)| *why)
}

/// The variable that stands for `name` here, and its value; `None` if the name is no such one.
/// The value is `None` if it has none here.
pub(super) fn converted(name: &str, value: &str) -> Option<(&'static VarSpec, Option<String>)> {
    let (_, variable, unit) = CONVERTED.iter().find(|(old, _, _)| *old == name)?;
    let spec = catalogue::find(variable)?;
    let whole = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    Some((spec, whole.then(|| format!("{value}{unit}"))))
}

/// A value as it is written here, or the reason why there is nothing to write.
pub(super) fn value(spec: &VarSpec, value: &str) -> Result<String, &'static str> {
    match spec.name {
        "RUST_LOG" => Ok(match value.to_ascii_lowercase().as_str() {
            "warning" => "warn".to_owned(),
            "critical" | "fatal" => "error".to_owned(),
            level @ ("trace" | "debug" | "info" | "warn" | "error") => level.to_owned(),
            _ => value.to_owned(),
        }),
        "DATABASE_URL" => database(value),
        _ => Ok(match spec.kind {
            // Python writes `True`, and lists as JSON.
            Kind::Boolean => match value {
                "True" | "TRUE" | "yes" | "on" => "true".to_owned(),
                "False" | "FALSE" | "no" | "off" => "false".to_owned(),
                _ => value.to_owned(),
            },
            Kind::List => match serde_json::from_str::<Vec<String>>(value) {
                Ok(items) => items.join(","),
                Err(_) => value.to_owned(),
            },
            _ => value.to_owned(),
        }),
    }
}

/// Addresses as SQLAlchemy writes them: a driver behind `+`, and SQLite for want of a server.
fn database(value: &str) -> Result<String, &'static str> {
    if value.starts_with("sqlite") {
        return Err(
            "an SQLite file of another program; the embedded store makes its own under the state directory",
        );
    }
    let Some((scheme, rest)) = value.split_once("://") else { return Ok(value.to_owned()) };
    match scheme.split_once('+') {
        Some((scheme @ ("postgres" | "postgresql"), _)) => Ok(format!("{scheme}://{rest}")),
        _ => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_what_there_is() {
        for (name, variable, _) in CONVERTED {
            assert!(catalogue::find(variable).is_some(), "{variable}");
            assert!(catalogue::find(name).is_none() && catalogue::find_alias(name).is_none());
        }
        for (name, why) in UNUSED {
            assert!(catalogue::find(name).is_none(), "{name}");
            assert!(catalogue::find_alias(name).is_none(), "{name}");
            for named in why.split('`').filter(|word| word.contains('_')) {
                assert!(catalogue::find(named).is_some() || named == "base_url", "{named}");
            }
        }
        assert!(unused("HEALTH_CHECK_INTERVAL").is_some());
        assert!(unused("MY_TESTING").is_none());
    }

    #[test]
    fn values_are_written_as_here() {
        let of = |name: &str, text: &str| value(catalogue::find(name).unwrap(), text);
        assert_eq!(of("RUST_LOG", "WARNING").unwrap(), "warn");
        assert_eq!(of("RUST_LOG", "info,a=debug").unwrap(), "info,a=debug");
        assert_eq!(
            of("ULTRA_CORS_ORIGINS", r#"["https://a","https://b"]"#).unwrap(),
            "https://a,https://b"
        );
        assert_eq!(of("ULTRA_DEBUG", "True").unwrap(), "true");
        assert_eq!(of("DATABASE_URL", "postgresql+asyncpg://u@h/d").unwrap(), "postgresql://u@h/d");
        assert!(of("DATABASE_URL", "sqlite:///./ultra.db").is_err());
        assert_eq!(converted("ACCESS_TOKEN_EXPIRE_MINUTES", "15").unwrap().1.unwrap(), "15m");
        assert!(converted("ACCESS_TOKEN_EXPIRE_MINUTES", "soon").unwrap().1.is_none());
    }
}
