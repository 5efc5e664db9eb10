//! What is wrong with a file, as much of it as anybody reads.

use crate::report::{Place, Problem};
use std::path::Path;

/// More errors than this of one file are counted, not shown, and so are more warnings.
pub(super) const MOST: usize = 100;

/// Problems in the order of the file, errors and warnings apart: a warning never takes the place
/// of an error, and what is too many is only counted.
#[derive(Default)]
pub(super) struct Found {
    errors: Kept,
    warnings: Kept,
}

#[derive(Default)]
struct Kept {
    problems: Vec<Problem>,
    more: usize,
}

/// How much had been found at some point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([(usize, usize); 2]);

impl Found {
    /// Adds a problem.
    pub(super) fn push(&mut self, problem: Problem) {
        let kept = if problem.is_error() { &mut self.errors } else { &mut self.warnings };
        kept.push(|| problem);
    }

    /// Adds an error; it is not put into words if there are too many.
    pub(super) fn error(&mut self, problem: impl FnOnce() -> Problem) {
        self.errors.push(problem);
    }

    /// Adds a warning; it is not put into words if there are too many.
    pub(super) fn warning(&mut self, problem: impl FnOnce() -> Problem) {
        self.warnings.push(problem);
    }

    /// How much there is now.
    pub(super) fn mark(&self) -> Mark {
        Mark([&self.errors, &self.warnings].map(|kept| (kept.problems.len(), kept.more)))
    }

    /// Forgets what was found since.
    pub(super) fn reset(&mut self, Mark(marks): Mark) {
        for (kept, (len, more)) in [&mut self.errors, &mut self.warnings].into_iter().zip(marks) {
            kept.problems.truncate(len);
            kept.more = more;
        }
    }

    /// Whether an error was found since.
    pub(super) fn errors_since(&self, Mark([before, _]): Mark) -> bool {
        (self.errors.problems.len(), self.errors.more) != before
    }

    /// Hands over everything in the order of places, and how many more there are of `file`.
    pub(super) fn finish(self, file: &Path, problems: &mut Vec<Problem>) {
        let Self { errors, warnings } = self;
        let mut all: Vec<Problem> = errors.problems.into_iter().chain(warnings.problems).collect();
        all.sort_by(|a, b| a.place.cmp(&b.place));
        let many = |more: usize, what: &str| format!("{more} more {what}");
        if errors.more > 0 {
            all.push(
                Problem::error("more-problems", many(errors.more, "errors")).at(Place::file(file)),
            );
        }
        if warnings.more > 0 {
            all.push(
                Problem::warning("more-problems", many(warnings.more, "warnings"))
                    .at(Place::file(file)),
            );
        }
        problems.append(&mut all);
    }
}

impl Kept {
    fn push(&mut self, problem: impl FnOnce() -> Problem) {
        if self.problems.len() < MOST {
            self.problems.push(problem());
        } else {
            self.more += 1;
        }
    }
}
