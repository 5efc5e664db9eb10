//! Routes: what answers for a model's name.
//!
//! Declared routes come first; then the models that providers list; then `PROVIDER/MODEL`, which
//! addresses any model of a provider. In mode mock every provider is the mock, so that the same
//! names answer as in mode real.

use super::slots::Slots;
use crate::provider::mock;
use crate::provider::wire::{Endpoint, Family};
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::profile::{Mode, Profile, ProviderSpec, RouteSpec, Timeouts};
use http::Uri;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// Who answers for a provider.
#[derive(Debug)]
pub(crate) enum Backend {
    /// The mock in this process.
    Mock,
    /// A server.
    Http {
        /// Where conversations go.
        chat: Uri,
        /// The base URL, for showing.
        base_url: Url,
    },
}

/// A provider with its keys.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// The API it speaks.
    pub(crate) family: Family,
    /// Who answers for it.
    pub(crate) backend: Backend,
    /// The variables that hold its keys.
    pub(crate) keys: Vec<String>,
    /// Its keys.
    pub(crate) slots: Slots,
    /// Whether the profile or a variable names it, rather than only our list of known ones.
    pub(crate) configured: bool,
    /// Why there is no key, if there is none.
    reason: Mutex<Option<String>>,
}

impl Provider {
    /// Why it cannot be used at present; `None` if it can.
    pub(crate) fn unavailable(&self) -> Option<String> {
        match self.backend {
            Backend::Mock => None,
            Backend::Http { .. } if self.slots.usable() => None,
            Backend::Http { .. } => {
                let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
                Some(reason.clone().unwrap_or_else(|| "it has no usable key".to_owned()))
            }
        }
    }

    /// Keeps why there is no key, for whoever asks.
    pub(super) fn explain(&self, reason: Option<String>) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// One target of a route.
#[derive(Debug)]
pub(crate) struct Target {
    /// The provider.
    pub(crate) provider: Arc<Provider>,
    /// The model's name there.
    pub(crate) model: Arc<str>,
}

/// Time limits of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Until the head of the answer is there: of a stream, or of a plain answer, which a provider
    /// only begins once it is complete.
    pub(crate) headers: Option<Duration>,
    /// Between two pieces of a stream.
    pub(crate) stall: Duration,
    /// For the whole request.
    pub(crate) total: Duration,
}

impl Limits {
    /// How long a stream may take to begin, where nobody says.
    pub(crate) const STREAM_HEAD: Duration = Duration::from_secs(60);
    /// How long a stream may pause, where nobody says.
    const STALL: Duration = Duration::from_secs(60);

    fn of(timeouts: &Timeouts, total: Duration) -> Self {
        Self {
            headers: timeouts.headers,
            stall: timeouts.stall.unwrap_or(Self::STALL),
            total: timeouts.total.map_or(total, |own| own.min(total)),
        }
    }
}

/// What answers for one name.
#[derive(Debug)]
pub(crate) struct Route {
    /// The name that clients ask for.
    pub(crate) model: Arc<str>,
    /// Targets in order of preference, at least one.
    pub(crate) targets: Vec<Target>,
    /// Its time limits.
    pub(crate) limits: Limits,
    /// Requests per minute over all clients.
    pub(crate) requests_per_minute: Option<u64>,
}

impl Route {
    /// The targets that this family's endpoint can use.
    pub(crate) fn of_family(&self, family: Family) -> impl Iterator<Item = &Target> {
        // The mock's own model is nobody's: it answers in the shape it is asked in.
        let any = &*self.model == mock::MODEL;
        self.targets.iter().filter(move |t| {
            t.provider.family == family || (any && matches!(t.provider.backend, Backend::Mock))
        })
    }

    /// The endpoints that serve it, those of usable targets first.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for family in [Family::OpenAi, Family::Anthropic] {
            if self.of_family(family).next().is_some() {
                endpoints.push(family.chat());
            }
        }
        endpoints
    }

    /// Whether any of its providers is configured.
    pub(crate) fn configured(&self) -> bool {
        self.targets.iter().any(|t| t.provider.configured)
    }

    /// Why no target can be used at present; `None` if one can.
    pub(crate) fn unavailable(&self) -> Option<String> {
        let mut reasons = Vec::new();
        for target in &self.targets {
            match target.provider.unavailable() {
                None => return None,
                Some(reason) => reasons.push(format!("`{}`: {reason}", target.provider.name)),
            }
        }
        Some(reasons.join("; "))
    }
}

