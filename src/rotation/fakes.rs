//! What a rotation deals with, in memory: a clock that can end the process at any look at it, a
//! provider that issues keys, and servers.

use super::fleet::{Fleet, Replica, ReplicaSlot};
use super::journal::{Journal, Kind, Order, Plan};
use super::machine::{Ended, Rotation, Tested, World};
use crate::base::{Clock, Secret, Timestamp};
use crate::provider::KeyVerdict;
use crate::provider::admin::{Abilities, Issued, Issuer, IssuerError, RemoteKey};
use crate::report::Fault;
use crate::secrets::audit::Event;
use crate::secrets::{BackendOptions, Document, Edited, State, VaultSource};
use crate::settings::SecretSource as _;
use crate::settings::secret::{Remote, RingRole};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is thrown instead of a kill.
pub(super) struct Killed;

/// The time, and how long the process lives: it is asked before every write to disk and around
/// every remote call.
#[derive(Debug)]
pub(super) struct Life {
    now: Mutex<Timestamp>,
    left: Mutex<Option<u32>>,
}

impl Life {
    pub(super) fn tick(&self) {
        let mut left = self.left.lock().unwrap();
        if let Some(n) = *left {
            if n == 0 {
                *left = None;
                drop(left);
                std::panic::resume_unwind(Box::new(Killed));
            }
            *left = Some(n - 1);
        }
    }

    pub(super) fn ends_after(&self, ticks: Option<u32>) {
        *self.left.lock().unwrap() = ticks;
    }

    pub(super) fn later(&self, by: Duration) {
        *self.now.lock().unwrap() += jiff::SignedDuration::try_from(by).unwrap();
    }
}

impl Clock for Life {
    fn now(&self) -> Timestamp {
        self.tick();
        *self.now.lock().unwrap()
    }
}

/// How the provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Fine,
    /// The request does not come through.
    Away,
    /// The answer does not come through.
    Forgetful,
    Refuses,
}

/// A provider: it knows what it issued, and accepts every other value that it does not refuse.
pub(super) struct Provider {
    pub(super) can: Abilities,
    pub(super) mood: RefCell<Mood>,
    /// By id: the tag, the value, and whether it is accepted.
    pub(super) issued: RefCell<BTreeMap<String, (String, String, bool)>>,
    pub(super) refuses: RefCell<Vec<String>>,
    made: RefCell<u32>,
    life: Arc<Life>,
}

impl Provider {
    pub(super) fn accepts(&self, value: &str) -> bool {
        let issued = self.issued.borrow();
        let known = issued.values().find(|(_, v, _)| v == value);
        let gone = value.starts_with("issued-") && known.is_none();
        !gone
            && known.is_none_or(|(.., active)| *active)
            && !self.refuses.borrow().iter().any(|v| v == value)
    }

    fn call<T>(&self, effect: impl FnOnce() -> T) -> Result<T, IssuerError> {
        self.life.tick();
        let mood = *self.mood.borrow();
        match mood {
            Mood::Away => return Err(IssuerError::Unreachable("no answer in time".into())),
            Mood::Refuses => return Err(IssuerError::Refused { status: 403 }),
            Mood::Fine | Mood::Forgetful => {}
        }
        let value = effect();
        self.life.tick();
        if mood == Mood::Forgetful {
            return Err(IssuerError::Malformed("cut short".into()));
        }
        Ok(value)
    }

    fn ask(&self, value: &Secret) -> Tested {
        self.life.tick();
        let verdict = match *self.mood.borrow() {
            Mood::Away => KeyVerdict::Unverified { why: "no answer in time".into() },
            Mood::Forgetful => KeyVerdict::RateLimited { retry_after: Some(3) },
            _ if self.accepts(value.expose()) => KeyVerdict::Accepted { models: vec![] },
            _ => KeyVerdict::Refused { status: 401 },
        };
        self.life.tick();
        Tested::By { destination: "https://h:443".into(), verdict }
    }
}

impl Issuer for Provider {
    fn name(&self) -> &str {
        "fake"
    }

    fn can(&self) -> Abilities {
        self.can
    }

    fn create(&self, tag: &str) -> Result<Issued, IssuerError> {
        self.call(|| {
            let mut issued = self.issued.borrow_mut();
            issued.retain(|_, (of, ..)| of != tag);
            *self.made.borrow_mut() += 1;
            let (id, value) =
                (format!("id-{}", self.made.borrow()), format!("issued-{}", self.made.borrow()));
            issued.insert(id.clone(), (tag.to_owned(), value.clone(), true));
            Issued { value: Secret::new(value), remote: remote(&id) }
        })
    }

    fn disable(&self, remote: &Remote) -> Result<(), IssuerError> {
        self.call(|| {
            if let Some(key) = self.issued.borrow_mut().get_mut(remote.key.as_deref().unwrap()) {
                key.2 = false;
            }
        })
    }

    fn delete(&self, remote: &Remote) -> Result<(), IssuerError> {
        self.call(|| drop(self.issued.borrow_mut().remove(remote.key.as_deref().unwrap())))
    }

    fn list(&self) -> Result<Vec<RemoteKey>, IssuerError> {
        self.call(|| {
            let shown = |value: &str| {
                let (head, tail) = (value.get(..3), value.get(value.len() - 4..));
                format!("{}...{}", head.unwrap(), tail.unwrap())
            };
            let key = |(id, (tag, value, active)): (&String, &(String, String, bool))| RemoteKey {
                remote: remote(id),
                name: tag.clone(),
                created_at: None,
                active: *active,
                hint: Some(shown(value)),
            };
            self.issued.borrow().iter().map(key).collect()
        })
    }
}

