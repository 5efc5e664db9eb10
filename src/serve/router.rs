//! The table of routes: each names its permission, here and nowhere else.

use super::auth::AuthError;
use super::error::Refusal;
use super::routes::converse::{converse, stored};
use super::routes::{admin, breakers, check, health, me, models, prometheus, usage};
use super::seen::Seen;
use super::state::App;
use crate::provider::Endpoint;
use crate::store::Scope;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{MethodFilter, MethodRouter};
use futures_util::future::BoxFuture;
use http::{Response, StatusCode, Uri};
use std::sync::Arc;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// Whoever shows valid credentials.
    Known,
    /// Whoever has one of these scopes.
    Scopes(&'static [Scope]),
}

/// What a handler comes to.
pub(crate) type Outcome = Result<Response<Body>, Refusal>;

/// A handler: what is not said in the outcome is the same for all.
pub(crate) type Handler = fn(Arc<App>, Arc<Seen>, Request) -> BoxFuture<'static, Outcome>;

/// One route.
#[derive(Clone, Copy)]
pub(crate) struct RouteSpec {
    /// Its method.
    pub(crate) method: Method,
    /// Its path, as axum writes it.
    pub(crate) path: &'static str,
    /// Who may use it.
    pub(crate) access: Access,
    /// Whether it belongs to the data plane, where only so many requests are worked on at a time.
    /// Operators get through however much there is to do.
    pub(crate) bounded: bool,
    /// What answers.
    handler: Handler,
}

/// The methods there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// GET, and HEAD with it.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

const fn get(path: &'static str, access: Access, handler: Handler) -> RouteSpec {
    RouteSpec { method: Method::Get, path, access, bounded: false, handler }
}

const fn post(path: &'static str, access: Access, handler: Handler) -> RouteSpec {
    RouteSpec { method: Method::Post, path, access, bounded: false, handler }
}

const fn delete(path: &'static str, access: Access, handler: Handler) -> RouteSpec {
    RouteSpec { method: Method::Delete, path, access, bounded: false, handler }
}

const fn data(path: &'static str, handler: Handler) -> RouteSpec {
    RouteSpec { method: Method::Post, path, access: WRITE, bounded: true, handler }
}

const MODELS: Access = Access::Scopes(&[Scope::Read, Scope::Write]);
const WRITE: Access = Access::Scopes(&[Scope::Write]);

