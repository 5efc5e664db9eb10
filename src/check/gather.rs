//! Gathers the facts from the workspace, the vault, the store, the providers and a server.

use super::ask;
use super::facts::{
    ConfigFacts, DatabaseFacts, DatabaseState, Ending, Fact, Home, KeyState, ProviderFacts,
    SecretInUse, ServiceKeyInUse, VaultFacts,
};
use super::model::NoJudgement;
use super::target::Target;
use super::{Facts, files, tree};
use crate::base::{Secret, Timestamp};
use crate::provider::prices::Prices;
use crate::provider::{KeyVerdict, test_key};
use crate::report::Problem;
use crate::secrets::{Freshness, VaultSource};
use crate::settings::key_age::ServiceKeyAge;
use crate::settings::origin::Layer;
use crate::settings::profile::{Mode, Profile};
use crate::settings::resolution::Candidate;
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::{self, Resolution, Settings, Workspace, catalogue};
use crate::store::{self, DatabaseOptions, ServiceKey, StoreError};
use futures_util::future::join_all;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Where facts come from.
#[derive(Clone)]
pub(crate) struct Sources {
    /// Root, state directory, environment.
    pub(crate) workspace: Workspace,
    /// The vault of the state directory.
    pub(crate) vault: Arc<VaultSource>,
    /// The profile that is judged.
    pub(crate) profile: String,
    /// Whether absent secrets are left out of the judgement.
    pub(crate) declared_only: bool,
    /// The server that live checks ask.
    pub(crate) target: Target,
}

/// The facts of these sources; nothing is gathered yet.
pub(crate) fn facts(sources: &Sources) -> Facts {
    let config = fact(sources, |s| Ok(config(s)));
    let secrets = after(sources, &config, secrets);
    let files = after(sources, &config, |s, config| {
        Ok(files::gather(&s.workspace, config.resolution.as_ref()))
    });
    let tree = after(sources, &files, |s, files| tree::gather(&s.workspace, files));
    Facts {
        profile: sources.profile.clone(),
        now: sources.workspace.clock.now(),
        vault: after(sources, &secrets, |s, secrets| vault(s, secrets)),
        database: after(sources, &config, database),
        providers: after(sources, &config, providers),
        live: after(sources, &config, live),
        config,
        secrets,
        files,
        tree,
    }
}

/// Starts gathering what takes long, so that it is done at the same time.
pub(crate) fn warm(facts: &Facts, live: bool, still: bool) {
    let (server, tree, providers, database) =
        (facts.live.clone(), facts.tree.clone(), facts.providers.clone(), facts.database.clone());
    // Who needs the answer waits for it; a thread that is still busy at the end goes with us.
    if live {
        std::thread::spawn(move || drop(server.get().map(|_| ())));
        std::thread::spawn(move || drop(providers.get().map(|_| ())));
    }
    if still {
        std::thread::spawn(move || drop(tree.get().map(|_| ())));
        std::thread::spawn(move || drop(database.get().map(|_| ())));
    }
}

fn fact<T: Send + Sync + 'static>(
    sources: &Sources,
    how: fn(&Sources) -> Result<T, NoJudgement>,
) -> Arc<Fact<T>> {
    let sources = sources.clone();
    Arc::new(Fact::gathered(move || how(&sources)))
}

/// A fact that is made from another.
fn after<F: Send + Sync + 'static, T: Send + Sync + 'static>(
    sources: &Sources,
    first: &Arc<Fact<F>>,
    how: fn(&Sources, &F) -> Result<T, NoJudgement>,
) -> Arc<Fact<T>> {
    let (sources, first) = (sources.clone(), Arc::clone(first));
    Arc::new(Fact::gathered(move || how(&sources, first.get()?)))
}

/// Waits for a future. Facts are gathered on plain threads, each with a small runtime of its own.
fn wait<T>(future: impl Future<Output = T>) -> Result<T, NoJudgement> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map(|runtime| runtime.block_on(future))
        .map_err(|e| NoJudgement::Unknown(format!("cannot start a runtime: {e}")))
}

