//! What a rotation deals with: the servers of the profile, who issues the key, and who tests it.

use super::desk::Desk;
use super::issuing;
use super::names::{Key, Kind};
use crate::exit::ExitStatus;
use crate::provider::KeyVerdict;
use crate::report::{Fault, Problem};
use crate::rotation::control::{self, Asked};
use crate::rotation::{self, Ended, Fleet, Journal, Replica, Rotation, StoreFleet, Tested, World};
use crate::secrets::Version;
use crate::settings::secret::ValueRef;
use crate::store::{DatabaseOptions, PublishedVault};
use std::cell::{Cell, OnceCell};
use std::time::Duration;

/// The servers of the profile; their store is opened when they are first asked for.
pub(super) struct Servers<'a> {
    desk: &'a Desk<'a>,
    fleet: OnceCell<StoreFleet<'a>>,
}

/// What is known of the servers without asking for more.
#[derive(Debug)]
pub(super) enum Seen {
    /// All of them.
    All(Vec<Replica>),
    /// Those on this machine; nobody asked about others.
    Beside(Vec<Replica>),
    /// Nobody could be asked.
    Unknown(Fault),
}

impl<'a> Servers<'a> {
    /// The servers of the profile that the command acts on.
    pub(super) fn of(desk: &'a Desk<'a>) -> Self {
        Self { desk, fleet: OnceCell::new() }
    }

    /// The servers of the profile. If the address of their store is in the vault, asking there
    /// would open it: unless that is wanted (`open`), those on this machine speak for themselves.
    pub(super) fn seen(desk: &'a Desk<'a>, open: bool) -> Option<Seen> {
        let url = desk.settings?.database.url.as_ref();
        if !open && url.is_some_and(|url| matches!(url.value, ValueRef::Vault { .. })) {
            let profile = desk.profile();
            let answers = control::replicas(desk.state_dir).into_iter();
            let beside = answers.filter_map(|(_, asked)| match asked {
                Asked::Answered(replica) if replica.profile == profile => Some(replica),
                _ => None,
            });
            return Some(Seen::Beside(beside.collect()));
        }
        Some(match Self::of(desk).replicas() {
            Ok(replicas) => Seen::All(replicas),
            Err(fault) => Seen::Unknown(fault),
        })
    }

    /// The vault that the servers were given.
    ///
    /// # Errors
    /// As [`StoreFleet::published`].
    pub(super) fn published(&self) -> Result<Option<PublishedVault>, Fault> {
        self.fleet()?.published()
    }

    /// Whether all of them are on this machine, as far as is known: those of an embedded database.
    pub(super) fn are_beside(&self) -> bool {
        self.fleet().is_ok_and(StoreFleet::is_embedded)
    }

    fn fleet(&self) -> Result<&StoreFleet<'a>, Fault> {
        if let Some(fleet) = self.fleet.get() {
            return Ok(fleet);
        }
        let desk = self.desk;
        let profile = &desk.resolution.profile;
        let Some(settings) = desk.settings else {
            return Err(Fault::unreachable(
                Problem::error("servers-unknown", "nobody knows which servers have which key")
                    .why(format!("the settings of profile `{}` cannot be read", profile.name))
                    .hint(format!("ultra env validate {}", profile.name)),
            ));
        };
        let options =
            DatabaseOptions::from_settings(&settings.database, profile, desk.state_dir, desk.vault)
                .map_err(Fault::unreachable)?;
        Ok(self.fleet.get_or_init(|| StoreFleet::new(options, &profile.name, desk.vault)))
    }
}

impl Fleet for Servers<'_> {
    fn publish(&self, generation: u64, sealed: &[u8]) -> Result<Option<u64>, Fault> {
        self.fleet()?.publish(generation, sealed)
    }

    fn agrees(&self) -> Result<(), Fault> {
        self.fleet()?.agrees()
    }

    fn replicas(&self) -> Result<Vec<Replica>, Fault> {
        self.fleet()?.replicas()
    }

    fn hasten(&self) {
        if let Ok(fleet) = self.fleet() {
            fleet.hasten();
        }
    }
}

