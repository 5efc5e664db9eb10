//! The registry of models: what is known of every name that clients may ask for, put together from
//! the table of routes, the dated list with the operator's own rows, and what providers list.

use super::routes::{Backend, Provider, Route};
use super::table::Table;
use crate::base::Timestamp;
use crate::provider::prices::{Facts, Prices};
use crate::provider::{Endpoint, mock};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A model that is gone in so many days is warned of.
const SOON: i64 = 30;

/// A name that clients may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Model {
    /// The name.
    pub(crate) name: String,
    /// Whether any target can be asked at present.
    pub(crate) available: bool,
    /// Why none can, if so.
    pub(crate) reason: Option<String>,
    /// Whether any of its providers is configured, rather than only known to exist.
    pub(crate) configured: bool,
    /// Whether any provider of it lists it; `None` if nobody knows.
    pub(crate) listed: Option<bool>,
    /// What else is worth knowing.
    pub(crate) note: Option<String>,
    /// What is known of the first target that can be asked, else of the first.
    #[serde(flatten)]
    pub(crate) known: Known,
    /// What answers, in the order in which they are asked.
    pub(crate) targets: Vec<Target>,
    /// The paths that serve it.
    pub(crate) endpoints: Vec<String>,
    /// For how many seconds answers are kept for the next who asks the same, if at all.
    #[serde(default)]
    pub(crate) cache_ttl_seconds: Option<u64>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The provider.
    pub(crate) provider: String,
    /// The model's name there.
    pub(crate) model: String,
    /// Its share of the requests, where the first to be asked is drawn.
    pub(crate) share: Option<u64>,
    /// Whether it can be asked at present.
    pub(crate) available: bool,
    /// Why not, if so.
    pub(crate) reason: Option<String>,
    /// The provider's keys, by variable, and what each is good for; empty for the mock.
    pub(crate) keys: Vec<Key>,
    /// How the breaker stands; `None` where no server says.
    pub(crate) breaker: Option<String>,
    /// Milliseconds until a breaker that is open lets a request through.
    pub(crate) retry_in_ms: Option<u64>,
    /// Whether the provider lists it; `None` if nobody knows.
    pub(crate) listed: Option<bool>,
    /// When the provider was asked for its list last and gave one.
    pub(crate) listed_at: Option<Timestamp>,
    /// What is known of it.
    #[serde(flatten)]
    pub(crate) known: Known,
}

/// A key of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// The variable.
    pub(crate) variable: String,
    /// `active`, `draining`, `rejected` or `disabled` at a server, `set`, `withheld` or `unknown` in files,
    /// else `missing`.
    pub(crate) state: String,
}

/// What is known of a model at a provider; `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Tokens of a conversation that it takes.
    pub(crate) context_tokens: Option<u64>,
    /// Tokens of an answer at most.
    pub(crate) max_output_tokens: Option<u64>,
    /// What it can do.
    pub(crate) capabilities: Capabilities,
    /// What it costs, if anything is known of that.
    pub(crate) price: Option<PriceOf>,
    /// From when on the provider may not serve it any more.
    pub(crate) deprecation_date: Option<String>,
    /// `past` or `soon` (within thirty days), if that date is.
    pub(crate) deprecated: Option<String>,
}

/// What a model can do; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Capabilities {
    /// It calls tools.
    pub(crate) tools: Option<bool>,
    /// It sees images.
    pub(crate) vision: Option<bool>,
    /// It reasons before it answers.
    pub(crate) reasoning: Option<bool>,
}

impl Capabilities {
    /// The words for them.
    pub(crate) const WORDS: [&str; 3] = ["tools", "vision", "reasoning"];

    /// Whether the one of this word is known to be there; `None` for any other word.
    pub(crate) fn has(self, word: &str) -> Option<bool> {
        let [tools, vision, reasoning] = Self::WORDS;
        let said = match word {
            word if word == tools => self.tools,
            word if word == vision => self.vision,
            word if word == reasoning => self.reasoning,
            _ => return None,
        };
        Some(said == Some(true))
    }
}

/// Prices in micro-dollars per million tokens, as price files write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PriceOf {
    /// Of the request, uncached.
    pub(crate) input_microusd_per_mtok: Option<u64>,
    /// Of the answer.
    pub(crate) output_microusd_per_mtok: Option<u64>,
    /// Of the request, read from a cache.
    pub(crate) cache_read_microusd_per_mtok: Option<u64>,
    /// Of the request, written to a cache for five minutes.
    pub(crate) cache_write_5m_microusd_per_mtok: Option<u64>,
    /// Of the request, written to a cache for an hour.
    pub(crate) cache_write_1h_microusd_per_mtok: Option<u64>,
}

/// Where what changes comes from: a running server, or files alone.
pub(crate) trait Sight {
    /// The keys of a provider, and why it cannot be used, if so.
    fn keys(&self, provider: &Provider) -> (Vec<Key>, Option<String>);

    /// Whether the provider lists a model, and since when that is known.
    fn listed(&self, provider: &Provider, model: &str) -> Option<(bool, Timestamp)>;

    /// Whether breakers have anything to say.
    fn has_breakers(&self) -> bool;

    /// The time.
    fn now(&self) -> Timestamp;
}

/// All names of a table.
pub(crate) fn models(table: &Table, prices: &Prices, sight: &dyn Sight) -> Vec<Model> {
    table.routes().map(|route| model(route, prices, sight)).collect()
}