fn config(sources: &Sources) -> ConfigFacts {
    let loaded = settings::load(&sources.workspace, &sources.profile, &*sources.vault);
    let endings = loaded.settings.as_ref().map(|settings| endings(sources, settings));
    ConfigFacts {
        endings: endings.unwrap_or_default(),
        problems: loaded.problems,
        resolution: loaded.resolution,
        settings: loaded.settings,
        declared_only: sources.declared_only,
        state_dir: state_dir(sources),
    }
}

/// Targets of declared routes whose model ends, as far as is known. A file of prices that does not
/// hold keeps a server from starting, which others tell.
fn endings(sources: &Sources, settings: &Settings) -> Vec<Ending> {
    let named = settings.server.prices.as_deref();
    let Ok(prices) = Prices::load(sources.workspace.root.as_deref(), named) else {
        return Vec::new();
    };
    let declared = settings.profile.routes.iter().filter(|(_, route)| route.place.is_some());
    let targets = declared.flat_map(|(name, route)| route.targets.iter().map(move |t| (name, t)));
    targets
        .filter_map(|(route, target)| {
            let on = prices.facts(&target.provider, &target.model).deprecated?;
            let (provider, model) = (target.provider.clone(), target.model.clone());
            Some(Ending { route: route.clone(), provider, model, on })
        })
        .collect()
}

/// Judges the state directory as a start would. A server behind a URL has its own, and so has
/// the one that CI judges without its secrets.
fn state_dir(sources: &Sources) -> Option<Result<(), Problem>> {
    let here = matches!(sources.target, Target::Spawned { .. }) && !sources.declared_only;
    here.then(|| {
        let unnamed = || Problem::error("state-dir", "the state directory cannot be used");
        sources
            .workspace
            .state_dir_usable()
            .map_err(|fault| fault.problems.into_iter().next().unwrap_or_else(unnamed))
    })
}

fn secrets(sources: &Sources, config: &ConfigFacts) -> Result<Vec<SecretInUse>, NoJudgement> {
    let resolution = config.resolution()?;
    let mut found = Vec::new();
    for name in resolution.names() {
        let Some(secret) = resolution.secret(name) else { continue };
        let declared = resolution.profile.secrets.contains_key(name);
        if matches!(secret.value, ValueRef::Text(_))
            || !(declared
                || catalogue::find(name).is_some_and(|spec| spec.secret && !spec.bootstrap))
        {
            continue;
        }
        found.push(secret_in_use(sources, resolution, secret));
    }
    Ok(found)
}

fn secret_in_use(sources: &Sources, resolution: &Resolution, secret: SecretRef) -> SecretInUse {
    let home = match (&secret.value, secret.origin.layer) {
        (ValueRef::Vault { .. }, _) => Home::Vault,
        (ValueRef::File(_), _) => Home::File,
        (_, Layer::Process | Layer::Flag) => Home::Process,
        // `env:NAME`: only the reference stands in the profile.
        _ if !resolution.winner(&secret.name).is_some_and(Candidate::stands_in_file) => {
            Home::Process
        }
        (_, Layer::Profile | Layer::Default) => Home::Profile,
        _ => Home::Dotenv,
    };
    let mut found = SecretInUse {
        home,
        facts: None,
        missing: None,
        shared_with: Vec::new(),
        max_age: max_age(&resolution.profile, &secret.name),
        name: secret.name,
        origin: secret.origin,
    };
    if let ValueRef::Vault { profile, name } = &secret.value {
        match sources.vault.facts(profile, name) {
            Ok(facts) => found.facts = facts,
            Err(problem) => found.missing = Some(problem),
        }
        if let (Some(facts), Ok(overview)) = (&found.facts, sources.vault.overview()) {
            found.shared_with = overview
                .entries
                .iter()
                .filter(|(_, e)| e.current().is_some_and(|v| v.fingerprint == facts.fingerprint))
                .filter_map(|(key, _)| Some(key.split_once('/')?.0.to_owned()))
                .filter(|other| *other != sources.profile)
                .collect();
        }
    }
    found
}

