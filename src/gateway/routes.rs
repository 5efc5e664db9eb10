//! Routes: what answers for a model's name, and in which turn.

use super::resilience::breaker::Breaker;
use super::resilience::places::{Full, MOST, Place, Places};
use super::slots::Slots;
use crate::provider::mock;
use crate::provider::translation::{self, Dialect};
use crate::provider::wire::{Endpoint, Uris};
use crate::settings::profile::{ProviderKind, ProviderSpec, StreamCommit, Timeouts};
use http::HeaderValue;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// Who answers for a provider.
#[derive(Debug)]
pub(crate) enum Backend {
    /// The mock in this process.
    Mock,
    /// A server.
    Http {
        /// Where its endpoints are.
        uris: Uris,
        /// The base URL, for showing.
        base_url: Url,
    },
}

/// A provider with its keys.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// The kind of provider that it is.
    pub(crate) kind: ProviderKind,
    /// The API it speaks.
    pub(crate) dialect: &'static dyn Dialect,
    /// Who answers for it.
    pub(crate) backend: Backend,
    /// The variables that hold its keys.
    pub(crate) keys: Vec<String>,
    /// Its keys, shared with the tables before and after while it stays where it is.
    pub(crate) slots: Arc<Slots>,
    /// Requests under way there, where those are bounded; shared as its keys are.
    pub(super) places: Arc<Places>,
    /// How many there may be, over all its models.
    pub(super) max_in_flight: Option<u32>,
    /// Whether it may be asked to count the tokens of a stream.
    pub(crate) stream_usage: bool,
    /// What it was made of; `None` for the mock that mode mock adds.
    pub(super) spec: Option<ProviderSpec>,
    /// See [`Provider::is_configured`].
    pub(super) configured: AtomicBool,
    /// Why there is no key, if there is none.
    pub(super) reason: Mutex<Option<String>>,
}

impl Provider {
    /// Whether it can answer what an endpoint is asked: in its own words, or translated. The mock's
    /// own models are of no family: they answer in the shape they are asked in.
    pub(super) fn answers(&self, endpoint: Endpoint) -> bool {
        self.dialect.family() == Some(endpoint.family())
            || self.is_our_mock()
            || translation::client(endpoint).is_some()
    }

    /// Whether it can be used at present.
    fn is_usable(&self) -> bool {
        matches!(self.backend, Backend::Mock) || self.slots.usable()
    }

    /// Whether the profile or a variable names it, rather than only our list of known ones: what
    /// was loaded last says so.
    pub(crate) fn is_configured(&self) -> bool {
        self.configured.load(Ordering::Relaxed)
    }

    /// Whether it would be the same if it were made of `spec`. Models that it lists are routes, and
    /// its place in a file is nothing of it.
    pub(super) fn is_as(&self, spec: &ProviderSpec) -> bool {
        let bare =
            |spec: &ProviderSpec| ProviderSpec { models: Vec::new(), place: None, ..spec.clone() };
        self.spec.as_ref().is_some_and(|own| bare(own) == bare(spec))
    }

    /// Whether it would be reached at the same place and in the same way if it were made of `spec`.
    pub(super) fn is_at(&self, spec: &ProviderSpec) -> bool {
        let own = self.spec.as_ref();
        own.is_some_and(|own| own.kind == spec.kind && own.base_url == spec.base_url)
    }

    /// Whether it is the one that mode mock adds, which no profile names.
    pub(super) fn is_our_mock(&self) -> bool {
        &*self.name == mock::NAME && matches!(self.backend, Backend::Mock)
    }

    /// Why it cannot be used at present; `None` if it can.
    pub(crate) fn unavailable(&self) -> Option<String> {
        if self.is_usable() {
            return None;
        }
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        Some(reason.clone().unwrap_or_else(|| "it has no usable key".to_owned()))
    }

    /// Keeps why there is no key, for whoever asks.
    pub(super) fn explain(&self, reason: Option<String>) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// What keeps a target from being asked, as its answers so far show. Routes that name the same
/// target share it.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// Whether it may be asked.
    pub(crate) breaker: Arc<Breaker>,
    /// How many requests at a time.
    pub(crate) places: Arc<Places>,
    /// More than so many never.
    pub(crate) ceiling: u32,
}

/// A bound that a profile may have set.
pub(super) fn at_most(set: Option<u64>) -> u32 {
    set.and_then(|most| u32::try_from(most).ok()).map_or(MOST, |most| most.min(MOST))
}

/// One target of a route.
#[derive(Debug)]
pub(crate) struct Target {
    /// The provider.
    pub(crate) provider: Arc<Provider>,
    /// The model's name there.
    pub(crate) model: Arc<str>,
    /// Its share of the requests, where the route is weighted.
    pub(super) share: u64,
    /// Tokens of a conversation that it takes, if the profile says.
    pub(super) context: Option<u64>,
    /// What keeps it from being asked.
    pub(crate) guard: Guard,
    /// The provider and the model in a header.
    pub(super) names: Option<(HeaderValue, HeaderValue)>,
}

impl Target {
    /// A target with an ordinary share.
    pub(super) fn of(provider: &Arc<Provider>, model: &str, guard: Guard) -> Self {
        let names = in_header(&provider.name).zip(in_header(model));
        Self {
            provider: Arc::clone(provider),
            model: Arc::from(model),
            share: 1,
            context: None,
            guard,
            names,
        }
    }

