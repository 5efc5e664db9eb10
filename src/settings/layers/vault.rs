//! The layer of the vault: by its index, nothing is opened.

use super::{Gather, Value};
use crate::settings::catalogue;
use crate::settings::origin::Layer;
use crate::settings::secret::ValueRef;

/// Adds the entries of the profile for the secrets of the catalogue.
pub(super) fn add(gather: &mut Gather<'_>) {
    if gather.secrets.holds_nothing() {
        return;
    }
    let profile = gather.resolution.profile.name.clone();
    for spec in catalogue::all() {
        let Some(name) = spec.vault else { continue };
        match gather.secrets.facts(&profile, name) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let value = ValueRef::Vault { profile: profile.clone(), name: name.to_owned() };
                gather.add(spec.name, Layer::Vault, Value { value, place: None }, None);
            }
            Err(problem) => {
                // An index that cannot be read cannot be read for the other names either.
                gather.problems.push(problem);
                return;
            }
        }
    }
}
