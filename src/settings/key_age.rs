//! How old a key may become, judged in one place.

use super::groups::KNOWN_PROVIDERS;
use super::profile::{Policy, Profile};
use super::service_key;
use std::time::Duration;

/// How old the value of a variable may become in a profile; `None` if its policy does not say.
pub(crate) fn limit(profile: &Profile, variable: &str) -> Option<Duration> {
    let ages = &profile.policy.key_max_age;
    let provider = KNOWN_PROVIDERS.iter().any(|known| known.keys().any(|key| key == variable))
        || profile.providers.values().any(|p| p.keys.iter().any(|key| key == variable));
    match variable {
        "ULTRA_JWT_KEY" => Some(ages.jwt),
        "ULTRA_ENCRYPTION_KEY" => Some(ages.encryption),
        _ => provider.then_some(ages.provider),
    }
}

/// How old service keys may become in a profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceKeyAge {
    greatest: Duration,
    /// Whether that holds for the keys that developers' servers keep, too.
    of_kept: bool,
}

impl ServiceKeyAge {
    /// What the policy of the profile says. A key that a developer's server keeps for itself never
    /// leaves its machine, so nobody minds its age; protected profiles have none.
    pub(crate) fn of(profile: &Profile) -> Self {
        Self::of_policy(&profile.policy, profile.protected)
    }

    /// What the policy of a profile says that is protected or not.
    pub(crate) fn of_policy(policy: &Policy, protected: bool) -> Self {
        Self { greatest: policy.key_max_age.service, of_kept: protected }
    }

    /// How old the service key of this name may become.
    pub(crate) fn limit(self, name: &str) -> Option<Duration> {
        (self.of_kept || !service_key::is_kept(name)).then_some(self.greatest)
    }
}

/// How the age of a key stands to the greatest one that the policy allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAge {
    /// Below 80 % of it.
    Fine,
    /// From 80 % of it on: soon to be replaced.
    Due,
    /// Older than it.
    Over,
}

impl KeyAge {
    /// Judges an age; both in seconds. An age below zero is that of a clock that was set back.
    pub(crate) fn of(age: i64, greatest: u64) -> Self {
        let greatest = i64::try_from(greatest).unwrap_or(i64::MAX);
        if age > greatest {
            Self::Over
        } else if age.saturating_mul(5) >= greatest.saturating_mul(4) {
            Self::Due
        } else {
            Self::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_minds_the_age_of_a_key_that_never_leaves_its_machine() {
        let greatest = Duration::from_secs(60);
        let limit = |of_kept, name| ServiceKeyAge { greatest, of_kept }.limit(name);
        for name in ["dev-key", "dev-key-0123456789ab"] {
            assert_eq!((limit(false, name), limit(true, name)), (None, Some(greatest)), "{name}");
        }
        assert_eq!(limit(false, "dev-key-of-mia"), Some(greatest));
    }

    #[test]
    fn a_key_is_due_at_four_fifths_and_over_after_the_whole() {
        for (age, expected) in [
            (-5, KeyAge::Fine),
            (79, KeyAge::Fine),
            (80, KeyAge::Due),
            (100, KeyAge::Due),
            (101, KeyAge::Over),
        ] {
            assert_eq!(KeyAge::of(age, 100), expected, "{age}");
        }
    }
}