/// All routes and providers.
#[derive(Debug)]
pub(crate) struct Table {
    routes: BTreeMap<Arc<str>, Arc<Route>>,
    providers: BTreeMap<Arc<str>, Arc<Provider>>,
    /// Routes by name, for the hot path.
    index: HashMap<Arc<str>, Arc<Route>>,
    total: Duration,
}

impl Table {
    /// The routes of a profile. `total` is the server's time limit for a request.
    pub(crate) fn of(profile: &Profile, mode: Mode, total: Duration) -> Self {
        let mut specs: BTreeMap<&str, ProviderSpec> = BTreeMap::new();
        // Known ones are listed whether they are configured or not: without a key their models
        // say what is missing.
        for known in KNOWN_PROVIDERS {
            if let Ok(base_url) = Url::parse(known.base_url) {
                specs.insert(
                    known.name,
                    ProviderSpec {
                        kind: known.kind,
                        base_url,
                        keys: vec![known.key.to_owned()],
                        models: known.models.iter().map(|&m| m.to_owned()).collect(),
                        place: None,
                    },
                );
            }
        }
        specs.extend(profile.providers.iter().map(|(n, spec)| (n.as_str(), spec.clone())));

        let mut providers: BTreeMap<Arc<str>, Arc<Provider>> = specs
            .iter()
            .filter_map(|(name, spec)| {
                let configured = profile.providers.contains_key(*name);
                let provider = Arc::new(provider(name, spec, mode, configured)?);
                Some((Arc::clone(&provider.name), provider))
            })
            .collect();
        if mode == Mode::Mock {
            let mock = Arc::new(Provider {
                name: Arc::from("mock"),
                family: Family::OpenAi,
                backend: Backend::Mock,
                keys: Vec::new(),
                slots: Slots::default(),
                configured: true,
                reason: Mutex::default(),
            });
            providers.entry(Arc::clone(&mock.name)).or_insert(mock);
        }

        let mut table = Self { routes: BTreeMap::new(), providers, index: HashMap::new(), total };
        table.declare(&profile.routes);
        table.derive(&specs);
        if mode == Mode::Mock
            && let Some(mock) = table.providers.get("mock")
        {
            let target = Target { provider: Arc::clone(mock), model: Arc::from(mock::MODEL) };
            table.add(mock::MODEL, vec![target], &Timeouts::default(), None);
        }
        table.index = table.routes.iter().map(|(n, r)| (Arc::clone(n), Arc::clone(r))).collect();
        table
    }

    fn add(
        &mut self,
        model: &str,
        targets: Vec<Target>,
        timeouts: &Timeouts,
        requests_per_minute: Option<u64>,
    ) {
        if targets.is_empty() || self.routes.contains_key(model) {
            return;
        }
        let model: Arc<str> = Arc::from(model);
        let limits = Limits::of(timeouts, self.total);
        let route = Route { model: Arc::clone(&model), targets, limits, requests_per_minute };
        self.routes.insert(model, Arc::new(route));
    }

    /// Routes as the profile declares them; validation has made sure that their providers exist.
    fn declare(&mut self, routes: &BTreeMap<String, RouteSpec>) {
        for (name, spec) in routes {
            let targets = spec
                .targets
                .iter()
                .filter_map(|t| {
                    let provider = Arc::clone(self.providers.get(t.provider.as_str())?);
                    Some(Target { provider, model: Arc::from(t.model.as_str()) })
                })
                .collect();
            self.add(name, targets, &spec.timeouts, spec.requests_per_minute);
        }
    }

    /// Routes for what providers list; several providers of one model are its targets in the
    /// order of their names.
    fn derive(&mut self, specs: &BTreeMap<&str, ProviderSpec>) {
        let mut by_model: BTreeMap<&str, Vec<Target>> = BTreeMap::new();
        for (name, spec) in specs {
            let Some(provider) = self.providers.get(*name) else { continue };
            for model in &spec.models {
                by_model.entry(model).or_default().push(Target {
                    provider: Arc::clone(provider),
                    model: Arc::from(model.as_str()),
                });
            }
        }
        for (model, targets) in by_model {
            self.add(model, targets, &Timeouts::default(), None);
        }
    }

