//! A provider that issues keys, in memory.

use super::life::Life;
use crate::base::Secret;
use crate::provider::KeyVerdict;
use crate::provider::admin::{Abilities, Issued, Issuer, IssuerError, RemoteKey};
use crate::rotation::Tested;
use crate::settings::secret::Remote;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Fine,
    /// The request does not come through.
    Away,
    /// The answer does not come through.
    Forgetful,
    Refuses,
}

/// A provider: it knows what it issued, and accepts every other value that it does not refuse.
pub(crate) struct Provider {
    pub(crate) can: Abilities,
    pub(crate) mood: RefCell<Mood>,
    /// By id: the tag, the value, and whether it is accepted.
    pub(crate) issued: RefCell<BTreeMap<String, (String, String, bool)>>,
    pub(crate) refuses: RefCell<Vec<String>>,
    /// How often a key was made.
    pub(crate) made: RefCell<u32>,
    life: Arc<Life>,
}

impl Provider {
    pub(crate) fn new(can: Abilities, life: Arc<Life>) -> Self {
        Self {
            can,
            mood: RefCell::new(Mood::Fine),
            issued: RefCell::default(),
            refuses: RefCell::default(),
            made: RefCell::new(0),
            life,
        }
    }

    pub(crate) fn accepts(&self, value: &str) -> bool {
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

    pub(crate) fn ask(&self, value: &Secret) -> Tested {
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
