//! Which target a table finds for a model, and what it keeps of the one before.

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
        responses: None,
        max_in_flight: None,
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
                timeouts: Timeouts { total: Some(Duration::from_secs(5)), ..Timeouts::default() },
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
    let breaker = |table: &Table, id: &str| Arc::clone(&table.guards.get(id).unwrap().breaker);
    let slots = |table: &Table, name: &str| Arc::clone(&table.providers.get(name).unwrap().slots);
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
    assert!(!second.guards.contains_key("b/big"), "no route names it any more");
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

#[test]
fn bounds_change_with_the_profile_and_what_is_under_way_still_counts() {
    let usual = |known: &KnownProvider| Url::parse(known.base_url).ok();
    let bounded = |provider: Option<u64>, target: Option<u64>| {
        let mut profile = profile();
        profile.providers.get_mut("b").unwrap().max_in_flight = provider;
        let to = TargetSpec { max_in_flight: target, ..TargetSpec::of("b", "big") };
        profile.routes.insert("m".to_owned(), RouteSpec::to(vec![to]));
        profile
    };
    let first = of(&bounded(Some(3), Some(2)), Mode::Real);
    let enter = |table: &Table, name: &str| table.find(name).unwrap().targets[0].enter();
    let (one, two) = (enter(&first, "m").unwrap(), enter(&first, "m").unwrap());
    assert!(enter(&first, "m").is_err());
    let three = enter(&first, "b/other").unwrap();
    assert!(enter(&first, "b/other").is_err(), "the provider is full");
    drop(one);
    assert!(enter(&first, "b/other").is_ok() && first.find("m").unwrap().targets[0].has_room());

    let later = |profile: &Profile, before: &Table| {
        Table::of(profile, Mode::Real, Duration::from_secs(60), usual, Some(before))
    };
    let second = later(&bounded(Some(2), None), &first);
    assert!(enter(&second, "m").is_err(), "two are under way there");
    assert!(!second.find("m").unwrap().targets[0].has_room());
    let third = later(&bounded(None, Some(2)), &second);
    let four = enter(&third, "m").unwrap();
    assert!(enter(&third, "m").is_err());
    let guard = third.guards().get("b/big").unwrap();
    assert_eq!((guard.places.view(guard.ceiling).in_flight, guard.ceiling), (2, 2));
    drop((two, three, four));
    assert_eq!(guard.places.view(guard.ceiling).in_flight, 0);
}
