//! Dockerfiles and compose files, as far as the checks read them.

use crate::check::model::NoJudgement;
use crate::check::tree::TreeFacts;
use std::path::Path;

type File<'a> = (&'a Path, &'a str);

fn named<'a>(
    tree: &'a TreeFacts,
    what: &str,
    picks: impl Fn(&str) -> bool,
) -> Result<Vec<File<'a>>, NoJudgement> {
    let files: Vec<File<'a>> = tree
        .containers
        .iter()
        .filter(|(path, _)| path.file_name().is_some_and(|name| picks(&name.to_string_lossy())))
        .map(|(path, text)| (path.as_path(), text.as_str()))
        .collect();
    if files.is_empty() {
        return Err(NoJudgement::Skip(format!("there is no {what} in this directory")));
    }
    Ok(files)
}

/// The Dockerfiles.
///
/// # Errors
/// There is none: nothing to judge.
pub(super) fn dockerfiles(tree: &TreeFacts) -> Result<Vec<File<'_>>, NoJudgement> {
    named(tree, "Dockerfile", |name| name.contains("Dockerfile") || name.contains("Containerfile"))
}

/// The compose files.
///
/// # Errors
/// There is none: nothing to judge.
pub(super) fn compose_files(tree: &TreeFacts) -> Result<Vec<File<'_>>, NoJudgement> {
    named(tree, "compose file", |name| name.contains("compose"))
}

/// The instructions of a Dockerfile: keyword in upper case, and what follows it. Continued lines
/// are one instruction, comments are none.
pub(super) fn instructions(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut whole = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(part) => {
                open.push_str(part);
                open.push(' ');
            }
            None => {
                open.push_str(line);
                whole.push(std::mem::take(&mut open));
            }
        }
    }
    whole.into_iter().map(|line| {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        (word.to_uppercase(), rest.trim().to_owned())
    })
}

/// The instructions of the last stage: what the image is made of.
pub(super) fn last_stage(text: &str) -> impl Iterator<Item = (String, String)> {
    let all: Vec<(String, String)> = instructions(text).collect();
    let start = all.iter().rposition(|(word, _)| word == "FROM").unwrap_or(0);
    all.into_iter().skip(start)
}

/// The images that stages begin with; earlier stages, variables and `scratch` are left out.
pub(super) fn bases(text: &str) -> Vec<String> {
    let mut stages = Vec::new();
    let mut bases = Vec::new();
    for (_, rest) in instructions(text).filter(|(word, _)| word == "FROM") {
        let words: Vec<&str> = rest.split_whitespace().filter(|w| !w.starts_with("--")).collect();
        let Some(base) = words.first() else { continue };
        if *base != "scratch" && !base.contains('$') && !stages.contains(&base.to_lowercase()) {
            bases.push((*base).to_owned());
        }
        if let Some(name) = words.get(2) {
            stages.push(name.to_lowercase());
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_comments_and_continued_lines_are_read() {
        let text = "# syntax\nFROM a:1 AS build\nRUN x \\\n  # note\n  && y\nFROM build\nFROM scratch\nUSER 7\n";
        assert_eq!(bases(text), ["a:1"]);
        let last: Vec<String> = last_stage(text).map(|(word, _)| word).collect();
        assert_eq!(last, ["FROM", "USER"]);
        assert!(instructions(text).any(|(word, rest)| word == "RUN" && rest.contains("&& y")));
    }
}