/// All routes.
pub(crate) const ROUTES: &[RouteSpec] = &[
    get("/api/health", Access::Public, |app, seen, request| {
        Box::pin(health::health(app, seen, request))
    }),
    get("/api/health/live", Access::Public, |app, _, _| Box::pin(health::live(app))),
    get("/api/health/ready", Access::Public, |app, _, _| Box::pin(health::ready(app))),
    get("/api/health/circuit-breakers", MODELS, |app, _, _| Box::pin(breakers::list(app))),
    get("/api/available-models", MODELS, |app, _, _| Box::pin(models::available(app))),
    get("/api/llms", MODELS, |app, _, request| Box::pin(models::llms(app, request))),
    get("/api/llms/{*id}", MODELS, |app, _, request| Box::pin(models::llm(app, request))),
    post("/api/admin/models/refresh", Access::Scopes(&[Scope::Admin]), |app, _, request| {
        Box::pin(models::refresh(app, request))
    }),
    get("/api/auth/me", Access::Known, |app, seen, _| Box::pin(me::me(app, seen))),
    get("/api/usage", Access::Scopes(&[Scope::Read, Scope::Admin]), |app, seen, request| {
        Box::pin(usage::usage(app, seen, request))
    }),
    post("/api/admin/keys/reload", Access::Scopes(&[Scope::Admin]), |app, _, request| {
        Box::pin(admin::reload_asked(app, request))
    }),
    get("/api/admin/config", Access::Scopes(&[Scope::Admin]), |app, _, _| {
        Box::pin(admin::config(app))
    }),
    post(
        "/api/admin/circuit-breakers/reset",
        Access::Scopes(&[Scope::Admin]),
        |app, _, request| Box::pin(breakers::reset(app, request)),
    ),
    post("/api/admin/check/tokens", Access::Scopes(&[Scope::Check]), |app, seen, _| {
        Box::pin(check::tokens(app, seen))
    }),
    get("/v1/models", MODELS, |app, seen, request| Box::pin(models::list(app, seen, request))),
    get("/v1/models/{*id}", MODELS, |app, seen, request| Box::pin(models::one(app, seen, request))),
    data("/v1/chat/completions", |app, seen, request| {
        Box::pin(converse(app, seen, request, Endpoint::ChatCompletions))
    }),
    data("/v1/messages", |app, seen, request| {
        Box::pin(converse(app, seen, request, Endpoint::Messages))
    }),
    data("/v1/responses", |app, seen, request| {
        Box::pin(converse(app, seen, request, Endpoint::Responses))
    }),
    data("/v1/embeddings", |app, seen, request| {
        Box::pin(converse(app, seen, request, Endpoint::Embeddings))
    }),
    data("/v1/completions", |app, seen, request| {
        Box::pin(converse(app, seen, request, Endpoint::Completions))
    }),
    data("/v1/messages/count_tokens", |app, seen, request| {
        Box::pin(converse(app, seen, request, Endpoint::CountTokens))
    }),
    get("/v1/responses/{*id}", MODELS, |_, _, _| Box::pin(stored())),
    delete("/v1/responses/{*id}", WRITE, |_, _, _| Box::pin(stored())),
    // It asks no provider for anything, so it takes no place.
    post("/v1/responses/{*id}", WRITE, |_, _, _| Box::pin(stored())),
    get("/metrics", Access::Scopes(&[Scope::Metrics]), |app, _, _| {
        Box::pin(prometheus::metrics(app))
    }),
];

/// Whether a request is answered without credentials. Paths that do not exist are not: whoever
/// shows none learns nothing of what there is. Neither are the details of health.
pub(crate) fn is_public(uri: &Uri) -> bool {
    let public = |route: &RouteSpec| route.access == Access::Public && route.path == uri.path();
    ROUTES.iter().any(public) && !health::wants_detail(uri.query())
}

/// How a path of the table ends that stands for all paths below it.
const REST: &str = "{*id}";

/// The route of a path for metrics: one of the table, or `unmatched`.
pub(crate) fn label(path: &str) -> &'static str {
    ROUTES
        .iter()
        .find(|route| match route.path.strip_suffix(REST) {
            Some(prefix) => path.starts_with(prefix),
            None => path == route.path,
        })
        .map_or("unmatched", |route| route.path)
}

/// The router of the table.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for spec in ROUTES {
        let app = Arc::clone(app);
        let handler = move |request: Request| found(Arc::clone(&app), spec, request);
        let filter = match spec.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Delete => MethodFilter::DELETE,
        };
        router = router.route(spec.path, MethodRouter::new().on(filter, handler));
    }
    let not_found = Arc::clone(app);
    let not_allowed = Arc::clone(app);
    router
        .fallback(move |request: Request| {
            let refusal =
                Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path");
            refused(not_found, request, refusal)
        })
        .method_not_allowed_fallback(move |request: Request| {
            let refusal = Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this path does not take this method",
            );
            refused(not_allowed, request, refusal)
        })
}

/// The route of a request that needs no router: its path is fixed and its method the one of the
/// table. Those of the data plane are such; the router's own way costs as much as reading a body.
pub(super) fn direct(method: &http::Method, path: &str) -> Option<&'static RouteSpec> {
    let posts = |route: &&RouteSpec| route.method == Method::Post && route.path == path;
    ROUTES.iter().find(posts).filter(|_| method == http::Method::POST)
}

async fn found(app: Arc<App>, spec: &'static RouteSpec, request: Request) -> Response<Body> {
    match Seen::of(request.extensions()) {
        Ok(seen) => run(app, spec, seen, request).await,
        Err(refusal) => refusal.response(super::surface::Surface::Ours, "", app.mode.word()),
    }
}

