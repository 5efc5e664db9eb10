//! Which models providers list by themselves: asked now and then with a request that costs no
//! tokens, and shared between replicas through the cache. It only informs: no request waits for
//! it, and no model is taken away because of it. A list that cannot be had again stays, with its age.

use super::state::App;
use crate::base::Timestamp;
use crate::gateway::routes::{Backend, Provider};
use crate::provider::list_models::{KeyVerdict, list_models};
use crate::settings::profile::ProviderKind;
use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

/// How often providers are asked, at least; up to a quarter longer, so that replicas that start
/// together do not ask together.
const EVERY: Duration = Duration::from_secs(900);

/// A list that is younger, whoever has asked for it, is taken as it is.
const FRESH: Duration = Duration::from_secs(600);

/// How soon it is tried again where a provider gave no list.
const AGAIN: Duration = Duration::from_secs(120);

/// How long a list is worth something.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long one provider may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a shared cache is waited for at the start.
const CONNECT: Duration = Duration::from_secs(2);

/// The largest list that is taken from the cache, which others can write to.
const LARGEST: usize = 8 << 20;

/// What a provider has listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Names of models as the provider writes them.
    models: BTreeSet<String>,
    /// When it was asked.
    pub(crate) at: Timestamp,
}

impl Listed {
    /// Whether the model is on the list. Google's API puts `models/` before names.
    pub(crate) fn has(&self, model: &str) -> bool {
        self.models.contains(model) || self.models.contains(&format!("models/{model}"))
    }

    fn age(&self, now: Timestamp) -> Duration {
        // A list of the future is one of a replica whose clock is ahead.
        Duration::try_from(now.duration_since(self.at)).unwrap_or_default()
    }
}

/// What is known of the lists of all providers.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// By the place that was asked.
    known: ArcSwap<HashMap<String, Arc<Listed>>>,
    wanted: Notify,
    /// Whether to ask even where a fresh list is known: with another key it may be another one.
    anew: AtomicBool,
    /// Slots (id and generation) whose refusal was told.
    told: Mutex<HashSet<(String, u64)>>,
}

impl Listing {
    /// What this provider has listed at the place where it is now, unless it is too long ago.
    pub(crate) fn of(&self, provider: &Provider, now: Timestamp) -> Option<Arc<Listed>> {
        let place = place(provider)?;
        self.known.load().get(&place).filter(|listed| listed.age(now) <= KEPT).cloned()
    }

    /// Has all providers asked now.
    pub(crate) fn ask_now(&self) {
        self.anew.store(true, Ordering::Relaxed);
        self.wanted.notify_one();
    }

    /// Whether this is the first refusal of the slot.
    fn first_refusal(&self, slot: &str, generation: u64) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((slot.to_owned(), generation))
    }
}

