//! What the profiles of a root ask for: read from the files as they stand, layers and all other
//! sources left out.

use super::Workspace;
use super::catalogue;
use super::groups::KNOWN_PROVIDERS;
use super::profile_file::Document;
use super::trust::{Claims, Destination, TrustStatus, Wanted, status, store_path};
use super::value::Kind;
use crate::base::redact;
use crate::report::Problem;

/// Every reference to a secret and every base URL in the profiles of the workspace's root. A file
/// that cannot be read asks for nothing until it can; then the digest is another.
pub(crate) fn claims(workspace: &Workspace) -> Claims {
    let mut claims = Claims::default();
    let mut ignored = Vec::new();
    for name in workspace.profile_names() {
        // Built-in profiles are part of the program.
        if !workspace.profile_path(&name).is_some_and(|path| path.exists()) {
            continue;
        }
        let Some(document) = Document::read(workspace, &name, &mut ignored) else { continue };
        for (variable, reference, _) in &document.secrets {
            claims.wanted.insert(Wanted {
                profile: name.clone(),
                variable: variable.clone(),
                reference: reference.to_string(),
            });
        }
        for (provider, spec) in &document.providers {
            claims.destinations.insert(Destination {
                profile: name.clone(),
                name: provider.clone(),
                url: spec.base_url.to_string(),
                takes_keys: !spec.keys.is_empty(),
            });
        }
        for variable in document.vars.iter().filter(|v| is_address(&v.name)) {
            claims.destinations.insert(Destination {
                profile: name.clone(),
                name: variable.name.clone(),
                url: variable.text.clone(),
                takes_keys: takes_keys(&variable.name),
            });
        }
    }
    claims
}

/// Whether the user has agreed to what the root's profiles ask for.
///
/// # Errors
/// The list of trusted roots cannot be read.
pub(crate) fn trust(workspace: &Workspace) -> Result<(TrustStatus, Claims), Problem> {
    let Some(root) = &workspace.root else {
        return Ok((TrustStatus::NotNeeded, Claims::default()));
    };
    let claims = claims(workspace);
    let store = store_path(&workspace.environment);
    Ok((status(store.as_deref(), root, &claims)?, claims))
}

/// An address without credentials.
pub(crate) fn shown(to: &Destination) -> String {
    if to.url.contains("://") { redact::url(&to.url) } else { to.url.clone() }
}

/// Whether a variable is the base URL of a provider.
fn takes_keys(name: &str) -> bool {
    let name = catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name);
    KNOWN_PROVIDERS.iter().any(|known| known.url == Some(name))
}

/// Whether a variable says where something is sent.
fn is_address(name: &str) -> bool {
    let spec = catalogue::find(name).or_else(|| catalogue::find_alias(name).map(|(s, _)| s));
    match spec {
        Some(spec) => spec.kind == Kind::Url,
        None => name.ends_with("_URL") || name.ends_with("_ENDPOINT") || name.ends_with("_HOST"),
    }
}
