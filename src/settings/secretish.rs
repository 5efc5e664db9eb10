//! What looks like a secret although nobody declared it one.

use super::catalogue::{self, VarSpec};
use super::dotenv::is_name;
use super::rules::placeholder::is_placeholder;
use crate::base::near;
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

/// Beginnings of well-known keys and tokens.
const VALUE_BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_",
    "rk_",
    "pk_live_",
    "AIza",
    "gsk_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "xapp-",
    "xai-",
    "pplx-",
    "AKIA",
    "ASIA",
    "uk_",
    "eyJ",
    "hf_",
    "r8_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "SG.",
    "shpat_",
    "whsec_",
    "hvs.",
    "ya29.",
    "lin_api_",
    "sntrys_",
    "figd_",
    "tskey-",
    "AGE-SECRET-KEY-",
    "-----BEGIN",
    "Bearer ",
    "Basic ",
];

/// Addresses that are secrets themselves: whoever knows them can write there.
const WEBHOOKS: &[&str] = &[
    "://hooks.slack.com/",
    "://discord.com/api/webhooks/",
    "://discordapp.com/api/webhooks/",
    "://hooks.zapier.com/",
    ".webhook.office.com/",
    "://outlook.office.com/webhook/",
    "://chat.googleapis.com/v1/spaces/",
    "://api.telegram.org/bot",
];

/// Whether a variable of this name holds a secret by custom, such as `STRIPE_API_KEY`, or misses
/// the name of a catalogued secret by a slip of the pen.
pub(crate) fn name(name: &str) -> bool {
    by_custom(name) || near_secret(name)
}

fn by_custom(name: &str) -> bool {
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

/// Whether a text looks like a key, a token, or a URL with a password in it.
pub(crate) fn value(text: &str) -> bool {
    let text = text.trim();
    if VALUE_BEGINNINGS.iter().any(|begin| text.starts_with(begin) && text.len() >= begin.len() + 8)
    {
        return true;
    }
    text.contains("://")
        && (WEBHOOKS.iter().any(|host| text.contains(host)) || url_with_password(text))
}

/// Whether a text may be a secret by its looks, or have one in it: as [`value`], a well-known key
/// anywhere, something said to be a secret, or a word that is long and drawn by lot. Digests look
/// so too, so this decides what is shown and never what is refused.
pub(crate) fn perhaps(text: &str) -> bool {
    value(text)
        || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| hex(word) || random(word))
        || key_within(text)
        || said(text)
}

/// What stands around the words of a connection string, of JSON or of a remark.
fn separates(c: char) -> bool {
    c.is_whitespace() || "\"'`=:,;(<[{".contains(c)
}

/// Whether a word anywhere in a text begins as well-known keys do, and goes on for a while.
fn key_within(text: &str) -> bool {
    let begins = |rest: &str| {
        VALUE_BEGINNINGS.iter().any(|begin| {
            rest.strip_prefix(begin).is_some_and(|key| {
                begin.starts_with("-----")
                    || key.chars().take_while(|c| !separates(*c)).nth(7).is_some()
            })
        })
    };
    let ends = text.char_indices().filter(|(_, c)| separates(*c));
    ends.filter_map(|(at, c)| text.get(at + c.len_utf8()..)).any(begins)
}

/// Whether a text says of something in it that it is a secret, such as `host=db password=x` and
/// `{"token": "x"}`.
fn said(text: &str) -> bool {
    let mut name = "";
    let mut rest = text;
    while let Some(at) = rest.find(separates) {
        let (word, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
        // Quotes and blanks may stand between a name and what follows it.
        name = if word.is_empty() { name } else { word };
        let sign = behind.chars().next().unwrap_or_default();
        rest = behind.get(sign.len_utf8()..).unwrap_or_default();
        // As a variable that is the working directory, here it is a password.
        let secret = || by_custom(name) || name.eq_ignore_ascii_case("pwd");
        if matches!(sign, '=' | ':') && secret() {
            let around = |c: char| c.is_whitespace() || "\"'`".contains(c);
            let value = rest.trim_start_matches(around);
            let value = value.split(|c| around(c) || matches!(c, ',' | ';')).next();
            let value = value.unwrap_or_default();
            if value.contains(char::is_alphanumeric) && !is_placeholder(value) {
                return true;
            }
        }
        if !matches!(sign, '"' | '\'' | '`' | ' ' | '\t') {
            name = "";
        }
    }
    false
}

/// Whether a word is a number of 128 bits or more in hexadecimal.
fn hex(word: &str) -> bool {
    word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

fn url_with_password(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        url.password().is_some_and(|p| !p.is_empty())
            || perhaps_token(url.username())
            || url.query_pairs().any(|(name, value)| !value.is_empty() && by_custom(&name))
    })
}

/// Whether the user of a URL is a token in truth.
fn perhaps_token(user: &str) -> bool {
    VALUE_BEGINNINGS.iter().any(|begin| user.starts_with(begin) && user.len() >= begin.len() + 8)
        || hex(user)
        || random(user)
}

/// Whether an assignment may give a secret away: by the name or the looks of the value, unless that
/// only stands for one.
pub(crate) fn assignment(name: &str, text: &str) -> bool {
    !text.is_empty() && !is_placeholder(text) && (variable(name) || perhaps(text))
}

/// Whether a comment of a dotenv file may hold a secret, such as an assignment that was commented
/// out.
pub(crate) fn comment(text: &str) -> bool {
    let text = text.trim_start_matches(['#', ' ', '\t']);
    if let Some((name, value)) = text.split_once('=') {
        let name = name.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim_start();
        if is_name(name) && assignment(name, value.trim().trim_matches(['"', '\''])) {
            return true;
        }
    }
    text.split(|c: char| c.is_whitespace() || "='\"`".contains(c))
        .any(|word| !word.is_empty() && !is_placeholder(word) && perhaps(word))
        || said(text)
}