/// The age that the policy allows to the key of that variable.
fn max_age(profile: &Profile, variable: &str) -> Option<Duration> {
    let ages = profile.policy.key_max_age;
    match catalogue::find(variable).and_then(|spec| spec.vault) {
        Some("jwt") => Some(ages.jwt),
        Some("encryption") => Some(ages.encryption),
        Some("database" | "redis") => None,
        _ => Some(ages.provider),
    }
}

fn vault(sources: &Sources, secrets: &[SecretInUse]) -> Result<VaultFacts, NoJudgement> {
    let unused = VaultFacts { exists: false, backend: None, answers: Ok(()) };
    if !secrets.iter().any(|s| s.home == Home::Vault) {
        return Ok(unused);
    }
    let said = |fault: crate::report::Fault| {
        fault.problems.first().map_or_else(|| "no reason given".to_owned(), ToString::to_string)
    };
    let overview = sources.vault.overview().map_err(|fault| NoJudgement::Unknown(said(fault)))?;
    let answers = match overview.freshness {
        Freshness::NoVault => return Ok(unused),
        Freshness::Lost => Err("the vault file is gone".to_owned()),
        _ => sources.vault.document().map(|_| ()).map_err(said),
    };
    let backend = overview.index.as_ref().map(|index| index.backend.word().to_owned());
    Ok(VaultFacts { exists: true, backend, answers })
}

fn database(sources: &Sources, config: &ConfigFacts) -> Result<DatabaseFacts, NoJudgement> {
    let settings = config.settings()?;
    if sources.declared_only && settings.database.url.is_none() {
        return Err(NoJudgement::Skip("secrets are declared, not present".to_owned()));
    }
    let mut options = DatabaseOptions::from_settings(
        &settings.database,
        &settings.profile,
        &sources.workspace.state_dir,
        &*sources.vault,
    )
    .map_err(|problem| match sources.declared_only {
        true => NoJudgement::Skip("secrets are declared, not present".to_owned()),
        false => NoJudgement::Unknown(problem.to_string()),
    })?;
    // Judging applies no migration.
    options.migrate = Some(settings::groups::MigrateMode::Check);
    let url = options.url.as_ref().and_then(|url| url::Url::parse(url.expose()).ok());
    let postgres = url.as_ref().is_some_and(|url| url.scheme().starts_with("postgres"));
    let verified_tls = url.as_ref().is_some_and(|url| {
        url.query_pairs().any(|(name, value)| name == "sslmode" && value.starts_with("verify-"))
    });
    let local = url.as_ref().is_none_or(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.is_empty(),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => true,
    });
    let embedded = options.url.as_ref().is_none_or(Secret::is_empty);
    if embedded && !options.sqlite_path.exists() {
        return Ok(DatabaseFacts { postgres, verified_tls, local, state: DatabaseState::Absent });
    }
    let state = match wait(asked(&options))? {
        Ok((status, keys)) => DatabaseState::Open {
            pending: status.pending,
            mismatch: match (status.newer, status.changed.first()) {
                (Some(newer), _) => Some(format!(
                    "the store has schema {newer}, this program knows {}",
                    status.known
                )),
                (None, Some(changed)) => Some(format!("migration `{changed}` was changed")),
                (None, None) => None,
            },
            service_keys: keys
                .map(|keys| service_keys(keys, &settings.profile, sources.workspace.clock.now()))
                .map_err(|why| why.to_string()),
        },
        Err(StoreError::NewerSchema { found, known, .. }) => DatabaseState::Open {
            pending: Vec::new(),
            mismatch: Some(format!("the store has schema {found}, this program knows {known}")),
            service_keys: Err("the store has a newer schema".to_owned()),
        },
        Err(why) => DatabaseState::Unreachable(why.to_string()),
    };
    Ok(DatabaseFacts { postgres, verified_tls, local, state })
}