/// The servers of a store that is left for another: one that cannot be reached is told, once.
struct Left<'a> {
    servers: &'a Servers<'a>,
    told: Cell<bool>,
}

impl Left<'_> {
    fn told<T>(&self, fault: Fault, without: T) -> Result<T, Fault> {
        if fault.status != ExitStatus::Unreachable {
            return Err(fault);
        }
        if !self.told.replace(true) {
            let desk = self.servers.desk;
            let profile = desk.profile();
            let why = fault.problems.first().map_or_else(String::new, ToString::to_string);
            desk.console.warn(
                &Problem::warning(
                    "servers-unasked",
                    "no server is asked or told about the new value",
                )
                .why(why)
                .hint(format!(
                    "start the servers again; once the store is migrated, `ultra keys verify \
                         --profile {profile}` gives the vault to those elsewhere"
                )),
            );
        }
        Ok(without)
    }
}

impl Fleet for Left<'_> {
    fn publish(&self, generation: u64, sealed: &[u8]) -> Result<Option<u64>, Fault> {
        self.servers.publish(generation, sealed).or_else(|fault| self.told(fault, None))
    }

    fn agrees(&self) -> Result<(), Fault> {
        self.servers.agrees().or_else(|fault| self.told(fault, ()))
    }

    fn replicas(&self) -> Result<Vec<Replica>, Fault> {
        self.servers.replicas().or_else(|fault| self.told(fault, Vec::new()))
    }

    fn hasten(&self) {
        self.servers.hasten();
    }
}

impl Desk<'_> {
    /// Runs `work` with what a rotation of `key` deals with.
    ///
    /// # Errors
    /// Those of `work`, and of the vault that holds the admin key.
    pub(super) fn with_world<T>(
        &self,
        key: &Key,
        wait: Duration,
        work: impl FnOnce(&World<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.world(key, wait, false, work)
    }

    /// The same for a value that comes into use. Where that is the address of the store, servers
    /// start again with it anyway: a store that cannot be reached is told, and holds nothing up.
    ///
    /// # Errors
    /// As [`Desk::with_world`].
    pub(super) fn cutting_over<T>(
        &self,
        key: &Key,
        wait: Duration,
        work: impl FnOnce(&World<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.world(key, wait, key.kind == Kind::Database, work)
    }

    /// Goes on with what is on record, as it was begun: an end is no cut-over.
    ///
    /// # Errors
    /// As [`Rotation::run`].
    pub(super) fn go_on(
        &self,
        key: &Key,
        rotation: &Rotation<'_>,
        journal: Journal,
        wait: Duration,
    ) -> Result<Ended, Fault> {
        let leaving = journal.kind != rotation::Kind::Retire && key.kind == Kind::Database;
        self.world(key, wait, leaving, |world| rotation.run(journal, world))
    }

    fn world<T>(
        &self,
        key: &Key,
        wait: Duration,
        leaving: bool,
        work: impl FnOnce(&World<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let issuer = issuing::issuer(self, key)?;
        // Begun at its first word: until then a value may be asked for, over which it would write.
        let progress = OnceCell::new();
        let begin = || self.console.progress(&format!("`{}`", key.name));
        let ask = |version: &Version| match &key.provider {
            Some(provider) => {
                let destination = provider.destination();
                let verdict = if version.may_go_to(&destination) {
                    self.ask(provider, &version.value)
                } else {
                    let bound: Vec<&str> = version.destinations().map(String::as_str).collect();
                    let bound = bound.join(", ");
                    let why = format!("not asked: it is bound to {bound} and is sent nowhere else");
                    KeyVerdict::Unverified { why }
                };
                Tested::By { destination, verdict }
            }
            None => Tested::Nobody,
        };
        let servers = Servers::of(self);
        if key.kind == Kind::Database {
            // Where the servers are now, not where they will be once they start again. Why it
            // cannot be opened is told when it is needed.
            let _ = servers.fleet();
        }
        let left = Left { servers: &servers, told: Cell::new(false) };
        let fleet: &dyn Fleet = if leaving { &left } else { &servers };
        work(&World {
            fleet,
            issuer: issuer.as_deref(),
            ask: &ask,
            say: &|text| progress.get_or_init(begin).say(text),
            wait,
        })
    }
}
