//! The vault's cryptography: the age identity, the sealed payload with its own authentication,
//! and keyed fingerprints.
//!
//! age (<https://age-encryption.org/v1>) keeps a file secret and whole, but anybody who knows the
//! recipient can write one. The payload therefore carries an HMAC-SHA-256 whose key is derived
//! from the identity: only who can open the vault can write one that is accepted.

use crate::base::{Secret, file};
use age::secrecy::ExposeSecret as _;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;
use std::str::FromStr as _;
use zeroize::Zeroizing;

/// The schema of the payload that this program reads and writes.
pub(crate) const SCHEMA: &str = "ultra.vault/1";

/// Why a vault does not open. No variant quotes anything of the content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// It was encrypted for another identity.
    #[error("it was sealed for another identity")]
    OtherIdentity,
    /// The age layer says that bytes were changed or are missing.
    #[error("it is damaged: bytes were changed or are missing")]
    Damaged,
    /// It opens, but whoever wrote it did not have the identity.
    #[error("it was not written by a holder of the identity")]
    Forged,
    /// It was written by another version of the program.
    #[error("its format `{0}` is unknown to this version of ultra")]
    UnknownFormat(String),
    /// It could not be written.
    #[error("it cannot be sealed")]
    Unsealable,
}

/// The key pair that opens the vault: an age X25519 identity.
pub(crate) struct Identity {
    age: age::x25519::Identity,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.recipient())
    }
}

/// The payload as it stands in the age file: the authentication covers the exact bytes of `vault`.
#[derive(Deserialize, Serialize)]
struct Envelope<'a> {
    schema: String,
    mac: String,
    #[serde(borrow)]
    vault: &'a RawValue,
}

#[derive(Deserialize)]
struct AnySchema {
    schema: String,
}

impl Identity {
    /// A new identity from the operating system's randomness.
    pub(crate) fn generate() -> Self {
        Self { age: age::x25519::Identity::generate() }
    }

    /// The identity in a text as age writes it: comment lines, blank lines, and exactly one
    /// `AGE-SECRET-KEY-1…`.
    ///
    /// # Errors
    /// What is wrong with the text; nothing of it is quoted.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or("no identity in it")?;
        if lines.next().is_some() {
            return Err("more than one identity in it");
        }
        let age = age::x25519::Identity::from_str(line)
            .map_err(|_| "no age X25519 identity (`AGE-SECRET-KEY-1…`) in it")?;
        Ok(Self { age })
    }

    /// The identity as one line, for the backend that keeps it.
    pub(crate) fn line(&self) -> Secret {
        Secret::new(self.age.to_string().expose_secret())
    }

    /// The identity as a file that the stock `age` program takes with `-i`.
    pub(crate) fn file(&self) -> Secret {
        Secret::new(format!(
            "# identity of an ultra vault\n# public key: {}\n{}\n",
            self.recipient(),
            self.line().expose()
        ))
    }

    /// The public half, `age1…`.
    pub(crate) fn recipient(&self) -> String {
        self.age.to_public().to_string()
    }

    /// Seals the JSON text of a document into the bytes of a vault.
    pub(crate) fn seal(&self, document: &str) -> Result<Vec<u8>, SealError> {
        let vault: &RawValue = serde_json::from_str(document).map_err(|_| SealError::Unsealable)?;
        let mac = HEXLOWER.encode(&self.mac(vault).finalize().into_bytes());
        // Reserved at once: a growing buffer would leave copies behind.
        let mut payload = Zeroizing::new(Vec::with_capacity(document.len() + 256));
        let envelope = Envelope { schema: SCHEMA.to_owned(), mac, vault };
        serde_json::to_writer(&mut *payload, &envelope).map_err(|_| SealError::Unsealable)?;
        age::encrypt(&self.age.to_public(), &payload).map_err(|_| SealError::Unsealable)
    }

    /// Opens the bytes of a vault: the JSON text of its document.
    pub(crate) fn unseal(&self, sealed: &[u8]) -> Result<Zeroizing<String>, SealError> {
        let payload = age::decrypt(&self.age, sealed).map(Zeroizing::new).map_err(|e| match e {
            age::DecryptError::NoMatchingKeys => SealError::OtherIdentity,
            age::DecryptError::UnknownFormat => SealError::UnknownFormat("age".to_owned()),
            _ => SealError::Damaged,
        })?;
        // The schema comes first: another version may have another envelope.
        let any: AnySchema = serde_json::from_slice(&payload).map_err(|_| SealError::Forged)?;
        if any.schema != SCHEMA {
            return Err(SealError::UnknownFormat(printable(&any.schema)));
        }
        let envelope: Envelope<'_> =
            serde_json::from_slice(&payload).map_err(|_| SealError::Forged)?;
        let mac = HEXLOWER.decode(envelope.mac.as_bytes()).map_err(|_| SealError::Forged)?;
        self.mac(envelope.vault).verify_slice(&mac).map_err(|_| SealError::Forged)?;
        Ok(Zeroizing::new(envelope.vault.get().to_owned()))
    }

    /// HMAC over the document under a key of its own, derived from the identity.
    fn mac(&self, vault: &RawValue) -> Hmac<Sha256> {
        let text = self.age.to_string();
        let mut derive = keyed(text.expose_secret().as_bytes());
        derive.update(b"ultra.vault/1 payload authentication");
        let key = Zeroizing::new(<[u8; 32]>::from(derive.finalize().into_bytes()));
        let mut mac = keyed(&*key);
        mac.update(vault.get().as_bytes());
        mac
    }
}

