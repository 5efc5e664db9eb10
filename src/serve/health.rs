//! How everything is doing: judged by one task every few seconds, so that asking costs nothing and
//! no number of probes burdens a dependency. No provider is ever asked: that would cost money.

use super::rings::Aging;
use super::state::App;
use crate::base::{Timestamp, words};
use crate::cache::CacheStatus;
use crate::gateway::routes::Backend;
use crate::gateway::slots::{SlotView, State};
use crate::settings::key_age::KeyAge;
use crate::store::StoreError;
use arc_swap::ArcSwap;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often everything is judged.
const EVERY: Duration = Duration::from_secs(2);

/// So many service keys that are too old are named; there may be any number of them.
const MOST_NAMED: usize = 5;

/// The words of health, the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// It works, but not as it should.
    Degraded,
    /// It does not work, and neither does what needs it.
    Critical,
    /// It is not there.
    Unavailable,
    /// Nobody knows.
    Unknown,
}

/// How one thing is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Component {
    /// The word for it.
    pub(crate) status: Status,
    /// Whether the server cannot do without.
    pub(crate) critical: bool,
    /// Whether something stands in for it.
    pub(crate) using_fallback: bool,
    /// Since when it has been so.
    pub(crate) since: Timestamp,
    /// Why, if it is not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// How everything is doing.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// By name.
    pub(crate) components: BTreeMap<String, Component>,
    /// Why the server may not have traffic, if it may not. Fixed texts, for anybody may ask: what
    /// is peculiar to this server stands in the messages of the components.
    pub(crate) unready: Vec<&'static str>,
    /// When this was judged.
    pub(crate) checked_at: Option<Timestamp>,
}

/// The state of health.
#[derive(Debug, Default)]
pub(crate) struct Health {
    view: ArcSwap<View>,
    draining: AtomicBool,
}

impl Health {
    /// What was judged last.
    pub(crate) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// The server stops: no more traffic.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Why the server may not have traffic; empty if it may.
    pub(crate) fn unready(&self) -> Vec<&'static str> {
        if self.draining.load(Ordering::Relaxed) {
            return vec!["the server is stopping"];
        }
        let view = self.view.load();
        if view.checked_at.is_none() {
            return vec!["the server is starting"];
        }
        view.unready.clone()
    }

    /// The one word for everything.
    pub(crate) fn overall(&self) -> Status {
        let view = self.view.load();
        if view.checked_at.is_none() {
            return Status::Unknown;
        }
        if !self.unready().is_empty() {
            return Status::Critical;
        }
        if view.components.values().all(|c| c.status == Status::Ok) {
            Status::Ok
        } else {
            Status::Degraded
        }
    }
}

/// What a judgement says, before it is compared with the one before.
struct Verdict {
    status: Status,
    critical: bool,
    using_fallback: bool,
    message: Option<String>,
}

/// A provider that refuses a key is degraded, even while the key before stands in for it.
fn provider_keys(slots: &[SlotView]) -> Verdict {
    let refused = slots.iter().find(|slot| {
        slot.state == State::Rejected || (slot.state == State::Active && slot.refusals > 0)
    });
    let Some(refused) = refused else { return Verdict::ok(false) };
    let stands_in = slots.iter().any(|slot| {
        slot.id == refused.id
            && slot.generation != refused.generation
            && slot.refusals == 0
            && matches!(slot.state, State::Active | State::Draining)
    });
    let mut verdict = Verdict::bad(
        Status::Degraded,
        false,
        format!(
            "the provider refuses the key `{}` of generation {}{}",
            refused.id,
            refused.generation,
            if stands_in { "; the one before it stands in" } else { "" }
        ),
    );
    verdict.using_fallback = stands_in;
    verdict
}

impl Verdict {
    fn ok(critical: bool) -> Self {
        Self { status: Status::Ok, critical, using_fallback: false, message: None }
    }

    fn bad(status: Status, critical: bool, message: impl Into<String>) -> Self {
        Self { status, critical, using_fallback: false, message: Some(message.into()) }
    }
}

/// Judges everything until `stop`.
pub(crate) async fn watch(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => judge(&app).await,
            () = stop.cancelled() => return,
        }
    }
}

/// Judges everything once.
pub(crate) async fn judge(app: &App) {
    let now = app.clock.now();
    let mut verdicts = BTreeMap::new();
    let mut unready = Vec::new();

    let store = app.store.ping().await;
    match &store {
        Err(StoreError::Pending { .. }) => {
            unready.push("the database lacks migrations (ultra db migrate)");
        }
        Err(StoreError::NewerSchema { .. }) => {
            unready.push("the database has a newer schema than this version of ultra");
        }
        _ => {}
    }
    verdicts.insert("database".to_owned(), database(&store));
    verdicts.insert("cache".to_owned(), cache(&app.cache.status()));
    verdicts.insert("identity".to_owned(), identity(app, now, &mut unready));
    verdicts.insert("usage_journal".to_owned(), journal(app, &mut unready));
    for provider in app.gateway.table().providers() {
        if !provider.is_configured() || matches!(provider.backend, Backend::Mock) {
            continue;
        }
        let verdict = match provider.unavailable() {
            None => provider_keys(&provider.slots.view()),
            Some(reason) => Verdict::bad(Status::Unavailable, false, reason),
        };
        verdicts.insert(format!("provider:{}", provider.name), verdict);
    }

    if let Some(verdict) = keys(app, now) {
        verdicts.insert("keys".to_owned(), verdict);
    }
    verdicts.insert("configuration".to_owned(), configuration(app));

    let before = app.health.view();
    let components = verdicts
        .into_iter()
        .map(|(name, verdict)| {
            let since = before
                .components
                .get(&name)
                .filter(|c| c.status == verdict.status)
                .map_or(now, |c| c.since);
            let component = Component {
                status: verdict.status,
                critical: verdict.critical,
                using_fallback: verdict.using_fallback,
                since,
                message: verdict.message,
            };
            (name, component)
        })
        .collect();
    app.health.view.store(Arc::new(View { components, unready, checked_at: Some(now) }));
}

