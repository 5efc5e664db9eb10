//! Outcomes: what came of a check or of a smoke step.

use super::Tone;
use serde::Serialize;

/// What came of something that was judged. What could not be judged is [`Outcome::Unknown`] and
/// never looks like a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// It does not hold.
    Fail,
    /// It could not be judged.
    Unknown,
    /// It holds, with something worth knowing.
    Warn,
    /// It does not hold, and somebody answers for that until a date.
    Waived,
    /// It does not apply here.
    Skip,
    /// It holds.
    Pass,
}

impl Outcome {
    /// Every outcome, the worst first: the order in which people read them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Fail, Self::Unknown, Self::Warn, Self::Waived, Self::Skip, Self::Pass];

    /// The word in JSON and on the screen.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Waived => "waived",
            Self::Skip => "skip",
            Self::Pass => "pass",
        }
    }

    /// How it is shown.
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Fail => Tone::Bad,
            Self::Unknown | Self::Warn | Self::Waived => Tone::Warn,
            Self::Skip => Tone::Faint,
            Self::Pass => Tone::Good,
        }
    }
}
