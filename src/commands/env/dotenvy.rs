//! The child process that asks the crate `dotenvy` what it reads, for `ultra env lint --compat`.

use crate::report::{Fault, Problem, Report};
use crate::settings::dotenv::{self, compat};
use crate::settings::environment::Environment;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::Read as _;

/// How much memory the crate gets: values of 64 MiB, held and told several times over.
const MEMORY: u64 = 2 << 30;

/// Reads a dotenv file from standard input with the crate, and answers with what it set.
///
/// # Errors
/// The environment is not empty (2), so that the answer would not be about the file alone; or
/// standard input cannot be read (1).
pub(crate) fn run() -> Result<Report, Fault> {
    if Environment::of_process().iter().next().is_some() {
        return Err(Fault::usage(
            Problem::error("internal-command", "`ultra` runs this for itself")
                .hint("ultra env lint FILE --compat dotenvy"),
        ));
    }
    // A single line can refer to more than memory holds, and no dump may hold what the file does.
    for (resource, limit) in [(Resource::As, MEMORY), (Resource::Core, 0)] {
        let limits = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(resource, limits).map_err(|e| {
            Fault::failure(Problem::error("limits", "cannot limit the memory").why(e))
        })?;
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(dotenv::LIMIT).read_to_end(&mut bytes).map_err(|e| {
        Fault::failure(Problem::error("stdin", "cannot read standard input").why(e))
    })?;
    let answer = compat::dotenvy_answer(&bytes, || {
        let environment = Environment::of_process();
        environment.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    });
    Report::new("ultra.dotenvy/1", answer, Vec::new())
}
