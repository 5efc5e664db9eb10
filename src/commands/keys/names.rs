//! Which names there are, and what is known of each.

use super::Desk;
use crate::base::near;
use crate::report::{Fault, Problem};
use crate::rotation::Fed;
use crate::secrets::{Overview, destination};
use crate::settings::groups::{KNOWN_PROVIDERS, KnownProvider};
use crate::settings::profile::{KeyAges, ProviderKind, SecretReference};
use crate::settings::secretish::named;
use crate::settings::{Resolution, catalogue, derive};
use serde::Serialize;
use std::time::Duration;
use url::Url;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// It opens a provider's API.
    Provider,
    /// It opens a provider's admin API, which makes and ends keys: no server gets it.
    Operator,
    /// It signs tokens.
    Jwt,
    /// It seals what is kept on disk.
    Encryption,
    /// The store's address with its credentials.
    Database,
    /// The cache's address with its credentials.
    Redis,
    /// A secret of the application.
    Other,
}

impl Kind {
    /// The greatest age, if there is a policy for the kind.
    pub(super) fn max_age(self, ages: &KeyAges) -> Option<Duration> {
        match self {
            Self::Provider | Self::Operator => Some(ages.provider),
            Self::Jwt => Some(ages.jwt),
            Self::Encryption => Some(ages.encryption),
            Self::Database | Self::Redis | Self::Other => None,
        }
    }

    /// Whether values are made here rather than pasted.
    pub(super) fn generated(self) -> bool {
        matches!(self, Self::Jwt | Self::Encryption)
    }
}

/// Where a provider's key is tested.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    /// The wire protocol.
    pub(super) kind: ProviderKind,
    /// The base URL in the profile.
    pub(super) base_url: Url,
    /// What is known of it without a declaration, if the base URL is the known one.
    pub(super) known: Option<&'static KnownProvider>,
    /// Whether it is its admin API that is opened.
    pub(super) admin: bool,
}

impl Provider {
    /// `scheme://host:port`.
    pub(super) fn destination(&self) -> String {
        destination(&self.base_url)
    }
}

/// A name that a key can have.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The name in the vault.
    pub(super) name: String,
    /// The variable it is the value of, if it is one of ours or of the profile.
    pub(super) variable: Option<String>,
    /// What it is for.
    pub(super) kind: Kind,
    /// Who can say whether it is good.
    pub(super) provider: Option<Provider>,
}

/// The names in a profile: those of the catalogue, those that the profile refers to, and those
/// that are in the vault already.
pub(super) fn all(resolution: &Resolution, overview: &Overview) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    let mut add = |name: &str, variable: Option<&str>| {
        if !keys.iter().any(|key| key.name == name) {
            keys.push(describe(resolution, name, variable));
        }
    };
    for spec in catalogue::all() {
        if let Some(name) = spec.vault {
            add(name, Some(spec.name));
        }
    }
    let profile = &resolution.profile;
    for (variable, secret) in &profile.secrets {
        match &secret.reference {
            SecretReference::Vault { profile: other, name }
                if other.as_ref().is_none_or(|other| *other == profile.name) =>
            {
                add(name, Some(variable));
            }
            _ => {}
        }
    }
    for entry in overview.entries.keys() {
        if let Some((of, name)) = entry.split_once('/')
            && of == profile.name
        {
            add(name, None);
        }
    }
    keys
}

