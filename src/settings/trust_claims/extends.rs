//! Which profiles take in what others say. Claims are kept by the profile whose file makes them; a
//! profile that extends it makes them, too, and one line is enough for that.

use super::said::Files;
use super::told::place_of;
use crate::settings::profile::canonical;
use crate::settings::trust::{Claims, Extends};
use std::collections::{BTreeMap, BTreeSet};

/// Every `extends` that leads, at any remove, from or to a profile whose file makes a claim.
pub(super) fn among(files: &Files<'_>, claims: &Claims) -> BTreeSet<Extends> {
    let by_profiles =
        |dotenv: bool, profile: &Option<String>| (!dotenv).then(|| profile.clone())?;
    let wanted = claims.wanted.iter().filter_map(|w| by_profiles(w.file.is_some(), &w.profile));
    let sent = claims.destinations.iter();
    let sent = sent.filter_map(|to| by_profiles(to.file.is_some(), &to.profile));
    let hooks = claims.hooks.iter().chain(&claims.taken_in);
    let hooks = hooks.filter_map(|hook| by_profiles(hook.dotenv, &hook.profile));
    let claiming: BTreeSet<String> = wanted.chain(sent).chain(hooks).collect();
    let next: BTreeMap<&str, Extends> = files
        .profiles
        .iter()
        .filter_map(|(name, document)| {
            let (other, place) = document.extends.as_ref()?;
            let extends = Extends {
                profile: name.clone(),
                other: canonical(other).to_owned(),
                place: place_of(files.workspace, place),
            };
            Some((&**name, extends))
        })
        .collect();
    let mut extended_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, extends) in &next {
        extended_by.entry(&extends.other).or_default().push(name);
    }
    let mut found: BTreeSet<&str> = claiming.iter().map(|name| &**name).collect();
    let mut open: Vec<&str> = found.iter().copied().collect();
    while let Some(name) = open.pop() {
        for by in extended_by.get(name).into_iter().flatten() {
            if found.insert(by) {
                open.push(by);
            }
        }
    }
    next.values().filter(|extends| found.contains(&*extends.profile)).cloned().collect()
}
