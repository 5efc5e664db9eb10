//! The registry of models, by the files of a profile or by a running server.

use crate::base::{Secret, Timestamp, redact};
use crate::gateway::registry::{self, Key, Model, Sight};
use crate::gateway::routes::{Backend, Provider};
use crate::gateway::{Gateway, Table};
use crate::provider::prices::Prices;
use crate::report::{Fault, Problem};
use crate::settings::derive::agreed_base_url;
use crate::settings::profile::PROMPTS;
use crate::settings::secret::ValueRef;
use crate::settings::{Resolution, SecretSource, Settings, Workspace, load};
use crate::smoke::{Call, Client, Exchange};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// How long a server may take to say what it knows.
const DEADLINE: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it is.
    pub(crate) url: Url,
    /// The key to ask it with.
    pub(crate) key: Option<Secret>,
}

/// A profile, made into what a server would route by.
pub(super) struct Profile {
    pub(super) settings: Settings,
    pub(super) resolution: Resolution,
    pub(super) warnings: Vec<Problem>,
    pub(super) prices: Prices,
    pub(super) table: Table,
}

impl Profile {
    /// Reads the profile in use. Opens nothing.
    ///
    /// # Errors
    /// The profile, or the file of its prices, does not hold (3).
    pub(super) fn read(workspace: &Workspace, secrets: &dyn SecretSource) -> Result<Self, Fault> {
        let loaded = load(workspace, &workspace.profile, secrets);
        let (settings, resolution, warnings) = loaded.usable()?;
        let named = settings.server.prices.as_deref();
        let prices =
            Prices::load(workspace.root.as_deref(), named).map_err(Fault::does_not_hold)?;
        let table = Table::of(
            &settings.profile,
            settings.server.mode,
            settings.server.request_timeout,
            |known| agreed_base_url(known, &resolution),
            None,
        );
        Ok(Self { settings, resolution, warnings, prices, table })
    }
}

/// What files alone say of keys.
pub(super) struct Files<'a> {
    pub(super) resolution: &'a Resolution,
    pub(super) secrets: &'a dyn SecretSource,
    pub(super) now: Timestamp,
}

impl Files<'_> {
    /// What a key is good for, and why not.
    fn key(&self, variable: &str) -> (&'static str, Option<String>) {
        if self.resolution.is_withheld(variable) {
            let why = format!("`{variable}` is withheld, for this root is not trusted");
            return ("withheld", Some(why));
        }
        let Some(reference) = self.resolution.secret(variable) else {
            return ("missing", Some(format!("`{variable}` is not set")));
        };
        match &reference.value {
            ValueRef::Vault { profile, name } => match self.secrets.facts(profile, name) {
                Ok(Some(_)) => ("set", None),
                Ok(None) => {
                    let why = format!("`{variable}`: the vault has no `{name}` of `{profile}`");
                    ("missing", Some(why))
                }
                Err(problem) => ("unknown", Some(problem.what)),
            },
            ValueRef::File(path) if !path.exists() => {
                ("missing", Some(format!("`{variable}`: its file is not there")))
            }
            _ => ("set", None),
        }
    }
}

impl Sight for Files<'_> {
    fn keys(&self, provider: &Provider) -> (Vec<Key>, Option<String>) {
        if matches!(provider.backend, Backend::Mock) {
            return (Vec::new(), None);
        }
        let (mut keys, mut reasons) = (Vec::new(), Vec::new());
        for variable in &provider.keys {
            let (state, reason) = self.key(variable);
            keys.push(Key { variable: variable.clone(), state: state.to_owned() });
            reasons.extend(reason);
        }
        // One that names no key is asked without, unless files of the root lead it there.
        if provider.keys.is_empty() && self.resolution.is_withheld(PROMPTS) {
            reasons.push("nobody has agreed to the address that files give it".to_owned());
        }
        let usable = match keys.is_empty() {
            true => reasons.is_empty(),
            false => keys.iter().any(|key| key.state == "set"),
        };
        let reason = (!usable).then(|| reasons.join(", "));
        (keys, reason)
    }

    fn listed(&self, _: &Provider, _: &str) -> Option<(bool, Timestamp)> {
        None
    }

    fn has_breakers(&self) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// One model as the files say it.
///
/// # Errors
/// There is none of this name (2).
pub(super) fn in_files(
    name: &str,
    gateway: &Gateway,
    prices: &Prices,
    sight: &Files<'_>,
) -> Result<Model, Fault> {
    let route = gateway.route(name).map_err(|_| {
        let table = gateway.table();
        let names: Vec<&str> = table.routes().map(|route| &*route.model).collect();
        unknown(name, crate::base::near::hint(name, names.iter().copied()))
    })?;
    Ok(registry::model(&route, prices, sight))
}

