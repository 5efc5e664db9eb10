//! How a command talks to people while it runs, without knowing the terminal.

use super::{Fault, Problem, Report};
use crate::base::Secret;

/// Why there is no answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// There is nobody to ask: no terminal, or `--no-input`.
    NobodyThere,
    /// The operator stopped the command.
    Interrupted,
    /// What came on stdin is not UTF-8.
    NotText,
    /// What came on stdin is more than one line.
    ManyLines,
    /// Nothing came on stdin.
    Nothing,
    /// What came on stdin is longer than what is taken, or than a terminal hands over.
    TooLong,
}

impl Unanswered {
    /// The fault for a question that only a person at a terminal answers: `otherwise`, unless the
    /// operator stopped the command.
    pub(crate) fn unless_interrupted(self, otherwise: impl FnOnce() -> Fault) -> Fault {
        match self {
            Self::Interrupted => Fault::interrupted(),
            Self::NobodyThere | Self::NotText | Self::ManyLines | Self::Nothing | Self::TooLong => {
                otherwise()
            }
        }
    }

    /// The fault for a question that `instead` (a flag or stdin) could have answered.
    pub(crate) fn fault(self, question: &str, instead: &str) -> Fault {
        match self {
            Self::Interrupted => Fault::interrupted(),
            Self::NotText => Fault::usage(
                Problem::error("not-utf8", format!("{question} is not UTF-8"))
                    .why("bytes that are no text came on stdin")
                    .hint("write it as one line of UTF-8 text, such as base64"),
            ),
            Self::ManyLines => Fault::does_not_hold(vec![
                Problem::error("many-lines", format!("{question} is more than one line"))
                    .why("nothing is kept of it: the rest would be lost")
                    .hint("pipe the value alone, as one line; one newline at its end is taken off"),
            ]),
            Self::Nothing => Fault::does_not_hold(vec![
                Problem::error("empty-value", format!("{question} is empty"))
                    .why("nothing came on stdin")
                    .hint(instead),
            ]),
            Self::TooLong => Fault::does_not_hold(vec![
                Problem::error("too-long", format!("{question} is too long"))
                    .why("a terminal cuts lines of more than 4 KiB; of a pipe, 1 MiB is taken")
                    .hint("pipe a value that is too long for a terminal"),
            ]),
            Self::NobodyThere => Fault::refused(
                Problem::error(
                    "nobody-to-ask",
                    format!("{question} needs an answer, and there is no terminal to ask on"),
                )
                .hint(instead),
            ),
        }
    }
}

/// The people in front of the command. Questions and messages go to the terminal and stderr;
/// only [`Console::event`] and the final report reach stdout.
pub(crate) trait Console: Send + Sync {
    /// Asks for a yes. `--yes` answers it.
    fn confirm(&self, question: &str) -> Result<bool, Unanswered>;

    /// Asks to type `word`, for acts that deserve a second look. `--yes` answers it.
    fn confirm_by_typing(&self, question: &str, word: &str) -> Result<bool, Unanswered>;

    /// Asks for one of `options`; the answer is its index.
    fn choose(&self, question: &str, options: &[String]) -> Result<usize, Unanswered>;

    /// A secret: by hidden prompt on a terminal, else the one line that is all of stdin.
    fn secret(&self, question: &str) -> Result<Secret, Unanswered>;

    /// A line about what is going on; silent under `--quiet`.
    fn note(&self, text: &str);

    /// A warning; shown even under `--quiet`.
    fn warn(&self, problem: &Problem);

    /// Long work has begun: shown on a terminal, nothing elsewhere.
    fn progress(&self, text: &str) -> Box<dyn Progress>;

    /// One line of an answer that comes bit by bit, such as the `ultra.serve/1` line: compact
    /// JSON under `-o json`, else the first text of its view.
    fn event(&self, report: &Report);

    /// Whether a person sits at a terminal and may be asked.
    fn interactive(&self) -> bool;
}

/// Work under way; dropped, its line goes away.
pub(crate) trait Progress: Send + Sync {
    /// Says what is being done now.
    fn say(&self, text: &str);
}
