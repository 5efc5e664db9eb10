//! `ultra check explain ID`: the page of a check.

use crate::check::{all, select};
use crate::report::{Block, Fault, Report};
use serde_json::json;

/// The page of the check with this id.
///
/// # Errors
/// There is no such check (2).
pub(crate) fn run(id: &str) -> Result<Report, Fault> {
    let check = select::find(all(), id)?;
    let (meta, page) = (check.meta, check.page());
    let facts = Block::pairs([
        ("severity", meta.severity.word()),
        ("gate", meta.gate.word()),
        ("stage", meta.stage.word()),
        ("needs", if meta.needs.is_empty() { "nothing" } else { "" }),
    ]);
    let facts = match facts {
        Block::Pairs(mut pairs) if !meta.needs.is_empty() => {
            pairs.pop();
            pairs.push(("needs".to_owned(), meta.needs.join(", ")));
            Block::Pairs(pairs)
        }
        other => other,
    };
    let data = json!({
        "id": meta.id,
        "group": meta.group,
        "title": meta.title,
        "why": meta.why,
        "severity": meta.severity,
        "gate": meta.gate,
        "stage": meta.stage,
        "needs": meta.needs,
        "page": page,
    });
    Report::new("ultra.check.explain/1", data, vec![Block::Verbatim(page), Block::text(""), facts])
}
