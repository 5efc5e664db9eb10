//! Secrets that no shape gives away, told by the name that stands before them: `DB_PASSWORD=…`,
//! `secret_key: …`, `<password>…</password>`, `define('AUTH_KEY', '…')`, `password …` of netrc.

use super::finding::{Hit, Rule};
use super::random;
use std::path::Path;

/// How a file writes names and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Names and values, and little else: a secret's name with any plausible value counts.
    Config,
    /// Words separated by spaces: netrc.
    Words,
    /// Five fields with colons, the last a password: pgpass.
    Colons,
    /// Source code: only quoted values that look random count.
    Code,
    /// Prose and everything else: values that look random count.
    Text,
}

/// How the file at `path` writes names and values, by its name.
pub(super) fn format(path: &Path) -> Format {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if name.starts_with(".env") || name.ends_with(".env") {
        return Format::Config;
    }
    match name.trim_start_matches(['.', '_']) {
        "netrc" => return Format::Words,
        "pgpass" => return Format::Colons,
        "npmrc" | "pypirc" | "dockercfg" | "s3cfg" | "credentials" | "my.cnf" | "htpasswd"
        | "git-credentials" | "boto" | "esmtprc" | "msmtprc" | "wgetrc" | "curlrc" => {
            return Format::Config;
        }
        _ => {}
    }
    match extension {
        "yaml" | "yml" | "json" | "toml" | "ini" | "cfg" | "conf" | "config" | "properties"
        | "xml" | "tfvars" | "cnf" | "plist" | "pem" | "sql" => Format::Config,
        "rs" | "py" | "js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx" | "go" | "java" | "kt" | "rb"
        | "php" | "c" | "h" | "cc" | "cpp" | "cs" | "swift" | "scala" | "sh" | "bash" | "zsh"
        | "lua" | "pl" | "ex" | "exs" | "clj" | "hs" | "tf" | "ps1" => Format::Code,
        _ => Format::Text,
    }
}

/// Ends of names whose values are secrets, without separators.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "dbpass",
    "secret",
    "secretkey",
    "secretaccesskey",
    "token",
    "authtoken",
    "accesstoken",
    "apitoken",
    "bottoken",
    "apikey",
    "accesskey",
    "privatekey",
    "encryptionkey",
    "signingkey",
    "authkey",
    "masterkey",
    "clientsecret",
    "jwtsecret",
    "jwtkey",
    "sessionsecret",
    "cookiesecret",
    "webhooksecret",
    "salt",
    "credential",
    "credentials",
    "auth",
    "licensekey",
    "sharedkey",
    "accountkey",
    "storagekey",
];

/// Names that end like a secret's and are none.
const HARMLESS: &[&str] = &[
    "maxtoken",
    "publickey",
    "nexttoken",
    "pagetoken",
    "eostoken",
    "bostoken",
    "padtoken",
    "unktoken",
    "stoptoken",
    "basicauth",
    "requireauth",
    "enableauth",
    "useauth",
    "noauth",
    "tokentype",
    "hasauth",
    "oauth",
];

/// Whether the name says that its value is a secret.
fn names_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.iter().any(|known| plain.ends_with(known))
        && !HARMLESS.iter().any(|known| plain.ends_with(known))
}

/// Every secret in `text` that is told by its name.
pub(super) fn find(text: &str, format: Format, hits: &mut Vec<Hit>) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let found = match format {
            Format::Words => words(line),
            Format::Colons => colons(line),
            Format::Config | Format::Code | Format::Text => named(line, format),
        };
        if let Some((offset, name)) = found {
            hits.push(Hit {
                at: at + offset,
                rule: Rule::NamedSecret,
                what: format!("value of `{name}`"),
                shown: "***".to_owned(),
            });
        }
        at += line.len();
    }
}

/// Lines longer than this are data, not configuration.
const LONGEST_LINE: usize = 4096;

/// `name = value`, `name: value`, `"name": "value"`, `define('name', 'value')`,
/// `<name>value</name>`, `name="value"`: the offset of the value, and the name.
fn named(line: &str, format: Format) -> Option<(usize, String)> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    let bytes = line.as_bytes();
    let mut from = 0;
    // Every separator is tried: a line of XML, JSON or code can hold several pairs.
    while let Some(offset) =
        bytes.get(from..)?.iter().position(|b| matches!(b, b'=' | b':' | b'>' | b','))
    {
        let at = from + offset;
        from = at + 1;
        let Some(name) = name_before(line, at) else { continue };
        if !names_secret(name) {
            continue;
        }
        if let Some((start, value, quoted)) = value_after(line, at)
            && counts(value, quoted, format)
        {
            return Some((start, name.to_owned()));
        }
    }
    None
}

/// The name that ends before the separator at `at`.
fn name_before(line: &str, at: usize) -> Option<&str> {
    let before = line.get(..at)?.trim_end_matches([' ', '\t', '"', '\'', ']', ':', '+', '?']);
    let start = before
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |n| n + 1);
    let name = before.get(start..)?;
    (name.len() >= 3 && name.len() <= 80).then_some(name)
}

