//! Facts: what the judges look at. Each is gathered at most once, when first asked for; whoever
//! asks meanwhile waits for the same answer.

use super::live::LiveFacts;
use super::model::NoJudgement;
use super::tree::TreeFacts;
use crate::base::Timestamp;
use crate::report::Problem;
use crate::settings::origin::Origin;
use crate::settings::profile::Mode;
use crate::settings::secret::SecretFacts;
use crate::settings::{Resolution, Settings};
use jiff::civil::Date;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// How a fact is gathered.
pub(crate) type Gatherer<T> = Box<dyn FnOnce() -> Result<T, NoJudgement> + Send>;

/// One fact, or why it could not be had.
pub(crate) struct Fact<T>(LazyLock<Result<T, NoJudgement>, Gatherer<T>>);

impl<T> Fact<T> {
    /// A fact that is gathered like this.
    pub(crate) fn gathered(how: impl FnOnce() -> Result<T, NoJudgement> + Send + 'static) -> Self {
        Self(LazyLock::new(Box::new(how)))
    }

    /// The fact.
    ///
    /// # Errors
    /// It does not apply here, or could not be gathered.
    pub(crate) fn get(&self) -> Result<&T, NoJudgement> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

/// Everything that checks may look at.
pub(crate) struct Facts {
    /// The profile that is judged: its canonical name.
    pub(crate) profile: String,
    /// Now.
    pub(crate) now: Timestamp,
    /// The configuration.
    pub(crate) config: Arc<Fact<ConfigFacts>>,
    /// The secrets that are in use.
    pub(crate) secrets: Arc<Fact<Vec<SecretInUse>>>,
    /// What keeps the vault's identity.
    pub(crate) vault: Arc<Fact<VaultFacts>>,
    /// Files that hold secrets or configuration, with their permissions.
    pub(crate) files: Arc<Fact<FileFacts>>,
    /// The project's own sources.
    pub(crate) tree: Arc<Fact<TreeFacts>>,
    /// The store.
    pub(crate) database: Arc<Fact<DatabaseFacts>>,
    /// What each provider says of our keys.
    pub(crate) providers: Arc<Fact<Vec<ProviderFacts>>>,
    /// A running server's answers.
    pub(crate) live: Arc<Fact<LiveFacts>>,
}

/// The configuration of the profile.
#[derive(Debug)]
pub(crate) struct ConfigFacts {
    /// Every problem of files, layers, types and rules.
    pub(crate) problems: Vec<Problem>,
    /// Who says what; `None` if the profile cannot be read.
    pub(crate) resolution: Option<Resolution>,
    /// The typed settings; `None` if there is an error in them.
    pub(crate) settings: Option<Settings>,
    /// Whether absent secret values are left out of the judgement.
    pub(crate) declared_only: bool,
    /// What is wrong with the state directory; `None` if the server that is judged has another.
    pub(crate) state_dir: Option<Result<(), Problem>>,
    /// Targets of declared routes whose model has a date at which it ends.
    pub(crate) endings: Vec<Ending>,
}

/// A target whose model ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The route.
    pub(crate) route: String,
    /// The provider.
    pub(crate) provider: String,
    /// The model's name there.
    pub(crate) model: String,
    /// The first day on which the provider may not serve it any more.
    pub(crate) on: Date,
}

impl ConfigFacts {
    /// The typed settings.
    ///
    /// # Errors
    /// There are none, because the configuration has errors.
    pub(crate) fn settings(&self) -> Result<&Settings, NoJudgement> {
        self.settings.as_ref().ok_or_else(|| {
            NoJudgement::Unknown("the configuration cannot be read (ULT-CFG-001)".to_owned())
        })
    }

    /// Who says what.
    ///
    /// # Errors
    /// The profile cannot be read.
    pub(crate) fn resolution(&self) -> Result<&Resolution, NoJudgement> {
        self.resolution.as_ref().ok_or_else(|| {
            NoJudgement::Unknown("the profile cannot be read (ULT-CFG-001)".to_owned())
        })
    }

    /// Whether the profile is protected.
    ///
    /// # Errors
    /// The profile cannot be read.
    pub(crate) fn protected(&self) -> Result<bool, NoJudgement> {
        Ok(self.resolution()?.profile.protected)
    }

    /// Ends the judgement unless the profile is protected.
    ///
    /// # Errors
    /// It is not, or it cannot be read.
    pub(crate) fn only_protected(&self) -> Result<(), NoJudgement> {
        if self.protected()? {
            return Ok(());
        }
        let name = &self.resolution()?.profile.name;
        Err(NoJudgement::Skip(format!("the profile `{name}` is not protected")))
    }

    /// Ends the judgement unless answers come from real providers.
    ///
    /// # Errors
    /// They come from the mock, or the configuration cannot be read.
    pub(crate) fn only_real(&self) -> Result<(), NoJudgement> {
        match self.settings()?.server.mode {
            Mode::Real => Ok(()),
            Mode::Mock => Err(NoJudgement::Skip("answers come from the mock".to_owned())),
        }
    }
}