/// Whether a remark may hold a secret or speak of one: what is shown only to show a file need not
/// show this.
pub(crate) fn remark(text: &str) -> bool {
    let apart = |c: char| c == '#' || separates(c);
    perhaps(text) || text.split(apart).any(|word| !word.is_empty() && (perhaps(word) || name(word)))
}

/// A name somebody typed, fit for a message: in backticks if it looks like a name, and not at all
/// if it may be a secret that stands in the wrong place.
pub(crate) fn name_for_message(text: &str) -> String {
    told(fit_name(text))
}

/// A name in a message, or that there is one which is not shown.
pub(crate) fn told(name: Option<&str>) -> String {
    name.map_or_else(|| "a name that cannot be shown".to_owned(), |name| format!("`{name}`"))
}

/// Whether the catalogue has this name, or had it.
pub(crate) fn is_catalogued(name: &str) -> bool {
    catalogue::find(name).is_some()
}

/// The name itself, if it is fit to be shown.
pub(crate) fn fit_name(text: &str) -> Option<&str> {
    let fit = !text.is_empty()
        && text.len() <= 64
        && !value(text)
        && !text.split_whitespace().any(|part| value(part) || hex(part) || random(part))
        && text.chars().all(|c| c.is_alphanumeric() || "_-./:*? ".contains(c));
    fit.then_some(text)
}

/// Whether a word looks drawn by lot: long, with small and capital letters and digits.
fn random(word: &str) -> bool {
    word.len() >= 20
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_digit())
}

/// A value for a message: quoted if it is short and harmless, else its length. Somebody may have
/// pasted a key, or the beginning of one, where a number belongs.
pub(crate) fn value_for_message(text: &str) -> String {
    let short = text.chars().count() <= 16 && !text.chars().any(char::is_control);
    if short && !perhaps_pasted(text) {
        format!("`{text}`")
    } else {
        format!("a text of {} characters", text.chars().count())
    }
}

/// Whether a short text may hold a piece of a secret: the beginning of a well-known key anywhere in
/// it, or a word of twelve or more in which letters and digits are mixed.
fn perhaps_pasted(text: &str) -> bool {
    let mixed = |word: &str| {
        word.len() >= 12
            && word.bytes().any(|b| b.is_ascii_digit())
            && word.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let begins = |part: &str| {
        VALUE_BEGINNINGS.iter().any(|begin| part.len() > begin.len() && part.starts_with(begin))
    };
    perhaps(text)
        || text.contains('@')
        || text.split(|c: char| !c.is_ascii_alphanumeric()).any(mixed)
        || text.split(separates).any(begins)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pasted_key_is_not_repeated_in_a_message() {
        // Put together here, so that our own scanner finds no password in an address.
        let address = format!("postgres://u:{}@db/app", "hunter2");
        for value in [
            "sk-abc123",
            "sk-proj-12345678",
            "\"sk-abc\"",
            "key=sk-abc",
            "eyJhbGciOiJI",
            "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            "h://u:pw@h",
            address.as_str(),
            "0123456789abcdef",
            "0123456789abcdef0123456789abcdef",
            "q7Gm2xVt9LrB4nWz",
        ] {
            let shown = super::value_for_message(value);
            assert!(shown.starts_with("a text of "), "{value}: {shown}");
        }
        for value in ["yes", "8085x", "10 minutes", "0.0.0.0:99999", "info,hyper=warn", "gpt-4o"] {
            assert_eq!(super::value_for_message(value), format!("`{value}`"));
        }
    }

    #[test]
    fn what_may_be_a_secret_is_no_name_in_a_message() {
        for text in
            ["", "sk-abcdefgh12", "password sk-abcdefgh12", "q7Gm2xVt9LrB4nWz8KdY5c", "a\nb"]
        {
            assert!(!super::name_for_message(text).contains('`'), "{text}");
        }
        for text in ["ULTRA_PROT", "gpt-4o-mini-2024-07-18", "modles"] {
            assert_eq!(super::name_for_message(text), format!("`{text}`"));
        }
    }

    #[test]
    fn names_and_values_are_told_from_ordinary_ones() {
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
        for value in [
            "sk-proj-12345678",
            "postgres://u:pw@h/db",
            concat!("-----BE", "GIN PRIVATE KEY-----"),
            "https://hooks.slack.com/services/T0/B0/x",
            "https://h/a?api_key=1",
        ] {
            assert!(super::value(value), "{value}");
        }
        for value in [
            "0123456789abcdef0123456789abcdef",
            "q7Gm2xVt9LrB4nWz8KdY5c",
            "key sk-proj-12345678",
            "the=sk-proj-12345678",
            "Authorization:Bearer abcdefgh",
            "host=db password=hunter2",
            "{\"user\": \"u\", \"password\" : \"hunter2\"}",
            "password: hunter2",
            "user=u;Pwd=x",
            concat!("a -----BE", "GIN PRIVATE KEY-----"),
        ] {
            assert!(super::perhaps(value) && !super::value(value), "{value}");
        }
        for value in [
            "meta-llama/Llama-3.3-70B-Instruct",
            "https://api.example.com/V1",
            "a b",
            "a sk-ip",
            "password=",
            "password: <password>",
            "max_tokens: 5",
            "the key, then: a",
            "10:30",
            "info,hyper=warn",
        ] {
            assert!(!super::perhaps(value), "{value}");
        }
        for value in ["sk-", "https://h/a@b", "hello", "postgres://u@h/db"] {
            assert!(!super::value(value), "{value}");
        }
    }
}
