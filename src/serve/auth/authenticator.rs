//! The judgement: from headers to a caller, synchronously and without I/O.

use super::snapshot::{Known, Snapshot};
use super::token::{self, LONGEST_LIFE, TokenKeys, Verdict};
use super::{AuthError, credentials, key};
use crate::base::Timestamp;
use crate::store::{Scope, Scopes};
use arc_swap::{ArcSwap, ArcSwapOption};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::sync::{Notify, watch};

/// A snapshot of at most this age knows every key: whatever is not in it does not exist.
const FRESH: Duration = Duration::from_secs(5);
/// How long an unknown signing key may be a new one that has not reached us yet.
const KEY_PATIENCE: Duration = Duration::from_secs(5);
/// How long it then counts as unknown before anybody looks again.
const KEY_REFUSAL: Duration = Duration::from_secs(30);
/// How often at most the signing keys are loaded for that.
const KEY_LOOKS: Duration = Duration::from_secs(1);
/// How long a caller with an unknown service key waits for the store to be read once more.
const LOOK: Duration = Duration::from_secs(1);
/// So many unknown signing keys are remembered: whoever makes them up must not fill the memory.
const MOST_UNKNOWN: usize = 4_096;

/// How callers are judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthOptions {
    /// How long known keys are served from a snapshot that cannot be refreshed.
    pub(crate) max_stale: Duration,
    /// How often the snapshot is refreshed.
    pub(crate) refresh: Duration,
}

/// How a caller has shown who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A service key.
    ServiceKey,
    /// An access token.
    AccessToken,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The id of the key, or the subject of the token: what usage and limits count by.
    pub(crate) key_id: Arc<str>,
    /// What people call it.
    pub(crate) name: Arc<str>,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// Requests per minute, if it has a limit of its own.
    pub(crate) rate: Option<u32>,
    /// How it has shown who it is.
    pub(crate) credential: Credential,
}

impl Caller {
    /// The user on whose behalf it calls: the subject of an access token. A service key has none.
    pub(crate) fn user_id(&self) -> Option<Arc<str>> {
        (self.credential == Credential::AccessToken).then(|| Arc::clone(&self.key_id))
    }

    /// Refuses a caller that lacks `scope`.
    ///
    /// # Errors
    /// [`AuthError::Forbidden`].
    pub(crate) fn require(&self, scope: Scope) -> Result<(), AuthError> {
        if self.scopes.has(scope) { Ok(()) } else { Err(AuthError::Forbidden(scope.word())) }
    }
}

/// Signing keys that nobody here knows. Each is judged by itself: one that somebody makes up must
/// not have another refused that has just been published.
#[derive(Debug, Default)]
struct Unknown {
    /// When each was first seen.
    since: HashMap<String, Timestamp>,
    /// When each that was known was taken away. Nobody waits for those, and as only who has the
    /// vault adds to them, nobody can have them forgotten by making up others.
    withdrawn: HashMap<String, Timestamp>,
    /// When the signing keys were last asked to be loaded again.
    asked_at: Option<Timestamp>,
}

/// How often the store was read: whoever waits for a read must not take one that had begun before
/// for an answer, nor one that came to nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    begun: u64,
    ended: u64,
    /// The last one that the store answered.
    answered: u64,
}

/// Judges callers.
#[derive(Debug)]
pub(crate) struct Authenticator {
    options: AuthOptions,
    snapshot: ArcSwapOption<Snapshot>,
    tokens: ArcSwap<TokenKeys>,
    unknown: Mutex<Unknown>,
    looks: watch::Sender<Looks>,
    refresh_wanted: Notify,
    reload_wanted: Notify,
}

impl Authenticator {
    /// An authenticator that knows nobody yet.
    pub(crate) fn new(options: AuthOptions, tokens: TokenKeys) -> Self {
        Self {
            options,
            snapshot: ArcSwapOption::empty(),
            tokens: ArcSwap::from_pointee(tokens),
            unknown: Mutex::default(),
            looks: watch::Sender::default(),
            refresh_wanted: Notify::new(),
            reload_wanted: Notify::new(),
        }
    }

    /// Who calls.
    ///
    /// # Errors
    /// [`AuthError`]; never a 401 for what only the store could tell.
    pub(crate) fn authenticate(
        &self,
        headers: &http::HeaderMap,
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        let text = credentials::presented(headers)?;
        if text.starts_with(key::PREFIX) {
            let (id, secret) = key::parse(text).ok_or(AuthError::InvalidKey)?;
            return self.by_key(id, secret, now);
        }
        match token::verify(text, &self.tokens.load(), now) {
            Verdict::Valid(claims) => Ok(claims.caller()),
            Verdict::Invalid => Err(AuthError::InvalidToken),
            Verdict::Expired => Err(AuthError::TokenExpired),
            Verdict::UnknownKey(kid) => Err(self.unknown_signing_key(kid, now)),
        }
    }

    /// The id of the service key that `headers` show, if there is or was one with that id: its
    /// secret is not looked at.
    pub(crate) fn known_id(&self, headers: &http::HeaderMap) -> Option<Arc<str>> {
        let (id, _) = key::parse(credentials::presented(headers).ok()?)?;
        let snapshot = self.snapshot.load();
        snapshot.as_ref()?.keys.get(id).map(|known| Arc::clone(&known.id))
    }

