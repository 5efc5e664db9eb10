//! What a source says that is taken over nowhere: as long as it says any such thing, it may be the only
//! copy and is not removed.

use super::decision::{Decision, What};
use super::source;
use crate::base::words;
use crate::exit::ExitStatus;
use crate::report::{Fault, Place, Problem};
use crate::settings::secretish;
use std::path::Path;

/// That nothing is left over.
///
/// # Errors
/// Everything that is (6).
pub(super) fn nothing(source: &source::Text, decisions: &[Decision]) -> Result<(), Fault> {
    let mut problems: Vec<Problem> =
        decisions.iter().filter_map(|d| entry(d, &source.shown)).collect();
    problems.extend(comments(source));
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    if let Some(last) = problems.last_mut() {
        let file = words::argument(&source.shown);
        let hint = "leave out `--remove-source`";
        last.hint = Some(match last.hint.take() {
            Some(first) => {
                format!("{first}; or {hint}, and `rm {file}` once nothing of it is needed")
            }
            None => format!("{hint}, and `rm {file}` once nothing of it is needed"),
        });
    }
    Err(Fault::new(ExitStatus::Refused, problems))
}

/// An entry that would be gone with the file. What another entry or a lower layer says too, what is
/// empty or a placeholder, and the name of the profile are not.
fn entry(decision: &Decision, file: &Path) -> Option<Problem> {
    if decision.text.is_empty() {
        return None;
    }
    let (why, hint) = match decision.what {
        What::Left => ("`--except` leaves it out", None),
        What::NoKey => (
            "it is no key and is not taken over",
            Some(format!("take it over too: `ultra env import {}`", file.display())),
        ),
        What::Unused => (
            decision.why.as_deref().unwrap_or("it is not taken over"),
            decision.keepable.then(|| "take it over too: `--keep-unused`".to_owned()),
        ),
        // Nobody gave it a value: there is nothing to lose.
        What::Placeholder
        | What::Kept
        | What::Renamed
        | What::Vault
        | What::Empty
        | What::Default
        | What::Duplicate
        | What::Profile => return None,
    };
    Some(
        Problem::error("would-be-lost", format!("`{}` would be lost", decision.name))
            .at(decision.place.clone())
            .why(format!("{why}, and `--remove-source` removes the file"))
            .maybe_hint(hint),
    )
}

/// Comments in which a secret may stand, such as an entry that was commented out.
fn comments(source: &source::Text) -> impl Iterator<Item = Problem> {
    let lines = source.text.lines().zip(1_u32..);
    let comments = lines.filter_map(|(line, n)| Some((line.trim_start().strip_prefix('#')?, n)));
    comments.filter(|(comment, _)| secretish::comment(comment)).map(|(_, line)| {
        Problem::error("would-be-lost", "a comment that may hold a secret would be lost")
            .at(Place::at(&source.shown, line, 1))
            .why("comments are not taken over, and `--remove-source` removes the file")
    })
}
