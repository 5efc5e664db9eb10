//! What this server tells of itself to those who rotate keys.

use super::state::App;
use crate::gateway::slots::Source;
use crate::store::Heartbeat;
use serde_json::{Value, json};

/// The keys in use, those of providers and our own: no value, only what tells them from others.
pub(crate) fn slots(app: &App) -> Vec<Value> {
    let providers = app.gateway.table();
    let of_providers = providers.providers().flat_map(|p| p.slots.view());
    let own = app.reloader.rings.views(app.clock.now());
    let compared_with = app.reloader.fingerprint_key();
    let shown = |key: Value, source: &Source| {
        let mut key = key;
        if let Some(fields) = key.as_object_mut() {
            fields.insert("fingerprint_key".to_owned(), json!(compared_with));
            if let Some(file) = &source.file {
                fields.insert("file".to_owned(), json!(file.to_string_lossy()));
            }
            if let Some(salted) = &source.salted {
                fields.insert("salted".to_owned(), json!(salted));
            }
        }
        key
    };
    of_providers
        .map(|slot| shown(json!(slot), &slot.source))
        .chain(own.iter().map(|key| shown(json!(key), &key.source)))
        .collect()
}

/// The sign of life that goes to the store.
pub(crate) fn heartbeat(app: &App) -> Heartbeat {
    Heartbeat {
        instance: app.instance.clone(),
        at: app.clock.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: app.profile.clone(),
        config_hash: app.live.load().config_hash.clone(),
        slots: Value::Array(slots(app)),
        vault_generation: app.reloader.generation(),
    }
}

/// The same for whoever asks on this machine.
pub(crate) fn replica(app: &App) -> Value {
    let beat = heartbeat(app);
    json!({
        "instance": beat.instance,
        "at": beat.at,
        "version": beat.version,
        "profile": beat.profile,
        "config_hash": beat.config_hash,
        "vault_generation": beat.vault_generation,
        "slots": beat.slots,
        "pid": std::process::id(),
    })
}
