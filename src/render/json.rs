//! JSON: one document to an answer, indented, with a newline at its end.

use crate::report::{Fault, Problem, Report, sorted};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes one document.
pub(super) fn document(out: &mut impl Write, document: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}

/// Writes one document on one line.
pub(super) fn line(out: &mut impl Write, report: &Report) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &report.document())?;
    out.write_all(b"\n")
}

/// A warning as one line of schema `ultra.warning/1`.
pub(super) fn warning(out: &mut impl Write, problem: &Problem) -> io::Result<()> {
    let problems = sorted(json!([problem]));
    serde_json::to_writer(&mut *out, &json!({"schema": "ultra.warning/1", "problems": problems}))?;
    out.write_all(b"\n")
}

/// A fault as a document of schema `ultra.error/1`.
pub(super) fn fault(fault: &Fault) -> Value {
    let problems = sorted(json!(fault.problems));
    json!({"schema": "ultra.error/1", "exit": fault.status.code(), "problems": problems})
}
