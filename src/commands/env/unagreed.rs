//! Variables of the root's own files that can make a command run code or send elsewhere what it
//! sends, and the addresses there that providers' keys go to: they are handed on once the user has
//! agreed to them, and not before. A command may have such a key of its own, or get it later.

use crate::report::{Console, Fault, Place, Problem};
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::ValueRef;
use crate::settings::trust::value_digest;
use crate::settings::{Layer, Workspace, trust_claims};
use std::collections::{BTreeMap, BTreeSet};

/// The names among `names` that are not handed on, each with a warning that says why.
///
/// # Errors
/// The list of trusted roots cannot be read (5).
pub(super) fn withheld<'a>(
    names: impl Iterator<Item = &'a str>,
    resolution: &Resolution,
    workspace: &Workspace,
    console: &dyn Console,
) -> Result<BTreeSet<String>, Fault> {
    let said = names.filter_map(|name| Some((name, resolution.winner(name)?)));
    let withheld = not_agreed_to(said, workspace, "handed on")?;
    withheld.values().for_each(|problem| console.warn(problem));
    Ok(withheld.into_keys().collect())
}

/// Those of the variables that nobody has agreed to, each with the warning that it is not
/// `done` ("handed on").
///
/// # Errors
/// The list of trusted roots cannot be read (5).
pub(super) fn not_agreed_to<'a>(
    said: impl Iterator<Item = (&'a str, &'a Candidate)>,
    workspace: &Workspace,
    done: &str,
) -> Result<BTreeMap<String, Problem>, Fault> {
    let asked: Vec<(&str, &Candidate)> = said
        .filter(|(name, winner)| from_the_root(winner) && trust_claims::danger(name).is_some())
        .collect();
    let mut withheld = BTreeMap::new();
    if asked.is_empty() {
        return Ok(withheld);
    }
    let (status, claims) = trust_claims::trust(workspace).map_err(Fault::unreachable)?;
    for (name, winner) in asked {
        let value = match &winner.value {
            ValueRef::Text(text) => Some(text.as_str()),
            ValueRef::Literal(secret) => Some(secret.expose()),
            // A reference of a profile: what was agreed to is the reference.
            ValueRef::Vault { .. } | ValueRef::File(_) => None,
        };
        let seen = value.is_some_and(|value| {
            let digest = value_digest(value);
            claims.hooks.iter().any(|h| h.name == name && h.now.as_ref() == Some(&digest))
                || claims
                    .destinations
                    .iter()
                    .any(|to| to.name == name && to.now.as_deref() == Some(value))
        });
        let referred = claims.wanted.iter().any(|wanted| wanted.variable == name);
        if status.may_resolve() && (seen || referred) {
            continue;
        }
        let place = winner.origin.place.clone();
        withheld.insert(name.to_owned(), problem(name, done, seen || referred, place));
    }
    Ok(withheld)
}

fn problem(name: &str, done: &str, seen: bool, place: Option<Place>) -> Problem {
    let what = format!("`{name}` is not {done}");
    let problem = Problem::warning("untrusted-variable", what).at(place);
    let can = trust_claims::danger(name).unwrap_or("it is withheld");
    if seen {
        problem.why(format!("{can}, and nobody has trusted this root with it")).hint(format!(
            "read the file, then `ultra env trust`; or set `{name}` in the environment"
        ))
    } else {
        problem
            .why(format!(
                "{can}, and is put together from variables of other files, so nobody can agree \
                 to it (`ultra env trust`)"
            ))
            .hint(format!("write the whole value, or set `{name}` in the environment"))
    }
}

/// Whether a file of the root says it, which may have come with a clone.
fn from_the_root(winner: &Candidate) -> bool {
    match winner.origin.layer {
        Layer::Profile
        | Layer::DotenvBase
        | Layer::DotenvLocal
        | Layer::DotenvProfile
        | Layer::DotenvProfileLocal => true,
        Layer::Default | Layer::Vault | Layer::NamedFile | Layer::Process | Layer::Flag => false,
    }
}
