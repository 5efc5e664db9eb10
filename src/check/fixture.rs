//! Facts made in memory: a world in which everything holds, to be spoilt in one place.

use super::facts::{
    ConfigFacts, DatabaseFacts, DatabaseState, Ending, Fact, FileFacts, GitSays, Home,
    ProviderFacts, SecretInUse, SensitiveFile, VaultFacts,
};
use super::live::{LiveFacts, Probe};
use super::tree::TreeFacts;
use super::{Facts, model::NoJudgement};
use crate::base::{Secret, Timestamp};
use crate::report::{Place, Problem};
use crate::scan::{Finding, Rule};
use crate::settings::origin::{Layer, Origin};
use crate::settings::profile::{Policy, Profile};
use crate::settings::resolution::Candidate;
use crate::settings::secret::ValueRef;
use crate::settings::{Resolution, Settings};
use crate::smoke::Exchange;
use std::path::PathBuf;
use std::time::Duration;

/// A world in the making.
pub(crate) struct Fixture {
    profile: Profile,
    candidates: Vec<(String, Candidate)>,
    problems: Vec<Problem>,
    state_dir: Result<(), Problem>,
    endings: Vec<Ending>,
    secrets: Vec<SecretInUse>,
    vault: VaultFacts,
    files: FileFacts,
    tree: TreeFacts,
    database: DatabaseFacts,
    providers: Vec<ProviderFacts>,
    live: LiveFacts,
}

/// The instant at which fixtures stand.
pub(crate) fn now() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

impl Fixture {
    /// The facts of a `dev` profile in which everything holds.
    pub(crate) fn dev() -> Facts {
        Self::named("dev", false).facts()
    }

    /// A `prod` profile, protected, real, in which everything holds.
    pub(crate) fn prod() -> Self {
        Self::named("prod", true)
            .var("ULTRA_MODE", "real")
            .var("ULTRA_PUBLIC_URL", "https://api.acme.io")
            .literal("OPENAI_API_KEY", Layer::Process)
            .secret(SecretInUse {
                name: "OPENAI_API_KEY".to_owned(),
                home: Home::Vault,
                origin: Origin::of(Layer::Vault),
                facts: Some(crate::settings::secret::SecretFacts {
                    version: 3,
                    created_at: "2026-01-10T12:00:00Z".parse().unwrap(),
                    fingerprint: "5f0c".to_owned(),
                    allowed: vec![],
                    drain: None,
                    standby: vec![],
                }),
                missing: None,
                shared_with: vec![],
                max_age: Some(Duration::from_secs(30 * 86_400)),
            })
    }

    /// An unprotected profile in which everything holds, to be changed.
    pub(crate) fn open() -> Self {
        Self::named("dev", false)
    }

    fn named(name: &str, protected: bool) -> Self {
        let profile = Profile {
            name: name.to_owned(),
            extends: vec![],
            protected,
            place: None,
            providers: Default::default(),
            routes: Default::default(),
            secrets: Default::default(),
            policy: Policy::default(),
        };
        Self {
            profile,
            candidates: vec![],
            problems: vec![],
            state_dir: Ok(()),
            endings: vec![],
            secrets: vec![],
            vault: VaultFacts {
                exists: true,
                backend: Some("keyring".to_owned()),
                answers: Ok(()),
            },
            files: FileFacts {
                git: GitSays::Everything,
                files: vec![SensitiveFile {
                    path: PathBuf::from(".env.local"),
                    real: PathBuf::from("/srv/app/.env.local"),
                    mode: 0o600,
                    dir: false,
                    tracked: false,
                    ignored: true,
                    holds_secret: true,
                    mounted: false,
                }],
            },
            tree: TreeFacts {
                files: 3,
                sources: 2,
                findings: vec![],
                top: ["LICENSE", "CHANGELOG.md", "SECURITY.md", "README.md"]
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                containers: [(PathBuf::from("Dockerfile"), GOOD_IMAGE.to_owned())].into(),
                unreadable: 0,
            },
            database: DatabaseFacts {
                postgres: true,
                verified_tls: true,
                local: false,
                state: DatabaseState::Open {
                    pending: vec![],
                    mismatch: None,
                    service_keys: Ok(vec![]),
                },
            },
            providers: vec![],
            live: live(name),
        }
    }

    /// The policy of the profile, changed.
    pub(crate) fn policy(mut self, change: impl FnOnce(&mut Profile)) -> Self {
        change(&mut self.profile);
        self
    }