/// Keeps the lists young until `stop`. There is one such task, so nothing is asked twice at once.
pub(crate) async fn follow(app: Arc<App>, stop: CancellationToken) {
    let work = async {
        shared_cache(&app).await;
        loop {
            let anew = app.listing.anew.swap(false, Ordering::Relaxed);
            let every = if refresh(&app, anew).await { EVERY } else { AGAIN };
            let pause = every + every.mul_f64(rand::random::<f64>() / 4.0);
            // Asked for or not, after a while it is time again.
            let _ = tokio::time::timeout(pause, app.listing.wanted.notified()).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

/// Waits a moment for a shared cache: another replica may have put the lists there.
async fn shared_cache(app: &App) {
    let until = tokio::time::Instant::now() + CONNECT;
    while app.cache.status().using_fallback && tokio::time::Instant::now() < until {
        tokio::time::sleep(CONNECT / 100).await;
    }
}

/// Asks all providers at once. Says whether every one that has a key gave a list.
async fn refresh(app: &App, anew: bool) -> bool {
    let table = app.gateway.table();
    let asked = table.providers().filter_map(|provider| Some((place(provider)?, provider)));
    let lists = join_all(asked.map(async |(place, provider)| {
        let listed = one(app, provider, &place, anew).await;
        (place, listed.map(Arc::new), provider.slots.usable())
    }))
    .await;
    // Of those that gave none the last one stays; what is nobody's place any more goes.
    let mut known = HashMap::clone(&app.listing.known.load());
    known.retain(|place, _| lists.iter().any(|(asked, ..)| asked == place));
    let whole = lists.iter().all(|(_, listed, usable)| listed.is_some() || !usable);
    known.extend(lists.into_iter().filter_map(|(place, listed, _)| Some((place, listed?))));
    app.listing.known.store(Arc::new(known));
    whole
}

/// The list of one provider: from the cache if it is fresh there, else from the provider.
async fn one(app: &App, provider: &Provider, name: &str, anew: bool) -> Option<Listed> {
    let Backend::Http { base_url, .. } = &provider.backend else { return None };
    if !anew && let Some(listed) = cached(app, name).await {
        return Some(listed);
    }
    let used = provider.slots.pick("", &[], &[])?;
    let slot = used.slot();
    let asked = list_models(provider.kind, base_url, &slot.secret);
    let why = match tokio::time::timeout(DEADLINE, asked).await {
        Ok(KeyVerdict::Accepted { models }) => {
            let listed = Listed { models: models.into_iter().collect(), at: app.clock.now() };
            if let Ok(bytes) = serde_json::to_vec(&listed) {
                app.cache.set(name, Bytes::from(bytes), KEPT).await;
            }
            return Some(listed);
        }
        // A key for conversations only may not be allowed to list: requests will show.
        Ok(KeyVerdict::Refused { status }) => {
            if app.listing.first_refusal(&slot.id, slot.generation) {
                tracing::warn!(slot = slot.id, status, "the provider lists no models to this key");
            }
            return None;
        }
        Ok(KeyVerdict::RateLimited { .. }) => "it asks to come back later".to_owned(),
        Ok(KeyVerdict::Unverified { why }) => why,
        Err(_) => format!("no answer within {} s", DEADLINE.as_secs()),
    };
    tracing::debug!(provider = &*provider.name, why, "no list of models");
    None
}

async fn cached(app: &App, name: &str) -> Option<Listed> {
    let bytes = app.cache.get(name, LARGEST).await?;
    let mut listed: Listed = serde_json::from_slice(&bytes).ok()?;
    let now = app.clock.now();
    listed.at = listed.at.min(now);
    (listed.age(now) <= FRESH).then_some(listed)
}

/// Where a provider is asked; `None` for the mock.
fn place(provider: &Provider) -> Option<String> {
    if provider.kind == ProviderKind::Azure {
        // It lists what can be deployed; which deployments there are it does not say.
        return None;
    }
    let Backend::Http { base_url, .. } = &provider.backend else { return None };
    Some(cache_key(&provider.name, base_url))
}

/// Replicas that ask the same place share a list; credentials in the URL are left out.
fn cache_key(provider: &str, base_url: &Url) -> String {
    let origin = base_url.origin().ascii_serialization();
    format!("models:{provider}:{origin}{}", base_url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::Table;
    use crate::settings::profile::Mode;

    fn listed(models: &[&str], at: Timestamp) -> Listed {
        Listed { models: models.iter().map(|&m| m.to_owned()).collect(), at }
    }

    fn know(listing: &Listing, provider: &Provider, list: Listed) {
        let mut known = HashMap::clone(&listing.known.load());
        known.insert(place(provider).unwrap(), Arc::new(list));
        listing.known.store(Arc::new(known));
    }

    #[test]
    fn a_list_counts_where_it_was_asked_for_and_for_a_day() {
        let profile = crate::settings::profile::Profile {
            name: "dev".to_owned(),
            extends: vec![],
            protected: false,
            place: None,
            secrets: Default::default(),
            providers: Default::default(),
            routes: Default::default(),
            policy: Default::default(),
        };
        let table = |port: u16| {
            let somewhere = move |_: &crate::settings::groups::KnownProvider| {
                Url::parse(&format!("http://h:{port}/v1")).ok()
            };
            Table::of(&profile, Mode::Real, Duration::from_secs(60), somewhere, None)
        };
        let provider =
            |table: &Table| Arc::clone(&table.find("openai/x").unwrap().targets[0].provider);
        let (here, there) = (provider(&table(1)), provider(&table(2)));
        let (listing, now) = (Listing::default(), Timestamp::now());
        assert_eq!(listing.of(&here, now), None);
        know(&listing, &here, listed(&["gpt-4o", "models/y"], now));
        let list = listing.of(&here, now).unwrap();
        assert!(list.has("gpt-4o") && list.has("y") && !list.has("x"));
        assert_eq!(listing.of(&there, now), None, "that is another place");
        // What was true long ago is not known.
        assert!(listing.of(&here, now + KEPT).is_some());
        assert_eq!(listing.of(&here, now + KEPT + Duration::from_secs(1)), None);
    }

    #[test]
    fn the_key_names_the_place_and_no_credentials() {
        let key = |url: &str| cache_key("a", &Url::parse(url).unwrap());
        assert_eq!(key("https://user:canary@h/v1/?k=canary"), "models:a:https://h/v1");
        assert_eq!(key("https://h:443/v1"), key("https://h/v1/"));
        assert_ne!(key("https://h:8443/v1"), key("https://h/v1"));
    }
}
