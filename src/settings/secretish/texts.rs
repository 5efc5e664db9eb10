//! Assignments and remarks that may give a secret away.

use super::names::{name, variable};
use super::values::{perhaps, said, separates};
use crate::settings::dotenv::is_name;
use crate::settings::rules::placeholder::is_placeholder;

/// Whether an assignment may give a secret away: by the name or the looks of the value, unless that
/// only stands for one.
pub(crate) fn assignment(name: &str, text: &str) -> bool {
    !text.is_empty() && !is_placeholder(text) && (variable(name) || perhaps(text))
}

/// Whether a comment of a dotenv file may hold a secret, such as an assignment that was commented
/// out.
pub(crate) fn comment(text: &str) -> bool {
    let text = text.trim_start_matches(['#', ' ', '\t']);
    if let Some((name, value)) = text.split_once('=') {
        let name = name.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim_start();
        if is_name(name) && assignment(name, value.trim().trim_matches(['"', '\''])) {
            return true;
        }
    }
    text.split(|c: char| c.is_whitespace() || "='\"`".contains(c))
        .any(|word| !word.is_empty() && !is_placeholder(word) && perhaps(word))
        || said(text)
}

/// Whether a remark may hold a secret or speak of one: what is shown only to show a file need not
/// show this.
pub(crate) fn remark(text: &str) -> bool {
    let apart = |c: char| c == '#' || separates(c);
    perhaps(text) || text.split(apart).any(|word| !word.is_empty() && (perhaps(word) || name(word)))
}
