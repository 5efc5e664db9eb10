//! `ultra check list`: every check and what a failure means.

use crate::check::select::Selection;
use crate::check::{all, model};
use crate::report::{Block, Fault, Report, Table};
use serde_json::json;

/// The checks that `only` names, or all.
///
/// # Errors
/// A name that is no check (2).
pub(crate) fn run(only: Vec<String>) -> Result<Report, Fault> {
    let ids = Selection { only, ..Selection::default() }.ids(all())?;
    let mut table = Table::new(&["id", "severity", "gate", "stage", "holds when"]);
    let mut data = Vec::new();
    for check in all().iter().filter(|c| ids.contains(&c.meta.id)) {
        let meta: &model::CheckMeta = check.meta;
        table.row([meta.id, meta.severity.word(), meta.gate.word(), meta.stage.word(), meta.title]);
        data.push(json!({
            "id": meta.id,
            "group": meta.group,
            "title": meta.title,
            "why": meta.why,
            "severity": meta.severity,
            "gate": meta.gate,
            "stage": meta.stage,
            "needs": meta.needs,
        }));
    }
    let count = format!("{} checks; `ultra check explain ID` tells more about one", ids.len());
    Report::new(
        "ultra.check.list/1",
        json!({ "checks": data }),
        vec![Block::Table(table), Block::text(count)],
    )
}
