//! Variables of the root's own files that can make a command run code or send elsewhere what it
//! sends, and the addresses there that providers' keys go to: they are handed on once the user has
//! agreed to them, and not before. A command may have such a key of its own, or get it later.

use crate::base::file;
use crate::report::{Console, Fault, Place, Problem};
use crate::settings::profile::SecretReference;
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::ValueRef;
use crate::settings::trust::{Claims, Wanted, value_digest};
use crate::settings::trust_claims::{self, Agreement};
use crate::settings::{Layer, Workspace};
use std::collections::{BTreeMap, BTreeSet};

/// The names among `names` that are not handed on, each with a warning that says why.
///
/// # Errors
/// The list of trusted roots cannot be read (5).
pub(super) fn withheld<'a>(
    names: impl Iterator<Item = &'a str>,
    resolution: &Resolution,
    workspace: &Workspace,
    agreement: Option<&Agreement>,
    console: &dyn Console,
) -> Result<BTreeSet<String>, Fault> {
    let said = names.filter_map(|name| Some((name, resolution.winner(name)?)));
    let withheld = not_agreed_to(said, workspace, agreement, "handed on")?;
    withheld.values().for_each(|problem| console.warn(problem));
    Ok(withheld.into_keys().collect())
}

/// Those of the variables that nobody has agreed to, each with the warning that it is not
/// `done` ("handed on"). The `agreement` is that of their loading, if one was needed for it.
///
/// # Errors
/// The list of trusted roots cannot be read (5).
pub(super) fn not_agreed_to<'a>(
    said: impl Iterator<Item = (&'a str, &'a Candidate)>,
    workspace: &Workspace,
    agreement: Option<&Agreement>,
    done: &str,
) -> Result<BTreeMap<String, Problem>, Fault> {
    let asked: Vec<(&str, &Candidate)> = said
        .filter(|(name, winner)| from_the_root(winner) && trust_claims::danger(name).is_some())
        .collect();
    let mut withheld = BTreeMap::new();
    let mut looked_for = 0;
    if asked.is_empty() {
        return Ok(withheld);
    }
    let read;
    let agreement = match agreement {
        Some(agreement) => agreement,
        None => {
            read = Agreement::of(workspace, &workspace.profile);
            &read
        }
    };
    let status = agreement.status().map_err(Fault::unreachable)?;
    let claims = ByName::of(&agreement.claims);
    for (name, winner) in asked {
        let seen = speaks_of(&claims, name, winner, workspace);
        if status.may_resolve() && seen {
            continue;
        }
        let looked = |name: &str, place: Option<&Place>| agreement.pieces(workspace, name, place);
        let why = if seen { Why::NotTrusted } else { why(name, winner, &mut looked_for, looked) };
        withheld.insert(name.to_owned(), problem(name, done, why, winner.origin.place.clone()));
    }
    Ok(withheld)
}

/// The reference of a profile that the value comes from.
fn reference(winner: &Candidate) -> Option<SecretReference> {
    (winner.origin.layer == Layer::Profile).then_some(())?;
    SecretReference::parse(winner.origin.written_as.as_deref()?)
}

/// Claims by the names of their variables, for a file may have very many.
struct ByName<'a> {
    /// Digests of values.
    hooks: BTreeSet<(&'a str, &'a str)>,
    /// Addresses.
    destinations: BTreeSet<(&'a str, &'a str)>,
    /// References of profiles, by variable and reference.
    wanted: BTreeMap<(&'a str, &'a str), &'a Wanted>,
}

impl<'a> ByName<'a> {
    fn of(claims: &'a Claims) -> Self {
        let hooks = claims.hooks.iter().filter_map(|h| Some((&*h.name, h.now.as_deref()?)));
        let to = claims.destinations.iter().filter_map(|to| Some((&*to.name, to.now.as_deref()?)));
        // The first of several profiles, as they are sorted.
        let wanted = claims.wanted.iter().filter(|wanted| wanted.file.is_none()).rev();
        let wanted = wanted.map(|wanted| ((&*wanted.variable, &*wanted.reference), wanted));
        Self { hooks: hooks.collect(), destinations: to.collect(), wanted: wanted.collect() }
    }
}

/// Whether the claims speak of just this value: of its text, or of the reference that leads to it.
fn speaks_of(claims: &ByName<'_>, name: &str, winner: &Candidate, workspace: &Workspace) -> bool {
    let says = |value: &str| {
        claims.hooks.contains(&(name, &*value_digest(value)))
            || claims.destinations.contains(&(name, value))
    };
    let written_as = winner.origin.written_as.as_deref();
    let wanted = written_as.and_then(|reference| claims.wanted.get(&(name, reference)));
    match (&winner.value, reference(winner), wanted) {
        (ValueRef::Vault { .. }, Some(SecretReference::Vault { .. }), Some(_)) => true,
        (ValueRef::File(whole), Some(SecretReference::File(path)), Some(_)) => {
            // What the root's author can change is agreed to as it is now.
            !trust_claims::is_the_roots(workspace, &path)
                || file::read_secret(whole).is_ok_and(|text| says(text.expose()))
        }
        (ValueRef::Literal(value), Some(SecretReference::Env(_)), Some(wanted)) => {
            wanted.now.as_deref() == Some(value.expose())
        }
        (ValueRef::Literal(value), None, _) => says(value.expose()),
        (ValueRef::Text(value), _, _) => says(value),
        _ => false,
    }
}

/// Why a variable is not handed on.
enum Why {
    /// Nobody agreed to it yet.
    NotTrusted,
    /// What its reference names cannot be read, and so not be agreed to.
    Unreadable,
    /// It takes in what can change without the line that says it.
    Pieced {
        /// From where, as far as that is known.
        pieces: Vec<String>,
    },
}

/// For so many variables it is told from where they take what they take in: looking for it goes
/// through every file of the root.
const LOOKED_FOR: usize = 8;

fn why(
    name: &str,
    winner: &Candidate,
    looked_for: &mut usize,
    pieces: impl Fn(&str, Option<&Place>) -> Vec<String>,
) -> Why {
    let place = winner.origin.place.as_ref();
    let by_file = matches!(reference(winner), Some(SecretReference::File(_)));
    if !by_file && *looked_for >= LOOKED_FOR {
        return Why::Pieced { pieces: Vec::new() };
    }
    *looked_for += usize::from(!by_file);
    match reference(winner) {
        Some(SecretReference::File(_)) => Why::Unreadable,
        Some(SecretReference::Env(from)) => Why::Pieced { pieces: pieces(&from, None) },
        Some(SecretReference::Vault { .. }) | None => Why::Pieced { pieces: pieces(name, place) },
    }
}

fn problem(name: &str, done: &str, why: Why, place: Option<Place>) -> Problem {
    let what = format!("`{name}` is not {done}");
    let problem = Problem::warning("untrusted-variable", what).at(place);
    let can = trust_claims::danger(name).unwrap_or("it is withheld");
    match why {
        Why::NotTrusted => {
            problem.why(format!("{can}, and nobody has trusted this root with it")).hint(format!(
                "read the file, then `ultra env trust`; or set `{name}` in the environment"
            ))
        }
        Why::Unreadable => problem
            .why(format!(
                "{can}, and its file is empty, no text or cannot be read, so nobody can agree to it"
            ))
            .hint(format!("mend the file, or set `{name}` in the environment")),
        Why::Pieced { pieces } => problem
            .why(format!(
                "{can}, and {}, so nobody can agree to it (`ultra env trust`)",
                trust_claims::pieced(&pieces)
            ))
            .hint(format!("write the whole value, or set `{name}` in the environment")),
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
