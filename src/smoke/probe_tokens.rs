//! Tokens that must be refused. Those that are signed correctly are minted by the server for
//! callers with the scope `check` (`POST /api/admin/check/tokens`); the others are forged here
//! from a valid one.

use super::http::{Call, Client};
use crate::base::Secret;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// The tokens of one run; each ends by itself within a minute.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    /// Valid, of an ordinary user.
    pub(crate) valid: Secret,
    /// Ended in the past.
    pub(crate) expired: Secret,
    /// Begins in the future.
    pub(crate) not_yet_valid: Secret,
    /// For another audience.
    pub(crate) wrong_audience: Secret,
    /// Of another issuer.
    pub(crate) wrong_issuer: Secret,
}

/// Where tokens are minted.
pub(crate) const PATH: &str = "/api/admin/check/tokens";

/// Asks the server for tokens.
///
/// # Errors
/// Why there are none.
pub(crate) async fn mint(client: &Client) -> Result<Tokens, String> {
    let answer = client
        .send(&Call::post(PATH, &json!({})).with_key())
        .await
        .map_err(|why| format!("no probe tokens: {why}"))?;
    if !answer.ok() {
        return Err(format!(
            "no probe tokens: `POST {PATH}` is answered {} (the key needs the scope `check`)",
            answer.summary()
        ));
    }
    let json = answer.json().unwrap_or_default();
    let tokens = json.get("tokens").unwrap_or(&json);
    let token = |name: &str| {
        tokens
            .get(name)
            .and_then(Value::as_str)
            .map(Secret::new)
            .ok_or_else(|| format!("no probe tokens: the answer has no `{name}`"))
    };
    Ok(Tokens {
        valid: token("valid")?,
        expired: token("expired")?,
        not_yet_valid: token("not_yet_valid")?,
        wrong_audience: token("wrong_audience")?,
        wrong_issuer: token("wrong_issuer")?,
    })
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
    claims.as_object_mut()?.insert("role".to_owned(), json!("super_admin"));
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
