//! How old a key may become, judged in one place.

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
