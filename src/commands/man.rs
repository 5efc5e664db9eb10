//! `ultra man`: one page as it is, or all pages into a folder.

use super::generate::{Generated, unwritable};
use crate::base::{file, near};
use crate::report::{Block, Fault, Problem, Report};
use std::path::PathBuf;

/// What is wanted.
#[derive(Debug)]
pub(crate) enum Request {
    /// The page of a command: its words, such as `env`, `switch`.
    Page(Vec<String>),
    /// All pages, into this folder.
    All(PathBuf),
}

/// Answers with a page, or with the names of those written. `pages` are named as files, such as
/// `ultra-env-switch.1`.
pub(crate) fn run(request: &Request, pages: &[Generated]) -> Result<Report, Fault> {
    match request {
        Request::Page(words) => page(words, pages),
        Request::All(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
            for page in pages {
                let path = folder.join(&page.path);
                file::write_atomic(&path, &page.content, 0o644)
                    .map_err(|e| unwritable(&path, &e))?;
            }
            let names: Vec<&str> = pages.iter().map(|p| p.path.as_str()).collect();
            let view =
                vec![Block::text(format!("wrote {} pages to {}", names.len(), folder.display()))];
            Report::new("ultra.man/1", serde_json::json!({"folder": folder, "pages": names}), view)
        }
    }
}

fn page(words: &[String], pages: &[Generated]) -> Result<Report, Fault> {
    let joined = words.join("-");
    let name = joined.strip_suffix(".1").unwrap_or(&joined);
    let name = name.strip_prefix("ultra").map_or(name, |rest| rest.trim_start_matches('-'));
    let file = if name.is_empty() { "ultra.1".to_owned() } else { format!("ultra-{name}.1") };
    let Some(page) = pages.iter().find(|p| p.path == file) else {
        let known = pages.iter().filter_map(|p| p.path.strip_prefix("ultra-")?.strip_suffix(".1"));
        return Err(Fault::usage(
            Problem::error("unknown-page", format!("there is no manual page `{name}`"))
                .maybe_hint(near::hint(name, known)),
        ));
    };
    let text = String::from_utf8_lossy(&page.content).into_owned();
    let data = serde_json::json!({"page": page.path, "text": text});
    Report::new("ultra.man/1", data, vec![Block::Verbatim(text)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Vec<Generated> {
        ["ultra.1", "ultra-env.1", "ultra-env-switch.1"]
            .map(|path| Generated { path: path.to_owned(), content: path.as_bytes().to_vec() })
            .to_vec()
    }

    fn asked(words: &[&str]) -> Result<Report, Fault> {
        run(&Request::Page(words.iter().map(|w| (*w).to_owned()).collect()), &pages())
    }

    #[test]
    fn pages_are_found_by_their_words() {
        assert_eq!(asked(&[]).unwrap().data["page"], "ultra.1");
        assert_eq!(asked(&["ultra"]).unwrap().data["page"], "ultra.1");
        assert_eq!(asked(&["env", "switch"]).unwrap().data["page"], "ultra-env-switch.1");
        assert_eq!(asked(&["ultra-env-switch.1"]).unwrap().data["page"], "ultra-env-switch.1");
        let fault = asked(&["env", "swich"]).unwrap_err();
        assert_eq!(fault.problems[0].hint.as_deref(), Some("did you mean `env-switch`?"));
    }
}
