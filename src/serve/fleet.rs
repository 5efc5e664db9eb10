//! What this server tells of itself to those who rotate keys.

use super::state::App;
use crate::store::Heartbeat;
use serde_json::{Value, json};

/// The keys in use, those of providers and our own: no value, only what tells them from others.
pub(crate) fn slots(app: &App) -> Vec<Value> {
    let providers = app.gateway.table();
    let of_providers = providers.providers().flat_map(|p| p.slots.view()).map(|slot| json!(slot));
    let own = app.reloader.rings.views(app.clock.now());
    of_providers.chain(own.iter().map(|key| json!(key))).collect()
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