/// The value after the separator at `at`: where it begins, what it is, whether it was quoted.
fn value_after(line: &str, at: usize) -> Option<(usize, &str, bool)> {
    let rest = line.get(at + 1..)?;
    let trimmed = rest.trim_start_matches(['=', '>', ' ', '\t']);
    let start = at + 1 + rest.len() - trimmed.len();
    let first = trimmed.chars().next()?;
    if matches!(first, '"' | '\'' | '`') {
        let inner = trimmed.get(1..)?;
        let value = inner.get(..inner.find(first)?)?;
        return Some((start + 1, value, true));
    }
    let ends: &[char] = &[' ', '\t', '\r', '\n', '<', ',', ';', ')', '}', '"', '\''];
    let value = trimmed.get(..trimmed.find(ends).unwrap_or(trimmed.len()))?;
    Some((start, value, false))
}

/// Values that everybody knows: dev keys, which another rule judges.
const WELL_KNOWN: &[&str] = &[
    "password",
    "postgres",
    "root",
    "admin",
    "guest",
    "secret",
    "test",
    "dev",
    concat!("minio", "admin"),
    "changeit",
    "true",
    "false",
    "yes",
    "no",
    "string",
    "required",
    "optional",
    "bearer",
    "basic",
    "write",
    "read",
    "default",
    "token",
    "key",
    "file",
    "keyring",
    "vault",
    "random",
    "generated",
];

/// Whether the value beside a secret's name counts as a secret.
fn counts(value: &str, quoted: bool, format: Format) -> bool {
    let lower = value.to_ascii_lowercase();
    let plausible = (6..=512).contains(&value.len())
        && !value.contains(char::is_whitespace)
        && !random::is_stand_in(value)
        && !WELL_KNOWN.contains(&lower.as_str())
        && !lower.starts_with("http://")
        && !lower.starts_with("https://")
        && !value.starts_with('/')
        && !value.starts_with("./");
    match format {
        // Names of other things (`secretName: app-tls`) are words; passwords that people make up
        // have a digit or a sign in them.
        Format::Config => {
            plausible
                && (random::looks_random(value)
                    || (value.bytes().any(|b| b.is_ascii_digit())
                        && value.bytes().any(|b| b.is_ascii_alphabetic()))
                    || value.bytes().any(|b| matches!(b, b'!' | b'#' | b'$' | b'&' | b'^')))
        }
        Format::Code => plausible && quoted && random::looks_random(value),
        Format::Text | Format::Words | Format::Colons => plausible && random::looks_random(value),
    }
}

/// netrc: `machine H login L password P`.
fn words(line: &str) -> Option<(usize, String)> {
    let at = line.find("password")?;
    let after = line.get(at + "password".len()..)?;
    let value = after.trim();
    let start = line.len() - after.trim_start().len();
    (!value.is_empty() && !random::is_stand_in(value)).then(|| (start, "password".to_owned()))
}

/// pgpass: `host:port:database:user:password`.
fn colons(line: &str) -> Option<(usize, String)> {
    if line.trim_start().starts_with('#') || line.matches(':').count() < 4 {
        return None;
    }
    let value = line.splitn(5, ':').nth(4)?.trim_end();
    let start = line.trim_end().len() - value.len();
    (!value.is_empty() && !random::is_stand_in(value)).then(|| (start, "password".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random-looking, and made here so that no secret-like text stands in this file.
    fn value() -> String {
        ["9fK2", "mQx7", "Lw0Z", "tB4v", "Rj8N"].concat()
    }

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let mut hits = Vec::new();
        find(text, format(Path::new(path)), &mut hits);
        hits.into_iter().map(|h| (h.at, h.what)).collect()
    }

    #[test]
    fn named_values_are_found_in_every_format() {
        let v = value();
        for (path, text) in [
            (".env", format!("DB_PASSWORD={v}\n")),
            ("a.yaml", format!("  client_secret: {v}\n")),
            ("a.json", format!("{{\"apiKey\": \"{v}\"}}")),
            ("a.xml", format!("<password>{v}</password>")),
            ("a.ini", format!("aws_secret_access_key = {v}")),
            ("a.php", format!("define('AUTH_KEY', '{v}');")),
            ("a.py", format!("TOKEN = \"{v}\"")),
            ("a.rs", format!("let api_key = \"{v}\";")),
            (".npmrc", format!("//registry/:_authToken={v}")),
            (".netrc", format!("machine h login me password {v}")),
            (".pgpass", format!("db:5432:app:me:{v}")),
        ] {
            let hits = found(path, &text);
            assert_eq!(hits.len(), 1, "{path}: {text}");
            assert!(text.get(hits[0].0..).unwrap().starts_with(&v), "{path}: {hits:?}");
            assert!(!hits[0].1.contains(&v));
        }
    }

    #[test]
    fn made_up_passwords_count_in_configuration_only() {
        let v = ["hunter", "2022"].concat();
        assert_eq!(found("a.yaml", &format!("password: {v}")).len(), 1);
        assert_eq!(found("a.rs", &format!("let password = \"{v}\";")).len(), 0);
    }

    #[test]
    fn names_references_and_stand_ins_do_not_count() {
        for (path, text) in [
            (".env", "DB_PASSWORD=${DB_PASSWORD}"),
            (".env", "API_KEY=change-me-1234"),
            ("a.yaml", "secretName: app-tls-2"),
            ("a.yaml", "OPENAI_API_KEY: vault:openai"),
            ("a.yaml", "max_token: 4096000"),
            ("a.rs", "let token = self.token_for(request, deadline_in_ms)?;"),
            ("a.py", "password = os.environ[\"DB_PASSWORD1\"]"),
            ("a.json", "{\"password\": \"\"}"),
            ("README.md", "Set the token: it is documented below."),
        ] {
            assert_eq!(found(path, text), [], "{path}: {text}");
        }
    }
}
