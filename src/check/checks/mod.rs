//! The checks, one file each, and the registry of all of them.

use super::Check;
use std::sync::LazyLock;

/// Makes the entry of a check from its file: the module below the caller's folder whose name it
/// has, which holds `META`, `judge`, the page and the fixtures.
macro_rules! check {
    ($file:ident) => {
        Check {
            meta: &$file::META,
            judge: $file::judge,
            source: include_str!(concat!(stringify!($file), ".rs")),
            #[cfg(test)]
            good: $file::fixtures::good,
            #[cfg(test)]
            bad: $file::fixtures::bad,
        }
    };
}

mod auth;
mod cache;
mod config;
mod containers;
mod database;
mod docs;
mod headers;
mod live;
mod observability;
mod providers;
mod scan;
mod secrets;
mod support;

/// Every check, by id.
static ALL: LazyLock<Vec<Check>> = LazyLock::new(|| {
    let groups = [
        config::ALL,
        secrets::ALL,
        live::ALL,
        auth::ALL,
        headers::ALL,
        database::ALL,
        cache::ALL,
        providers::ALL,
        observability::ALL,
        scan::ALL,
        containers::ALL,
        docs::ALL,
    ];
    let mut all: Vec<Check> = groups.into_iter().flatten().copied().collect();
    all.sort_by_key(|check| check.meta.id);
    all
});

/// Every check, by id.
pub(crate) fn all() -> &'static [Check] {
    &ALL
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::report::Outcome;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn ids_are_unique_and_name_their_group() {
        let mut seen = BTreeSet::new();
        for check in all() {
            let id = check.meta.id;
            assert!(seen.insert(id), "{id} is registered twice");
            let start = format!("ULT-{}-", check.meta.group.short());
            let number = id.strip_prefix(&start).unwrap_or_else(|| panic!("{id}: not {start}NNN"));
            assert!(number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()), "{id}");
        }
        assert!(all().len() >= 30);
    }

    #[test]
    fn every_file_is_registered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check/checks");
        let mut files = 0;
        for group in std::fs::read_dir(folder).unwrap().filter_map(Result::ok) {
            if group.file_type().unwrap().is_dir() {
                files += std::fs::read_dir(group.path())
                    .unwrap()
                    .filter(|entry| {
                        let name = entry.as_ref().unwrap().file_name();
                        name != "mod.rs" && name != "files.rs"
                    })
                    .count();
            }
        }
        assert_eq!(files, all().len());
    }

    #[test]
    fn every_check_has_its_page() {
        for check in all() {
            let page = check.page();
            let head = format!("# {}: {}\n", check.meta.id, check.meta.title);
            assert!(page.starts_with(&head), "{}: {:?}", check.meta.id, page.lines().next());
            let mut rest = page.as_str();
            for section in ["\n## What it checks\n", "\n## Why\n", "\n## How to fix\n"] {
                let (_, after) = rest
                    .split_once(section)
                    .unwrap_or_else(|| panic!("{}: no section {section:?}", check.meta.id));
                let text = after.split("\n## ").next().unwrap().trim();
                assert!(text.len() > 20, "{}: {section:?} says nothing", check.meta.id);
                rest = after;
            }
        }
    }

    #[test]
    fn needs_are_known_and_no_circle() {
        fn depth(id: &str, trail: &[&str]) {
            assert!(!trail.contains(&id), "{id} needs itself: {trail:?}");
            let check = all().iter().find(|c| c.meta.id == id).unwrap_or_else(|| panic!("{id}"));
            for need in check.meta.needs {
                depth(need, &[trail, &[id]].concat());
            }
        }
        for check in all() {
            depth(check.meta.id, &[]);
        }
    }

    #[test]
    fn good_facts_pass_and_bad_facts_do_not() {
        for check in all() {
            let judge = |facts| (check.judge)(&facts).map(|j| (j.outcome, j.observed, j.fix));
            match judge((check.good)()) {
                Ok((Outcome::Pass, ..)) => {}
                other => panic!("{}: the good fixture gives {other:?}", check.meta.id),
            }
            match judge((check.bad)()) {
                Ok((Outcome::Fail, observed, fix)) => {
                    assert!(!observed.is_empty() && fix.is_some(), "{}", check.meta.id);
                }
                other => panic!("{}: the bad fixture gives {other:?}", check.meta.id),
            }
        }
    }
}
