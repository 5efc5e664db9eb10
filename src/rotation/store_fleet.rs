//! The running servers of a profile: those that give signs of life in its store, and those on this
//! machine, which can be asked directly.

use super::control::{self, Asked};
use super::fleet::{Fleet, Replica, ReplicaSlot};
use crate::report::{Fault, Problem};
use crate::secrets::{KnownAs, VaultSource};
use crate::settings::groups::MigrateMode;
use crate::settings::servers;
use crate::store::{
    self, DatabaseOptions, Heartbeat, PublishedHead, PublishedVault, Store, StoreError,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The migration that makes the table of published vaults.
const FLEET: &str = "0002-fleet";

/// How long ago a server may have given its last sign of life.
const SEEN: Duration = Duration::from_secs(60);

/// The servers that share the store of a profile, or its state directory.
pub(crate) struct StoreFleet<'a> {
    options: DatabaseOptions,
    profile: &'a str,
    vault: &'a VaultSource,
    state_dir: PathBuf,
}

impl<'a> StoreFleet<'a> {
    /// The servers of `profile` over the store that `options` open and the state directory of
    /// `vault`. Opens nothing yet.
    pub(crate) fn new(options: DatabaseOptions, profile: &'a str, vault: &'a VaultSource) -> Self {
        // A rotation is no time for migrations.
        let options = DatabaseOptions { migrate: Some(MigrateMode::Check), ..options };
        let state_dir = vault.state_dir().to_path_buf();
        Self { options, profile, vault, state_dir }
    }

    /// Works with the store, to the end of the call.
    fn with_store<T>(
        &self,
        work: impl AsyncFnOnce(Arc<dyn Store>) -> Result<T, StoreError>,
    ) -> Result<Result<T, StoreError>, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Fault::failure(Problem::error("runtime", "cannot start").why(e)))?;
        Ok(runtime.block_on(async {
            let store = store::open(&self.options).await?;
            let outcome = work(Arc::clone(&store)).await;
            store.close().await;
            outcome
        }))
    }

    /// The vault that servers were given; `None` if there is none.
    ///
    /// # Errors
    /// The store cannot be read, or nobody knows which vault would be ours.
    pub(crate) fn published(&self) -> Result<Option<PublishedVault>, Fault> {
        if self.options.is_absent() {
            return Ok(None);
        }
        let ours = self.vault.known_as()?;
        let found = self.with_store(async |store| {
            let heads = store.published_heads().await?;
            let head = heads.into_iter().filter(|head| match &ours {
                KnownAs::Vault(id) => head.vault_id == *id,
                KnownAs::Recipient(recipient) => head.recipient == *recipient,
            });
            match head.max_by_key(|head| head.generation) {
                Some(head) => store.published_vault(&head.vault_id).await,
                None => Ok(None),
            }
        })?;
        found.or_else(|error| match error {
            // Nothing was ever published where the tables for it are missing.
            StoreError::Pending { .. } if self.options.is_sqlite() => Ok(None),
            error => Err(self.unknown(&told(&error))),
        })
    }

    /// What servers of the store say of themselves, no older than 60 s.
    fn heartbeats(&self) -> Result<Result<Vec<Heartbeat>, StoreError>, Fault> {
        // Without the file of its store no server ever ran here.
        if self.options.is_absent() {
            return Ok(Ok(Vec::new()));
        }
        self.with_store(async |store| store.heartbeats(SEEN).await)
    }

    /// A server that listens and does not answer: it is there, and nobody knows what it uses.
    /// `None` if it is one of another profile.
    fn silent(&self, socket: &str) -> Option<Replica> {
        let pid = control::pid(&self.state_dir, socket);
        let running = servers::running(&self.state_dir);
        let record = running.into_iter().find(|record| Some(record.pid) == pid);
        if record.as_ref().is_some_and(|record| record.profile != self.profile) {
            return None;
        }
        let instance = record.and_then(|record| record.instance);
        Some(Replica {
            instance: instance.unwrap_or_else(|| socket.to_owned()),
            at: self.vault.clock().now(),
            version: String::new(),
            profile: self.profile.to_owned(),
            vault_generation: None,
            slots: vec![ReplicaSlot::default()],
        })
    }

    /// Whether the servers are all on this machine: they share an embedded database.
    pub(crate) fn is_embedded(&self) -> bool {
        self.options.is_sqlite()
    }

    /// The vault here does not come from what servers were given.
    fn forked(&self, there: u64, here: u64) -> Fault {
        Fault::refused(
            Problem::error(
                "vault-forked",
                format!(
                    "servers were given generation {there} of the vault, and generation {here} \
                     here does not come from it"
                ),
            )
            .why("the vault was changed from another machine, or put back from a backup")
            .hint(format!(
                "go on where that vault is, or take it here, and do again what it lacks: \
                 ultra keys doctor --take-published --profile {}",
                self.profile
            )),
        )
    }

    fn unknown(&self, why: &str) -> Fault {
        Fault::unreachable(
            Problem::error("servers-unknown", "nobody knows which servers have which key")
                .why(why)
                .hint(format!("ultra db status --profile {}", self.profile)),
        )
    }
}