    fn by_key(&self, id: &str, secret: &str, now: Timestamp) -> Result<Caller, AuthError> {
        let unavailable = || {
            self.refresh_wanted.notify_one();
            AuthError::Unavailable { retry_after: 1 }
        };
        let snapshot = self.snapshot.load();
        let Some(snapshot) = snapshot.as_ref() else { return Err(unavailable()) };
        let age = snapshot.age(now);
        let Some(known) = snapshot.keys.get(id) else {
            return Err(if age <= FRESH { AuthError::UnknownKey } else { unavailable() });
        };
        if !bool::from(key::hash(secret).ct_eq(&known.hash)) {
            return Err(AuthError::InvalidKey);
        }
        // Neither a revocation nor an expiry is ever taken back, so age does not matter to them.
        if known.revoked {
            return Err(AuthError::KeyRevoked);
        }
        if known.expires_at.is_some_and(|end| end <= now) {
            return Err(AuthError::KeyExpired);
        }
        if age > self.options.max_stale {
            return Err(unavailable());
        }
        Ok(caller(known))
    }

    /// A token signed with a key we do not know: perhaps one that was published a moment ago.
    fn unknown_signing_key(&self, kid: String, now: Timestamp) -> AuthError {
        let age = |then| since(then, now);
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.withdrawn.contains_key(&kid) {
            return AuthError::InvalidToken;
        }
        if unknown.since.len() >= MOST_UNKNOWN {
            unknown.since.retain(|_, then| age(*then) <= KEY_REFUSAL);
            if unknown.since.len() >= MOST_UNKNOWN {
                unknown.since.clear();
            }
        }
        let since = unknown.since.entry(kid).or_insert(now);
        if age(*since) > KEY_REFUSAL {
            *since = now;
        }
        // That it was not among those loaded meanwhile says little: whoever signs with it may be
        // faster than whoever publishes it.
        if age(*since) > KEY_PATIENCE {
            return AuthError::InvalidToken;
        }
        if unknown.asked_at.is_none_or(|then| age(then) >= KEY_LOOKS) {
            unknown.asked_at = Some(now);
            self.reload_wanted.notify_one();
        }
        AuthError::Unavailable { retry_after: 1 }
    }

    /// Replaces what is known of keys.
    pub(crate) fn set_snapshot(&self, snapshot: Snapshot) {
        self.snapshot.store(Some(Arc::new(snapshot)));
    }

    /// What is known of keys.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    /// Replaces the keys that sign tokens. One that is no longer among them was taken away: what it
    /// signed is refused at once, for as long as any of that may be valid.
    pub(crate) fn set_token_keys(&self, tokens: TokenKeys, now: Timestamp) {
        // Whoever meets the new keys finds those that are gone among the withdrawn.
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.tokens.swap(Arc::new(tokens));
        for gone in before.ids() {
            unknown.withdrawn.insert(gone.to_owned(), now);
        }
        let tokens = self.tokens.load();
        unknown.withdrawn.retain(|id, then| {
            since(*then, now) <= LONGEST_LIFE && !tokens.ids().any(|known| known == id)
        });
    }

    /// The keys that sign tokens.
    pub(crate) fn token_keys(&self) -> Arc<TokenKeys> {
        self.tokens.load_full()
    }

    /// How callers are judged.
    pub(crate) fn options(&self) -> AuthOptions {
        self.options
    }

    /// Has the store read once more for a service key that nobody here knows, which may have been
    /// made a moment ago, and waits until that has come to its end, but not for long. All who wait
    /// share one read, so that unknown keys are no burden to the store.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`]: the store has not answered in that time, or not at all, so nobody
    /// knows whether there is such a key.
    pub(crate) async fn looked_again(&self) -> Result<(), AuthError> {
        let mut looks = self.looks.subscribe();
        // The read that is under way may have begun before the key was made.
        let mine = looks.borrow_and_update().begun + 1;
        self.refresh_wanted.notify_one();
        match tokio::time::timeout(LOOK, looks.wait_for(|looks| looks.ended >= mine)).await {
            Ok(Ok(looks)) if looks.answered >= mine => Ok(()),
            _ => Err(AuthError::Unavailable { retry_after: 1 }),
        }
    }

    /// A read of the store begins.
    pub(super) fn look_begins(&self) {
        self.looks.send_modify(|looks| looks.begun += 1);
    }

    /// The read that began last has ended, and what the store `answered` is known.
    pub(super) fn look_ends(&self, answered: bool) {
        self.looks.send_modify(|looks| {
            looks.ended = looks.begun;
            if answered {
                looks.answered = looks.begun;
            }
        });
    }

    /// Waits until somebody wants the snapshot refreshed.
    pub(super) async fn refresh_wanted(&self) {
        self.refresh_wanted.notified().await;
    }

    /// Waits until a token was signed with an unknown key: whoever loads signing keys should do so
    /// now and call [`Authenticator::set_token_keys`].
    pub(crate) async fn reload_wanted(&self) {
        self.reload_wanted.notified().await;
    }
}

/// How long ago that was; nothing if the clock was set back since.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

fn caller(known: &Known) -> Caller {
    Caller {
        key_id: Arc::clone(&known.id),
        name: Arc::clone(&known.name),
        scopes: known.scopes,
        rate: known.rate,
        credential: Credential::ServiceKey,
    }
}
