//! Whether a value is good, asked of whoever can say so: its provider, the server it opens, or its
//! own form.

use super::Desk;
use super::names::{Key, Kind, Provider};
use super::value;
use crate::base::{Secret, words};
use crate::cache::{Ping, ping};
use crate::provider::KeyVerdict;
use crate::settings::groups::MigrateMode;
use crate::store::{self, DatabaseOptions, StoreError};
use serde::Serialize;
use std::time::Duration;

/// How long a store or a cache may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Judge {
    /// The provider, by listing models.
    Provider,
    /// The provider's admin API, by a list that only an admin key may see.
    AdminApi,
    /// The store or the cache, by connecting.
    Connection,
    /// A running server, by a request that costs nothing.
    Server,
    /// Nobody: the form of the value alone.
    Form,
}

/// What was said of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is good.
    Accepted {
        /// How many models its provider lists for it.
        models: Option<usize>,
        /// What is to be said of it.
        note: String,
    },
    /// It is not.
    Refused {
        /// The HTTP status, if it is one.
        status: Option<u16>,
        /// Why, without the value.
        why: String,
    },
    /// Whoever was asked wants to be asked later.
    RateLimited {
        /// In how many seconds, if that was said.
        retry_after: Option<u64>,
    },
    /// Nobody could be asked; without the value.
    Unverified(String),
}

/// Who says whether a key of this name is good; `None` if nobody can.
pub(super) fn judge_of(key: &Key) -> Option<Judge> {
    match (key.kind, &key.provider) {
        (_, Some(provider)) if provider.admin => Some(Judge::AdminApi),
        (_, Some(_)) => Some(Judge::Provider),
        (Kind::Database | Kind::Redis, None) => Some(Judge::Connection),
        (Kind::Jwt | Kind::Encryption, None) => Some(Judge::Form),
        (_, None) => None,
    }
}

/// Asks about a value; the text is where it was sent or what it names, fit for people. `None` if
/// nobody can say.
pub(super) fn judged(desk: &Desk<'_>, key: &Key, secret: &Secret) -> Option<(String, Verdict)> {
    Some(match (judge_of(key)?, &key.provider) {
        (Judge::Provider | Judge::AdminApi, Some(provider)) => {
            (provider.destination(), by_provider(desk, provider, secret))
        }
        (Judge::Connection, _) => connected(desk, key, secret),
        (_, _) => ("-".to_owned(), by_form(key, secret)),
    })
}

fn good(note: &str) -> Verdict {
    Verdict::Accepted { models: None, note: note.to_owned() }
}

fn by_provider(desk: &Desk<'_>, provider: &Provider, secret: &Secret) -> Verdict {
    match desk.ask(provider, secret) {
        KeyVerdict::Accepted { .. } if provider.admin => good("the admin API answers"),
        KeyVerdict::Accepted { models } => Verdict::Accepted {
            models: Some(models.len()),
            note: words::count(models.len(), "model"),
        },
        KeyVerdict::Refused { status } => {
            Verdict::Refused { status: Some(status), why: format!("answers {status}") }
        }
        KeyVerdict::RateLimited { retry_after } => Verdict::RateLimited { retry_after },
        KeyVerdict::Unverified { why } => Verdict::Unverified(why),
    }
}

fn by_form(key: &Key, secret: &Secret) -> Verdict {
    match value::check(key, secret) {
        Ok(()) => good("by its form: nobody else knows it"),
        Err(fault) => {
            let whys = fault.problems.iter().filter_map(|problem| problem.why.as_deref());
            Verdict::Refused { status: None, why: whys.collect::<Vec<_>>().join("; ") }
        }
    }
}

/// Connects with the credentials of an address. Nothing is written: a database that is not there
/// stays so.
fn connected(desk: &Desk<'_>, key: &Key, secret: &Secret) -> (String, Verdict) {
    if let Verdict::Refused { status, why } = by_form(key, secret) {
        return (key.name.clone(), Verdict::Refused { status, why });
    }
    let _progress = desk.console.progress(&format!("connecting to `{}`", key.name));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return (key.name.clone(), Verdict::Unverified(format!("cannot start: {e}"))),
    };
    runtime.block_on(async {
        match key.kind {
            Kind::Redis => {
                let (at, said) = ping(secret, DEADLINE).await;
                let verdict = match said {
                    Ping::Answered => good("connected"),
                    Ping::Refused(why) => Verdict::Refused { status: None, why },
                    Ping::Unreachable(why) => Verdict::Unverified(why),
                };
                (at, verdict)
            }
            _ => database(desk, secret).await,
        }
    })
}

/// Whether a file of the root says this value of the database's address.
fn is_by_root(desk: &Desk<'_>, secret: &Secret) -> bool {
    let said = desk.resolution.secret("DATABASE_URL").filter(|said| said.by_root);
    let said = said.and_then(|said| said.reveal(desk.vault).ok());
    said.is_some_and(|said| said.expose() == secret.expose())
}

async fn database(desk: &Desk<'_>, secret: &Secret) -> (String, Verdict) {
    let profile = &desk.resolution.profile;
    let options = DatabaseOptions {
        url: Some(secret.clone()),
        url_by_root: is_by_root(desk, secret),
        sqlite_path: DatabaseOptions::embedded(desk.state_dir, &profile.name),
        pool_size: 1,
        timeout: DEADLINE,
        migrate: Some(MigrateMode::Check),
        protected: profile.protected,
    };
    let at = crate::base::redact::url(secret.expose());
    if options.is_absent() {
        return (at, good("the file is not there yet: the first start makes it"));
    }
    let asked = async {
        let store = store::open(&options).await?;
        let schema = store.schema().await;
        store.close().await;
        schema
    };
    let verdict = match tokio::time::timeout(2 * DEADLINE, asked).await {
        Ok(Ok(_)) => good("connected"),
        Ok(Err(e @ (StoreError::Denied { .. } | StoreError::Unsuitable { .. }))) => {
            Verdict::Refused { status: None, why: e.to_string() }
        }
        // It let us in, which is what was asked.
        Ok(Err(e @ (StoreError::NewerSchema { .. } | StoreError::Pending { .. }))) => {
            good(&format!("connected, but {e}"))
        }
        Ok(Err(e)) => Verdict::Unverified(e.to_string()),
        Err(_) => Verdict::Unverified("no answer in time".to_owned()),
    };
    (at, verdict)
}
