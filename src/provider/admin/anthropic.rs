//! Anthropic: an admin key lists keys, sets them inactive and archives them. Keys are made in the
//! console only.
//!
//! `GET /v1/organizations/api_keys`, `POST /v1/organizations/api_keys/{id}` with a `status`, and
//! `GET` of the same, which says whether that holds. What is inactive can be made active again; what
//! is archived cannot.

use super::api::{Api, malformed, or_gone, secret_header, text};
use super::{Abilities, Issued, Issuer, IssuerError, RemoteKey};
use crate::base::Secret;
use crate::settings::secret::Remote;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use url::Url;

/// What it is called in messages and in what is kept.
pub(super) const NAME: &str = "anthropic";

/// The version of the API that we speak.
const VERSION: &str = "2023-06-01";

/// The most objects that a page holds.
const PAGE: &str = "1000";

/// The admin API of Anthropic.
pub(crate) struct Anthropic {
    api: Api,
}

impl Anthropic {
    /// The API at `base_url` (without `/v1`), with an admin key.
    ///
    /// # Errors
    /// The key cannot be one.
    pub(crate) fn new(base_url: &Url, key: &Secret) -> Result<Self, IssuerError> {
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("x-api-key"), secret_header(key)?),
            (HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION)),
        ]);
        Ok(Self { api: Api::new(base_url.clone(), headers, key.clone()) })
    }

    /// Gives a key another status, and asks whether it has it: what the answer to the change says is
    /// no proof that the next request will be refused.
    fn set(&self, remote: &Remote, status: &str) -> Result<(), IssuerError> {
        let Some(id) = &remote.key else { return Err(IssuerError::Unable) };
        self.api.act(async |session| {
            let path = ["v1", "organizations", "api_keys", id];
            let body = json!({ "status": status });
            let answer: Result<Value, _> =
                session.call(Method::POST, &path, &[], Some(&body)).await;
            let Some(changed) = or_gone(answer)? else { return Ok(()) };
            out_of_use(&changed)?;
            let answer: Result<Value, _> = session.call(Method::GET, &path, &[], None).await;
            or_gone(answer)?.as_ref().map_or(Ok(()), out_of_use)
        })
    }
}

/// Whether a key has a status other than `active`.
fn out_of_use(key: &Value) -> Result<(), IssuerError> {
    match text(key, "status").is_none_or(|now| now == "active") {
        true => Err(malformed("it does not say that the key is out of use")),
        false => Ok(()),
    }
}

impl Issuer for Anthropic {
    fn name(&self) -> &str {
        NAME
    }

    fn can(&self) -> Abilities {
        Abilities { create: false, disable: true, delete: true }
    }

    fn create(&self, _: &str) -> Result<Issued, IssuerError> {
        Err(IssuerError::Unable)
    }

    fn disable(&self, remote: &Remote) -> Result<(), IssuerError> {
        self.set(remote, "inactive")
    }

    fn delete(&self, remote: &Remote) -> Result<(), IssuerError> {
        self.set(remote, "archived")
    }

    fn list(&self) -> Result<Vec<RemoteKey>, IssuerError> {
        self.api.act(async |session| {
            let path = ["v1", "organizations", "api_keys"];
            let keys = session.all(&path, PAGE, "after_id").await?;
            Ok(keys.iter().filter_map(listed).collect())
        })
    }
}

fn listed(key: &Value) -> Option<RemoteKey> {
    Some(RemoteKey {
        remote: Remote {
            issuer: NAME.to_owned(),
            project: text(key, "workspace_id"),
            account: None,
            key: Some(text(key, "id")?),
        },
        name: text(key, "name").unwrap_or_default(),
        active: text(key, "status").as_deref() == Some("active"),
        hint: text(key, "partial_key_hint"),
    })
}