fn remote(id: &str) -> Remote {
    Remote { issuer: "fake".into(), project: None, account: None, key: Some(id.to_owned()) }
}

/// A server: the values it has, the one it works with first.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) values: Vec<(String, String)>,
    pub(super) lags: bool,
    pub(super) rejects: bool,
}

/// A state directory with a vault that has one value of `openai`, and what is around it.
pub(super) struct Place {
    pub(super) dir: tempfile::TempDir,
    pub(super) life: Arc<Life>,
    pub(super) provider: Provider,
    pub(super) servers: RefCell<Vec<Server>>,
    pub(super) order: Order,
    /// Whether the store can be read.
    pub(super) store: RefCell<bool>,
}

impl Place {
    pub(super) fn with(value: &str, order: Order, can: Abilities) -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let life =
            Arc::new(Life { now: Mutex::new(Timestamp::UNIX_EPOCH), left: Mutex::new(None) });
        let place = Self {
            dir: dir.unwrap(),
            life: Arc::clone(&life),
            provider: Provider {
                can,
                mood: RefCell::new(Mood::Fine),
                issued: RefCell::default(),
                refuses: RefCell::default(),
                made: RefCell::new(0),
                life,
            },
            servers: RefCell::new(vec![Server::default(), Server::default()]),
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
        place.look();
        place
    }

    pub(super) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(super) fn vault(&self) -> VaultSource {
        let options = BackendOptions {
            identity_file: Some(self.dir.path().join("identity")),
            ..BackendOptions::default()
        };
        VaultSource::new(&self.state(), options, Arc::clone(&self.life) as Arc<dyn Clock>)
    }

    pub(super) fn document(&self) -> Arc<Document> {
        self.vault().document().unwrap().unwrap()
    }

    /// The value in use.
    pub(super) fn value(&self) -> String {
        self.vault().open("dev", "openai").unwrap().unwrap().expose().to_owned()
    }

    /// The states of all versions.
    pub(super) fn states(&self) -> Vec<(u32, State)> {
        let document = self.document();
        let entry = document.entry("dev", "openai").unwrap();
        entry.versions.iter().map(|v| (v.number, v.state)).collect()
    }

    pub(super) fn journal(&self) -> Option<Journal> {
        Journal::read(&self.state(), "dev", "openai").unwrap()
    }

    pub(super) fn plan(&self, kind: Kind) -> Plan {
        Plan {
            kind,
            order: self.order,
            variable: Some("OPENAI_API_KEY".into()),
            destination: (self.order == Order::AtOnce).then(|| "https://h:443".to_owned()),
            grace: Some(Duration::from_secs(3_600)),
            compromised: false,
        }
    }

    /// The servers that do not lag take over what the vault says.
    pub(super) fn look(&self) {
        let vault = self.vault();
        let ring = vault.ring("dev", "openai").unwrap();
        let values: Vec<(String, String)> = ring
            .iter()
            .filter(|key| self.order == Order::Ahead || key.role == RingRole::Signs)
            .map(|key| (key.secret.expose().to_owned(), vault.fingerprint(&key.secret).unwrap()))
            .collect();
        for server in self.servers.borrow_mut().iter_mut().filter(|s| !s.lags) {
            server.values.clone_from(&values);
        }
    }

    pub(super) fn with_world<T>(
        &self,
        work: impl FnOnce(&Rotation<'_>, &World<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (vault, state) = (self.vault(), self.state());
        let rotation = Rotation::begin(&vault, &state, "dev", "openai")?;
        let ask = |value: &Secret| match self.order {
            Order::AtOnce => self.provider.ask(value),
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

    pub(super) fn rotate_with(&self, plan: &Plan, value: &str) -> Result<Ended, Fault> {
        self.with_world(|rotation, world| {
            if let Some(journal) = rotation.unfinished()? {
                return Err(rotation.pending(&journal));
            }
            let journal = match world.issuer {
                Some(issuer) if issuer.can().create => rotation.issue(plan, issuer)?,
                _ => rotation.create(plan, &Secret::new(value))?,
            };
            rotation.run(journal, world)
        })
    }

    pub(super) fn rotate(&self, value: &str) -> Result<Ended, Fault> {
        self.rotate_with(&self.plan(Kind::Rotate), value)
    }

    /// `None` if nothing is under way.
    pub(super) fn resume(&self) -> Option<Result<Ended, Fault>> {
        self.with_world(|rotation, world| {
            let journal = rotation.unfinished()?;
            Ok(journal.map(|journal| rotation.run(journal, world)))
        })
        .transpose()
        .map(|ended| ended.and_then(|ended| ended))
    }

    /// `None` if nothing is under way.
    pub(super) fn abort(&self) -> Option<Result<u64, Fault>> {
        self.with_world(|rotation, world| {
            let journal = rotation.unfinished()?;
            Ok(journal.map(|journal| rotation.abort(journal, world).map(|w| w.generation)))
        })
        .transpose()
        .map(|ended| ended.and_then(|ended| ended))
    }
}

impl Fleet for Place {
    fn publish(&self, generation: u64, sealed: &[u8]) -> Result<(), Fault> {
        self.life.tick();
        assert!(generation > 0 && !sealed.is_empty());
        self.readable()
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
            vault_generation: None,
            slots: server
                .values
                .iter()
                .map(|(_, fingerprint)| ReplicaSlot {
                    variable: "OPENAI_API_KEY".into(),
                    fingerprint: Some(fingerprint.clone()),
                    generation: 1,
                    state: if server.rejects { "rejected" } else { "active" }.into(),
                    source: None,
                })
                .collect(),
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
        Err(Fault::unreachable(crate::report::Problem::error("store", "the store is away")))
    }
}
