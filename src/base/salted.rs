//! A value that whoever has it can recognise, and that nobody can read.

use super::Secret;
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// The shortest value that is told so: shorter ones may have been made up by a person, and whoever
/// reads this can try guesses.
const SHORTEST: usize = 32;

/// HMAC-SHA-256 over a value under a random salt, which stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Salted {
    salt: String,
    tag: String,
}

impl Salted {
    /// That of a value, another one each time; `None` for one that might be guessed.
    pub(crate) fn of(value: &Secret) -> Option<Self> {
        use rand::Rng as _;
        if value.expose().len() < SHORTEST {
            return None;
        }
        let mut salt = [0; 32];
        rand::rng().fill_bytes(&mut salt);
        let tag = hmac::sign(&key(&salt), value.expose().as_bytes());
        Some(Self { salt: HEXLOWER.encode(&salt), tag: HEXLOWER.encode(tag.as_ref()) })
    }

    /// Whether it is that of this value.
    pub(crate) fn is_of(&self, value: &Secret) -> bool {
        let decoded = |text: &str| HEXLOWER.decode(text.as_bytes());
        let (Ok(salt), Ok(tag)) = (decoded(&self.salt), decoded(&self.tag)) else { return false };
        hmac::verify(&key(&salt), value.expose().as_bytes(), &tag).is_ok()
    }
}

fn key(salt: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_value_is_recognised_and_short_ones_are_not_told() {
        let value = Secret::new("canary-".repeat(6));
        let told = Salted::of(&value).unwrap();
        assert!(told.is_of(&value) && !told.is_of(&Secret::new("x".repeat(42))));
        assert_ne!(Salted::of(&value).unwrap(), told, "nothing to look up in a list");
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains("canary"));
        assert!(serde_json::from_str::<Salted>(&text).unwrap().is_of(&value));
        let damaged = Salted { salt: "no".into(), ..told };
        assert!(!damaged.is_of(&value));
        assert_eq!(Salted::of(&Secret::new("x".repeat(31))), None);
    }
}
