//! What a name in a file or in the process environment means.

use super::catalogue::{self, Alias, VarSpec};
use crate::base::near;
use std::sync::LazyLock;

/// What a name means.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    /// A variable of the catalogue.
    Variable(&'static VarSpec),
    /// Another name for one.
    Alias(&'static VarSpec, &'static Alias),
    /// `NAME_FILE`: a file with the value of a secret, by its name or an alias.
    FileOf(&'static VarSpec),
    /// It begins like ours, and is none.
    UnknownOurs,
    /// It belongs to the application.
    Foreign,
}

/// What `name` means.
pub(crate) fn meaning(name: &str) -> Meaning {
    if let Some(spec) = catalogue::find(name) {
        return Meaning::Variable(spec);
    }
    if let Some((spec, alias)) = catalogue::find_alias(name) {
        return Meaning::Alias(spec, alias);
    }
    if let Some(base) = name.strip_suffix("_FILE") {
        let spec = catalogue::find(base).or_else(|| catalogue::find_alias(base).map(|(s, _)| s));
        if let Some(spec) = spec.filter(|spec| spec.secret) {
            return Meaning::FileOf(spec);
        }
    }
    // `__ULTRA_…` is what ultra itself tells itself through shells and commands.
    let ours = name.starts_with("ULTRA_") || name.starts_with("__ULTRA_");
    if ours { Meaning::UnknownOurs } else { Meaning::Foreign }
}

/// The hint for a name that begins like ours and is none.
pub(crate) fn hint(name: &str) -> Option<String> {
    if name.starts_with("__ULTRA_") {
        return Some("remove it: it is set by ultra itself, in the environment".to_owned());
    }
    near::nearest(name, catalogue::all().map(|spec| spec.name))
        .map(|known| format!("did you mean `{known}`?"))
}

/// The names that do not begin as ours do.
static ECOSYSTEM: LazyLock<Vec<&str>> = LazyLock::new(|| {
    catalogue::all().map(|spec| spec.name).filter(|name| !name.starts_with("ULTRA_")).collect()
});

/// The catalogued name that a foreign one misses by a letter, if any. Our own names begin with
/// `ULTRA_`, so only those of the ecosystem can be missed so.
pub(crate) fn near_miss(name: &str) -> Option<&'static str> {
    if name.len() < 6 {
        return None;
    }
    // One slip leaves the beginning or the end as it is. Every name of a process comes by here.
    let (first, last) = (name.as_bytes().first(), name.as_bytes().last());
    let alike = |known: &str| {
        let known = known.as_bytes();
        known.len().abs_diff(name.len()) <= 1 && (known.first() == first || known.last() == last)
    };
    let known = ECOSYSTEM.iter().filter(|known| alike(known));
    known.copied().find(|known| near::distance_within(known, name, 1) == Some(1))
}