    /// A variable that the profile sets.
    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        let value = ValueRef::Text(value.to_owned());
        let place = Place::at("profiles/prod.yaml", 4, 3);
        let origin = Origin::at(Layer::Profile, place);
        self.candidates.push((name.to_owned(), Candidate { origin, value }));
        self
    }

    /// A secret with a value in that layer.
    pub(crate) fn literal(mut self, name: &str, layer: Layer) -> Self {
        let value = ValueRef::Literal(Secret::new("a value nobody looks at"));
        self.candidates.push((name.to_owned(), Candidate { origin: Origin::of(layer), value }));
        self
    }

    /// A target of a declared route whose model ends.
    pub(crate) fn ending(mut self, ending: Ending) -> Self {
        self.endings.push(ending);
        self
    }

    /// What is wrong with the state directory.
    pub(crate) fn state_dir(mut self, problem: Problem) -> Self {
        self.state_dir = Err(problem);
        self
    }

    /// A problem of the configuration.
    pub(crate) fn problem(mut self, problem: Problem) -> Self {
        self.problems.push(problem);
        self
    }

    /// A secret in use; the last of a name counts.
    pub(crate) fn secret(mut self, secret: SecretInUse) -> Self {
        self.secrets.retain(|known| known.name != secret.name);
        self.secrets.push(secret);
        self
    }

    /// The secret of that name, changed.
    pub(crate) fn change_secret(mut self, change: impl Fn(&mut SecretInUse)) -> Self {
        self.secrets.iter_mut().for_each(change);
        self
    }

    /// The vault.
    pub(crate) fn vault(mut self, change: impl FnOnce(&mut VaultFacts)) -> Self {
        change(&mut self.vault);
        self
    }

    /// The sensitive files, changed.
    pub(crate) fn files(mut self, change: impl FnOnce(&mut FileFacts)) -> Self {
        change(&mut self.files);
        self
    }

    /// The project's files, changed.
    pub(crate) fn tree(mut self, change: impl FnOnce(&mut TreeFacts)) -> Self {
        change(&mut self.tree);
        self
    }

    /// Something that the scan found.
    pub(crate) fn found(self, rule: Rule) -> Self {
        let finding = Finding {
            file: PathBuf::from("src/a.rs"),
            line: 7,
            column: 3,
            rule,
            what: "a thing".to_owned(),
            shown: "***".to_owned(),
        };
        self.tree(|tree| tree.findings.push(finding))
    }

    /// A container file.
    pub(crate) fn container(self, path: &str, text: &str) -> Self {
        self.tree(|tree| {
            tree.containers.insert(PathBuf::from(path), text.to_owned());
        })
    }

    /// The store, changed.
    pub(crate) fn database(mut self, change: impl FnOnce(&mut DatabaseFacts)) -> Self {
        change(&mut self.database);
        self
    }

    /// A provider that was asked.
    pub(crate) fn provider(mut self, provider: ProviderFacts) -> Self {
        self.providers.push(provider);
        self
    }

    /// The server's answers, changed.
    pub(crate) fn live(mut self, change: impl FnOnce(&mut LiveFacts)) -> Self {
        change(&mut self.live);
        self
    }

    /// One answer of the server, changed.
    pub(crate) fn answer(self, probe: Probe, change: impl FnOnce(&mut Exchange)) -> Self {
        self.live(|live| {
            if let Some(Ok(exchange)) = live.answers.get_mut(&probe) {
                change(exchange);
            }
        })
    }

    /// The facts.
    pub(crate) fn facts(self) -> Facts {
        let name = self.profile.name.clone();
        let mut resolution = Resolution::defaults(self.profile);
        for (name, candidate) in self.candidates {
            resolution.add(&name, candidate);
        }
        let mut problems = self.problems;
        let settings = Settings::read(&resolution, &mut problems);
        let config = ConfigFacts {
            problems,
            resolution: Some(resolution),
            settings,
            declared_only: false,
            state_dir: Some(self.state_dir),
            endings: self.endings,
        };
        Facts {
            profile: name,
            now: now(),
            config: known(config),
            secrets: known(self.secrets),
            vault: known(self.vault),
            files: known(self.files),
            tree: known(self.tree),
            database: known(self.database),
            providers: known(self.providers),
            live: known(self.live),
        }
    }
}

