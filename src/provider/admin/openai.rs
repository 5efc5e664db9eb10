//! OpenAI: an admin key makes service accounts in a project, each with one key, and deletes them.
//!
//! `POST /organization/projects/{project}/service_accounts` answers with the key, once.
//! `DELETE …/service_accounts/{id}` takes the account and its keys away; the key of such an account
//! cannot be deleted by itself. `DELETE …/api_keys/{id}` is for keys of people. Nothing can be
//! disabled in a way that can be taken back.

use super::api::{Api, Session, malformed, or_gone, secret_header, text};
use super::{Abilities, Issued, Issuer, IssuerError, RemoteKey};
use crate::base::Secret;
use crate::settings::secret::Remote;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use url::Url;

/// What it is called in messages and in what is kept.
pub(super) const NAME: &str = "openai";

/// The most objects that a page holds.
const PAGE: &str = "100";

/// A service account that was made: the one answer with a value in it.
#[derive(Deserialize)]
struct Made {
    id: Option<String>,
    api_key: Option<MadeKey>,
}

#[derive(Deserialize)]
struct MadeKey {
    id: Option<String>,
    #[serde(deserialize_with = "secret")]
    value: Secret,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(Secret::new)
}

/// The admin API of OpenAI.
pub(crate) struct OpenAi {
    api: Api,
    project: Option<String>,
}

impl OpenAi {
    /// The API at `base_url` (with `/v1`), with an admin key. Keys are made in `project`; without
    /// one, none can be made.
    ///
    /// # Errors
    /// The key cannot be one.
    pub(crate) fn new(
        base_url: &Url,
        key: &Secret,
        project: Option<String>,
    ) -> Result<Self, IssuerError> {
        let bearer = Secret::new(format!("Bearer {}", key.expose()));
        let headers = HeaderMap::from_iter([(AUTHORIZATION, secret_header(&bearer)?)]);
        Ok(Self { api: Api::new(base_url.clone(), headers, key.clone()), project })
    }

    fn remote(project: &str, account: Option<String>, key: Option<String>) -> Remote {
        Remote { issuer: NAME.to_owned(), project: Some(project.to_owned()), account, key }
    }

    async fn delete_account(
        session: &Session<'_>,
        project: &str,
        account: &str,
    ) -> Result<(), IssuerError> {
        let path = ["organization", "projects", project, "service_accounts", account];
        deleted(session.call(Method::DELETE, &path, &[], None).await)
    }

    /// The projects whose keys are listed: the one that is set, else all.
    async fn projects(&self, session: &Session<'_>) -> Result<Vec<String>, IssuerError> {
        if let Some(project) = &self.project {
            return Ok(vec![project.clone()]);
        }
        let projects = session.all(&["organization", "projects"], PAGE, "after").await?;
        Ok(projects.iter().filter_map(|project| text(project, "id")).collect())
    }
}

impl Issuer for OpenAi {
    fn name(&self) -> &str {
        NAME
    }

    fn can(&self) -> Abilities {
        Abilities { create: self.project.is_some(), disable: false, delete: true }
    }

    fn create(&self, tag: &str) -> Result<Issued, IssuerError> {
        let Some(project) = &self.project else { return Err(IssuerError::Unable) };
        self.api.act(async |session| {
            let path = ["organization", "projects", project, "service_accounts"];
            // What a request made whose answer was lost: its value is known to nobody.
            for account in session.all(&path, PAGE, "after").await? {
                if text(&account, "name").as_deref() == Some(tag)
                    && let Some(id) = text(&account, "id")
                {
                    Self::delete_account(session, project, &id).await?;
                }
            }
            let body = json!({ "name": tag });
            let made: Made = session.call(Method::POST, &path, &[], Some(&body)).await?;
            let key = made.api_key.filter(|key| !key.value.is_empty());
            match (made.id.filter(|id| !id.is_empty()), key) {
                (Some(account), Some(key)) => Ok(Issued {
                    remote: Self::remote(
                        project,
                        Some(account),
                        key.id.filter(|id| !id.is_empty()),
                    ),
                    value: key.value,
                }),
                _ => Err(malformed("a service account without a key")),
            }
        })
    }

    fn disable(&self, _: &Remote) -> Result<(), IssuerError> {
        Err(IssuerError::Unable)
    }

    fn delete(&self, remote: &Remote) -> Result<(), IssuerError> {
        let project = remote.project.as_ref().or(self.project.as_ref());
        let Some(project) = project else { return Err(IssuerError::Unable) };
        self.api.act(async |session| match (&remote.account, &remote.key) {
            (Some(account), _) => Self::delete_account(session, project, account).await,
            (None, Some(key)) => {
                let path = ["organization", "projects", project, "api_keys", key];
                deleted(session.call(Method::DELETE, &path, &[], None).await)
            }
            (None, None) => Err(IssuerError::Unable),
        })
    }

    fn list(&self) -> Result<Vec<RemoteKey>, IssuerError> {
        self.api.act(async |session| {
            let mut listed = Vec::new();
            for project in self.projects(session).await? {
                let path = |what| ["organization", "projects", project.as_str(), what];
                let accounts = session.all(&path("service_accounts"), PAGE, "after").await?;
                let keys = session.all(&path("api_keys"), PAGE, "after").await?;
                listed.extend(accounts.iter().filter_map(|a| account(&project, a, &keys)));
                listed.extend(keys.iter().filter_map(|key| personal(&project, key)));
            }
            Ok(listed)
        })
    }
}

/// Whether something was deleted. What is not there is deleted.
fn deleted(answer: Result<Value, IssuerError>) -> Result<(), IssuerError> {
    match or_gone(answer)? {
        Some(answer) if answer.get("deleted") != Some(&Value::Bool(true)) => {
            Err(malformed("it does not say that it deleted anything"))
        }
        _ => Ok(()),
    }
}

/// The id of the service account that a key is of.
fn owner(key: &Value) -> Option<String> {
    text(key.get("owner")?.get("service_account")?, "id")
}

/// A service account, with its key if it has one.
fn account(project: &str, account: &Value, keys: &[Value]) -> Option<RemoteKey> {
    let id = text(account, "id")?;
    let key = keys.iter().find(|key| owner(key).as_deref() == Some(id.as_str()));
    Some(RemoteKey {
        remote: OpenAi::remote(project, Some(id), key.and_then(|key| text(key, "id"))),
        name: text(account, "name").unwrap_or_default(),
        active: true,
        hint: key.and_then(|key| text(key, "redacted_value")),
    })
}

/// A key that is of a person.
fn personal(project: &str, key: &Value) -> Option<RemoteKey> {
    if owner(key).is_some() {
        return None;
    }
    Some(RemoteKey {
        remote: OpenAi::remote(project, None, Some(text(key, "id")?)),
        name: text(key, "name").unwrap_or_default(),
        active: true,
        hint: text(key, "redacted_value"),
    })
}