/// An error of the store in words, with its causes.
fn told(error: &StoreError) -> String {
    error.fault().problems.first().map_or_else(|| error.to_string(), ToString::to_string)
}

impl Fleet for StoreFleet<'_> {
    fn publish(&self, generation: u64, sealed: &[u8]) -> Result<Option<u64>, Fault> {
        if self.options.is_absent() {
            return Ok(None);
        }
        let Some(with) = self.vault.accompanying()? else { return Ok(None) };
        let vault = PublishedVault {
            head: PublishedHead { vault_id: with.vault_id, generation, recipient: with.recipient },
            sealed: sealed.to_vec(),
            fingerprints: with.fingerprints,
            at: self.vault.clock().now(),
        };
        let outcome = self.with_store(async |store| {
            let there = store.published_vault(&vault.head.vault_id).await?;
            let had = there.as_ref().map_or(0, |there| there.head.generation);
            // What servers have is not to be lost because this vault does not know of it.
            match there {
                Some(there) if !self.vault.comes_from(&there.sealed) => Ok((had, Some(had))),
                _ => Ok((had, store.publish_vault(&vault).await?)),
            }
        })?;
        match outcome {
            Ok((_, Some(there))) => Err(self.forked(there, generation)),
            Ok((had, None)) => Ok(Some(had)),
            // Whoever shares an embedded database is on this machine; one that is busy or lacks
            // migrations is no reason to leave the servers beside this very file waiting.
            Err(error) if self.options.is_sqlite() => {
                tracing::debug!(%error, "the vault was not published");
                Ok(None)
            }
            Err(error) => Err(Fault::unreachable(
                Problem::error("not-published", "servers could not be given the vault")
                    .why(told(&error))
                    .hint(format!("ultra db status --profile {}", self.profile)),
            )),
        }
    }

    fn agrees(&self) -> Result<(), Fault> {
        if self.options.is_absent() {
            return Ok(());
        }
        let Some(document) = self.vault.document()? else { return Ok(()) };
        let id = &document.vault;
        match self.with_store(async |store| store.published_vault(id).await)? {
            Ok(Some(there)) if !self.vault.comes_from(&there.sealed) => {
                Err(self.forked(there.head.generation, self.vault.overview()?.generation))
            }
            Ok(_) => Ok(()),
            // Nothing was ever published where the table for it is missing. For anything else nobody
            // knows, and what is deleted at a provider does not come back.
            Err(StoreError::Pending { pending, .. })
                if self.options.is_sqlite() && pending.iter().any(|name| name == FLEET) =>
            {
                Ok(())
            }
            Err(error) => Err(self.unknown(&told(&error))),
        }
    }

    fn replicas(&self) -> Result<Vec<Replica>, Fault> {
        let beside = control::replicas(&self.state_dir);
        let silent = beside.iter().find_map(|(socket, asked)| match asked {
            Asked::Silent(why) => Some(format!("`{socket}`: {why}")),
            Asked::Answered(_) | Asked::Nobody => None,
        });
        let mut found: Vec<Replica> = match (self.heartbeats()?, silent) {
            (Ok(heartbeats), _) => heartbeats.into_iter().map(replica).collect(),
            // All servers of an embedded database are on this machine; of a server's, anywhere.
            (Err(_), None) if self.options.is_sqlite() => Vec::new(),
            (Err(_), Some(why)) if self.options.is_sqlite() => return Err(self.unknown(&why)),
            (Err(error), _) => return Err(self.unknown(&told(&error))),
        };
        // What a server says itself is newer than its last sign of life.
        for (socket, asked) in beside {
            let now = match asked {
                Asked::Answered(now) => now,
                Asked::Nobody => continue,
                Asked::Silent(_) => match self.silent(&socket) {
                    // What it said last holds for a minute.
                    Some(frozen) if found.iter().all(|r| r.instance != frozen.instance) => frozen,
                    _ => continue,
                },
            };
            match found.iter_mut().find(|known| known.instance == now.instance) {
                Some(known) => *known = now,
                None => found.push(now),
            }
        }
        found.retain(|replica| replica.profile == self.profile);
        Ok(found)
    }

    fn hasten(&self) {
        control::reload(&self.state_dir);
    }
}

fn replica(heartbeat: Heartbeat) -> Replica {
    let slots = match heartbeat.slots {
        serde_json::Value::Array(slots) => slots,
        // What a later version may write is not to be taken for nothing.
        other => vec![other],
    };
    let slot = |value: serde_json::Value| {
        let id = value.get("id").and_then(|id| id.as_str()).unwrap_or_default();
        let named = id.rsplit_once('/').map_or(id, |(_, variable)| variable).to_owned();
        let mut slot: ReplicaSlot = serde_json::from_value(value).unwrap_or_default();
        if slot.variable.is_empty() {
            slot.variable = named;
        }
        slot
    };
    Replica {
        instance: heartbeat.instance,
        at: heartbeat.at,
        version: heartbeat.version,
        profile: heartbeat.profile,
        vault_generation: heartbeat.vault_generation,
        slots: slots.into_iter().map(slot).collect(),
    }
}

#[cfg(test)]
#[path = "store_fleet_tests.rs"]
mod tests;
