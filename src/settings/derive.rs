//! Providers and routes that variables alone define.

use super::groups::{KNOWN_PROVIDERS, KnownProvider};
use super::profile::{ProviderKind, ProviderSpec, RouteSpec, TargetSpec};
use super::resolution::Resolution;
use url::Url;

/// Adds to the profile: every known provider whose key has a source, or which needs none at the
/// address that is set, and a route to each model of a provider that no route of the profile names.
pub(crate) fn providers_and_routes(resolution: &mut Resolution) {
    for known in KNOWN_PROVIDERS {
        let declared = resolution.profile.providers.contains_key(known.name);
        if !declared && (resolution.winner(known.key).is_some() || keyless(known, resolution)) {
            let spec = provider(known, resolution);
            resolution.profile.providers.extend(spec.map(|spec| (known.name.to_owned(), spec)));
        }
    }
    let profile = &mut resolution.profile;
    for (name, provider) in &profile.providers {
        for model in &provider.models {
            let target = || RouteSpec::to(vec![TargetSpec::of(name, model)]);
            profile.routes.entry(model.clone()).or_insert_with(target);
        }
    }
}

/// The base URL of a known provider that no profile declares: that of its variable, or the usual
/// one. `None` if the one that somebody set is malformed, which its own variable reports.
pub(crate) fn base_url(known: &KnownProvider, resolution: &Resolution) -> Option<Url> {
    let said = known.url.and_then(|name| resolution.text(name)).map(|(text, _)| text);
    let mut url = <Url as super::value::Value>::parse(said.unwrap_or(known.base_url))?;
    if known.kind == ProviderKind::Azure
        && let Some((version, _)) = resolution.text("AZURE_OPENAI_API_VERSION")
    {
        set_version(&mut url, version);
    }
    Some(url)
}

/// Says in the address of a provider at Azure which version of its API is meant.
pub(super) fn set_version(url: &mut Url, version: &str) {
    url.query_pairs_mut().clear().append_pair("api-version", version);
}

/// Whether it is one that needs no key at the address that somebody has set.
fn keyless(known: &KnownProvider, resolution: &Resolution) -> bool {
    known.keyless && known.url.is_some_and(|name| resolution.text(name).is_some())
}

/// The same, but the usual one where nobody agreed to what files of the root say: a key that comes
/// later must not go there either.
pub(crate) fn agreed_base_url(known: &KnownProvider, resolution: &Resolution) -> Option<Url> {
    match resolution.is_withheld(known.key) {
        true => Url::parse(known.base_url).ok(),
        false => base_url(known, resolution),
    }
}

fn provider(known: &KnownProvider, resolution: &Resolution) -> Option<ProviderSpec> {
    let key = resolution.winner(known.key).map(|_| known.key.to_owned());
    Some(ProviderSpec {
        kind: known.kind,
        base_url: base_url(known, resolution)?,
        keys: key.into_iter().collect(),
        models: known.models.iter().map(|model| (*model).to_owned()).collect(),
        stream_usage: true,
        responses: None,
        max_in_flight: None,
        place: None,
    })
}
