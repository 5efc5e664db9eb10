//! The exit codes: one documented table for every command.

use std::process::ExitCode;

/// How a command ended, as the calling script sees it.
///
/// The numbers are a contract: scripts and CI branch on them, so a code is never reused for
/// another meaning. Codes that are not listed are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// What was asked for was done, or what was asked about holds.
    Holds,
    /// A bug, or a failure nobody planned for.
    Failure,
    /// The command line is wrong: unknown name, missing argument, empty selection.
    Usage,
    /// What was asked about does not hold: validation, check, smoke, lint.
    DoesNotHold,
    /// Only warnings, and `--fail-on warn` asked for them to count.
    Warnings,
    /// Could not verify or reach what it needs: dependency, locked store, no backend, port taken.
    Unreachable,
    /// Refused: a protected profile without confirmation, or an unsafe request.
    Refused,
    /// Interrupted by the operator.
    Interrupted,
}

/// The documented table: code, name, meaning. `docs/configuration.md` is generated from it.
pub(crate) const TABLE: &[(u8, &str, &str)] = &[
    (0, "holds", "done, or what was asked about holds"),
    (1, "failure", "bug or unexpected failure"),
    (2, "usage", "usage error, unknown name, empty selection"),
    (3, "does-not-hold", "what was asked about does not hold (validation, check, smoke, lint)"),
    (4, "warnings", "only warnings, with `--fail-on warn`"),
    (
        5,
        "unreachable",
        "could not verify or reach what it needs (dependency, locked store, no backend, port taken)",
    ),
    (6, "refused", "refused (protected profile without confirmation, unsafe request)"),
    (130, "interrupted", "interrupted by the operator"),
];

impl ExitStatus {
    /// The number handed to the operating system.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::DoesNotHold => 3,
            Self::Warnings => 4,
            Self::Unreachable => 5,
            Self::Refused => 6,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_enum_agree() {
        let all = [
            ExitStatus::Holds,
            ExitStatus::Failure,
            ExitStatus::Usage,
            ExitStatus::DoesNotHold,
            ExitStatus::Warnings,
            ExitStatus::Unreachable,
            ExitStatus::Refused,
            ExitStatus::Interrupted,
        ];
        let codes: Vec<u8> = all.iter().map(|s| s.code()).collect();
        let table: Vec<u8> = TABLE.iter().map(|row| row.0).collect();
        assert_eq!(codes, table);
    }
}
