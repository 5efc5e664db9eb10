//! A state directory with a vault, the servers around it, and rotations in it.

use super::life::Life;
use super::provider::Provider;
use super::server::{Handed, Server};
use crate::base::{Clock, Secret, Timestamp};
use crate::provider::admin::{Abilities, Issuer};
use crate::report::{Fault, Problem};
use crate::rotation::fleet::{Fleet, Replica};
use crate::rotation::journal::{Journal, Kind, Order, Plan};
use crate::rotation::machine::{Ended, Rotation, Tested, World};
use crate::secrets::audit::Event;
use crate::secrets::{BackendOptions, Document, Edited, State, VaultSource, Version};
use crate::settings::SecretSource as _;
use crate::settings::secret::RingRole;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A state directory with a vault that has one value of `openai`, and what is around it.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) life: Arc<Life>,
    pub(crate) provider: Provider,
    pub(crate) servers: RefCell<Vec<Server>>,
    /// What the store has for the servers.
    handed: RefCell<Handed>,
    pub(crate) order: Order,
    /// Whether the store can be read.
    pub(crate) store: RefCell<bool>,
}

impl Place {
    pub(crate) fn with(value: &str, order: Order, can: Abilities) -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let life = Life::new();
        let place = Self {
            dir: dir.unwrap(),
            life: Arc::clone(&life),
            provider: Provider::new(can, life),
            servers: RefCell::new(vec![Server::default(), Server::default()]),
            handed: RefCell::default(),
            order,
            store: RefCell::new(true),
        };
        let issued = can.create.then(|| place.provider.create("ultra/first").unwrap());
        let value = issued.as_ref().map_or_else(|| Secret::new(value), |i| i.value.clone());
        place
            .vault()
            .write(None, "test", |document| {
                let entry = document.entry_mut("dev", "openai");
                entry.add(value, State::Current, Timestamp::UNIX_EPOCH, None);
                entry.version_mut(1).unwrap().remote = issued.map(|i| i.remote);
                let event = Event {
                    event: "set".into(),
                    profile: "dev".into(),
                    name: "openai".into(),
                    version: 1,
                    fingerprint: None,
                    detail: None,
                };
                Ok(Edited { value: (), events: vec![event] })
            })
            .unwrap();
        let (generation, sealed) = place.vault().sealed().unwrap().unwrap();
        place.publish(generation, &sealed).unwrap();
        place.look();
        place
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn vault(&self) -> VaultSource {
        let options = BackendOptions {
            identity_file: Some(self.dir.path().join("identity")),
            ..BackendOptions::default()
        };
        VaultSource::new(&self.state(), options, Arc::clone(&self.life) as Arc<dyn Clock>)
    }

    pub(crate) fn document(&self) -> Arc<Document> {
        self.vault().document().unwrap().unwrap()
    }

    /// The value in use.
    pub(crate) fn value(&self) -> String {
        self.vault().open("dev", "openai").unwrap().unwrap().expose().to_owned()
    }

    /// The states of all versions.
    pub(crate) fn states(&self) -> Vec<(u32, State)> {
        let document = self.document();
        let entry = document.entry("dev", "openai").unwrap();
        entry.versions.iter().map(|v| (v.number, v.state)).collect()
    }

    pub(crate) fn journal(&self) -> Option<Journal> {
        Journal::read(&self.state(), "dev", "openai").unwrap()
    }

    pub(crate) fn plan(&self, kind: Kind) -> Plan {
        Plan {
            kind,
            order: self.order,
            variable: Some("OPENAI_API_KEY".into()),
            destination: (self.order == Order::AtOnce).then(|| "https://h:443".to_owned()),
            grace: Some(Duration::from_secs(3_600)),
            drain: None,
            compromised: false,
        }
    }

    /// The values in the vault that a server is to have, the one in use first.
    fn values(&self) -> Vec<(String, String, &'static str)> {
        let vault = self.vault();
        let ring = vault.ring("dev", "openai").unwrap();
        let role = |role| match role {
            RingRole::Signs => "signs",
            RingRole::Verifies { until: None } => "next",
            RingRole::Verifies { .. } => "verifies",
        };
        ring.iter()
            .filter(|key| self.order == Order::Ahead || key.role == RingRole::Signs)
            .map(|key| {
                let fingerprint = vault.fingerprint(&key.secret).unwrap();
                (key.secret.expose().to_owned(), fingerprint, role(key.role))
            })
            .collect()
    }

