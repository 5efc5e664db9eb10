//! What other programs read in a dotenv file, for `ultra env lint --compat`.

use crate::report::{Fault, Place, Problem, Table};
use crate::settings::catalogue;
use crate::settings::dotenv::compat::{Difference, Ours, Tool, differences};
use crate::settings::dotenv::{self, Document, Expanded};
use std::path::Path;

/// Our own reading, as if no variable were set.
pub(super) fn ours(document: &Document, problems: &mut Vec<Problem>) -> Vec<Ours> {
    dotenv::expand(document, &dotenv::Outside::NOTHING, problems).into_iter().map(entry).collect()
}

fn entry(expanded: Expanded) -> Ours {
    let declared = |name: &str| catalogue::find(name).is_some_and(|spec| spec.secret);
    let secret = declared(&expanded.name) || expanded.secret;
    Ours {
        line: expanded.place.line.unwrap_or(1),
        name: expanded.name,
        text: expanded.text,
        secret,
    }
}

/// The lines that these programs read differently, by line.
///
/// # Errors
/// This program could not be started again, to ask the crate `dotenvy` (1).
pub(super) fn compare(
    file: &Path,
    bytes: &[u8],
    ours: &[Ours],
    tools: &[Tool],
) -> Result<Vec<Difference>, Fault> {
    let failed = |e: std::io::Error| {
        Fault::failure(
            Problem::error("compat", "cannot ask `dotenvy`").at(Place::file(file)).why(e),
        )
    };
    let mut all = Vec::new();
    for tool in tools {
        let program = match tool {
            Tool::Dotenvy => std::env::current_exe().map_err(failed)?,
            _ => std::path::PathBuf::new(),
        };
        all.extend(differences(*tool, &program, bytes, ours).map_err(failed)?);
    }
    all.sort_by_key(|difference| (difference.line, difference.tool));
    Ok(all)
}

/// How many differences people are shown of one file.
pub(super) const SHOWN: usize = 50;

/// The first [`SHOWN`] differences as a table.
pub(super) fn table(differences: &[Difference]) -> Table {
    let mut table = Table::new(&["line", "variable", "ultra", "program", "reads"]);
    for difference in differences.iter().take(SHOWN) {
        table.row([
            difference.line.to_string(),
            difference.name.clone().unwrap_or_default(),
            difference.ours.clone(),
            difference.tool.name().to_owned(),
            difference.theirs.clone(),
        ]);
    }
    table
}
