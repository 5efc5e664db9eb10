//! The keys of providers: what reaches no client that is sent to our own server.

use crate::base::Secret;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::ValueRef;
use std::collections::BTreeSet;

/// Names of providers' keys that are in use beside those of the catalogue.
const OTHER_PROVIDER_KEYS: &[&str] = &[
    "ANTHROPIC_AUTH_TOKEN",
    "AZURE_OPENAI_API_KEY",
    "CEREBRAS_API_KEY",
    "COHERE_API_KEY",
    "CO_API_KEY",
    "FIREWORKS_API_KEY",
    "GEMINI_API_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENROUTER_API_KEY",
    "PERPLEXITY_API_KEY",
    "TOGETHER_API_KEY",
    "XAI_API_KEY",
];

/// The keys of providers, by name and by looks.
pub(super) struct ProviderKeys {
    names: BTreeSet<String>,
    vault: BTreeSet<String>,
    values: Vec<Secret>,
}

impl ProviderKeys {
    /// The keys that this profile declares, and those that everybody knows.
    pub(super) fn of(resolution: &Resolution) -> Self {
        let declared = resolution.profile.providers.values().flat_map(|spec| spec.keys.iter());
        let known = KNOWN_PROVIDERS.iter().map(|known| known.key);
        let names: BTreeSet<String> = declared
            .map(String::as_str)
            .chain(known)
            .chain(OTHER_PROVIDER_KEYS.iter().copied())
            .map(str::to_owned)
            .collect();
        let (mut vault, mut values) = (BTreeSet::new(), Vec::new());
        for candidate in names.iter().flat_map(|name| resolution.candidates(name)) {
            match &candidate.value {
                ValueRef::Vault { name, .. } => {
                    vault.insert(name.clone());
                }
                ValueRef::Literal(secret) if !secret.is_empty() => values.push(secret.clone()),
                _ => {}
            }
        }
        Self { names, vault, values }
    }

    /// Whether this is the name of a key, or of a file with one.
    pub(super) fn named(&self, name: &str) -> bool {
        self.names.contains(name.strip_suffix("_FILE").unwrap_or(name)) || self.names.contains(name)
    }

    /// Whether a text is one of the keys, or begins like one.
    pub(super) fn is_key(&self, text: &str) -> bool {
        let begins = |prefix: &str| text.starts_with(prefix) && text.len() >= 20;
        KNOWN_PROVIDERS.iter().flat_map(|known| known.key_prefixes).any(|prefix| begins(prefix))
            || self.values.iter().any(|value| value.expose() == text)
    }

    /// Whether a variable is such a key, by its name or by where its value comes from.
    pub(super) fn has(&self, name: &str, winner: Option<&Candidate>) -> bool {
        self.named(name)
            || winner.is_some_and(|winner| match &winner.value {
                ValueRef::Vault { name, .. } => self.vault.contains(name),
                ValueRef::Text(text) => self.is_key(text),
                ValueRef::Literal(secret) => self.is_key(secret.expose()),
                ValueRef::File(_) => false,
            })
    }
}