/// The key that people mean by a name, a variable or its alias.
///
/// # Errors
/// An unknown name (2), with the nearest one. A text that looks like a value is not repeated.
pub(super) fn find(desk: &Desk<'_>, wanted: &str) -> Result<Key, Fault> {
    let keys = all(desk.resolution, &*desk.vault.overview()?);
    let variable = match catalogue::find_alias(wanted) {
        Some((spec, _)) => spec.name,
        None => wanted,
    };
    if let Some(key) = keys
        .iter()
        .find(|key| key.name == wanted)
        .or_else(|| keys.iter().find(|key| key.variable.as_deref() == Some(variable)))
    {
        return Ok(key.clone());
    }
    if let Some(known) = on_record(desk, wanted) {
        return Ok(describe(desk.resolution, &known.name, Some(&known.variable)));
    }
    if crate::settings::secretish::value(wanted) || wanted.len() > 64 {
        return Err(value_as_argument());
    }
    let names = keys
        .iter()
        .flat_map(|key| std::iter::once(key.name.as_str()).chain(key.variable.as_deref()));
    let near = near::nearest(wanted, names).map(|name| format!("did you mean `{name}`?"));
    let all: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    Err(Fault::usage(
        Problem::error("unknown-key", named("unknown key", wanted))
            .hint(near.unwrap_or_else(|| format!("known names: {}", all.join(", ")))),
    ))
}

/// The fault of an unknown name where the service key of this machine has one, too.
pub(super) fn or_service_key(mut fault: Fault, wanted: &str) -> Fault {
    let own = super::caller::NAME;
    for problem in fault.problems.iter_mut().filter(|problem| problem.code == "unknown-key") {
        problem.hint = match problem.hint.take() {
            _ if near::nearest(wanted, [own]).is_some() => Some(format!("did you mean `{own}`?")),
            Some(known) if known.starts_with("known names") => Some(format!("{known}, {own}")),
            other => other,
        };
    }
    fault
}

/// The new value of a file that is still waited for, although the profile does not refer to its
/// name any more: it can be given up all the same.
fn on_record(desk: &Desk<'_>, wanted: &str) -> Option<Fed> {
    let known = Fed::all(desk.state_dir).ok()?;
    known.into_iter().find(|known| known.profile == desk.profile() && known.name == wanted)
}

/// The fault of a value where a name was expected. The value is not repeated.
pub(crate) fn value_as_argument() -> Fault {
    Fault::usage(
        Problem::error("value-as-argument", "an argument looks like a value")
            .why(
                "every process of the machine sees arguments, and the shell keeps them, so no \
                 argument carries a value",
            )
            .hint("`ultra keys set NAME`, then paste a value that was never an argument"),
    )
}

fn describe(resolution: &Resolution, name: &str, variable: Option<&str>) -> Key {
    let provider = variable.and_then(|variable| provider(resolution, variable));
    let kind = match name {
        _ if provider.as_ref().is_some_and(|provider| provider.admin) => Kind::Operator,
        _ if provider.is_some() => Kind::Provider,
        "jwt" => Kind::Jwt,
        "encryption" => Kind::Encryption,
        "database" => Kind::Database,
        "redis" => Kind::Redis,
        _ => Kind::Other,
    };
    Key { name: name.to_owned(), variable: variable.map(str::to_owned), kind, provider }
}

/// The provider whose key is in `variable`: as the profile has it, or as it would have it once
/// there is a key. An admin key goes where the key goes that it makes.
fn provider(resolution: &Resolution, variable: &str) -> Option<Provider> {
    let known = KNOWN_PROVIDERS.iter().find(|known| known.keys().any(|key| key == variable));
    let admin = known.is_some_and(|known| known.key != variable);
    let own = known.map_or(variable, |known| known.key);
    let declared = resolution
        .profile
        .providers
        .values()
        .find(|provider| provider.keys.iter().any(|key| key == own));
    let (kind, base_url) = match (declared, known) {
        (Some(spec), _) => (spec.kind, spec.base_url.clone()),
        // Where it is tested is where it is sent.
        (None, Some(known)) => (known.kind, derive::base_url(known, resolution)?),
        (None, None) => return None,
    };
    let usual = |known: &&KnownProvider| {
        Url::parse(known.base_url).is_ok_and(|url| destination(&url) == destination(&base_url))
    };
    Some(Provider { kind, known: known.filter(usual), base_url, admin })
}
