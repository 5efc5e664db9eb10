//! What templates know of a profile: values that are no secrets, and the names of secrets.

use crate::report::Place;
use crate::settings::Layer;
use crate::settings::catalogue::{self, Need};
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::ValueRef;
use crate::settings::shown::hidden;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a template can use.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    profile: ProfileFacts,
    /// The version of `ultra`.
    version: &'static str,
    /// The port that the server listens on.
    port: String,
    /// What the profile and its dotenv files say that is no secret.
    pub(super) vars: Vec<Var>,
    /// The secrets that the profile has or needs.
    pub(super) secrets: Vec<SecretFacts>,
}

#[derive(Debug, Serialize)]
struct ProfileFacts {
    name: String,
    protected: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Var {
    pub(super) name: String,
    pub(super) value: String,
    /// Where it is said.
    #[serde(skip)]
    pub(super) place: Option<Place>,
}

/// A secret without its value.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SecretFacts {
    /// The variable.
    name: String,
    /// The same in small letters with dashes, for names of files and credentials.
    key: String,
    /// The variable that names a file with the value, if the server reads one.
    file: Option<String>,
    /// Where the value comes from, in words.
    from: String,
}

/// What templates know of the resolved profile. The process environment of this machine does not
/// count: what is rendered is meant for another.
pub(super) fn of(resolution: &Resolution, withheld: &BTreeSet<String>) -> Facts {
    let mut vars = Vec::new();
    let mut secrets: BTreeSet<String> = needed(resolution);
    for name in resolution.names() {
        let spec = catalogue::find(name);
        if spec.is_some_and(|spec| spec.bootstrap || spec.internal) || withheld.contains(name) {
            continue;
        }
        let Some(said) = said(resolution, name) else { continue };
        match &said.value {
            ValueRef::Text(text) if !hidden(name, &elsewhere(resolution, name)) => {
                let (value, place) = (text.clone(), said.origin.place.clone());
                vars.push(Var { name: name.to_owned(), value, place });
            }
            _ => {
                // `NAME_FILE` counts under its variable.
                secrets.insert(name.to_owned());
            }
        }
    }
    let port = said(resolution, "ULTRA_PORT").and_then(|said| match &said.value {
        ValueRef::Text(text) if text != "auto" => Some(text.clone()),
        _ => None,
    });
    Facts {
        profile: ProfileFacts {
            name: resolution.profile.name.clone(),
            protected: resolution.profile.protected,
        },
        version: env!("CARGO_PKG_VERSION"),
        port: port.unwrap_or_else(|| "8000".to_owned()),
        vars,
        secrets: secrets.into_iter().map(|name| secret(resolution, name)).collect(),
    }
}

/// What a template could get, each variable with what says it.
pub(super) fn says(resolution: &Resolution) -> impl Iterator<Item = (&str, &Candidate)> {
    resolution.names().filter_map(|name| Some((name, said(resolution, name)?)))
}

/// What is said of it other than by the process.
fn elsewhere(resolution: &Resolution, name: &str) -> Vec<Candidate> {
    let layers = Layer::Profile..=Layer::Vault;
    let candidates = resolution.candidates(name).iter();
    candidates.filter(|c| layers.contains(&c.origin.layer)).cloned().collect()
}

/// What wins among everything but defaults and the process.
fn said<'a>(resolution: &'a Resolution, name: &str) -> Option<&'a Candidate> {
    let layers = Layer::Profile..=Layer::Vault;
    let mut candidates = resolution.candidates(name).iter().rev();
    candidates.find(|c| layers.contains(&c.origin.layer) && !c.value.is_empty()).or_else(|| {
        // An empty text that is no secret says something too.
        let mut candidates = resolution.candidates(name).iter().rev();
        candidates
            .find(|c| layers.contains(&c.origin.layer) && matches!(c.value, ValueRef::Text(_)))
    })
}

/// The secrets that the profile cannot do without, or says where they are.
fn needed(resolution: &Resolution) -> BTreeSet<String> {
    let profile = &resolution.profile;
    let mut names: BTreeSet<String> = catalogue::all()
        .filter(|spec| spec.secret && !spec.bootstrap)
        .filter(|spec| match spec.need {
            Need::Optional => false,
            Need::Protected => profile.protected,
            Need::When { var, is } => {
                let said = said(resolution, var).map(|said| &said.value);
                matches!(said, Some(ValueRef::Text(text)) if text == is)
            }
        })
        .map(|spec| spec.name.to_owned())
        .collect();
    names.extend(profile.secrets.keys().cloned());
    if profile.policy.require_postgres {
        names.insert("DATABASE_URL".to_owned());
    }
    names
}

fn secret(resolution: &Resolution, name: String) -> SecretFacts {
    let spec = catalogue::find(&name);
    let from = match said(resolution, &name).map(|said| (&said.value, &said.origin)) {
        Some((ValueRef::Vault { profile, name }, _)) => format!("vault:{profile}/{name}"),
        Some((ValueRef::File(path), _)) => {
            format!("file:{}", path.display().to_string().escape_debug())
        }
        Some((_, origin)) => origin.layer.describe().replace("<profile>", &resolution.profile.name),
        None => match spec.and_then(|spec| spec.vault) {
            Some(entry) => {
                format!("nowhere yet: ultra keys set {entry} --profile {}", resolution.profile.name)
            }
            None => "nowhere yet".to_owned(),
        },
    };
    SecretFacts {
        key: name.to_ascii_lowercase().replace('_', "-"),
        file: spec.is_some().then(|| format!("{name}_FILE")),
        from,
        name,
    }
}