/// The data plane does without the store for a while: callers are judged by what is known, usage
/// waits in the journal.
fn database(store: &Result<(), StoreError>) -> Verdict {
    match store {
        Ok(()) => Verdict::ok(false),
        Err(error @ (StoreError::Unreachable { .. } | StoreError::Timeout { .. })) => Verdict {
            using_fallback: true,
            ..Verdict::bad(Status::Unavailable, false, error.to_string())
        },
        Err(error) => {
            let hint = error.problem().hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            Verdict::bad(Status::Critical, false, format!("{error}{hint}"))
        }
    }
}

/// A key that is older than the policy allows works on, but somebody has to know.
fn keys(app: &App, now: Timestamp) -> Option<Verdict> {
    let aging = app.reloader.aging();
    let old = |key: &&Aging| {
        let age = now.as_second() - key.made_at.as_second();
        KeyAge::of(age, key.limit.as_secs()) == KeyAge::Over
    };
    let mut over: Vec<String> = aging
        .iter()
        .filter(old)
        .map(|key| {
            let (profile, name) = &key.entry;
            format!("`{}` (ultra keys rotate {name} --profile {profile})", key.variable)
        })
        .collect();
    let ages = app.live.load().service_key_age;
    let service = app.auth.snapshot().map(|known| known.over_age(ages, now)).unwrap_or_default();
    over.extend(service.iter().take(MOST_NAMED).map(|(id, name)| {
        format!(
            "service key `{name}` (ultra auth service-key rotate {id} --profile {})",
            app.profile
        )
    }));
    if service.len() > MOST_NAMED {
        over.push(format!("{} more service keys", service.len() - MOST_NAMED));
    }
    match (aging.is_empty(), over.is_empty()) {
        (true, true) => None,
        (false, true) => Some(Verdict::ok(false)),
        (_, false) => {
            let message = format!("older than the policy allows: {}", over.join(", "));
            Some(Verdict::bad(Status::Degraded, false, message))
        }
    }
}

/// What the files say is not what the server runs with: somebody has to mend them before the next
/// start, which would fail.
fn configuration(app: &App) -> Verdict {
    let Some((_, problems)) = app.reloader.standing.differs().refused else {
        return Verdict::ok(false);
    };
    let more = match problems.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {}", words::count(more, "further problem")),
    };
    let first = problems.first().map_or("it does not hold", String::as_str);
    let message = format!("not taken over, the one before is in force: {first}{more}");
    Verdict { using_fallback: true, ..Verdict::bad(Status::Degraded, false, message) }
}

/// Nothing is kept only in the cache: memory stands in for it.
fn cache(status: &CacheStatus) -> Verdict {
    if !status.using_fallback {
        return Verdict::ok(false);
    }
    let why = status.last_error.as_deref().unwrap_or("it does not answer");
    let message = format!("memory stands in for `{}`: {why}", status.at);
    Verdict { using_fallback: true, ..Verdict::bad(Status::Degraded, false, message) }
}

fn identity(app: &App, now: Timestamp, unready: &mut Vec<&'static str>) -> Verdict {
    let Some(snapshot) = app.auth.snapshot() else {
        unready.push("nobody can be identified: the store has not been read yet");
        return Verdict::bad(Status::Critical, true, "no snapshot of the service keys yet");
    };
    let age = snapshot.age(now);
    let options = app.auth.options();
    if age > options.max_stale {
        let message = format!("the service keys were last read {} s ago", age.as_secs());
        unready.push("nobody can be identified: the store was last read too long ago");
        return Verdict::bad(Status::Critical, true, message);
    }
    if age > options.refresh.saturating_mul(3).max(Duration::from_secs(10)) {
        let message = format!("the service keys were last read {} s ago", age.as_secs());
        return Verdict { using_fallback: true, ..Verdict::bad(Status::Degraded, true, message) };
    }
    Verdict::ok(true)
}

fn journal(app: &App, unready: &mut Vec<&'static str>) -> Verdict {
    let status = app.journal.status();
    if status.writable {
        return Verdict::ok(true);
    }
    let why = status.last_error.unwrap_or_else(|| "it cannot be written".to_owned());
    unready.push("usage cannot be recorded");
    Verdict::bad(Status::Critical, true, why)
}
