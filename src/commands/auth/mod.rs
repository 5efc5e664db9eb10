//! `ultra auth`: who may use the server.

pub(crate) mod rotate;
pub(crate) mod service_key;
pub(crate) mod token;

use crate::base::near;
use crate::report::{Fault, Problem};
use crate::settings::secretish::{name_for_message, value_for_message};
use crate::settings::value::Value as _;
use crate::store::{Scope, Scopes};
use std::time::Duration;

/// No name of a key or subject is longer.
const LONGEST_NAME: usize = 100;

/// The scopes that these words name; all unknown ones at once are an error.
fn scopes(words: &[String]) -> Result<Scopes, Fault> {
    let mut scopes = Vec::new();
    let mut problems = Vec::new();
    for word in words {
        match Scope::parse(word.trim()) {
            Some(scope) => scopes.push(scope),
            None => problems.push(
                Problem::error(
                    "unknown-scope",
                    format!("unknown scope {}", name_for_message(word)),
                )
                .maybe_hint(near::hint(word, Scope::ALL.map(Scope::word))),
            ),
        }
    }
    if problems.is_empty() {
        Ok(Scopes::of(scopes))
    } else {
        Err(Fault::new(crate::exit::ExitStatus::Usage, problems))
    }
}

/// A time span of the command line.
fn span(flag: &str, text: &str) -> Result<Duration, Fault> {
    Duration::parse(text).filter(|span| !span.is_zero()).ok_or_else(|| {
        Fault::usage(
            Problem::error(
                "malformed-value",
                format!("{} after `{flag}` is no time span", value_for_message(text)),
            )
            .hint(format!("{flag} 30d")),
        )
    })
}

/// A name that people can tell apart in a list.
fn name(what: &str, text: &str) -> Result<String, Fault> {
    let wrong = |why: &str| {
        Fault::usage(
            Problem::error("malformed-name", format!("the {what} cannot be used")).why(why),
        )
    };
    if text.trim().is_empty() {
        return Err(wrong("it is empty"));
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(wrong("it has more than 100 characters"));
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(wrong("it has control characters, or blanks around it"));
    }
    Ok(text.to_owned())
}
