//! Rotation of a value that a file feeds (`NAME_FILE`): whoever feeds the file stores the new
//! value. What is on record is which value is waited for, by its fingerprint; the file is only
//! ever read.

use super::fleet::{Acknowledgement, Fleet, Has, Replica, acknowledged};
use super::record;
use crate::base::{Secret, Timestamp, file};
use crate::report::Fault;
use crate::secrets::VaultSource;
use crate::secrets::audit::Event;
use crate::settings::SecretSource as _;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The schema that this program reads and writes.
const SCHEMA: &str = "ultra.fed/1";

/// The folder in the state directory.
const FOLDER: &str = "fed";

/// How often file and servers are looked at while they are waited for.
const LOOK: Duration = Duration::from_millis(250);

/// A new value that was tested and is waited for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fed {
    schema: String,
    /// The profile.
    pub(crate) profile: String,
    /// The name of the key.
    pub(crate) name: String,
    /// The variable that servers know it by.
    pub(crate) variable: String,
    /// The file, if anybody says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
    /// Whether that file is the one that is read here; else servers alone see it.
    pub(crate) here: bool,
    /// The keyed fingerprint of the new value.
    pub(crate) fingerprint: String,
    /// The destination that accepted it; `None` if nobody could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
    /// Whether others may know the value before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) compromised: bool,
    /// When it was tested.
    pub(crate) started_at: Timestamp,
    /// What was still missing when it was last waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<String>,
    /// The new value, while the command runs that it was given to; never on record.
    #[serde(skip)]
    pub(crate) value: Option<Secret>,
}

/// Where the new value is, and where it is still awaited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Awaited {
    /// Why the file does not hold the new value; `None` if it does, or is not read here.
    pub(crate) file: Option<String>,
    /// How far it has come among the servers.
    pub(crate) servers: Acknowledgement,
    /// Servers whose fingerprints are made with another key, so that nobody can tell.
    pub(crate) strangers: Vec<String>,
    /// Whether only servers could say so, and none does.
    pub(crate) unseen: bool,
}

impl Awaited {
    /// Whether nothing is awaited any more.
    pub(crate) fn is_over(&self) -> bool {
        self.file.is_none() && !self.unseen && self.servers.is_whole()
    }

    /// What is awaited, in words.
    pub(crate) fn text(&self) -> String {
        let mut parts: Vec<String> = self.file.iter().cloned().collect();
        let (known, strange): (Vec<&String>, Vec<&String>) =
            self.servers.waiting.iter().partition(|one| !self.strangers.contains(one));
        let list = |of: &[&String]| of.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ");
        if !known.is_empty() {
            let on = self.servers.in_words("server");
            parts.push(format!("it is on {on}, not seen on {}", list(&known)));
        }
        if !strange.is_empty() {
            parts.push(format!(
                "{} makes its fingerprints with another `fingerprint.key`, so nobody can tell \
                 without the value; the same command with the same value can, if that has 32 \
                 characters or more",
                list(&strange)
            ));
        }
        if self.unseen {
            parts.push("no running server says what it has".to_owned());
        }
        parts.join("; ")
    }
}

