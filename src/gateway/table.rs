//! The table of routes.
//!
//! Declared routes come first; then the models that providers list; then `PROVIDER/MODEL`, which
//! addresses any model of a provider. In mode mock every provider is the mock, so that the same
//! names answer as in mode real.
//!
//! A table never changes: a reload makes another, which takes over the keys and breakers of what
//! stays as it is. Requests under way end on the table they began with.

use super::error::GatewayError;
use super::resilience::breaker::Breaker;
use super::resilience::places::Places;
use super::routes::{Backend, Guard, Limits, Provider, Route, Target, at_most};
use crate::provider::translation::{self, Dialect};
use crate::provider::wire::{Endpoint, Uris};
use crate::provider::{mock, openai};
use crate::settings::groups::{KNOWN_PROVIDERS, KnownProvider};
use crate::settings::profile::{
    Mode, Profile, ProviderKind, ProviderSpec, RouteSpec, StreamCommit, TargetSpec,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// All routes and providers.
#[derive(Debug)]
pub(crate) struct Table {
    routes: BTreeMap<Arc<str>, Arc<Route>>,
    providers: BTreeMap<Arc<str>, Arc<Provider>>,
    /// Routes by name, for the hot path.
    index: HashMap<Arc<str>, Arc<Route>>,
    /// What bounds targets, by `provider/model`, and by `provider` for the models that no route
    /// names: clients choose those names, and they must not fill the memory.
    guards: BTreeMap<String, Guard>,
    /// Those of the table before, while this one is made.
    kept: BTreeMap<String, Guard>,
    total: Duration,
}

/// The guard that was kept under an id, or a new one. Its ceiling is what is said now.
fn found(kept: &BTreeMap<String, Guard>, id: &str, ceiling: u32) -> Guard {
    match kept.get(id) {
        Some(guard) => Guard { ceiling, ..guard.clone() },
        None => Guard { breaker: Arc::<Breaker>::default(), places: Places::new(id), ceiling },
    }
}

impl Table {
    /// The routes of a profile. `total` is the server's time limit for a request; `address` says
    /// where a known provider is that the profile does not have: its key may come later. Of the
    /// table `before` it keeps the breakers and keys of providers that stay where they are.
    pub(crate) fn of(
        profile: &Profile,
        mode: Mode,
        total: Duration,
        address: impl Fn(&KnownProvider) -> Option<Url>,
        before: Option<&Self>,
    ) -> Self {
        let mut specs: BTreeMap<&str, ProviderSpec> = BTreeMap::new();
        // Known ones are listed whether they are configured or not: without a key their models
        // say what is missing.
        for known in KNOWN_PROVIDERS {
            if let Some(base_url) = address(known) {
                specs.insert(known.name, usual(known, base_url));
            }
        }
        specs.extend(profile.providers.iter().map(|(n, spec)| (n.as_str(), spec.clone())));

        let mut providers: BTreeMap<Arc<str>, Arc<Provider>> = specs
            .iter()
            .filter_map(|(name, spec)| {
                let before = before.and_then(|before| before.providers.get(*name));
                if let Some(same) = before.filter(|before| before.is_as(spec)) {
                    return Some((Arc::clone(&same.name), Arc::clone(same)));
                }
                let configured = profile.providers.contains_key(*name);
                let mut provider = provider(name, spec, mode, configured)?;
                // A key was opened for one place, and is sent to no other.
                if let Some(before) = before.filter(|before| before.is_at(spec)) {
                    provider.slots = Arc::clone(&before.slots);
                    provider.places = Arc::clone(&before.places);
                }
                Some((Arc::clone(&provider.name), Arc::new(provider)))
            })
            .collect();
        if mode == Mode::Mock {
            let mock = Arc::new(Provider {
                name: Arc::from(mock::NAME),
                kind: ProviderKind::OpenAi,
                dialect: translation::dialect(ProviderKind::OpenAi, true),
                backend: Backend::Mock,
                keys: Vec::new(),
                slots: Arc::default(),
                places: Places::new(mock::NAME),
                max_in_flight: None,
                stream_usage: true,
                spec: None,
                configured: AtomicBool::new(true),
                reason: Mutex::default(),
            });
            providers.entry(Arc::clone(&mock.name)).or_insert(mock);
        }

        // What another server has done says nothing about this one.
        let stays = |name: &str| {
            let (then, now) = (before?.providers.get(name)?, providers.get(name)?);
            (Arc::ptr_eq(then, now) || Arc::ptr_eq(&then.slots, &now.slots)).then_some(())
        };
        let kept: BTreeMap<String, Guard> = before
            .into_iter()
            .flat_map(|before| &before.guards)
            .filter(|(id, _)| stays(id.split('/').next().unwrap_or(id)).is_some())
            .map(|(id, guard)| (id.clone(), guard.clone()))
            .collect();
        let of_provider = |name: &Arc<str>| (name.to_string(), found(&kept, name, at_most(None)));
        let guards = providers.keys().map(of_provider).collect();
        let mut table =
            Self { routes: BTreeMap::new(), providers, index: HashMap::new(), guards, kept, total };
        // Validation has made sure that the providers of declared routes exist.
        for (name, route) in &profile.routes {
            table.add(name, route);
        }
        table.derive(&specs);
        if mode == Mode::Mock {
            for model in mock::listed() {
                let target = TargetSpec::of(mock::NAME, &model);
                table.add(&model, &RouteSpec::to(vec![target]));
            }
        }
        table.index = table.routes.iter().map(|(n, r)| (Arc::clone(n), Arc::clone(r))).collect();
        table.kept = BTreeMap::new();
        table
    }

    /// Adds a route, unless there is one of this name.
    fn add(&mut self, model: &str, spec: &RouteSpec) {
        if self.routes.contains_key(model) {
            return;
        }
        let targets: Vec<Target> = spec.targets.iter().filter_map(|t| self.target(t)).collect();
        if !targets.is_empty() {
            let route = Arc::new(self.route(model, spec, targets));
            self.routes.insert(Arc::clone(&route.model), route);
        }
    }

    fn route(&self, model: &str, spec: &RouteSpec, targets: Vec<Target>) -> Route {
        Route {
            model: Arc::from(model),
            targets,
            weighted: spec.targets.iter().any(|t| t.weight.is_some()),
            limits: Limits::of(&spec.timeouts, self.total),
            stream_commit: spec.stream_commit.unwrap_or(StreamCommit::FirstEvent),
            cache: spec.cache.map(|cache| cache.ttl),
            requests_per_minute: spec.requests_per_minute,
        }
    }

    fn target(&mut self, spec: &TargetSpec) -> Option<Target> {
        let provider = self.providers.get(spec.provider.as_str())?;
        let id = format!("{}/{}", provider.name, spec.model);
        let ceiling = at_most(spec.max_in_flight);
        let kept = found(&self.kept, &id, ceiling);
        let guard = self.guards.entry(id).or_insert(kept);
        // Routes that share a target share its places: the lowest ceiling holds for the figures.
        guard.ceiling = guard.ceiling.min(ceiling);
        let guard = Guard { ceiling, ..guard.clone() };
        let target = Target::of(provider, &spec.model, guard);
        Some(Target { share: spec.weight.unwrap_or(1), context: spec.context, ..target })
    }

    /// Routes for what providers list; several providers of one model are its targets in the
    /// order of their names.
    fn derive(&mut self, specs: &BTreeMap<&str, ProviderSpec>) {
        let mut by_model: BTreeMap<&str, Vec<TargetSpec>> = BTreeMap::new();
        for (name, spec) in specs {
            for model in &spec.models {
                by_model.entry(model).or_default().push(TargetSpec::of(name, model));
            }
        }
        for (model, targets) in by_model {
            self.add(model, &RouteSpec::to(targets));
        }
    }

    /// The route for a name.
    pub(crate) fn find(&self, model: &str) -> Option<Arc<Route>> {
        if let Some(route) = self.index.get(model) {
            return Some(Arc::clone(route));
        }
        let (provider, upstream) = match self.mock().filter(|_| mock::is_own(model)) {
            Some(mock) => (mock, model),
            None => {
                let (name, upstream) = model.split_once('/')?;
                (self.providers.get(name).filter(|_| !upstream.is_empty())?, upstream)
            }
        };
        let known = self.guards.get(&format!("{}/{upstream}", provider.name));
        let guard = known.or_else(|| self.guards.get(&*provider.name))?;
        let target = Target::of(provider, upstream, guard.clone());
        Some(Arc::new(self.route(model, &RouteSpec::to(Vec::new()), vec![target])))
    }

    /// What bounds targets, by `provider/model` or `provider`.
    pub(crate) fn guards(&self) -> &BTreeMap<String, Guard> {
        &self.guards
    }

    /// The mock, in mode mock.
    fn mock(&self) -> Option<&Arc<Provider>> {
        self.providers.get(mock::NAME).filter(|p| p.is_our_mock())
    }

    /// That there is no model of this name, and which is near.
    pub(super) fn unknown(&self, model: &str) -> GatewayError {
        let near = crate::base::near::nearest(model, self.routes().map(|r| &*r.model));
        GatewayError::UnknownModel { model: model.to_owned(), near: near.map(str::to_owned) }
    }

    /// All named routes, by name.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.values()
    }

    /// All providers, by name.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }
}

