//! What the files of a new project say.

use crate::settings::docs;
use serde::Serialize;

/// The file of the production profile, the only one that depends on answers.
pub(super) const PROD: &str = "profiles/prod.yaml";
/// What git must not see.
pub(super) const GITIGNORE: &str = ".gitignore";
/// The lines that keep state and secrets out of git. The first that names a file wins last.
pub(super) const IGNORED: &[&str] = &["/.ultra/", ".env", ".env.*", "!.env.example"];

const DEV_TEXT: &str = include_str!("../../../../profiles/dev.yaml");
const TEST_TEXT: &str = include_str!("../../../../profiles/test.yaml");
const STAGING_TEXT: &str = include_str!("../../../../profiles/staging.yaml");
const PROD_TEXT: &str = include_str!("../../../../profiles/prod.yaml");

const REDIS_LINE: &str = "  ULTRA_CACHE: redis\n";
const POSTGRES_LINE: &str = "  require_postgres: true\n";
const SECRETS_LINE: &str = "# (`ultra keys set database --profile prod`).\n";

/// Profiles to start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileSet {
    /// dev, test, staging and prod.
    All,
    /// dev and prod.
    Small,
}

/// Where production keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Database {
    /// PostgreSQL.
    Postgres,
    /// The embedded SQLite database.
    Sqlite,
}

/// What production remembers answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cache {
    /// Redis.
    Redis,
    /// The memory of each process.
    Memory,
}

/// What the operator decided.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Choices {
    /// Providers whose keys production needs.
    pub(super) providers: Vec<&'static str>,
    /// Where it keeps its data.
    pub(super) database: Database,
    /// What it remembers answers in.
    pub(super) cache: Cache,
}

impl Choices {
    /// What is taken where nobody decides: what more than one replica needs.
    pub(super) fn defaults(providers: Vec<&'static str>) -> Self {
        Self { providers, database: Database::Postgres, cache: Cache::Redis }
    }
}

/// The files of a project in the order in which they are written.
pub(super) fn paths(set: ProfileSet) -> &'static [&'static str] {
    const ALL: &[&str] = &[
        GITIGNORE,
        ".env.example",
        "profiles/profile.schema.json",
        "profiles/dev.yaml",
        "profiles/test.yaml",
        "profiles/staging.yaml",
        PROD,
    ];
    const SMALL: &[&str] =
        &[GITIGNORE, ".env.example", "profiles/profile.schema.json", "profiles/dev.yaml", PROD];
    match set {
        ProfileSet::All => ALL,
        ProfileSet::Small => SMALL,
    }
}

/// The content of one of them. A `.gitignore` that is there keeps what it says; see
/// [`extended`].
pub(super) fn content(path: &str, choices: &Choices) -> String {
    match path {
        GITIGNORE => extended("", IGNORED),
        ".env.example" => docs::env_example_for_users(),
        "profiles/profile.schema.json" => docs::profile_schema(),
        "profiles/dev.yaml" => DEV_TEXT.to_owned(),
        "profiles/test.yaml" => TEST_TEXT.to_owned(),
        "profiles/staging.yaml" => STAGING_TEXT.to_owned(),
        _ => prod(choices),
    }
}

/// `text` with these lines at its end.
pub(super) fn extended(text: &str, lines: &[&str]) -> String {
    let mut out = text.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str("# State and secrets of ultra.\n");
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The lines of [`IGNORED`] that a `.gitignore` lacks.
pub(super) fn missing_lines(text: &str) -> Vec<&'static str> {
    let has = |wanted: &str| {
        text.lines().any(|line| {
            let line = line.trim();
            line == wanted || (wanted == "/.ultra/" && matches!(line, ".ultra" | ".ultra/"))
        })
    };
    let mut missing: Vec<&str> = IGNORED.iter().filter(|line| !has(line)).copied().collect();
    // The exception counts only behind what it is an exception from.
    if missing.contains(&".env.*") && !missing.contains(&"!.env.example") {
        missing.push("!.env.example");
    }
    missing
}

/// The production profile for these choices.
fn prod(choices: &Choices) -> String {
    let mut text = PROD_TEXT.to_owned();
    if choices.cache == Cache::Memory {
        text = text.replace(REDIS_LINE, "  ULTRA_CACHE: memory\n");
    }
    if choices.database == Database::Sqlite {
        text = text.replace(POSTGRES_LINE, "  require_postgres: false\n");
    }
    let commands: Vec<String> = choices
        .providers
        .iter()
        .map(|name| format!("#   ultra keys set {name} --profile prod\n"))
        .collect();
    if !commands.is_empty() {
        let with = format!("{SECRETS_LINE}#\n# Keys of the providers:\n{}", commands.concat());
        text = text.replace(SECRETS_LINE, &with);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_production_profile_follows_every_choice() {
        for line in [REDIS_LINE, POSTGRES_LINE, SECRETS_LINE] {
            assert_eq!(PROD_TEXT.matches(line).count(), 1, "{line}");
        }
        let choices =
            Choices { providers: vec!["openai"], database: Database::Sqlite, cache: Cache::Memory };
        let text = prod(&choices);
        for line in ["ULTRA_CACHE: memory", "require_postgres: false", "keys set openai"] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(prod(&Choices::defaults(Vec::new())), PROD_TEXT);
    }

    #[test]
    fn only_missing_lines_are_added_and_the_exception_stays_behind() {
        assert_eq!(missing_lines(""), IGNORED);
        assert_eq!(missing_lines(&extended("target", IGNORED)), [""; 0]);
        assert_eq!(missing_lines("!.env.example\n.ultra\n"), [".env", ".env.*", "!.env.example"]);
        assert_eq!(extended("a", &["b"]), "a\n# State and secrets of ultra.\nb\n");
    }
}
