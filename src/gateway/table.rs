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
use super::routes::{Backend, Limits, Provider, Route, Target};
use crate::provider::mock;
use crate::provider::translation;
use crate::provider::wire::Uris;
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
    /// Breakers of targets by `provider/model`, and by `provider` for the models that no route
    /// names: clients choose those names, and they must not fill the memory.
    breakers: BTreeMap<String, Arc<Breaker>>,
    /// Breakers of the table before, while this one is made.
    kept: BTreeMap<String, Arc<Breaker>>,
    total: Duration,
}

/// The breaker that was kept under an id, or a new one.
fn found(kept: &BTreeMap<String, Arc<Breaker>>, id: &str) -> Arc<Breaker> {
    kept.get(id).cloned().unwrap_or_default()
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
                specs.insert(
                    known.name,
                    ProviderSpec {
                        kind: known.kind,
                        base_url,
                        keys: vec![known.key.to_owned()],
                        models: known.models.iter().map(|&m| m.to_owned()).collect(),
                        stream_usage: true,
                        place: None,
                    },
                );
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
        let kept: BTreeMap<String, Arc<Breaker>> = before
            .into_iter()
            .flat_map(|before| &before.breakers)
            .filter(|(id, _)| stays(id.split('/').next().unwrap_or(id)).is_some())
            .map(|(id, breaker)| (id.clone(), Arc::clone(breaker)))
            .collect();
        let of_provider = |name: &Arc<str>| (name.to_string(), found(&kept, name));
        let breakers = providers.keys().map(of_provider).collect();
        let mut table = Self {
            routes: BTreeMap::new(),
            providers,
            index: HashMap::new(),
            breakers,
            kept,
            total,
        };
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
            requests_per_minute: spec.requests_per_minute,
        }
    }

    fn target(&mut self, spec: &TargetSpec) -> Option<Target> {
        let provider = self.providers.get(spec.provider.as_str())?;
        let id = format!("{}/{}", provider.name, spec.model);
        let kept = found(&self.kept, &id);
        let breaker = self.breakers.entry(id).or_insert(kept);
        let target = Target::of(provider, &spec.model, breaker);
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
        let known = self.breakers.get(&format!("{}/{upstream}", provider.name));
        let breaker = known.or_else(|| self.breakers.get(&*provider.name))?;
        let target = Target::of(provider, upstream, breaker);
        Some(Arc::new(self.route(model, &RouteSpec::to(Vec::new()), vec![target])))
    }

    /// The breakers, by `provider/model` or `provider`.
    pub(crate) fn breakers(&self) -> &BTreeMap<String, Arc<Breaker>> {
        &self.breakers
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
        Mode::Real => Backend::Http {
            uris: match spec.kind {
                ProviderKind::Azure => Uris::of_azure(&spec.base_url)?,
                _ => Uris::of(dialect.family(), &spec.base_url)?,
            },
            base_url: spec.base_url.clone(),
        },
    };
    Some(Provider {
        name: Arc::from(name),
        kind: spec.kind,
        dialect,
        backend,
        keys: spec.keys.clone(),
        slots: Arc::default(),
        stream_usage: spec.stream_usage,
        spec: Some(spec.clone()),
        configured: AtomicBool::new(configured),
        reason: Mutex::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Endpoint;
    use crate::settings::profile::{Policy, Timeouts};

    fn of(profile: &Profile, mode: Mode) -> Table {
        let usual = |known: &KnownProvider| Url::parse(known.base_url).ok();
        Table::of(profile, mode, Duration::from_secs(60), usual, None)
    }

    fn profile() -> Profile {
        let spec = |kind, url: &str, models: &[&str]| ProviderSpec {
            kind,
            base_url: Url::parse(url).unwrap(),
            keys: vec!["K".to_owned()],
            models: models.iter().map(|&m| m.to_owned()).collect(),
            stream_usage: true,
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
                    timeouts: Timeouts {
                        total: Some(Duration::from_secs(5)),
                        ..Timeouts::default()
                    },
                    requests_per_minute: Some(7),
                    ..RouteSpec::to(vec![TargetSpec::of("b", "big")])
                },
            )]),
            policy: Policy::default(),
        }
    }

    #[test]
    fn declared_routes_go_before_listed_models_and_addressed_ones() {
        let table = of(&profile(), Mode::Real);
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
    fn weights_draw_the_first_target_among_the_usable_ones() {
        let mut profile = profile();
        let target = |model, weight| TargetSpec { weight, ..TargetSpec::of("a", model) };
        let weighted = vec![target("one", None), target("two", Some(3))];
        if let Some(route) = profile.routes.get_mut("m") {
            route.targets = weighted;
        }
        let drawn = |mode, lot| {
            let table = of(&profile, mode);
            let route = table.find("m").unwrap();
            route.drawn(Endpoint::ChatCompletions, lot).map(|t| t.model.to_string())
        };
        let drawn_of_four: Vec<_> = (0..4).map(|lot| drawn(Mode::Mock, lot).unwrap()).collect();
        assert_eq!(drawn_of_four, ["one", "two", "two", "two"]);
        assert_eq!(drawn(Mode::Real, 0), None, "there is no key");
        let table = of(&profile, Mode::Mock);
        for _ in 0..20 {
            let route = table.find("m").unwrap();
            let mut turn: Vec<_> =
                route.in_turn(Endpoint::ChatCompletions).map(|t| &*t.model).collect();
            turn.sort_unstable();
            assert_eq!(turn, ["one", "two"], "each is asked once");
        }
    }

    #[test]
    fn without_weights_targets_are_asked_in_their_order() {
        let mut profile = profile();
        if let Some(b) = profile.providers.get_mut("b") {
            b.kind = ProviderKind::OpenAi;
        }
        let table = of(&profile, Mode::Mock);
        let route = table.find("shared").unwrap();
        let turn: Vec<_> =
            route.in_turn(Endpoint::ChatCompletions).map(|t| &*t.provider.name).collect();
        assert_eq!(turn, ["a", "b"]);
    }

    #[test]
    fn a_table_keeps_what_stays_of_the_one_before() {
        let usual = |known: &KnownProvider| Url::parse(known.base_url).ok();
        let after = |before: &Table, profile: &Profile| {
            Table::of(profile, Mode::Real, Duration::from_secs(60), usual, Some(before))
        };
        let breaker = |table: &Table, id: &str| Arc::clone(table.breakers.get(id).unwrap());
        let slots =
            |table: &Table, name: &str| Arc::clone(&table.providers.get(name).unwrap().slots);
        let first = of(&profile(), Mode::Real);

        // Other routes, another key, another place.
        let mut routes = profile();
        routes.routes.clear();
        routes.providers.get_mut("a").unwrap().models.push("new".to_owned());
        let second = after(&first, &routes);
        assert!(second.find("new").is_some() && second.find("m").is_some());
        for id in ["a", "b", "a/shared", "b/shared"] {
            assert!(Arc::ptr_eq(&breaker(&first, id), &breaker(&second, id)), "{id}");
        }
        assert!(!second.breakers.contains_key("b/big"), "no route names it any more");
        let provider = |table: &Table| Arc::clone(table.providers.get("a").unwrap());
        assert!(Arc::ptr_eq(&provider(&first), &provider(&second)));

        let mut keys = profile();
        keys.providers.get_mut("a").unwrap().keys.push("SECOND".to_owned());
        let third = after(&second, &keys);
        assert!(Arc::ptr_eq(&slots(&second, "a"), &slots(&third, "a")));
        assert!(Arc::ptr_eq(&breaker(&second, "a/shared"), &breaker(&third, "a/shared")));
        assert_eq!(provider(&third).keys.len(), 2);

        let mut moved = keys.clone();
        moved.providers.get_mut("a").unwrap().base_url = Url::parse("http://elsewhere/v1").unwrap();
        let fourth = after(&third, &moved);
        assert!(!Arc::ptr_eq(&slots(&third, "a"), &slots(&fourth, "a")));
        for id in ["a", "a/shared"] {
            assert!(!Arc::ptr_eq(&breaker(&third, id), &breaker(&fourth, id)), "{id}");
        }
        assert!(Arc::ptr_eq(&breaker(&third, "b/big"), &breaker(&fourth, "b/big")));
    }

    #[test]
    fn without_a_key_a_model_is_unavailable_with_the_reason() {
        let table = of(&profile(), Mode::Real);
        for provider in table.providers() {
            provider.explain(Some("`K` is not set".to_owned()));
        }
        let reason = table.find("shared").unwrap().unavailable().unwrap();
        assert_eq!(reason, "`a`: `K` is not set; `b`: `K` is not set");
    }

    #[test]
    fn the_mock_answers_for_the_names_of_mode_real_and_its_own() {
        let table = of(&profile(), Mode::Mock);
        for name in ["m", "shared", "gpt-4o", "claude-sonnet-4-5", mock::MODEL] {
            let route = table.find(name).unwrap();
            assert!(route.unavailable().is_none(), "{name}");
        }
        assert_eq!(table.find(mock::MODEL).unwrap().endpoints(), Endpoint::ALL);
        let of = |model: &str| table.find(model).unwrap().endpoints();
        assert!(of("gpt-4o").contains(&Endpoint::Messages), "translated");
        assert!(!of("gpt-4o").contains(&Endpoint::CountTokens));
        assert!(of("claude-sonnet-4-5").contains(&Endpoint::ChatCompletions), "translated");
        assert!(!of("claude-sonnet-4-5").contains(&Endpoint::Embeddings));
    }
}
