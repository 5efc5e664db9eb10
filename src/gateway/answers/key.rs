//! What an answer is kept under: everything that it may depend on, and whose it is.

use super::canonical::{self, length};
use crate::base::apart::apart;
use crate::gateway::request::{Asked, Call};
use crate::gateway::routes::{Backend, Route};
use crate::provider::{Endpoint, headers};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use sha2::{Digest as _, Sha256};

/// Another one for another way of making keys.
const VERSION: &[u8] = b"ultra-answer-key/1";

/// What an answer is kept under.
pub(crate) type Key = [u8; 32];

/// The key of a call's answer; `None` if it has none.
pub(crate) async fn key(route: &Route, call: &Call) -> Option<Key> {
    let body = Bytes::clone(&call.body);
    let body = apart(body.len(), move || canonical::digest(&body)).await?;
    Some(joined(route, &call.asked, call.endpoint, &call.headers, &body))
}

fn joined(
    route: &Route,
    asked: &Asked,
    endpoint: Endpoint,
    sent: &HeaderMap,
    body: &[u8; 32],
) -> Key {
    let mut all = Parts(Sha256::new());
    all.put(VERSION);
    // Whose it is: the subject of a token may have the name of somebody's key.
    all.put(asked.key_id.as_bytes());
    all.put(asked.user_id.as_deref().map_or(&b"key"[..], |_| b"token"));
    all.put(asked.user_id.as_deref().unwrap_or_default().as_bytes());
    all.put(asked.mode.word().as_bytes());
    all.put(endpoint.path().as_bytes());
    put_route(&mut all, route);
    put_headers(&mut all, sent);
    all.put(body);
    all.0.finalize().into()
}

/// Texts one after the other, none of which can run into the next.
struct Parts(Sha256);

impl Parts {
    fn put(&mut self, part: &[u8]) {
        self.0.update(length(part.len()));
        self.0.update(part);
    }
}

/// Who may answer, as the configuration has it now; not the keys, which change nothing.
fn put_route(all: &mut Parts, route: &Route) {
    all.put(route.model.as_bytes());
    all.put(&length(route.targets.len()));
    for target in &route.targets {
        let provider = &target.provider;
        all.put(provider.name.as_bytes());
        all.put(provider.kind.word().as_bytes());
        match &provider.backend {
            Backend::Mock => all.put(b""),
            Backend::Http { base_url, .. } => all.put(base_url.as_str().as_bytes()),
        }
        all.put(target.model.as_bytes());
    }
}

/// The headers that a provider gets, but for those that only tell of the client, its library or the
/// way of the request: nobody can know what others mean to a provider.
fn put_headers(all: &mut Parts, sent: &HeaderMap) {
    let mut out = HeaderMap::new();
    headers::to_provider(sent, &mut out);
    let mut telling: Vec<(&HeaderName, &[u8])> = out
        .iter()
        .filter(|(name, _)| !tells_nothing(name.as_str()))
        .map(|(name, value)| (name, value.as_bytes()))
        .collect();
    // Values of one name keep their order.
    telling.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    all.put(&length(telling.len()));
    for (name, value) in telling {
        all.put(name.as_str().as_bytes());
        all.put(value);
    }
}

