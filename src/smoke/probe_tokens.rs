//! Tokens that must be refused. Those that are signed correctly are minted by the server for
//! callers with the scope `check` (`POST /api/admin/check/tokens`); the others are forged here
//! from a valid one.

use super::http::{Call, Client};
use crate::base::Secret;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The tokens of one run, by what is special about each; all end by themselves within minutes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens(BTreeMap<String, Secret>);

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoTokens {
    /// The server signs and accepts none.
    Unsigned,
    /// Something else; in words.
    Because(String),
}

impl std::fmt::Display for NoTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsigned => f.write_str("the server has no signing key and accepts no tokens"),
            Self::Because(why) => write!(f, "no probe tokens: {why}"),
        }
    }
}

impl Tokens {
    /// The token of that case.
    ///
    /// # Errors
    /// The server did not mint it.
    pub(crate) fn get(&self, case: &str) -> Result<&Secret, NoTokens> {
        self.0
            .get(case)
            .ok_or_else(|| NoTokens::Because(format!("the server minted none for `{case}`")))
    }
}

/// Where tokens are minted.
pub(crate) const PATH: &str = "/api/admin/check/tokens";

/// Asks the server for tokens.
///
/// # Errors
/// Why there are none.
pub(crate) async fn mint(client: &Client) -> Result<Tokens, NoTokens> {
    let answer = client
        .send(&Call::post(PATH, &json!({})).with_key())
        .await
        .map_err(|why| NoTokens::Because(why.to_string()))?;
    if !answer.ok() {
        if answer.status == 409 && answer.body.contains("no_signing_key") {
            return Err(NoTokens::Unsigned);
        }
        let seen = answer.summary();
        let why = format!("`POST {PATH}` is answered {seen} (the key needs the scope `check`)");
        return Err(NoTokens::Because(why));
    }
    let json = answer.json().unwrap_or_default();
    let minted = json.get("tokens").and_then(Value::as_array).cloned().unwrap_or_default();
    let tokens = minted
        .iter()
        .filter_map(|entry| {
            let case = entry.get("case")?.as_str()?;
            Some((case.to_owned(), Secret::new(entry.get("token")?.as_str()?)))
        })
        .collect();
    Ok(Tokens(tokens))
}

/// The token without its signature and with `alg` `none`, in the spellings that careless
/// libraries let pass (RFC 8725 §2.1, §3.1).
pub(crate) fn without_algorithm(valid: &Secret) -> Vec<Secret> {
    let Some(payload) = valid.expose().split('.').nth(1) else { return Vec::new() };
    ["none", "None", "nOnE"]
        .iter()
        .map(|alg| {
            let header = json!({"alg": alg, "typ": "JWT"}).to_string();
            let header = BASE64URL_NOPAD.encode(header.as_bytes());
            Secret::new(format!("{header}.{payload}."))
        })
        .collect()
}

/// The token with a changed payload and the old signature.
pub(crate) fn tampered(valid: &Secret) -> Option<Secret> {
    let mut parts = valid.expose().split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    let mut claims: Value = serde_json::from_slice(&payload).ok()?;
    // More rights than before: what somebody would change.
    let more = json!("admin check metrics read write");
    claims.as_object_mut()?.insert("scope".to_owned(), more);
    let payload = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    Some(Secret::new(format!("{header}.{payload}.{signature}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_tokens_differ_from_the_valid_one_in_one_thing() {
        let payload = BASE64URL_NOPAD.encode(br#"{"sub":"u","role":"user"}"#);
        let valid = Secret::new(format!("head.{payload}.sign"));
        let forged = without_algorithm(&valid);
        assert_eq!(forged.len(), 3);
        assert!(forged[0].expose().ends_with(&format!(".{payload}.")));
        let changed = tampered(&valid).unwrap();
        assert!(changed.expose().starts_with("head.") && changed.expose().ends_with(".sign"));
        assert_ne!(changed.expose(), valid.expose());
        assert!(tampered(&Secret::new("no token")).is_none());
    }
}
