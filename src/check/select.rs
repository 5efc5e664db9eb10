//! Which checks are asked for: ids, groups and globs over them, stages.

use super::model::{Check, Group, Stage};
use crate::base::near;
use crate::report::{Fault, Problem};
use crate::settings::secretish::name_for_message;

/// What the operator asks for; empty lists ask for everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only these: ids, groups, globs over ids.
    pub(crate) only: Vec<String>,
    /// All but these.
    pub(crate) skip: Vec<String>,
    /// Only checks of these stages.
    pub(crate) stages: Vec<Stage>,
}

impl Selection {
    /// The ids that are asked for, in the order of `all`.
    ///
    /// # Errors
    /// A name that is no check, and a selection without a check (exit 2).
    pub(crate) fn ids(&self, all: &[Check]) -> Result<Vec<&'static str>, Fault> {
        let mut problems = Vec::new();
        for pattern in self.only.iter().chain(&self.skip) {
            if !all.iter().any(|check| matches(pattern, check)) {
                problems.push(unknown(pattern, all));
            }
        }
        if !problems.is_empty() {
            return Err(Fault::new(crate::exit::ExitStatus::Usage, problems));
        }
        let ids: Vec<&'static str> = all
            .iter()
            .filter(|c| self.stages.is_empty() || self.stages.contains(&c.meta.stage))
            .filter(|c| self.only.is_empty() || self.only.iter().any(|p| matches(p, c)))
            .filter(|c| !self.skip.iter().any(|p| matches(p, c)))
            .map(|c| c.meta.id)
            .collect();
        if ids.is_empty() {
            return Err(Fault::usage(
                Problem::error("empty-selection", "no check is selected")
                    .why(
                        "nothing that was asked for is left after `--only`, `--skip` and `--stage`",
                    )
                    .hint("ultra check list"),
            ));
        }
        Ok(ids)
    }
}

/// The check with this id; `ULT-` may be left out, and case does not matter.
///
/// # Errors
/// There is none (exit 2), with the nearest one.
pub(crate) fn find<'a>(all: &'a [Check], id: &str) -> Result<&'a Check, Fault> {
    let wanted = full(id);
    all.iter().find(|c| c.meta.id == wanted).ok_or_else(|| Fault::usage(unknown(id, all)))
}

/// The id as it is registered.
fn full(id: &str) -> String {
    let upper = id.to_uppercase();
    if upper.starts_with("ULT-") || upper.starts_with('*') { upper } else { format!("ULT-{upper}") }
}

/// Whether `pattern` names the check: by id, by group, or by a glob (`*`, `?`) over ids.
fn matches(pattern: &str, check: &Check) -> bool {
    let group = check.meta.group;
    pattern.eq_ignore_ascii_case(group.word())
        || pattern.eq_ignore_ascii_case(group.short())
        || glob(full(pattern).as_bytes(), check.meta.id.as_bytes())
}

/// Whether a glob of `*` (anything) and `?` (one character) covers the text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            glob(rest, text) || text.split_first().is_some_and(|(_, tail)| glob(pattern, tail))
        }
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((p, rest)), Some((t, tail))) if p == t => glob(rest, tail),
        _ => false,
    }
}

fn unknown(name: &str, all: &[Check]) -> Problem {
    let wanted = full(name);
    let ids = all.iter().map(|c| c.meta.id);
    let groups = Group::ALL.iter().map(|g| g.word());
    let hint = near::nearest(&wanted, ids)
        .or_else(|| near::nearest(name, groups))
        .map_or_else(|| "ultra check list".to_owned(), |near| format!("did you mean `{near}`?"));
    let what = if name.contains(['*', '?']) {
        format!("no check matches {}", name_for_message(name))
    } else {
        format!("there is no check {}", name_for_message(name))
    };
    Problem::error("unknown-check", what).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::all;
    use crate::exit::ExitStatus;

    fn select(only: &[&str], skip: &[&str], stages: &[Stage]) -> Result<Vec<&'static str>, Fault> {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Selection { only: own(only), skip: own(skip), stages: stages.to_vec() }.ids(all())
    }

    #[test]
    fn ids_groups_and_globs_select() {
        assert_eq!(select(&["cfg-001"], &[], &[]).unwrap(), ["ULT-CFG-001"]);
        let group = select(&["config"], &[], &[]).unwrap();
        assert_eq!(group, select(&["ULT-CFG-*"], &[], &[]).unwrap());
        assert!(group.len() > 3);
        let fewer = select(&["config"], &["ULT-CFG-00?"], &[]).unwrap();
        assert!(fewer.len() < group.len());
        assert_eq!(select(&[], &[], &[]).unwrap().len(), all().len());
    }

    #[test]
    fn unknown_names_are_all_told_with_the_nearest() {
        let fault = select(&["ULT-CFG-0O1", "nonsense"], &["*ZZZ*"], &[]).unwrap_err();
        assert_eq!(fault.status, ExitStatus::Usage);
        assert_eq!(fault.problems.len(), 3);
        assert_eq!(fault.problems[0].hint.as_deref(), Some("did you mean `ULT-CFG-001`?"));
    }

    #[test]
    fn an_empty_selection_is_an_error() {
        let fault = select(&["ULT-CFG-001"], &[], &[Stage::Live]).unwrap_err();
        assert_eq!((fault.status, fault.problems[0].code), (ExitStatus::Usage, "empty-selection"));
    }
}