/// That there is no model of this name.
pub(super) fn unknown(name: &str, hint: Option<String>) -> Fault {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let what = format!("there is no model `{shown}`");
    Fault::usage(
        Problem::error("unknown-model", what)
            .hint(hint.unwrap_or_else(|| "ultra models list --all".to_owned())),
    )
}

impl Server {
    /// How it is called.
    pub(super) fn label(&self) -> String {
        redact::url(self.url.as_str()).trim_end_matches('/').to_owned()
    }

    fn failed(&self, why: String, hint: Option<&str>) -> Fault {
        let what = format!("`{}` does not tell its models", self.label());
        let problem = Problem::error("no-models", what).why(why);
        Fault::unreachable(problem.maybe_hint(hint.map(str::to_owned)))
    }

    /// That it does not let the key ask a model.
    pub(super) fn refused(&self, status: u16) -> Fault {
        let what = format!("`{}` does not let this key ask a model", self.label());
        let problem = Problem::error("key-refused", what);
        Fault::unreachable(if status == 403 {
            problem
                .why("the service key lacks the scope `write` (403)")
                .hint("ultra auth service-key create --scope read --scope write")
        } else {
            problem
                .why(format!("it does not accept the service key ({status})"))
                .hint("set ULTRA_SERVICE_KEY_FILE to a file with the key")
        })
    }

    /// Sends a call with the key.
    ///
    /// # Errors
    /// Nobody answers (5).
    pub(super) async fn send(&self, call: Call) -> Result<Exchange, Fault> {
        let call = if self.key.is_some() { call.with_key() } else { call };
        let unreachable = |e: String| self.failed(e, None);
        let client = Client::new(self.url.clone(), self.key.clone())
            .map_err(|e| unreachable(e.to_string()))?;
        client.send(&call).await.map_err(|e| unreachable(e.to_string()))
    }

    /// What it says at a path; `None` if there is nothing.
    ///
    /// # Errors
    /// It does not answer, or not to this key (5).
    pub(super) async fn ask(&self, path: &str) -> Result<Option<Value>, Fault> {
        let answer = self.send(Call::get(path).within(DEADLINE)).await?;
        let key = "set ULTRA_SERVICE_KEY_FILE to a file with the key";
        match answer.status {
            200 => {}
            401 if self.key.is_none() => {
                let why = "it tells only who shows a service key with the scope `read`";
                return Err(self.failed(why.to_owned(), Some(key)));
            }
            401 => {
                let why = "it does not accept the service key (401)";
                return Err(self.failed(why.to_owned(), Some(key)));
            }
            403 => {
                let why = "the service key lacks the scope `read` (403)";
                let hint = "ultra auth service-key create --scope read --scope write";
                return Err(self.failed(why.to_owned(), Some(hint)));
            }
            404 => return Ok(None),
            status => return Err(self.failed(format!("it answered {status}"), None)),
        }
        let understood = answer.json().filter(Value::is_object);
        understood
            .map(Some)
            .ok_or_else(|| self.failed("its answer is not understood".to_owned(), None))
    }

    /// All its models, and the version of its prices.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) async fn models(&self) -> Result<(Value, Vec<Model>), Fault> {
        let answer = self.ask("/api/llms").await?;
        let old = || self.failed("it is of a version that cannot (404)".to_owned(), None);
        let mut answer = answer.ok_or_else(old)?;
        // What serde says may quote the answer.
        let models = answer.get_mut("models").map(Value::take).unwrap_or_default();
        let models = serde_json::from_value(models)
            .map_err(|_| self.failed("its answer is not understood".to_owned(), None))?;
        Ok((answer, models))
    }

    /// One of its models, and its mode.
    ///
    /// # Errors
    /// As [`Self::ask`]; there is none of this name (2).
    pub(super) async fn model(&self, name: &str) -> Result<(Model, bool), Fault> {
        let (answer, models) = self.models().await?;
        let mock = answer.get("mode").is_some_and(|mode| mode == "mock");
        if let Some(model) = models.iter().find(|model| model.name == name) {
            return Ok((model.clone(), mock));
        }
        let names = models.iter().map(|model| model.name.as_str());
        let unknown = || unknown(name, crate::base::near::hint(name, names));
        if !name.contains('/') {
            return Err(unknown());
        }
        let encoded: String = name
            .split('/')
            .map(|part| url::form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>())
            .map(|part| part.replace('+', "%20"))
            .collect::<Vec<_>>()
            .join("/");
        let answer = self.ask(&format!("/api/llms/{encoded}")).await?.ok_or_else(unknown)?;
        let model = answer.get("model").cloned().and_then(|m| serde_json::from_value(m).ok());
        let model =
            model.ok_or_else(|| self.failed("its answer is not understood".to_owned(), None))?;
        Ok((model, mock))
    }
}
