//! Tests of the dialect.

mod findings;
pub(super) mod lines;
mod size;
mod values;

use super::*;
use crate::report::Problem;
use std::path::Path;

/// What a file says, with something outside of it to refer to.
fn read(text: impl AsRef<[u8]>) -> (Vec<(String, String)>, Vec<Problem>) {
    let mut problems = Vec::new();
    let document = parse(Path::new(".env"), text.as_ref(), &mut problems);
    let outside = Outside {
        first: &|name| (name == "PROC").then(|| "from-process".to_owned()),
        last: &|name| (name == "LOW").then(|| "from-below".to_owned()),
        secret: &|name| name.contains("SECRET"),
    };
    let expanded = expand(&document, &outside, &mut problems);
    (expanded.into_iter().map(|e| (e.name, e.text)).collect(), problems)
}
