//! What a rotation says when it cannot go on, and the commands that can.

use super::fleet::Acknowledgement;
use super::journal::{Journal, Kind, Order};
use super::machine::Rotation;
use crate::base::words;
use crate::exit::ExitStatus;
use crate::provider::admin::IssuerError;
use crate::report::{Fault, Problem};
use crate::secrets::Document;

impl Rotation<'_> {
    /// Where a rotation stands, and how to go on.
    pub(crate) fn pending(&self, journal: &Journal) -> Fault {
        Fault::refused(
            Problem::error(
                "rotation-pending",
                format!("a {} of `{}` is under way", journal.kind.noun(), self.name),
            )
            .why(journal.standing())
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

    pub(super) fn no_version(&self, number: u32) -> Fault {
        Fault::usage(
            Problem::error("no-such-version", format!("`{}` has no version {number}", self.name))
                .hint(self.command("show")),
        )
    }

    pub(super) fn in_use(&self, number: u32) -> Fault {
        Fault::refused(
            Problem::error(
                "version-in-use",
                format!("version {number} of `{}` is the one in use", self.name),
            )
            .why("without it nothing that needs the key works")
            .hint(self.command("rotate")),
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

    pub(super) fn old_value(&self, version: u32, compromised: bool) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "same-value",
                format!("this value of `{}` was in use before", self.name),
            )
            .why(format!("it is version {version}; nothing was changed"))
            .hint(if compromised {
                "it is compromised: make a new key with the provider and paste that one".to_owned()
            } else {
                format!("to go back to it: `{} --version {version}`", self.command("rollback"))
            }),
        ])
    }

    pub(super) fn refused(&self, journal: &Journal, destination: &str, status: u16) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "key-refused",
                format!("the provider refuses the new value of `{}`", self.name),
            )
            .why(format!("{destination} answers {status}; version {} stays in use", journal.from))
            .hint(format!(
                "{} with a value that the provider accepts",
                self.command(journal.kind.word())
            )),
        ])
    }

    /// The rotation stands still before the new value is used.
    pub(super) fn stopped_at(&self, journal: &Journal, what: &str, why: &str) -> Fault {
        Fault::unreachable(
            Problem::error("key-unverified", format!("the new value of `{}` {what}", self.name))
                .why(format!(
                    "{why}; version {} is kept pending, version {} stays in use",
                    journal.to, journal.from
                ))
                .hint(self.ways_on()),
        )
    }

    /// Keeps on record why it stands still, so that `status` can say so.
    pub(super) fn held_up(&self, journal: &mut Journal, fault: Fault) -> Fault {
        let why = fault.problems.first().map(|p| match &p.why {
            Some(why) => format!("{}: {why}", p.what),
            None => p.what.clone(),
        });
        let step = journal.step;
        match self.advance(journal, step, why) {
            Ok(()) => Fault {
                problems: fault
                    .problems
                    .into_iter()
                    // Going on or giving up ends in the same refusal: its own remedy comes first.
                    .map(|problem| match fault.status == ExitStatus::Refused {
                        true if problem.hint.is_some() => problem,
                        _ => problem.hint(self.ways_on()),
                    })
                    .collect(),
                ..fault
            },
            Err(unwritten) => Fault {
                problems: fault.problems.into_iter().chain(unwritten.problems).collect(),
                ..fault
            },
        }
    }

    pub(super) fn waiting(&self, told: &Acknowledgement) -> Fault {
        Fault::unreachable(
            Problem::error(
                "servers-lag",
                format!(
                    "the value of `{}` that is to be used is on {}",
                    self.name,
                    told.in_words("server")
                ),
            )
            .why(format!("not seen on {}", told.waiting.join(", ")))
            .hint(format!("ultra keys status --profile {}", self.profile)),
        )
    }

    /// Servers that have not followed a cut-over that did not wait for them.
    pub(super) fn lag(&self, told: &Acknowledgement, journal: &Journal) -> Fault {
        let without: Vec<&str> =
            told.waiting.iter().chain(&told.rejected).map(String::as_str).collect();
        let what = match journal.order {
            Order::Ahead => format!(
                "version {} of `{}` may still be accepted on {} of {}",
                journal.from,
                self.name,
                without.len(),
                words::count(told.of, "server")
            ),
            Order::AtOnce => format!(
                "{} of {} servers do not work with version {} of `{}`",
                without.len(),
                told.of,
                journal.to,
                self.name
            ),
        };
        Fault::unreachable(
            Problem::error("servers-lag", what)
                .why(format!("not seen on {}", without.join(", ")))
                .hint(format!(
                    "stop them, or have them read the vault; then `ultra keys status --profile {}`",
                    self.profile
                )),
        )
    }

    pub(super) fn rejected(&self, told: &Acknowledgement) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "key-rejected",
                format!("the provider rejects the new value of `{}` on a server", self.name),
            )
            .why(format!("rejected on {}; the old one is not disabled", told.rejected.join(", ")))
            .hint(self.command("rollback")),
        ])
    }

    pub(super) fn no_issuer(&self, journal: &Journal, issuer: &str) -> Fault {
        let version = if journal.kind == Kind::Retire { journal.from } else { journal.to };
        Fault::unreachable(
            Problem::error(
                "no-admin-key",
                format!("`{issuer}` cannot be told about `{}`", self.name),
            )
            .why(format!("version {version} was issued with an admin key that is gone"))
            .hint(format!("ultra keys set {issuer}-admin --profile {}", self.profile)),
        )
    }

    pub(super) fn not_issued(&self, issuer: &str, error: &IssuerError) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "key-not-issued",
                format!("no new value for `{}` was issued", self.name),
            )
            .why(format!("{issuer}: {error}; nothing was changed"))
            .hint(format!("ultra keys verify {issuer}-admin --profile {}", self.profile)),
        ])
    }

    pub(super) fn not_ended(
        &self,
        journal: &Journal,
        version: u32,
        issuer: &str,
        error: &IssuerError,
    ) -> Fault {
        let problem = Problem::error(
            "key-not-ended",
            format!("version {version} of `{}` could not be ended", self.name),
        )
        .why(format!("{issuer}: {error}"))
        .hint(match journal.kind {
            Kind::Retire => self.ways_on(),
            _ => format!("{} --abort", self.command("rotate")),
        });
        match error {
            IssuerError::Refused { .. } | IssuerError::Unable => {
                Fault::does_not_hold(vec![problem])
            }
            _ => Fault::unreachable(problem),
        }
    }

    pub(super) fn only_delete(&self, version: u32) -> Fault {
        Fault::refused(
            Problem::error(
                "cannot-disable",
                format!("version {version} of `{}` cannot be disabled, only deleted", self.name),
            )
            .why("its issuer knows no way to take that back")
            .hint(format!("{} --version {version}", self.command("remove"))),
        )
    }

    pub(super) fn still_valid(&self, version: u32, destination: &str) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "still-valid",
                format!("version {version} of `{}` is still valid at the provider", self.name),
            )
            .why(format!("{destination} accepts it, and it cannot be disabled from here"))
            .hint(format!(
                "disable it in the provider's console, then `{} --version {version}`",
                self.command("disable")
            )),
        ])
    }

    pub(super) fn not_seen(&self, version: u32, why: &str) -> Fault {
        Fault::unreachable(
            Problem::error(
                "key-unverified",
                format!("nobody knows whether version {version} of `{}` is valid", self.name),
            )
            .why(why)
            .hint(format!(
                "`{} --version {version}` once it can be asked; if it is disabled there for \
                 certain: `{} --version {version}`",
                self.command("disable"),
                self.command("remove")
            )),
        )
    }

    pub(super) fn no_way_back(&self, journal: &Journal) -> Fault {
        let why = if journal.compromised {
            format!("version {} is compromised", journal.from)
        } else {
            format!("version {} is out of use", journal.from)
        };
        Fault::refused(
            Problem::error(
                "already-current",
                format!("version {} of `{}` is already in use", journal.to, self.name),
            )
            .why(why)
            .hint(format!("finish with `{} --resume`", self.command("rotate"))),
        )
    }

    pub(super) fn given_up(&self, journal: &Journal) -> Fault {
        Fault::does_not_hold(vec![
            Problem::error(
                "rotation-aborted",
                format!(
                    "the {} of `{}` was being given up, and is",
                    journal.kind.noun(),
                    self.name
                ),
            )
            .why(format!("version {} stays in use", journal.from))
            .hint(self.command("rotate")),
        ])
    }
}

impl Journal {
    /// How far it is, in words.
    pub(crate) fn standing(&self) -> String {
        let stopped = self.stopped.as_ref().map(|s| format!("; {s}")).unwrap_or_default();
        let aborting = if self.aborting { ", being given up" } else { "" };
        match self.kind {
            Kind::Retire => format!("version {} is being ended{aborting}{stopped}", self.from),
            _ => format!("version {} is {}{aborting}{stopped}", self.to, self.step.word()),
        }
    }
}