impl Fed {
    /// A new value that was tested just now.
    pub(crate) fn new(profile: &str, name: &str, variable: &str, now: Timestamp) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            profile: profile.to_owned(),
            name: name.to_owned(),
            variable: variable.to_owned(),
            file: None,
            here: false,
            fingerprint: String::new(),
            destination: None,
            compromised: false,
            started_at: now,
            stopped: None,
            value: None,
        }
    }

    fn path(state_dir: &Path, profile: &str, name: &str) -> PathBuf {
        record::path(&state_dir.join(FOLDER), profile, name)
    }

    /// The value of a name that is waited for, if one is.
    ///
    /// # Errors
    /// The record cannot be read or is of another version (5).
    pub(crate) fn read(state_dir: &Path, profile: &str, name: &str) -> Result<Option<Self>, Fault> {
        record::read(&Self::path(state_dir, profile, name), SCHEMA)
    }

    /// All values that are waited for, by profile and name.
    ///
    /// # Errors
    /// As [`Fed::read`].
    pub(crate) fn all(state_dir: &Path) -> Result<Vec<Self>, Fault> {
        record::all(&state_dir.join(FOLDER), SCHEMA)
    }

    /// Writes the record durably.
    ///
    /// # Errors
    /// The file system refuses (5).
    pub(crate) fn write(&self, state_dir: &Path) -> Result<(), Fault> {
        record::write(&Self::path(state_dir, &self.profile, &self.name), self)
    }

    /// Nothing is waited for any more.
    ///
    /// # Errors
    /// The file system refuses (5).
    pub(crate) fn end(&self, state_dir: &Path) -> Result<(), Fault> {
        record::remove(&Self::path(state_dir, &self.profile, &self.name))
    }

    /// Tells the audit what was done. The value has no version: nobody but its feeder counts them.
    ///
    /// # Errors
    /// The audit cannot be written (5).
    pub(crate) fn note(
        &self,
        vault: &VaultSource,
        what: &str,
        detail: Option<String>,
    ) -> Result<(), Fault> {
        let event = Event {
            event: format!("fed.{what}"),
            profile: self.profile.clone(),
            name: self.name.clone(),
            version: 0,
            fingerprint: Some(self.fingerprint.clone()),
            detail,
        };
        vault.note(&format!("keys rotate {}", self.name), event)
    }

    /// Looks once where the new value is.
    ///
    /// # Errors
    /// Fingerprints cannot be made, or the servers cannot be asked (5).
    pub(crate) fn look(&self, vault: &VaultSource, fleet: &dyn Fleet) -> Result<Awaited, Fault> {
        let mut replicas = fleet.replicas()?;
        let ours = vault.fingerprint_key_id().map_err(Fault::unreachable)?;
        if let Some(value) = self.known_value(vault) {
            self.recognise(&mut replicas, &value, ours.as_deref());
        }
        let servers = acknowledged(&replicas, &self.variable, &self.fingerprint, Has::AtWork);
        let strangers = replicas
            .iter()
            .filter(|replica| servers.waiting.contains(&replica.instance))
            .filter(|replica| is_stranger(replica, &self.variable, ours.as_deref()))
            .map(|replica| replica.instance.clone())
            .collect();
        let file = match &self.file {
            Some(path) if self.here => self.missing(vault, path)?,
            _ => None,
        };
        let unseen = !self.here && servers.of == 0;
        Ok(Awaited { file, servers, strangers, unseen })
    }

    /// The new value, if it was given or the file that is read here holds it.
    fn known_value(&self, vault: &VaultSource) -> Option<Secret> {
        if self.value.is_some() {
            return self.value.clone();
        }
        let value = file::read_secret(self.file.as_ref().filter(|_| self.here)?).ok()?;
        (vault.fingerprint(&value).ok()? == self.fingerprint).then_some(value)
    }

    /// Puts our fingerprint in the place of those that were made with another key, where a server
    /// shows by other means whether it has the value.
    fn recognise(&self, replicas: &mut [Replica], value: &Secret, ours: Option<&str>) {
        for slot in replicas.iter_mut().flat_map(|replica| &mut replica.slots) {
            let foreign = slot.variable == self.variable
                && slot.fingerprint_key.as_deref().is_some_and(|theirs| Some(theirs) != ours);
            if let Some(salted) = slot.salted.as_ref().filter(|_| foreign) {
                slot.fingerprint = salted.is_of(value).then(|| self.fingerprint.clone());
                slot.fingerprint_key = ours.map(str::to_owned);
            }
        }
    }

    /// Why the file does not hold the value; `None` if it does.
    fn missing(&self, vault: &VaultSource, path: &Path) -> Result<Option<String>, Fault> {
        let shown = path.display();
        Ok(match file::read_secret(path) {
            Ok(value) => {
                let found = vault.fingerprint(&value).map_err(Fault::unreachable)?;
                (found != self.fingerprint).then(|| format!("`{shown}` holds another value"))
            }
            Err(why) => Some(format!("`{shown}` cannot be read: {why}")),
        })
    }

    /// Waits until the file and every server have the new value, or one server saw it rejected;
    /// says what is awaited at the end of that time.
    ///
    /// # Errors
    /// As [`Fed::look`].
    pub(crate) fn wait(
        &self,
        vault: &VaultSource,
        fleet: &dyn Fleet,
        patience: Duration,
        say: &dyn Fn(&str),
    ) -> Result<Awaited, Fault> {
        let deadline = Instant::now() + patience;
        let mut hastened = false;
        loop {
            let awaited = self.look(vault, fleet)?;
            let over = Instant::now() >= deadline;
            if awaited.is_over() || over || !awaited.servers.rejected.is_empty() {
                return Ok(awaited);
            }
            if awaited.file.is_none() && !hastened {
                // Stored just now: servers that can be told need not wait for their next look.
                hastened = true;
                fleet.hasten();
            }
            say(&format!("`{}`: {}", self.name, awaited.text()));
            std::thread::sleep(LOOK.min(deadline.saturating_duration_since(Instant::now())));
        }
    }
}

fn is_stranger(replica: &Replica, variable: &str, ours: Option<&str>) -> bool {
    let mut slots = replica.slots.iter().filter(|slot| slot.variable == variable && slot.in_use());
    slots.any(|slot| slot.fingerprint_key.as_deref().is_some_and(|theirs| Some(theirs) != ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_awaited_is_named() {
        let servers = Acknowledgement {
            on: 1,
            of: 3,
            waiting: vec!["a".into(), "b".into()],
            rejected: Vec::new(),
        };
        let awaited = Awaited {
            file: Some("`/f` holds another value".into()),
            servers,
            strangers: vec!["b".into()],
            unseen: false,
        };
        assert!(!awaited.is_over());
        assert_eq!(
            awaited.text(),
            "`/f` holds another value; it is on 1 of 3 servers, not seen on a; b makes its \
             fingerprints with another `fingerprint.key`, so nobody can tell without the value; \
             the same command with the same value can, if that has 32 characters or more"
        );
        assert!(Awaited::default().is_over());
        assert!(!Awaited { unseen: true, ..Awaited::default() }.is_over());
    }

    #[test]
    fn a_record_is_read_back_and_one_of_another_format_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        assert!(Fed::all(dir.path()).unwrap().is_empty());
        let fed = Fed {
            file: Some("/f".into()),
            fingerprint: "0123".into(),
            value: Some(Secret::new("canary")),
            ..Fed::new("dev", "openai", "OPENAI_API_KEY", now)
        };
        fed.write(dir.path()).unwrap();
        let read = Fed::read(dir.path(), "dev", "openai").unwrap().unwrap();
        assert!(read.value.is_none(), "a value is never on record");
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&fed).unwrap());
        assert_eq!(Fed::all(dir.path()).unwrap().len(), 1);
        fed.end(dir.path()).unwrap();
        assert!(Fed::read(dir.path(), "dev", "openai").unwrap().is_none());
        let other = Fed { schema: "ultra.fed/2".into(), ..fed };
        other.write(dir.path()).unwrap();
        assert!(Fed::read(dir.path(), "dev", "openai").is_err());
    }
}
