//! What a rotation says when it cannot go on, and the commands that can.

use super::journal::Journal;
use super::machine::Rotation;
use crate::report::{Fault, Problem};
use crate::secrets::Document;

impl Rotation<'_> {
    /// Where a rotation stands, and how to go on.
    pub(crate) fn pending(&self, journal: &Journal) -> Fault {
        Fault::refused(
            Problem::error(
                "rotation-pending",
                format!("a rotation of `{}` is under way", self.name),
            )
            .why(format!(
                "version {} is {}{}",
                journal.to,
                journal.step.word(),
                journal.stopped.as_ref().map(|s| format!("; {s}")).unwrap_or_default()
            ))
            .hint(self.ways_on()),
        )
    }

    pub(super) fn ways_on(&self) -> String {
        let rotate = self.command("rotate");
        format!("go on with `{rotate} --resume`, or give up with `{rotate} --abort`")
    }

    pub(super) fn command(&self, verb: &str) -> String {
        format!("ultra keys {verb} {} --profile {}", self.name, self.profile)
    }

    pub(super) fn nothing(&self) -> Fault {
        Fault::usage(
            Problem::error(
                "no-such-entry",
                format!("the vault has no entry `{}`", Document::key(self.profile, self.name)),
            )
            .hint(self.command("set")),
        )
    }

    pub(super) fn same_value(&self, version: u32) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "same-value",
                format!("this is the value of `{}` that is in use", self.name),
            )
            .why(format!("it is version {version}; nothing was changed"))
            .hint("make a new key with the provider and paste that one"),
        ])
    }

    pub(super) fn old_value(&self, version: u32) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "same-value",
                format!("this value of `{}` was in use before", self.name),
            )
            .why(format!("it is version {version}; nothing was changed"))
            .hint(format!("to go back to it: `{}`", self.command("rollback"))),
        ])
    }
}
