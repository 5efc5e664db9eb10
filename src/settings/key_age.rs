//! How old a key may become, judged in one place.

use super::groups::KNOWN_PROVIDERS;
use super::profile::Profile;
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