    /// A place for a request.
    ///
    /// # Errors
    /// None is left, here or among all requests of the provider.
    pub(super) fn enter(&self) -> Result<Place, Full> {
        let place = self.guard.places.enter(self.guard.ceiling)?;
        Ok(match self.provider.max_in_flight {
            Some(most) => place.within(self.provider.places.enter(most)?),
            None => place,
        })
    }

    /// Whether a place is left.
    pub(super) fn has_room(&self) -> bool {
        let provider = &self.provider;
        self.guard.places.has_room(self.guard.ceiling)
            && provider.max_in_flight.is_none_or(|most| provider.places.has_room(most))
    }
}

/// A name in a header, where only ASCII reads the same everywhere: others are percent-encoded
/// (RFC 3986 §2.1).
fn in_header(name: &str) -> Option<HeaderValue> {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if name.bytes().all(plain) {
        return HeaderValue::from_str(name).ok();
    }
    let encoded: String = name
        .bytes()
        .map(|byte| match plain(byte) && byte != b'%' {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    HeaderValue::from_str(&encoded).ok()
}

/// Time limits of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Until a connection stands, if not as usual.
    pub(crate) connect: Option<Duration>,
    /// Until the head of the answer is there: of a stream, or of a plain answer, which a provider
    /// only begins once it is complete.
    pub(crate) headers: Option<Duration>,
    /// Until the first event of a stream that says something; the last target that can be asked
    /// has longer.
    pub(crate) first_event: Duration,
    /// Between two pieces of a stream.
    pub(crate) stall: Duration,
    /// For the whole request.
    pub(crate) total: Duration,
}

impl Limits {
    /// How long a stream may take to begin, where nobody says.
    pub(crate) const STREAM_HEAD: Duration = Duration::from_secs(60);
    /// How long the first event may take, where nobody says.
    const FIRST_EVENT: Duration = Duration::from_secs(60);
    /// How long a stream may pause, where nobody says.
    const STALL: Duration = Duration::from_secs(60);

    /// What a route says, within the server's limit `total`.
    pub(super) fn of(timeouts: &Timeouts, total: Duration) -> Self {
        Self {
            connect: timeouts.connect,
            headers: timeouts.headers,
            first_event: timeouts.first_event.unwrap_or(Self::FIRST_EVENT),
            stall: timeouts.stall.unwrap_or(Self::STALL),
            total: timeouts.total.map_or(total, |own| own.min(total)),
        }
    }
}

/// What answers for one name.
#[derive(Debug)]
pub(crate) struct Route {
    /// The name that clients ask for.
    pub(crate) model: Arc<str>,
    /// Targets in order of preference, at least one.
    pub(crate) targets: Vec<Target>,
    /// Whether the first to be asked is drawn by shares.
    pub(super) weighted: bool,
    /// Its time limits.
    pub(crate) limits: Limits,
    /// When a stream begins, unless the request says.
    pub(super) stream_commit: StreamCommit,
    /// How long answers are kept for the next who asks the same, if at all.
    pub(crate) cache: Option<Duration>,
    /// Requests per minute over all clients.
    pub(crate) requests_per_minute: Option<u64>,
}

impl Route {
    /// The targets to be asked one after the other: the first is drawn by shares where the profile
    /// gives any, the others follow in their order.
    pub(super) fn in_turn(&self, endpoint: Endpoint) -> impl Iterator<Item = &Target> {
        let first = self.weighted.then(|| self.drawn(endpoint, rand::random())).flatten();
        let others = move |t: &&Target| first.is_none_or(|first| !std::ptr::eq(first, *t));
        first.into_iter().chain(self.fit_for(endpoint).filter(others))
    }

    /// The usable target on which `lot` falls.
    pub(super) fn drawn(&self, endpoint: Endpoint, lot: u64) -> Option<&Target> {
        let usable = || self.fit_for(endpoint).filter(|t| t.provider.is_usable());
        let all = usable().fold(0_u64, |sum, t| sum.saturating_add(t.share));
        let mut rest = lot.checked_rem(all)?;
        usable().find(|target| {
            let falls = rest < target.share;
            rest = rest.saturating_sub(target.share);
            falls
        })
    }

    /// The targets that can answer what this endpoint is asked.
    fn fit_for(&self, endpoint: Endpoint) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(move |target| target.provider.answers(endpoint))
    }

    /// The endpoints that serve it.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        let served = |endpoint: &Endpoint| self.fit_for(*endpoint).next().is_some();
        Endpoint::ALL.into_iter().filter(served).collect()
    }

    /// Whether any of its providers is configured.
    pub(crate) fn configured(&self) -> bool {
        self.targets.iter().any(|t| t.provider.is_configured())
    }

    /// Why no target can be used at present; `None` if one can.
    pub(crate) fn unavailable(&self) -> Option<String> {
        let mut reasons = Vec::new();
        for target in &self.targets {
            match target.provider.unavailable() {
                None => return None,
                Some(reason) => reasons.push(format!("`{}`: {reason}", target.provider.name)),
            }
        }
        Some(reasons.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_headers_are_ascii() {
        for (name, sent) in
            [("gpt-4o", "gpt-4o"), ("a%b/c d", "a%b/c d"), ("é%", "%C3%A9%25"), ("a\nb", "a%0Ab")]
        {
            assert_eq!(in_header(name).unwrap().to_str().unwrap(), sent, "{name:?}");
        }
    }
}