fn tells_nothing(name: &str) -> bool {
    matches!(
        name,
        "accept"
            | "accept-language"
            | "baggage"
            | "cache-control"
            | "content-encoding"
            | "content-type"
            | "dnt"
            | "idempotency-key"
            | "pragma"
            | "priority"
            | "traceparent"
            | "tracestate"
            | "user-agent"
            | "x-client-request-id"
    ) || name.starts_with("x-stainless-")
        || *name == *headers::HOP.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::Table;
    use crate::settings::profile::{
        Mode, Policy, Profile, ProviderKind, ProviderSpec, RouteSpec, TargetSpec,
    };
    use std::collections::{BTreeMap, HashSet};
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use url::Url;

    fn asked(key: &str, user: Option<&str>) -> Asked {
        Asked {
            request_id: "r".into(),
            key_id: key.into(),
            user_id: user.map(Into::into),
            endpoint: Endpoint::ChatCompletions,
            model: "m".into(),
            stream: false,
            mode: Mode::Mock,
            started: Instant::now(),
        }
    }

    fn target(provider: &str, model: &str) -> TargetSpec {
        TargetSpec::of(provider, model)
    }

    /// The route `m` to these targets, of providers whose address ends with `at`.
    fn route(targets: Vec<TargetSpec>, at: &str) -> Arc<Route> {
        let spec = |name: &str| ProviderSpec {
            kind: ProviderKind::OpenAi,
            base_url: Url::parse(&format!("http://{name}/{at}")).unwrap(),
            keys: vec!["K".to_owned()],
            models: Vec::new(),
            stream_usage: true,
            responses: None,
            max_in_flight: None,
            place: None,
        };
        let profile = Profile {
            name: "dev".to_owned(),
            extends: vec![],
            protected: false,
            place: None,
            secrets: BTreeMap::new(),
            providers: ["a", "b"].map(|name| (name.to_owned(), spec(name))).into(),
            routes: BTreeMap::from([("m".to_owned(), RouteSpec::to(targets))]),
            policy: Policy::default(),
        };
        let table = Table::of(&profile, Mode::Real, Duration::from_secs(1), |_| None, None);
        table.find("m").unwrap()
    }

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn everything_that_an_answer_depends_on_makes_another_key() {
        let chat = Endpoint::ChatCompletions;
        let body = canonical::digest(b"{}").unwrap();
        let usual = || route(vec![target("a", "m1")], "v1");
        let beta = |value| headers(&[("anthropic-beta", value)]);
        let none = HeaderMap::new();
        let of = |route: &Route, asked: &Asked, endpoint, sent: &HeaderMap, body| {
            joined(route, asked, endpoint, sent, body)
        };
        let one = asked("one", None);
        let real = Asked { mode: Mode::Real, ..asked("one", None) };
        let other_body = canonical::digest(b"[]").unwrap();
        let keys = [
            of(&usual(), &one, chat, &none, &body),
            of(&usual(), &asked("two", None), chat, &none, &body),
            of(&usual(), &asked("one", Some("one")), chat, &none, &body),
            of(&usual(), &asked("one", Some("two")), chat, &none, &body),
            of(&usual(), &real, chat, &none, &body),
            of(&usual(), &one, Endpoint::Completions, &none, &body),
            of(&usual(), &one, chat, &beta("x"), &body),
            of(&usual(), &one, chat, &beta("y"), &body),
            of(&usual(), &one, chat, &headers(&[("x-unknown", "x")]), &body),
            of(&usual(), &one, chat, &none, &other_body),
            of(&route(vec![target("a", "m2")], "v1"), &one, chat, &none, &body),
            of(&route(vec![target("b", "m1")], "v1"), &one, chat, &none, &body),
            of(&route(vec![target("a", "m1")], "v2"), &one, chat, &none, &body),
            of(&route(vec![target("a", "m1"), target("b", "m1")], "v1"), &one, chat, &none, &body),
            of(&route(vec![target("b", "m1"), target("a", "m1")], "v1"), &one, chat, &none, &body),
        ];
        let different: HashSet<&Key> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(keys[0], of(&usual(), &asked("one", None), chat, &none, &body));
    }

    #[test]
    fn who_asks_with_which_library_does_not_matter() {
        let body = canonical::digest(b"{}").unwrap();
        let route = route(vec![target("a", "m1")], "v1");
        let of = |list: &[(&'static str, &str)]| {
            let asked = asked("one", None);
            joined(&route, &asked, Endpoint::ChatCompletions, &headers(list), &body)
        };
        let plain = of(&[]);
        for list in [
            &[("authorization", "Bearer x"), ("user-agent", "x")][..],
            &[("x-stainless-retry-count", "1"), ("traceparent", "x"), ("x-request-id", "x")],
            &[("x-ultra-cache", "use"), ("x-ultra-stream-commit", "complete")],
            &[("content-type", "application/json; charset=utf-8"), ("accept", "*/*")],
            &[("openai-organization", "o"), ("connection", "keep-alive, x-own"), ("x-own", "1")],
        ] {
            assert_eq!(of(list), plain, "{list:?}");
        }
        let (a, b) = (("x-a", "1"), ("x-b", "2"));
        assert_eq!(of(&[a, b]), of(&[b, a]));
        assert_ne!(of(&[("x-a", "1"), ("x-a", "2")]), of(&[("x-a", "2"), ("x-a", "1")]));
        assert_ne!(of(&[("x-a", "12")]), of(&[("x-a", "1"), ("x-a", "2")]));
    }
}