/// One name.
pub(crate) fn model(route: &Route, prices: &Prices, sight: &dyn Sight) -> Model {
    let targets: Vec<Target> =
        route.targets.iter().map(|target| self::target(route, target, prices, sight)).collect();
    let first = targets.iter().find(|target| target.available).or_else(|| targets.first());
    let known = first.map(|target| target.known.clone()).unwrap_or_default();
    let available = targets.iter().any(|target| target.available);
    let reasons = targets.iter().filter_map(|target| {
        target.reason.as_ref().map(|reason| format!("`{}`: {reason}", target.provider))
    });
    let reason = (!available).then(|| reasons.collect::<Vec<_>>().join("; "));
    let listed = if targets.iter().any(|target| target.listed == Some(true)) {
        Some(true)
    } else {
        targets.iter().all(|target| target.listed.is_some()).then_some(false)
    };
    Model {
        name: route.model.to_string(),
        available,
        reason,
        configured: route.configured(),
        listed,
        note: (listed == Some(false)).then(|| unlisted(route)).or_else(|| acts(route)),
        known,
        targets,
        endpoints: endpoints(route, prices).iter().map(|e| e.path().to_owned()).collect(),
        cache_ttl_seconds: route.cache.map(|ttl| ttl.as_secs()),
    }
}

/// The endpoints that serve a name, by what its providers answer and what is known of its models.
pub(crate) fn endpoints(route: &Route, prices: &Prices) -> Vec<Endpoint> {
    let served = |endpoint: &Endpoint| {
        route.targets.iter().any(|target| {
            let kind = prices.facts(&target.provider.name, &target.model).kind;
            target.provider.answers(*endpoint)
                && kind.is_none_or(|kind| kind.is_asked_at(*endpoint))
        })
    };
    Endpoint::ALL.into_iter().filter(served).collect()
}

fn target(route: &Route, of: &super::routes::Target, prices: &Prices, sight: &dyn Sight) -> Target {
    let provider = &of.provider;
    let (keys, reason) = sight.keys(provider);
    let listed = sight.listed(provider, &of.model);
    let view = sight.has_breakers().then(|| of.guard.breaker.view());
    let facts = prices.facts(&provider.name, &of.model);
    // Nobody pays for what the mock answers.
    let priced_as = match provider.backend {
        Backend::Mock => mock::NAME,
        Backend::Http { .. } => &provider.name,
    };
    let price = prices.find(priced_as, &of.model).map(|price| PriceOf {
        input_microusd_per_mtok: price.input,
        output_microusd_per_mtok: price.output,
        cache_read_microusd_per_mtok: price.cache_read,
        cache_write_5m_microusd_per_mtok: price.cache_write_5m,
        cache_write_1h_microusd_per_mtok: price.cache_write_1h,
    });
    Target {
        provider: provider.name.to_string(),
        model: of.model.to_string(),
        share: route.weighted.then_some(of.share),
        available: reason.is_none(),
        reason,
        keys,
        breaker: view.as_ref().map(|view| view.state.word().to_owned()),
        retry_in_ms: view.map(|view| view.retry_in_ms).filter(|ms| *ms > 0),
        listed: listed.map(|(listed, _)| listed),
        listed_at: listed.map(|(_, at)| at),
        known: known(facts, of.context, price, sight.now()),
    }
}

fn known(facts: Facts, context: Option<u64>, price: Option<PriceOf>, now: Timestamp) -> Known {
    Known {
        // What the profile says of its own target goes before what a list says.
        context_tokens: context.or(facts.context),
        max_output_tokens: facts.max_output,
        capabilities: Capabilities {
            tools: facts.tools,
            vision: facts.vision,
            reasoning: facts.reasoning,
        },
        price,
        deprecation_date: facts.deprecated.map(|date| date.to_string()),
        deprecated: facts.deprecated.and_then(|date| deprecated(date, now)).map(str::to_owned),
    }
}

/// How near the end of a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Its day has come.
    Past,
    /// Its day comes within a month.
    Soon,
}

/// Whether the day at which a model ends has come (UTC), or comes soon.
pub(crate) fn leaving(day: Date, now: Timestamp) -> Option<Leaving> {
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let left = midnight - now.as_second();
    match left {
        ..=0 => Some(Leaving::Past),
        1.. if left <= SOON * 86_400 => Some(Leaving::Soon),
        _ => None,
    }
}

fn deprecated(day: Date, now: Timestamp) -> Option<&'static str> {
    Some(match leaving(day, now)? {
        Leaving::Past => "past",
        Leaving::Soon => "soon",
    })
}

/// What a model of the mock does.
fn acts(route: &Route) -> Option<String> {
    let target = route.targets.first().filter(|target| target.provider.is_our_mock())?;
    mock::about(&target.model)
}

/// What to say of a model that no provider of it lists.
fn unlisted(route: &Route) -> String {
    let all: Vec<String> =
        route.targets.iter().map(|t| format!("`{}`: `{}`", t.provider.name, t.model)).collect();
    format!("not in the provider's own list, where aliases are often missing ({})", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_has_come_or_comes_soon_is_told() {
        let now: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
        for (date, expected) in [
            ((2026, 10, 31), Some("past")),
            ((2026, 11, 1), Some("past")),
            ((2026, 11, 2), Some("soon")),
            ((2026, 12, 1), Some("soon")),
            ((2026, 12, 2), None),
            ((2031, 1, 1), None),
        ] {
            let (year, month, day) = date;
            assert_eq!(deprecated(jiff::civil::date(year, month, day), now), expected, "{date:?}");
        }
    }

    #[test]
    fn what_can_be_done_is_found_by_its_word() {
        let all = Capabilities { tools: Some(true), vision: Some(false), reasoning: None };
        assert_eq!(
            Capabilities::WORDS.map(|word| all.has(word)),
            [Some(true), Some(false), Some(false)]
        );
        assert_eq!(all.has("speech"), None);
    }
}
