//! The names of profiles, and the built-in ones.

use super::profile::ALIASES;
use std::collections::BTreeSet;
use std::path::Path;

/// Built-in profiles: name and text. They are the files of the same name in `profiles/`.
const BUILT_IN: &[(&str, &str)] = &[
    ("dev", include_str!("../../profiles/dev.yaml")),
    ("test", include_str!("../../profiles/test.yaml")),
];

/// The text of a built-in profile.
pub(crate) fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Whether a profile may be called so: small letters, digits, `-` and `_`, at most 64, so that
/// the name is safe in paths and variables' values. Aliases are no names.
pub(crate) fn well_formed(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        && !name.starts_with('-')
        && !ALIASES.iter().any(|(alias, _)| *alias == name)
}

/// Whether anything stands at `path`, a link to nothing and what we may not look at included.
pub(crate) fn taken(path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    !path.symlink_metadata().is_err_and(|e| matches!(e.kind(), NotFound | NotADirectory))
}

/// The built-in names and those of the files in `profiles_dir`, sorted. Whatever is called like the
/// file of a profile counts: that it cannot be read is told of it by name.
pub(crate) fn all(profiles_dir: Option<&Path>) -> Vec<String> {
    let mut names: BTreeSet<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    let entries = profiles_dir.and_then(|dir| dir.read_dir().ok()).into_iter().flatten().flatten();
    for entry in entries {
        let file = entry.file_name();
        if let Some(name) = file.to_str().and_then(|f| f.strip_suffix(".yaml"))
            && well_formed(name)
        {
            names.insert(name.to_owned());
        }
    }
    names.into_iter().collect()
}
