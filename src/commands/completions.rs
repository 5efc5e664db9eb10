//! `ultra completions`: one script, as it is.

use crate::report::{Block, Fault, Report};

/// Answers with the script of `shell`.
pub(crate) fn run(shell: &str, script: String) -> Result<Report, Fault> {
    let data = serde_json::json!({"shell": shell, "script": script});
    Report::new("ultra.completions/1", data, vec![Block::Verbatim(script)])
}
