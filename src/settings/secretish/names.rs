//! Names whose values are secrets: by custom, by the catalogue, or but for a slip of the pen.

use crate::base::near;
use crate::settings::catalogue::{self, VarSpec};
use std::sync::LazyLock;

/// Parts of names whose values are secrets by custom.
const PARTS: &[&str] = &[
    "KEY",
    "KEYS",
    "KY",
    "APIKEY",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
    "PASSWORD",
    "PASSWD",
    "PASSWRD",
    "PASS",
    "PASSPHRASE",
    "PWD",
    "PW",
    "PAT",
    "CRED",
    "CREDS",
    "CREDENTIAL",
    "CREDENTIALS",
    "AUTH",
    "BEARER",
    "COOKIE",
    "DSN",
    "PRIVATE",
    "WEBHOOK",
    "WEBHOOKS",
    "SALT",
    "SIGNATURE",
    "SEED",
];

/// Ends of parts that are glued together, such as `OPENAIAPIKEY`, `JWTSECRET` and `PGPASSWORD`.
const GLUED: &[&str] = &[
    "APIKEY",
    "APIKY",
    "SECRETKEY",
    "PRIVATEKEY",
    "ACCESSKEY",
    "AUTHKEY",
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIALS",
    "WEBHOOK",
];

/// Last parts that say that the value is something about a secret, and not the secret.
const ABOUT: &[&str] = &[
    "TTL",
    "TIMEOUT",
    "EXPIRY",
    "EXPIRES",
    "LIFETIME",
    "AGE",
    "DAYS",
    "HOURS",
    "MINUTES",
    "SECONDS",
    "COUNT",
    "LIMIT",
    "LENGTH",
    "SIZE",
    "RATE",
    "ENABLED",
    "DISABLED",
    "REQUIRED",
    "MODE",
    "METHOD",
    "TYPE",
    "KIND",
    "ALG",
    "ALGORITHM",
    "NAME",
    "ID",
    "HEADER",
    "PREFIX",
    "ISSUER",
    "AUDIENCE",
    "FILE",
    "PATH",
    "DIR",
    "HOST",
    "PORT",
    "PROVIDER",
    "SOCK",
    "PROFILE",
];

/// Whether a variable of this name holds a secret by custom, such as `STRIPE_API_KEY`, or misses
/// the name of a catalogued secret by a slip of the pen.
pub(crate) fn name(name: &str) -> bool {
    by_custom(name) || near_secret(name)
}

/// Whether the parts of a name say so.
pub(super) fn by_custom(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> = upper.split(['_', '-', '.']).collect();
    let last = parts.last().copied().unwrap_or_default();
    if matches!(upper.as_str(), "PWD" | "OLDPWD")
        || ABOUT.contains(&last)
        || parts.contains(&"PUBLIC")
        || (last == "TOKENS" && parts.iter().any(|part| matches!(*part, "MAX" | "MIN")))
    {
        return false;
    }
    parts.iter().enumerate().any(|(n, part)| {
        let part = part.trim_end_matches(|c: char| c.is_ascii_digit());
        // `AUTH_URL` and `TOKEN_URL` are addresses, `DB_KEY_URL` too; a webhook's is the secret.
        let address = matches!(last, "URL" | "URI" | "ENDPOINT") && n + 1 < parts.len();
        let found = PARTS.contains(&part) || GLUED.iter().any(|end| part.ends_with(end));
        found && (!address || part.contains("WEBHOOK"))
    })
}

/// The names of catalogued secrets without what glues their parts together.
static CATALOGUED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let secrets = catalogue::all().filter(|spec| spec.secret);
    let aliases = |spec: &'static VarSpec| spec.aliases.iter().map(|alias| alias.name);
    secrets.flat_map(|spec| std::iter::once(spec.name).chain(aliases(spec))).map(plain).collect()
});

fn plain(name: &str) -> String {
    let parts = name.chars().filter(|c| !matches!(c, '_' | '-' | '.'));
    parts.map(|c| c.to_ascii_uppercase()).collect()
}

/// Whether a name misses that of a catalogued secret, however it is glued together.
fn near_secret(name: &str) -> bool {
    let wanted = plain(name);
    if !(6..=64).contains(&wanted.len()) || catalogue::find(name).is_some() {
        return false;
    }
    CATALOGUED.iter().any(|known| {
        let slips = if known.len() >= 11 { 2 } else { 1 };
        known.len().abs_diff(wanted.len()) <= slips
            && near::distance_within(known, &wanted, slips).is_some()
    })
}

/// Whether a variable is a secret: declared in the catalogue, or by custom.
pub(crate) fn variable(text: &str) -> bool {
    catalogue::find(text).map_or_else(|| name(text), |spec| spec.secret)
}

/// Whether the catalogue has this name, or had it.
pub(crate) fn is_catalogued(name: &str) -> bool {
    catalogue::find(name).is_some()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_secrets_are_told_from_ordinary_ones() {
        for name in [
            "STRIPE_API_KEY",
            "TOKEN",
            "DB_PASSWORD",
            "SENTRY_DSN",
            "MISTRAL_API_KY",
            "OPENAI_API_KY",
            "OPENAIAPIKEY",
            "OPENAIAPIKEI",
            "PGPASSWORD",
            "DB_PWD",
            "GITHUB_PAT",
            "JWTSECRET",
            "API_KEY_2",
            "SECRET_KEY_BASE",
            "SLACK_WEBHOOK_URL",
            "DATABSE_URL",
        ] {
            assert!(super::name(name), "{name}");
        }
        for name in [
            "MONKEY",
            "TOKEN_TTL",
            "KEYBOARD",
            "COMPASS",
            "APP_NAME",
            "AUTH_URL",
            "MAX_TOKENS",
            "PATH",
            "PUBLIC_KEY",
            "APP_BANNER",
            "PWD",
        ] {
            assert!(!super::name(name), "{name}");
        }
    }
}