    /// The servers that do not lag take over what was handed to them: they see the store, and no
    /// file.
    pub(crate) fn look(&self) {
        if *self.store.borrow() {
            let handed = self.handed.borrow();
            for server in self.servers.borrow_mut().iter_mut() {
                server.take(&handed, self.order, self.life.time());
            }
        }
    }

    /// Whether every server has what the vault says, and nothing that it does not.
    pub(crate) fn is_in_step(&self) -> bool {
        let role = |role| if self.order == Order::Ahead { role } else { "active" };
        let values: Vec<_> = self.values().into_iter().map(|(_, f, r)| (f, role(r))).collect();
        self.servers.borrow().iter().all(|server| {
            let held = server.held.iter().filter(|held| held.state != "draining");
            held.map(|held| (held.fingerprint.clone(), held.state)).eq(values.iter().cloned())
        })
    }

    pub(crate) fn with_world<T>(
        &self,
        work: impl FnOnce(&Rotation<'_>, &World<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (vault, state) = (self.vault(), self.state());
        let rotation = Rotation::begin(&vault, &state, "dev", "openai")?;
        let ask = |version: &Version| match self.order {
            Order::AtOnce => self.provider.ask(&version.value),
            Order::Ahead => Tested::Nobody,
        };
        let can = self.provider.can;
        let issuer = (can.create || can.disable || can.delete).then_some(&self.provider);
        let world = World {
            fleet: self,
            issuer: issuer.map(|issuer| issuer as &dyn Issuer),
            ask: &ask,
            say: &|_| (),
            wait: Duration::ZERO,
        };
        work(&rotation, &world)
    }

    pub(crate) fn rotate_with(&self, plan: &Plan, value: &str) -> Result<Ended, Fault> {
        self.with_world(|rotation, world| {
            if let Some(journal) = rotation.unfinished()? {
                return Err(rotation.pending(&journal));
            }
            let journal = match world.issuer {
                Some(issuer) if issuer.can().create => rotation.issue(plan, issuer, world.fleet)?,
                _ => rotation.create(plan, &Secret::new(value))?,
            };
            rotation.run(journal, world)
        })
    }

    pub(crate) fn rotate(&self, value: &str) -> Result<Ended, Fault> {
        self.rotate_with(&self.plan(Kind::Rotate), value)
    }

    /// `None` if nothing is under way.
    pub(crate) fn resume(&self) -> Option<Result<Ended, Fault>> {
        self.with_world(|rotation, world| {
            let journal = rotation.unfinished()?;
            Ok(journal.map(|journal| rotation.run(journal, world)))
        })
        .transpose()
        .map(|ended| ended.and_then(|ended| ended))
    }

    /// `None` if nothing is under way.
    pub(crate) fn abort(&self) -> Option<Result<u64, Fault>> {
        self.with_world(|rotation, world| {
            let journal = rotation.unfinished()?;
            Ok(journal.map(|journal| rotation.abort(journal, world).map(|w| w.generation)))
        })
        .transpose()
        .map(|ended| ended.and_then(|ended| ended))
    }
}

impl Fleet for Place {
    fn agrees(&self) -> Result<(), Fault> {
        self.life.tick();
        self.readable()
    }

    fn publish(&self, generation: u64, sealed: &[u8]) -> Result<Option<u64>, Fault> {
        self.life.tick();
        self.readable()?;
        let had = self.handed.borrow().generation;
        let (now, file) = self.vault().sealed().unwrap().unwrap();
        assert!(generation == now && sealed == file, "what is handed over is what the vault says");
        *self.handed.borrow_mut() = Handed { generation, values: self.values() };
        self.life.tick();
        Ok(Some(had))
    }

    fn replicas(&self) -> Result<Vec<Replica>, Fault> {
        self.life.tick();
        self.readable()?;
        self.look();
        let replica = |(n, server): (usize, &Server)| Replica {
            instance: format!("server-{n}"),
            at: Timestamp::UNIX_EPOCH,
            version: "1".into(),
            profile: "dev".into(),
            vault_generation: Some(server.generation),
            slots: server.slots(),
        };
        Ok(self.servers.borrow().iter().enumerate().map(replica).collect())
    }

    fn hasten(&self) {
        self.life.tick();
        self.look();
    }
}

impl Place {
    fn readable(&self) -> Result<(), Fault> {
        if *self.store.borrow() {
            return Ok(());
        }
        Err(Fault::unreachable(Problem::error("store", "the store is away")))
    }
}
