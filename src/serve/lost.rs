//! What a running server must not lose by a reload: an editor empties a file before it writes it, a
//! full disk leaves it empty, and half a profile may well be one that holds. Whoever means it
//! restarts the server.

use crate::report::{Place, Problem};
use crate::settings::profile::Profile;
use crate::settings::profile_file::EMPTY;

/// What the files of a profile gave a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// The profile's own file; `None` for a built-in profile.
    own: Option<Place>,
    /// Those that say nothing.
    empty: Vec<Place>,
    /// Whether they declare routes.
    routes: bool,
    /// Whether they declare providers.
    providers: bool,
}

impl Files {
    /// What a profile's files gave that were loaded with these warnings.
    pub(super) fn of(profile: &Profile, warnings: &[Problem]) -> Self {
        let empty = warnings.iter().filter(|problem| problem.code == EMPTY);
        Self {
            own: profile.place.clone(),
            empty: empty.filter_map(|problem| problem.place.clone()).collect(),
            // What variables alone define stands nowhere.
            routes: profile.routes.values().any(|route| route.place.is_some()),
            providers: profile.providers.values().any(|provider| provider.place.is_some()),
        }
    }

    /// What speaks against going on with what the files say now.
    pub(super) fn lost_by(&self, now: &Self) -> Vec<Problem> {
        let lost = |what: String, at: &Option<Place>| {
            Problem::error("profile-lost", what)
                .at(at.clone())
                .why("it was not so when the server loaded it last, and nobody could be answered")
                .hint("put it back, or restart the server to go on without")
        };
        let emptied = now.empty.iter().filter(|place| !self.empty.contains(place));
        let emptied: Vec<Problem> = emptied
            .map(|place| lost("the profile says nothing any more".to_owned(), &Some(place.clone())))
            .collect();
        if !emptied.is_empty() {
            return emptied;
        }
        if self.own.is_some() && now.own.is_none() {
            return vec![lost("the file of the profile is gone".to_owned(), &self.own)];
        }
        if self.routes && !now.routes {
            return vec![lost("the profile has no `routes` any more".to_owned(), &now.own)];
        }
        let nothing = !now.routes && !now.providers;
        if self.providers && nothing {
            return vec![lost("the profile has no `providers` any more".to_owned(), &now.own)];
        }
        Vec::new()
    }
}
