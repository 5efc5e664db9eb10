//! A panic is a bug: it ends the command with the code of one, and tells no payload, which may quote
//! a secret.

use super::usage;
use crate::cli::OutputFormat;
use crate::exit::ExitStatus;
use crate::render::{Format, Terminal, TerminalOptions};
use crate::report::{Console as _, Problem};
use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command; a panic in it ends it with 1.
pub(super) fn contain(args: &[OsString], run: fn(&[OsString]) -> ExitCode) -> ExitCode {
    let format = match usage::format(args) {
        OutputFormat::Json => Format::Json,
        OutputFormat::Human => Format::Human,
    };
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|at| {
            // The file alone: what stands before it is the machine that built this.
            let name = Path::new(at.file()).file_name().unwrap_or_default().to_string_lossy();
            format!("{name}:{}", at.line())
        });
        let options = TerminalOptions { format, no_color: true, ..TerminalOptions::default() };
        Terminal::new(options).warn(
            &Problem::error("bug", "a bug in ultra has ended this")
                .why(format!("it panicked in {}", place.as_deref().unwrap_or("an unknown place")))
                .hint("please report it with the command and this place"),
        );
    }));
    std::panic::catch_unwind(AssertUnwindSafe(|| run(args)))
        .unwrap_or_else(|_| ExitStatus::Failure.into())
}
