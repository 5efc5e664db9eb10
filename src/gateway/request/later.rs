//! The targets that could still be asked: whether there is one decides how much patience the one
//! that is asked now deserves.

use super::crossing::Meant;
use super::forward::Call;
use crate::gateway::routes::{Backend, Target};

/// The targets after the one that is asked.
pub(super) struct Later<'a> {
    targets: &'a [&'a Target],
    call: &'a Call,
    /// The conversation is too long for a model that takes so many tokens.
    too_long_for: Option<u64>,
}

impl<'a> Later<'a> {
    /// These targets.
    pub(super) fn new(
        targets: &'a [&'a Target],
        call: &'a Call,
        too_long_for: Option<u64>,
    ) -> Self {
        Self { targets, call, too_long_for }
    }

    /// Those that would be asked now, as far as their state says.
    fn ready(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().copied().filter(|target| {
            target.provider.unavailable().is_none()
                && fits(target, self.too_long_for)
                && !target.guard.breaker.rests()
                && target.has_room()
                && !target.provider.slots.limited(&target.model).is_some_and(|limited| limited.told)
        })
    }

    /// Whether one would be asked now, as far as its state says.
    pub(super) fn any_ready(&self) -> bool {
        self.ready().next().is_some()
    }

    /// Whether one would be asked now. The request is put into the words of each that speaks
    /// another API, to see whether it can be: this is for when there is time.
    pub(super) async fn any(&self) -> bool {
        let mut meant = None;
        for target in self.ready() {
            let Backend::Http { uris, base_url } = &target.provider.backend else { return true };
            if uris.get(self.call.endpoint, &target.model).is_some() {
                return true;
            }
            let read = match meant.take() {
                Some(read) => read,
                None => Meant::of(self.call).await,
            };
            if let Ok(read) = &read
                && read.at(target, base_url.as_str(), self.call.body.len()).await.is_ok()
            {
                return true;
            }
            meant = Some(read);
        }
        false
    }
}

/// Whether a conversation that is too long for a model of so many tokens may be short enough for a
/// target.
pub(super) fn fits(target: &Target, too_long_for: Option<u64>) -> bool {
    let Some(too_long_for) = too_long_for else { return true };
    target.context.is_some_and(|context| context > too_long_for)
}
