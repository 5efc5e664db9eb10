//! Why the store did not do what it was asked: one enum, whose texts hold no credentials and no
//! SQL.

use crate::base::words;
use crate::report::{Fault, Problem};
use std::time::Duration;

/// Why the store did not do what it was asked. `at` is a location fit for people; texts of
/// database libraries never pass, because they quote statements and addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// No connection can be made, or it broke.
    #[error("cannot reach the store `{at}`: {why}")]
    Unreachable {
        /// Where the store is.
        at: String,
        /// The cause.
        why: String,
    },
    /// It did not answer in time.
    #[error("the store `{at}` did not answer within {}ms", .after.as_millis())]
    Timeout {
        /// Where the store is.
        at: String,
        /// How long was waited.
        after: Duration,
    },
    /// It refuses the credentials, or the file cannot be read or written.
    #[error("the store `{at}` denies access: {why}")]
    Denied {
        /// Where the store is.
        at: String,
        /// The cause.
        why: String,
    },
    /// The database is corrupt, or is not one of ours.
    #[error("the store `{at}` is damaged: {why}")]
    Damaged {
        /// Where the store is.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// What is configured cannot be a store: malformed URL, network file system.
    #[error("`{at}` cannot be the store: {why}")]
    Unsuitable {
        /// What was configured.
        at: String,
        /// Why it cannot be.
        why: String,
    },
    /// A newer version of the program has migrated it.
    #[error("the store `{at}` has schema version {found}, this program knows {known}")]
    NewerSchema {
        /// Where the store is.
        at: String,
        /// Its version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// Migrations are pending, and this process may not apply them.
    #[error("the store `{at}` lacks {}: {}", words::count(.pending.len(), "migration"), .pending.join(", "))]
    Pending {
        /// Where the store is.
        at: String,
        /// Their names.
        pending: Vec<String>,
    },
    /// Something of that name or id is there already.
    #[error("{what} exists already")]
    Conflict {
        /// What.
        what: String,
    },
    /// There is no room left.
    #[error("the store `{at}` is full: {why}")]
    Full {
        /// Where the store is.
        at: String,
        /// The cause.
        why: String,
    },
    /// It is being migrated, which takes longer than an operation may.
    #[error("the store `{at}` is being migrated")]
    Migrating {
        /// Where the store is.
        at: String,
    },
    /// The database will never take these values.
    #[error("the store `{at}` rejects the data (code {code})")]
    Rejected {
        /// Where the store is.
        at: String,
        /// The database's own code.
        code: String,
    },
    /// Anything else.
    #[error("the store `{at}` failed: {why}")]
    Failed {
        /// Where the store is.
        at: String,
        /// The cause, at least the database's own code.
        why: String,
    },
}

impl StoreError {
    /// A stable name of the kind of error.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "store-unreachable",
            Self::Timeout { .. } => "store-timeout",
            Self::Denied { .. } => "store-denied",
            Self::Damaged { .. } => "store-damaged",
            Self::Unsuitable { .. } => "store-unsuitable",
            Self::NewerSchema { .. } => "store-newer-schema",
            Self::Pending { .. } => "store-migrations-pending",
            Self::Migrating { .. } => "store-migrating",
            Self::Conflict { .. } => "store-conflict",
            Self::Full { .. } => "store-full",
            Self::Rejected { .. } => "store-rejected",
            Self::Failed { .. } => "store-failed",
        }
    }

    /// The error for people, with a way out.
    pub(crate) fn problem(&self) -> Problem {
        let problem = Problem::error(self.code(), self.to_string());
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => {
                problem.hint("check that the database runs and that `DATABASE_URL` points to it")
            }
            Self::Denied { .. } => {
                problem.hint(
                "check the credentials in `DATABASE_URL` (for one from a file of the root neither \
                 `PGPASSWORD` nor `~/.pgpass` counts), or the owner and mode of the file",
            )
            }
            Self::Damaged { .. } => problem.hint(
                "nothing was changed; restore a backup, or move the file away to begin with an empty one",
            ),
            Self::NewerSchema { .. } => problem.hint("use the newer `ultra` that migrated it"),
            Self::Pending { .. } => problem.hint("ultra db migrate"),
            Self::Migrating { .. } => problem.hint(
                "wait until it is done: a server goes on with it by itself, for a command it is \
                 `ultra db migrate`",
            ),
            Self::Full { .. } => problem.hint(
                "free space on the disk of the database; a quota or `ulimit -f` may bound it, too",
            ),
            Self::Unsuitable { .. } => problem
                .hint("set `DATABASE_URL` to `postgres://…` or `sqlite:PATH`, or leave it unset"),
            Self::Conflict { .. } | Self::Rejected { .. } | Self::Failed { .. } => problem,
        }
    }

    /// The error as the end of a command.
    pub(crate) fn fault(&self) -> Fault {
        use crate::exit::ExitStatus;
        let status = match self {
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Migrating { .. }
            | Self::Denied { .. }
            | Self::Full { .. } => ExitStatus::Unreachable,
            Self::Damaged { .. }
            | Self::NewerSchema { .. }
            | Self::Pending { .. }
            | Self::Unsuitable { .. } => ExitStatus::DoesNotHold,
            Self::Conflict { .. } => ExitStatus::Usage,
            Self::Rejected { .. } | Self::Failed { .. } => ExitStatus::Failure,
        };
        Fault::new(status, vec![self.problem()])
    }
}