/// HMAC takes keys of every length (RFC 2104 §2), so the fallible constructor cannot fail.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0_u8; 64]);
    if key.len() > block.len() {
        let digest = Sha256::digest(key);
        block.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    } else {
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    }
    Hmac::new(&(*block).into())
}

/// A foreign text cut down to what may stand in a message.
fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(40).collect()
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// 256 random bits as 64 hexadecimal digits.
pub(crate) fn random_key() -> Secret {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::fill(&mut bytes[..]);
    Secret::new(HEXLOWER.encode(&*bytes))
}

/// The key of the project's fingerprints. It is no secret that opens anything; it keeps short
/// values from being guessed from their fingerprints.
#[derive(Clone, Debug)]
pub(crate) struct FingerprintKey(Secret);

/// The size limit of the key file.
const KEY_LIMIT: u64 = 1024;

impl FingerprintKey {
    /// The key in `path`, or `None` if there is no such file yet.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let Some(bytes) = file::read_bounded(path, KEY_LIMIT)? else { return Ok(None) };
        let text = String::from_utf8(bytes).unwrap_or_default();
        let key = Self::parse(Secret::from_line(text));
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "not 64 hexadecimal digits");
        key.map(Some).ok_or_else(malformed)
    }

    /// The key that is written so: 64 hexadecimal digits.
    pub(crate) fn parse(key: Secret) -> Option<Self> {
        let whole = HEXLOWER.decode(key.expose().as_bytes()).is_ok_and(|bytes| bytes.len() == 32);
        whole.then_some(Self(key))
    }

    /// The key as it is written.
    pub(crate) fn line(&self) -> &Secret {
        &self.0
    }

    /// The key as a file of its own.
    pub(crate) fn file(&self) -> Secret {
        Secret::new(self.0.expose().to_owned() + "\n")
    }

    /// The key in `path`, made if there is none. Of two that make one at once, both get the first.
    pub(crate) fn read_or_make(path: &Path) -> io::Result<Self> {
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        let line = Secret::new(random_key().expose().to_owned() + "\n");
        match file::create_new(path, line.expose().as_bytes(), file::PRIVATE) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
        Self::read(path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Names the key. No value has this fingerprint: none holds a NUL.
    pub(crate) fn id(&self) -> String {
        self.of(&Secret::new("\0ultra: the key of these fingerprints"))
    }

    /// The fingerprint of a value: 16 hexadecimal digits of its HMAC-SHA-256.
    pub(crate) fn of(&self, value: &Secret) -> String {
        let mut mac = keyed(self.0.expose().as_bytes());
        mac.update(value.expose().as_bytes());
        HEXLOWER.encode(&mac.finalize().into_bytes()).chars().take(16).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"a":"canary-5d1e"}"#;

    #[test]
    fn what_is_sealed_opens_with_the_same_identity_only() {
        let identity = Identity::generate();
        let sealed = identity.seal(DOCUMENT).unwrap();
        assert_eq!(*identity.unseal(&sealed).unwrap(), DOCUMENT);
        let other = Identity::generate();
        assert!(matches!(other.unseal(&sealed), Err(SealError::OtherIdentity)));
        let again = Identity::parse(identity.file().expose()).unwrap();
        assert_eq!(*again.unseal(&sealed).unwrap(), DOCUMENT);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let identity = Identity::generate();
        let sealed = identity.seal(DOCUMENT).unwrap();
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1 << (at % 8);
            assert!(identity.unseal(&bent).is_err(), "a flipped bit in byte {at} passed");
            assert!(identity.unseal(&sealed[..at]).is_err(), "a cut at byte {at} passed");
        }
        let mut longer = sealed;
        longer.push(0);
        assert!(identity.unseal(&longer).is_err());
    }

    #[test]
    fn a_vault_of_somebody_who_knows_only_the_recipient_is_refused() {
        let identity = Identity::generate();
        let recipient = age::x25519::Recipient::from_str(&identity.recipient()).unwrap();
        for payload in [
            format!(
                r#"{{"schema":"ultra.vault/1","mac":"{}","vault":{DOCUMENT}}}"#,
                "0".repeat(64)
            ),
            format!(r#"{{"schema":"ultra.vault/1","vault":{DOCUMENT}}}"#),
            DOCUMENT.to_owned(),
        ] {
            let forged = age::encrypt(&recipient, payload.as_bytes()).unwrap();
            assert!(matches!(identity.unseal(&forged), Err(SealError::Forged)), "{payload}");
        }
    }

    #[test]
    fn another_format_is_named() {
        let identity = Identity::generate();
        let payload = br#"{"schema":"ultra.vault/2","cells":[]}"#;
        let newer = age::encrypt(&identity.age.to_public(), payload).unwrap();
        let error = identity.unseal(&newer).unwrap_err();
        assert!(matches!(&error, SealError::UnknownFormat(f) if f == "ultra.vault/2"), "{error}");
    }

    #[test]
    fn identities_are_read_strictly() {
        assert!(Identity::parse("# only a comment\n").is_err());
        let one = Identity::generate();
        let two = format!("{}\n{}\n", one.line().expose(), one.line().expose());
        assert!(Identity::parse(&two).is_err());
        assert!(Identity::parse("canary").unwrap_err().contains("no age"));
    }

    #[test]
    fn the_fingerprint_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fingerprint.key");
        let one = FingerprintKey::read_or_make(&path).unwrap();
        let two = FingerprintKey::read_or_make(&path).unwrap();
        let value = Secret::new("value");
        assert_eq!(one.of(&value), two.of(&value));
        assert_ne!(one.of(&value), one.of(&Secret::new("other")));
        assert_eq!(one.of(&value).len(), 16);
        assert!(!file::others_can_read(&path).unwrap());
    }
}