fn provider(name: &str, spec: &ProviderSpec, mode: Mode, configured: bool) -> Option<Provider> {
    let dialect = translation::dialect(spec.kind, spec.stream_usage);
    let backend = match mode {
        Mode::Mock => Backend::Mock,
        Mode::Real => Backend::Http { uris: uris(spec, dialect)?, base_url: spec.base_url.clone() },
    };
    Some(Provider {
        name: Arc::from(name),
        kind: spec.kind,
        dialect,
        backend,
        keys: spec.keys.clone(),
        slots: Arc::default(),
        places: Places::new(name),
        max_in_flight: spec.max_in_flight.map(|most| at_most(Some(most))),
        stream_usage: spec.stream_usage,
        spec: Some(spec.clone()),
        configured: AtomicBool::new(configured),
        reason: Mutex::default(),
    })
}

/// A known provider of which nothing but its address is said.
fn usual(known: &KnownProvider, base_url: Url) -> ProviderSpec {
    ProviderSpec {
        kind: known.kind,
        base_url,
        keys: vec![known.key.to_owned()],
        models: known.models.iter().map(|&m| m.to_owned()).collect(),
        stream_usage: true,
        responses: None,
        max_in_flight: None,
        place: None,
    }
}

/// Where its endpoints are. One that has no responses is asked for chat completions instead.
fn uris(spec: &ProviderSpec, dialect: &dyn Dialect) -> Option<Uris> {
    if spec.kind == ProviderKind::Azure {
        return Uris::of_azure(&spec.base_url);
    }
    let mut uris = Uris::of(dialect.family(), &spec.base_url)?;
    if !spec.responses.unwrap_or_else(|| openai::has_responses(&spec.base_url)) {
        uris.remove(Endpoint::Responses);
    }
    Some(uris)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
