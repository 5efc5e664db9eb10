//! The only place that writes to the terminal: reports and problems to bytes, and the console.

mod cursor;
mod hidden;
mod human;
mod incoming;
mod json;
mod terminal;
mod visible;

pub(crate) use terminal::{Format, Terminal, TerminalOptions};

use crate::report::{Fault, Report};
use std::io::{self, Write};

/// Writes `report` in `format`.
///
/// # Errors
/// What the writer says; a closed pipe is for the caller to be quiet about.
pub(crate) fn report(
    out: &mut impl Write,
    report: &Report,
    format: Format,
    colour: bool,
) -> io::Result<()> {
    match format {
        Format::Human => human::blocks(out, &report.view, colour),
        Format::Json => json::document(out, &report.document()),
    }
}

/// Writes why a command gave no answer.
///
/// # Errors
/// What the writer says.
pub(crate) fn fault(
    out: &mut impl Write,
    fault: &Fault,
    format: Format,
    colour: bool,
) -> io::Result<()> {
    match format {
        Format::Human => human::problems(out, &fault.problems, colour),
        Format::Json => json::document(out, &json::fault(fault)),
    }
}
