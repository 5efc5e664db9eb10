//! What differs between two profiles, without showing a secret.

use crate::base::{Secret, redact};
use crate::settings::catalogue;
use crate::settings::origin::Layer;
use crate::settings::resolution::Resolution;
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::shown::{hidden, unvouched};
use serde::Serialize;
use std::collections::BTreeSet;

/// A variable that has another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The variable.
    pub(crate) name: String,
    /// The value before: a text, or the fingerprint of a secret; `None` if unset.
    pub(crate) before: Option<String>,
    /// The value after.
    pub(crate) after: Option<String>,
    /// Whether these are fingerprints.
    pub(crate) secret: bool,
}

/// Whether fingerprints of values that are not in the vault may be made. The first one makes the
/// key of the fingerprints, which is a file in the state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prints {
    /// They may.
    Make,
    /// Nothing is written: such values are compared and said to be set.
    WriteNothing,
}

/// All variables whose values differ, by name. Names that only the process environment knows
/// are the same on both sides by nature and left out.
pub(crate) fn changes(
    before: &Resolution,
    after: &Resolution,
    secrets: &dyn SecretSource,
    prints: Prints,
) -> Vec<Change> {
    let names: BTreeSet<&str> = before.names().chain(after.names()).collect();
    let mut changes = Vec::new();
    for name in names {
        if catalogue::find(name).is_some_and(|spec| spec.bootstrap) {
            continue;
        }
        let secret = [before, after].into_iter().any(|resolution| {
            let candidates = resolution.candidates(name);
            hidden(name, candidates) || candidates.iter().any(|said| unvouched(name, said))
        });
        let see = |resolution| see(name, resolution, secret, secrets, prints);
        let (a, b) = (see(before), see(after));
        let same = match (&a, &b) {
            (Some(a), Some(b)) => a.same_as(b),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let (before, after) = (a.map(Seen::shown), b.map(Seen::shown));
            changes.push(Change { name: name.to_owned(), before, after, secret });
        }
    }
    changes
}

/// A value as it is compared.
enum Seen {
    /// What may be shown: a text, a fingerprint, or why there is none.
    Text(String),
    /// A secret whose fingerprint must not be made.
    Open(Secret),
}

impl Seen {
    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Open(a), Self::Open(b)) => a.same_as(b),
            _ => false,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Open(_) => "set".to_owned(),
        }
    }
}

fn see(
    name: &str,
    resolution: &Resolution,
    hidden: bool,
    secrets: &dyn SecretSource,
    prints: Prints,
) -> Option<Seen> {
    let winner = resolution.winner(name)?;
    if winner.origin.layer == Layer::Process && catalogue::find(name).is_none() {
        return None;
    }
    match &winner.value {
        ValueRef::Text(text) if !hidden => Some(Seen::Text(match url::Url::parse(text) {
            Ok(url) if url.has_host() => redact::url(text),
            _ => text.clone(),
        })),
        _ => resolution.secret(name).map(|secret| see_secret(&secret, secrets, prints)),
    }
}

/// The keyed fingerprint of a secret, from the vault's index where it lives there. One that cannot
/// be had is said to be so.
fn see_secret(secret: &SecretRef, secrets: &dyn SecretSource, prints: Prints) -> Seen {
    if let ValueRef::Vault { profile, name } = &secret.value {
        return Seen::Text(match secrets.facts(profile, name) {
            Ok(Some(facts)) => facts.fingerprint,
            Ok(None) => "missing".to_owned(),
            Err(_) => "not readable".to_owned(),
        });
    }
    match secret.reveal(secrets) {
        // With a key that is there a fingerprint writes nothing.
        Ok(value)
            if prints == Prints::WriteNothing
                && secrets.fingerprint_key_id().ok().flatten().is_none() =>
        {
            Seen::Open(value)
        }
        Ok(value) => {
            Seen::Text(secrets.fingerprint(&value).unwrap_or_else(|_| "not readable".to_owned()))
        }
        Err(_) => Seen::Text("not readable".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Problem;
    use crate::settings::origin::Origin;
    use crate::settings::profile::{Policy, Profile};
    use crate::settings::resolution::Candidate;
    use crate::settings::secret::SecretFacts;

    /// An empty vault whose fingerprints are lengths.
    #[derive(Debug)]
    struct Lengths;

    impl SecretSource for Lengths {
        fn facts(&self, _: &str, _: &str) -> Result<Option<SecretFacts>, Problem> {
            Ok(None)
        }
        fn open(&self, _: &str, _: &str) -> Result<Option<Secret>, Problem> {
            Ok(None)
        }
        fn fingerprint(&self, value: &Secret) -> Result<String, Problem> {
            Ok(format!("length {}", value.expose().len()))
        }
    }

    fn resolution(said: &[(&str, &str)]) -> Resolution {
        let mut resolution = Resolution::defaults(Profile {
            name: "p".to_owned(),
            extends: Vec::new(),
            protected: false,
            place: None,
            secrets: Default::default(),
            providers: Default::default(),
            routes: Default::default(),
            policy: Policy::default(),
        });
        for (name, text) in said {
            let value = match catalogue::find(name) {
                Some(spec) if spec.secret => ValueRef::Literal(Secret::new(*text)),
                _ => ValueRef::Text((*text).to_owned()),
            };
            let origin = Origin::of(Layer::DotenvLocal);
            resolution.add(name, Candidate { origin, value });
        }
        resolution
    }

    #[test]
    fn secrets_are_compared_and_never_shown() {
        let before = resolution(&[
            ("OPENAI_API_KEY", "canary-one"),
            ("GROQ_API_KEY", "canary-same"),
            ("STRIPE_API_KEY", "canary-a"),
            ("ULTRA_PORT", "1"),
        ]);
        let after = resolution(&[
            ("OPENAI_API_KEY", "canary-three"),
            ("GROQ_API_KEY", "canary-same"),
            ("STRIPE_API_KEY", "canary-bb"),
            ("ULTRA_PORT", "2"),
            ("CALLBACK", "https://user:canary@h/x"),
        ]);
        for (prints, shown) in [(Prints::Make, "length 12"), (Prints::WriteNothing, "set")] {
            let changes = changes(&before, &after, &Lengths, prints);
            let names: Vec<&str> = changes.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(names, ["CALLBACK", "OPENAI_API_KEY", "STRIPE_API_KEY", "ULTRA_PORT"]);
            assert_eq!(changes[1].after.as_deref(), Some(shown));
            assert!(changes[1].secret && changes[2].secret && !changes[3].secret);
            assert!(!format!("{changes:?}").contains("canary"), "{changes:?}");
        }
    }
}