/// The schema of a store and, where it is the one that this program works with, its service keys.
async fn asked(
    options: &DatabaseOptions,
) -> Result<(store::SchemaStatus, Result<Vec<ServiceKey>, StoreError>), StoreError> {
    let store = store::open(options).await?;
    let schema = store.schema().await?;
    let keys = store.service_keys().await;
    Ok((schema, keys))
}

/// The keys that servers accept and nobody replaces yet.
fn service_keys(keys: Vec<ServiceKey>, profile: &Profile, now: Timestamp) -> Vec<ServiceKeyInUse> {
    let ages = ServiceKeyAge::of(profile);
    let ended = |key: &ServiceKey| {
        key.revoked_at.is_some()
            || key.replaced_by.is_some()
            || key.expires_at.is_some_and(|end| end <= now)
    };
    let in_use = |key: ServiceKey| ServiceKeyInUse {
        max_age: ages.limit(&key.name),
        id: key.id,
        name: key.name,
        created_at: key.created_at,
    };
    keys.into_iter().filter(|key| !ended(key)).map(in_use).collect()
}

fn providers(sources: &Sources, config: &ConfigFacts) -> Result<Vec<ProviderFacts>, NoJudgement> {
    let settings = config.settings()?;
    if settings.server.mode == Mode::Mock {
        return Err(NoJudgement::Skip("answers come from the mock".to_owned()));
    }
    if sources.declared_only {
        return Err(NoJudgement::Skip("secrets are declared, not present".to_owned()));
    }
    let resolution = config.resolution()?;
    let mut asked = Vec::new();
    for (name, provider) in &settings.profile.providers {
        for key in &provider.keys {
            if let Some(secret) = resolution.secret(key) {
                asked.push((name, provider, secret));
            }
        }
    }
    wait(join_all(asked.into_iter().map(async |(name, provider, secret)| {
        let verdict = match sendable(&secret, &provider.base_url, &*sources.vault) {
            Ok(value) => match test_key(provider.kind, &provider.base_url, &value).await {
                KeyVerdict::Accepted { models } => KeyState::Accepted(models),
                KeyVerdict::Refused { status } => KeyState::Refused(status),
                KeyVerdict::RateLimited { .. } => KeyState::RateLimited,
                KeyVerdict::Unverified { why } => KeyState::Unverified(why),
            },
            Err(problem) if problem.code == "key-bound-elsewhere" => KeyState::BoundElsewhere {
                why: [Some(problem.what), problem.why]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(": "),
                fix: problem.hint,
            },
            Err(problem) => KeyState::Unverified(problem.to_string()),
        };
        ProviderFacts {
            name: name.clone(),
            key: secret.name,
            verdict,
            wanted: wanted(settings, name),
        }
    })))
}

/// The key, if it may be sent to this address.
fn sendable(
    secret: &SecretRef,
    address: &url::Url,
    source: &dyn SecretSource,
) -> Result<Secret, Problem> {
    let (facts, value) = secret.opened(source)?;
    if let Some(facts) = facts {
        secret.may_go_to(&facts, address)?;
    }
    Ok(value)
}

/// The models that declared routes ask the provider for. Models that are routed without a
/// declaration are offers, not demands.
fn wanted(settings: &Settings, provider: &str) -> Vec<String> {
    settings
        .profile
        .routes
        .values()
        .filter(|route| route.place.is_some())
        .flat_map(|route| &route.targets)
        .filter(|target| target.provider == provider)
        .map(|target| target.model.clone())
        .collect()
}

fn live(sources: &Sources, config: &ConfigFacts) -> Result<super::live::LiveFacts, NoJudgement> {
    if sources.declared_only && matches!(sources.target, Target::Spawned { .. }) {
        return Err(NoJudgement::Skip("secrets are declared, not present".to_owned()));
    }
    let origins = config.settings.as_ref().map(|s| s.server.cors_origins.0.as_slice());
    let allowed = origins.unwrap_or_default().iter().find(|o| o.starts_with("http")).cloned();
    wait(ask::ask(&sources.target, allowed))
}
