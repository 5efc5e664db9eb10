//! Service keys: `uk_<id>.<secret>`. The id is public; of the secret only a hash is kept.

use crate::base::{Secret, Timestamp};
use crate::store::{Scopes, ServiceKey};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use sha2::{Digest as _, Sha256};

/// What every service key begins with.
pub(crate) const PREFIX: &str = "uk_";

/// Of the random part of an id: 80 bits, so that ids of replicas do not meet.
const ID_BYTES: usize = 10;
/// Of the secret: 256 bits.
const SECRET_BYTES: usize = 32;
/// No key we have ever made is longer.
const LONGEST: usize = 256;

/// A key as it has just been made: the only time that its text is known.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    /// The whole key, to be shown once.
    pub(crate) text: Secret,
    /// What is stored of it.
    pub(crate) key: ServiceKey,
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub(crate) struct KeyRequest {
    /// What people call it.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// When it ends by itself.
    pub(crate) expires_at: Option<Timestamp>,
    /// Requests per minute, if it has a limit of its own.
    pub(crate) rate: Option<u32>,
}

/// Makes a key.
pub(crate) fn generate(request: KeyRequest, now: Timestamp) -> NewKey {
    let id = BASE32_NOPAD.encode(&random::<ID_BYTES>()).to_ascii_lowercase();
    let secret = BASE64URL_NOPAD.encode(&random::<SECRET_BYTES>());
    let key = ServiceKey {
        hash: hash(&secret),
        name: request.name,
        scopes: request.scopes,
        // As precise as the stores are.
        created_at: Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now),
        expires_at: request.expires_at,
        rate: request.rate,
        revoked_at: None,
        replaced_by: None,
        id,
    };
    NewKey { text: Secret::new(format!("{PREFIX}{}.{secret}", key.id)), key }
}

/// What is stored of a key that somebody else has made; `None` if the text is no service key.
pub(crate) fn stored(text: &Secret, request: KeyRequest, now: Timestamp) -> Option<ServiceKey> {
    let (id, secret) = parse(text.expose())?;
    Some(ServiceKey {
        id: id.to_owned(),
        hash: hash(secret),
        name: request.name,
        scopes: request.scopes,
        created_at: now,
        expires_at: request.expires_at,
        rate: request.rate,
        revoked_at: None,
        replaced_by: None,
    })
}

/// The hash of a secret part.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Id and secret of a text that has the form of a service key.
pub(super) fn parse(text: &str) -> Option<(&str, &str)> {
    if text.len() > LONGEST {
        return None;
    }
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('.')?;
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    (plain(id) && plain(secret)).then_some((id, secret))
}

/// The id of a text that has the form of a service key: the part that may be shown.
pub(crate) fn id_of(text: &Secret) -> Option<&str> {
    parse(text.expose()).map(|(id, _)| id)
}

pub(super) fn random<const N: usize>() -> [u8; N] {
    use rand::Rng as _;
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_parsed_again_and_only_its_hash_is_kept() {
        let request = KeyRequest {
            name: "ci".into(),
            scopes: Scopes::parse("read"),
            expires_at: None,
            rate: None,
        };
        let new = generate(request.clone(), Timestamp::UNIX_EPOCH);
        let (id, secret) = parse(new.text.expose()).unwrap();
        assert_eq!(id, new.key.id);
        assert_eq!(secret.len(), 43);
        assert_eq!(hash(secret), new.key.hash);
        assert!(!format!("{new:?}").contains(secret));
        assert_ne!(generate(request, Timestamp::UNIX_EPOCH).key.id, new.key.id);
    }

    #[test]
    fn what_is_no_key_is_not_parsed() {
        for text in
            ["", "uk_", "uk_a", "uk_a.", "uk_.b", "sk_a.b", "uk_a.b c", "uk_a.b.c", "uk_ä.b"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("uk_a.{}", "b".repeat(300))), None);
    }
}