fn known<T: Send + 'static>(fact: T) -> std::sync::Arc<Fact<T>> {
    std::sync::Arc::new(Fact::gathered(move || Ok::<_, NoJudgement>(fact)))
}

/// A Dockerfile without a fault.
pub(crate) const GOOD_IMAGE: &str = "FROM debian:13@sha256:0f1e2d AS build\nRUN make\n\
    FROM debian:13@sha256:0f1e2d\nCOPY --from=build /app /app\nUSER 10001\n\
    HEALTHCHECK CMD [\"/app\", \"check\", \"status\"]\nENTRYPOINT [\"/app\"]\n";

/// An answer.
pub(crate) fn exchange(status: u16, headers: &[(&str, &str)], body: &str) -> Exchange {
    Exchange {
        request: "curl -sS 'http://127.0.0.1:1/'".to_owned(),
        status,
        headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        body: body.to_owned(),
        latency: Duration::from_millis(1),
        first_byte: Duration::from_millis(1),
    }
}

/// The answers of a server without a fault.
fn live(profile: &str) -> LiveFacts {
    let hardened: &[(&str, &str)] = &[
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
        ("x-request-id", "ultra-check-echo"),
        ("vary", "Origin"),
    ];
    let with = |status: u16, extra: &[(&str, &str)], body: &str| {
        exchange(status, &[hardened, extra].concat(), body)
    };
    let refused = || {
        let body = r#"{"error":{"code":"invalid_api_key","message":"no"}}"#;
        with(401, &[("www-authenticate", "Bearer")], body)
    };
    let detail = format!(
        r#"{{"status":"ok","profile":"{profile}","mode":"mock","version":"0.1.0","components":{{}}}}"#
    );
    let chat = r#"{"id":"c1","provider":"mock","choices":[{"message":{"content":"hello"}}]}"#;
    let refusals = [
        Probe::DetailAnonymous,
        Probe::ModelsAnonymous,
        Probe::ModelsGarbage,
        Probe::ModelsQuery,
        Probe::ChatAnonymous,
        Probe::AnonymousTestMode,
        Probe::MessagesAnonymous,
        Probe::AdminAnonymous,
        Probe::MetricsAnonymous,
        Probe::TokenExpired,
        Probe::TokenFuture,
        Probe::TokenAudience,
        Probe::TokenIssuer,
        Probe::TokenTampered,
        Probe::TokenAlgNone,
    ];
    let mut facts = LiveFacts {
        target: "http://127.0.0.1:1".to_owned(),
        spawned: true,
        has_key: true,
        allowed_origin: Some("https://app.acme.io".to_owned()),
        ..LiveFacts::default()
    };
    let allowed = [
        ("access-control-allow-origin", "https://app.acme.io"),
        ("access-control-allow-credentials", "true"),
    ];
    let answers = [
        (Probe::Live, with(200, &[], r#"{"status":"ok","live":true,"mode":"mock"}"#)),
        (Probe::Ready, with(200, &[], r#"{"status":"ok","components":{}}"#)),
        (Probe::Detail, with(200, &[], &detail)),
        (Probe::Models, with(200, &[], r#"{"data":[]}"#)),
        (Probe::Chat, with(200, &[], chat)),
        (Probe::ChatTestMode, with(200, &[], chat)),
        (Probe::ChatMalformed, with(400, &[], r#"{"error":{"code":"invalid_json"}}"#)),
        (Probe::ChatUnknownModel, with(404, &[], r#"{"error":{"code":"model_not_found"}}"#)),
        (Probe::NotFound, with(404, &[], r#"{"error":{"code":"not_found"}}"#)),
        (Probe::Metrics, with(200, &[], "# HELP a b\n# TYPE a counter\na 1\n# EOF\n")),
        (Probe::CorsForeign, with(204, &[], "")),
        (Probe::CorsForeignActual, with(200, &[], "")),
        (Probe::CorsNull, with(204, &[], "")),
        (Probe::CorsAllowed, with(204, &allowed, "")),
        (Probe::TokenValid, with(200, &[], "")),
        (Probe::TokenUserOnAdmin, with(403, &[], r#"{"error":{"code":"forbidden"}}"#)),
    ];
    facts.answers = answers
        .into_iter()
        .chain(refusals.into_iter().map(|probe| (probe, refused())))
        .map(|(probe, exchange)| (probe, Ok(exchange)))
        .collect();
    facts
}