/// Answers a request of a route.
pub(super) async fn run(
    app: Arc<App>,
    spec: &'static RouteSpec,
    seen: Arc<Seen>,
    request: Request,
) -> Response<Body> {
    let outcome = match permitted(spec.access, &seen) {
        Ok(()) => (spec.handler)(Arc::clone(&app), Arc::clone(&seen), request).await,
        Err(refusal) => Err(refusal),
    };
    outcome.unwrap_or_else(|refusal| {
        // Of those there are many at a time; the log says once that there are any.
        if refusal.status.is_server_error() && refusal.code != Refusal::OVERLOADED {
            tracing::warn!(
                request_id = &*seen.request_id,
                status = refusal.status.as_u16(),
                code = refusal.code,
                error = refusal.message,
                "request failed"
            );
        }
        refusal.response(seen.surface, &seen.request_id, app.mode.word())
    })
}

/// Whether the caller may use a route.
fn permitted(access: Access, seen: &Seen) -> Result<(), Refusal> {
    match access {
        Access::Public => Ok(()),
        Access::Known => seen.caller().map(|_| ()),
        Access::Scopes(scopes) => {
            let caller = seen.caller()?;
            let mut refusal = AuthError::Forbidden("admin");
            for scope in scopes.iter().rev() {
                match caller.require(*scope) {
                    Ok(()) => return Ok(()),
                    Err(lacking) => refusal = lacking,
                }
            }
            Err(refusal.into())
        }
    }
}

async fn refused(app: Arc<App>, request: Request, refusal: Refusal) -> Response<Body> {
    match Seen::of(request.extensions()) {
        Ok(seen) => refusal.response(seen.surface, &seen.request_id, app.mode.word()),
        Err(refusal) => refusal.response(super::surface::Surface::Ours, "", app.mode.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_public_paths_are_public() {
        let public: Vec<&str> =
            ROUTES.iter().filter(|r| r.access == Access::Public).map(|r| r.path).collect();
        assert_eq!(public, ["/api/health", "/api/health/live", "/api/health/ready"]);
        let is_public = |uri: &'static str| is_public(&Uri::from_static(uri));
        assert!(public.into_iter().all(is_public));
        assert!(is_public("/api/health?detail=false"));
        for uri in [
            "/api/health/",
            "/api/health/live/",
            "/API/HEALTH",
            "//api/health",
            "/",
            "/api/health?detail=true",
            "/api/health?x=1&detail=1",
            "/api/health?%64etail=true",
        ] {
            assert!(!is_public(uri), "{uri}");
        }
    }

    #[test]
    fn the_walk_over_all_routes_knows_them_all() {
        // `tests/it/serve/permissions.rs` asks each of these without credentials and without
        // scopes: a route that is added here is added there.
        let walked = include_str!("../../tests/it/serve/permissions.rs");
        for route in ROUTES.iter().filter(|r| r.access != Access::Public) {
            let path = route.path.replace("{*id}", "gpt-4o");
            let method = match route.method {
                Method::Get => "GET",
                Method::Post => "POST",
                Method::Delete => "DELETE",
            };
            assert!(walked.contains(&format!("(\"{method}\", \"{path}\")")), "{path}");
        }
    }

    #[test]
    fn the_data_plane_is_bounded_and_nothing_else() {
        for route in ROUTES {
            let data = route.method == Method::Post && route.path.starts_with("/v1/");
            assert_eq!(route.bounded, data && !route.path.ends_with(REST), "{}", route.path);
            // Places are given to what is found directly, and to nothing else.
            let direct = direct(&http::Method::POST, route.path).is_some_and(|found| found.bounded);
            assert_eq!(route.bounded, direct, "{}", route.path);
        }
    }

    #[test]
    fn labels_are_those_of_the_table() {
        assert!(ROUTES.iter().all(|r| !r.path.contains('{') || r.path.ends_with(REST)));
        assert_eq!(label("/v1/models/a/b"), "/v1/models/{*id}");
        assert_eq!(label("/v1/models"), "/v1/models");
        assert_eq!(label("/v1/whatever"), "unmatched");
    }
}
