//! What a person is asked, and what answers instead.

use super::Request;
use super::files::{Cache, Choices, Database};
use crate::report::{Console, Fault};
use crate::settings::groups::KNOWN_PROVIDERS;

/// The way out where there is nobody to ask.
const INSTEAD: &str = "`ultra env init --yes` takes the defaults; or decide with \
                       `--provider openai --database postgres --cache redis`";

/// What flags did not decide is asked, or is the default with `--yes`.
///
/// # Errors
/// There is nobody to ask (6), or the operator stopped the command (130).
pub(super) fn ask(
    request: &Request,
    providers: Option<Vec<&'static str>>,
    console: &dyn Console,
) -> Result<Choices, Fault> {
    let defaults = Choices::defaults(Vec::new());
    let choose = |question: &str, options: &[&str]| {
        if request.yes {
            return Ok(0);
        }
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        console.choose(question, &options).map_err(|e| e.fault(&format!("`{question}`"), INSTEAD))
    };
    let providers = match providers {
        Some(providers) => providers,
        None => {
            let mut options = vec!["none yet"];
            options.extend(KNOWN_PROVIDERS.iter().map(|known| known.name));
            let chosen = choose("Which provider answers in production", &options)?;
            let index = chosen.checked_sub(1);
            index.and_then(|n| KNOWN_PROVIDERS.get(n)).map(|known| known.name).into_iter().collect()
        }
    };
    let database = match request.database {
        Some(database) => database,
        None => {
            let options = ["PostgreSQL, for any number of replicas", "SQLite, for one server"];
            match choose("Where does production keep its data", &options)? {
                0 => defaults.database,
                _ => Database::Sqlite,
            }
        }
    };
    let cache = match request.cache {
        Some(cache) => cache,
        None => {
            let options = ["Redis, shared by replicas", "memory of each process"];
            match choose("What does production remember answers in", &options)? {
                0 => defaults.cache,
                _ => Cache::Memory,
            }
        }
    };
    Ok(Choices { providers, database, cache })
}