/// Where the winning value of a secret lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// In the vault.
    Vault,
    /// In a file of its own (`NAME_FILE`, `file:`).
    File,
    /// In a dotenv file.
    Dotenv,
    /// In a profile.
    Profile,
    /// In the process environment.
    Process,
}

/// A secret variable that has a value.
#[derive(Clone, Debug)]
pub(crate) struct SecretInUse {
    /// The variable.
    pub(crate) name: String,
    /// Where its value lives.
    pub(crate) home: Home,
    /// Who says so.
    pub(crate) origin: Origin,
    /// What the vault knows of it, if it lives there.
    pub(crate) facts: Option<SecretFacts>,
    /// Why the vault does not know it although it should.
    pub(crate) missing: Option<Problem>,
    /// Other profiles that hold the same value.
    pub(crate) shared_with: Vec<String>,
    /// The age that the policy allows.
    pub(crate) max_age: Option<Duration>,
}

/// The vault, without opening it.
#[derive(Clone, Debug)]
pub(crate) struct VaultFacts {
    /// Whether there is one.
    pub(crate) exists: bool,
    /// The backend that was recorded for it, in words.
    pub(crate) backend: Option<String>,
    /// Whether the backend answers, or what it says instead.
    pub(crate) answers: Result<(), String>,
}

/// A file that may hold secrets.
#[derive(Clone, Debug)]
pub(crate) struct SensitiveFile {
    /// Its path as the operator would name it.
    pub(crate) path: PathBuf,
    /// The same absolute and, but for the last part of a file's, without symbolic links.
    pub(crate) real: PathBuf,
    /// The permission bits.
    pub(crate) mode: u32,
    /// Whether it is a directory.
    pub(crate) dir: bool,
    /// Whether git tracks it, or something in it.
    pub(crate) tracked: bool,
    /// Whether git would pass it over, or has no say where it lies.
    pub(crate) ignored: bool,
    /// Whether a secret variable stands in it.
    pub(crate) holds_secret: bool,
    /// Whether it lies outside the root: whoever put it there decides which group reads it.
    pub(crate) mounted: bool,
}

/// What git said of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum GitSays {
    /// Nothing: the root is not under git.
    #[default]
    Outside,
    /// Everything that it was asked.
    Everything,
    /// Not everything, for this reason.
    Unsure(String),
}

/// Files that may hold secrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileFacts {
    /// Whether git could be asked.
    pub(crate) git: GitSays,
    /// The files.
    pub(crate) files: Vec<SensitiveFile>,
}

/// Which store the profile uses.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseFacts {
    /// Whether it is PostgreSQL.
    pub(crate) postgres: bool,
    /// Whether the connection demands a verified certificate, for PostgreSQL.
    pub(crate) verified_tls: bool,
    /// Whether the server is on this machine.
    pub(crate) local: bool,
    /// What it says: pending migrations and connection limit.
    pub(crate) state: DatabaseState,
}

/// What the store says when it is asked.
#[derive(Clone, Debug)]
pub(crate) enum DatabaseState {
    /// It does not exist yet: a server makes it at its first start.
    Absent,
    /// It cannot be reached or opened; the cause, without credentials.
    Unreachable(String),
    /// It answers.
    Open {
        /// Migrations that this program brings and the store does not have.
        pending: Vec<String>,
        /// Why the store does not fit this program, if so.
        mismatch: Option<String>,
        /// The service keys that servers accept and nobody replaces yet, or why they are not known.
        service_keys: Result<Vec<ServiceKeyInUse>, String>,
    },
}

/// A service key that servers accept.
#[derive(Clone, Debug)]
pub(crate) struct ServiceKeyInUse {
    /// Its public part.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// The age that the policy allows.
    pub(crate) max_age: Option<Duration>,
}

/// What a provider says of our keys.
#[derive(Clone, Debug)]
pub(crate) struct ProviderFacts {
    /// Its name.
    pub(crate) name: String,
    /// The variable of the key.
    pub(crate) key: String,
    /// What came of asking for the list of models.
    pub(crate) verdict: KeyState,
    /// The models that routes ask it for.
    pub(crate) wanted: Vec<String>,
}

/// What came of asking a provider for its models with our key.
#[derive(Clone, Debug)]
pub(crate) enum KeyState {
    /// It lists these models.
    Accepted(Vec<String>),
    /// It refuses the key with this status.
    Refused(u16),
    /// It is asked too often.
    RateLimited,
    /// It could not be asked; the cause.
    Unverified(String),
    /// The key is bound to another address and is not sent there.
    BoundElsewhere {
        /// Which it is, and where it may go.
        why: String,
        /// The command that allows this one, too.
        fix: Option<String>,
    },
}
