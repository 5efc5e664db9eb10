//! Opening a store: which one is meant, and the options both kinds share.

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError};
use crate::base::Secret;
use crate::report::Problem;
use crate::settings::groups::{DatabaseSettings, MigrateMode};
use crate::settings::secret::SecretSource;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How a store is opened.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseOptions {
    /// `postgres://…` or `sqlite:PATH`; the embedded database if `None`.
    pub(crate) url: Option<Secret>,
    /// Whether a file of the root says the URL: no password of the user's goes where it says, such
    /// as that of `PGPASSWORD` or `~/.pgpass`.
    pub(crate) url_by_root: bool,
    /// The embedded database.
    pub(crate) sqlite_path: PathBuf,
    /// Connections to PostgreSQL.
    pub(crate) pool_size: u32,
    /// How long any operation waits.
    pub(crate) timeout: Duration,
    /// What is done about pending migrations; `None` is `auto` for SQLite and unprotected
    /// profiles, else `check`.
    pub(crate) migrate: Option<MigrateMode>,
    /// Whether the profile is protected.
    pub(crate) protected: bool,
}

/// Where a URL points to.
#[derive(Debug)]
enum Target {
    Postgres(Secret),
    Sqlite(PathBuf),
}

impl DatabaseOptions {
    /// The options that the settings of a profile ask for.
    ///
    /// # Errors
    /// The database URL is in a source that cannot be opened.
    pub(crate) fn from_settings(
        settings: &DatabaseSettings,
        profile: &crate::settings::profile::Profile,
        state_dir: &Path,
        source: &dyn SecretSource,
    ) -> Result<Self, Problem> {
        Ok(Self {
            url: settings.url.as_ref().map(|url| url.reveal(source)).transpose()?,
            url_by_root: settings.url.as_ref().is_some_and(|url| url.by_root),
            sqlite_path: Self::embedded(state_dir, &profile.name),
            pool_size: u32::try_from(settings.pool_size.0).unwrap_or(u32::MAX),
            timeout: settings.timeout,
            migrate: settings.migrate,
            protected: profile.protected,
        })
    }

    /// The embedded database of a profile.
    pub(crate) fn embedded(state_dir: &Path, profile: &str) -> PathBuf {
        state_dir.join("data").join(format!("{profile}.db"))
    }

    /// What is done about pending migrations: what was asked for, else `auto` for SQLite and
    /// unprotected profiles.
    pub(crate) fn mode(&self) -> MigrateMode {
        self.migrate.unwrap_or(if self.protected && !self.is_sqlite() {
            MigrateMode::Check
        } else {
            MigrateMode::Auto
        })
    }

    /// Whether SQLite is meant.
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.target(), Ok(Target::Sqlite(_)))
    }

    /// Whether it can be told which database is meant.
    pub(crate) fn is_suitable(&self) -> bool {
        self.target().is_ok()
    }

    /// Whether both name a database of the same profile in the same words.
    pub(crate) fn is_named_as(&self, other: &Self) -> bool {
        self.url.as_ref().map(Secret::expose) == other.url.as_ref().map(Secret::expose)
    }

    /// Whether a SQLite database is meant whose file does not exist yet.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.target(), Ok(Target::Sqlite(path)) if path.symlink_metadata().is_err())
    }

    fn target(&self) -> Result<Target, StoreError> {
        let Some(url) = self.url.as_ref().filter(|url| !url.is_empty()) else {
            return Ok(Target::Sqlite(self.sqlite_path.clone()));
        };
        let text = url.expose();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Target::Postgres(url.clone()));
        }
        let Some(rest) = text.strip_prefix("sqlite:") else {
            // Nothing of the value is shown: what is no URL may well be a password.
            return Err(StoreError::Unsuitable {
                at: "DATABASE_URL".to_owned(),
                why: "it begins neither with `postgres://` nor with `sqlite:`".to_owned(),
            });
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains(['?', '\0']) || path == ":memory:" {
            return Err(StoreError::Unsuitable {
                at: "DATABASE_URL".to_owned(),
                why: "`sqlite:` needs the path of a file, without options".to_owned(),
            });
        }
        Ok(Target::Sqlite(PathBuf::from(path)))
    }
}

/// Opens the store. A server that is absent or frozen is no error here: the handle connects when
/// it is used, again and again, and its operations say [`StoreError::Unreachable`] until then.
///
/// # Errors
/// What no waiting mends: a malformed URL; a SQLite file that is corrupt, foreign, not writable,
/// migrated by a newer program, or on a network file system. Nothing is written in these cases.
pub(crate) async fn open(options: &DatabaseOptions) -> Result<Arc<dyn Store>, StoreError> {
    match options.target()? {
        Target::Postgres(url) => Ok(Arc::new(PostgresStore::open(&url, options)?)),
        Target::Sqlite(path) => {
            Ok(Arc::new(SqliteStore::open(&path, options.timeout, options.mode()).await?))
        }
    }
}