    /// The route for a name.
    pub(crate) fn find(&self, model: &str) -> Option<Arc<Route>> {
        if let Some(route) = self.index.get(model) {
            return Some(Arc::clone(route));
        }
        let (name, upstream) = model.split_once('/')?;
        let provider = self.providers.get(name).filter(|_| !upstream.is_empty())?;
        let target = Target { provider: Arc::clone(provider), model: Arc::from(upstream) };
        Some(Arc::new(Route {
            model: Arc::from(model),
            targets: vec![target],
            limits: Limits::of(&Timeouts::default(), self.total),
            requests_per_minute: None,
        }))
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
    let family = Family::of(spec.kind);
    let backend = match mode {
        Mode::Mock => Backend::Mock,
        Mode::Real => Backend::Http {
            // A URL that has been parsed is a URI; one that is not could not be reached anyway.
            chat: family.url(&spec.base_url, family.chat()).parse().ok()?,
            base_url: spec.base_url.clone(),
        },
    };
    Some(Provider {
        name: Arc::from(name),
        family,
        backend,
        keys: spec.keys.clone(),
        slots: Slots::default(),
        configured,
        reason: Mutex::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::profile::{Policy, ProviderKind, TargetSpec};

    fn profile() -> Profile {
        let spec = |kind, url: &str, models: &[&str]| ProviderSpec {
            kind,
            base_url: Url::parse(url).unwrap(),
            keys: vec!["K".to_owned()],
            models: models.iter().map(|&m| m.to_owned()).collect(),
            place: None,
        };
        Profile {
            name: "dev".to_owned(),
            extends: vec![],
            protected: false,
            place: None,
            secrets: BTreeMap::new(),
            providers: BTreeMap::from([
                ("a".to_owned(), spec(ProviderKind::OpenAi, "http://a/v1", &["m", "shared"])),
                ("b".to_owned(), spec(ProviderKind::Anthropic, "http://b", &["shared"])),
            ]),
            routes: BTreeMap::from([(
                "m".to_owned(),
                RouteSpec {
                    targets: vec![TargetSpec {
                        provider: "b".to_owned(),
                        model: "big".to_owned(),
                        weight: 1,
                    }],
                    timeouts: Timeouts {
                        total: Some(Duration::from_secs(5)),
                        ..Timeouts::default()
                    },
                    requests_per_minute: Some(7),
                    place: None,
                },
            )]),
            policy: Policy::default(),
        }
    }

    #[test]
    fn declared_routes_go_before_listed_models_and_addressed_ones() {
        let table = Table::of(&profile(), Mode::Real, Duration::from_secs(60));
        let m = table.find("m").unwrap();
        assert_eq!(&*m.targets[0].model, "big");
        assert_eq!(m.limits.total, Duration::from_secs(5));
        assert_eq!(table.find("shared").unwrap().targets.len(), 2);
        let addressed = table.find("a/anything/else").unwrap();
        assert_eq!(&*addressed.targets[0].model, "anything/else");
        assert!(table.find("unknown").is_none());
        assert!(table.find("a/").is_none());
        assert!(table.find(mock::MODEL).is_none());
        let configured: Vec<&str> =
            table.routes().filter(|r| r.configured()).map(|r| &*r.model).collect();
        assert_eq!(configured, ["m", "shared"]);
        assert!(table.find("claude-sonnet-4-5").is_some_and(|r| !r.configured()));
    }

    #[test]
    fn without_a_key_a_model_is_unavailable_with_the_reason() {
        let table = Table::of(&profile(), Mode::Real, Duration::from_secs(60));
        for provider in table.providers() {
            provider.explain(Some("`K` is not set".to_owned()));
        }
        let reason = table.find("shared").unwrap().unavailable().unwrap();
        assert_eq!(reason, "`a`: `K` is not set; `b`: `K` is not set");
    }

    #[test]
    fn the_mock_answers_for_the_names_of_mode_real_and_its_own() {
        let table = Table::of(&profile(), Mode::Mock, Duration::from_secs(60));
        for name in ["m", "shared", "gpt-4o", "claude-sonnet-4-5", mock::MODEL] {
            let route = table.find(name).unwrap();
            assert!(route.unavailable().is_none(), "{name}");
        }
        assert_eq!(table.find(mock::MODEL).unwrap().endpoints().len(), 2);
        assert_eq!(table.find("gpt-4o").unwrap().endpoints(), [Endpoint::ChatCompletions]);
    }
}
