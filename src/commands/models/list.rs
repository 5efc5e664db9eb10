//! `ultra models list`: what answers for every model, and what is known of it.

use super::seen::{Files, Profile, Server};
use crate::base::time::human;
use crate::base::words;
use crate::gateway::registry::{self, Model, Target};
use crate::provider::prices::usd;
use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::settings::{SecretSource, Workspace};
use serde::Serialize;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// Models of providers that nobody has configured, too.
    pub(crate) all: bool,
    /// Only models that can do this.
    pub(crate) capability: Option<String>,
    /// The server that is asked; the files of the profile if left out.
    pub(crate) server: Option<Server>,
}

#[derive(Serialize)]
struct Answer<'a> {
    profile: Option<&'a str>,
    server: Option<String>,
    mode: String,
    prices: String,
    count: usize,
    /// Models of providers without a key that are left out.
    hidden: usize,
    models: &'a [Model],
}

/// Lists them.
///
/// # Errors
/// The profile does not hold (3), or the server does not tell (5).
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let (mut models, mode, prices) = match &request.server {
        Some(server) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|e| Fault::failure(Problem::error("runtime", "cannot ask").why(e)))?;
            let (said, models) = runtime.block_on(server.models())?;
            let text =
                |name: &str| said.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            (models, text("mode"), text("prices"))
        }
        None => {
            let profile = Profile::read(workspace, secrets)?;
            for warning in profile.warnings.iter().filter(|w| w.code == "untrusted-root") {
                console.warn(warning);
            }
            let sight =
                Files { resolution: &profile.resolution, secrets, now: workspace.clock.now() };
            let models = registry::models(&profile.table, &profile.prices, &sight);
            let mode = profile.settings.server.mode.word().to_owned();
            (models, mode, profile.prices.version().to_string())
        }
    };
    if let Some(word) = &request.capability {
        models.retain(|model| model.known.capabilities.has(word) == Some(true));
    }
    let before = models.len();
    if !request.all {
        models.retain(|model| model.configured);
    }
    let hidden = before - models.len();
    for warning in models.iter().flat_map(leaving) {
        console.warn(&warning);
    }
    let view = view(&models, hidden, request.capability.as_deref());
    let answer = Answer {
        profile: request.server.is_none().then_some(workspace.profile.as_str()),
        server: request.server.as_ref().map(Server::label),
        mode,
        prices,
        count: models.len(),
        hidden,
        models: &models,
    };
    Report::new("ultra.models.list/1", answer, view)
}

/// Warnings of targets that are deprecated, or will be soon.
fn leaving(model: &Model) -> Vec<Problem> {
    let warning = |target: &Target| {
        let word = target.known.deprecated.as_deref()?;
        let date = target.known.deprecation_date.as_deref()?;
        let what = match word {
            "past" => {
                format!("`{}` of `{}` is deprecated since {date}", target.model, target.provider)
            }
            _ => {
                format!("`{}` of `{}` will be deprecated on {date}", target.model, target.provider)
            }
        };
        Some(
            Problem::warning("deprecated-model", what)
                .why(format!("`{}` leads to it, and the provider may end it then", model.name))
                .hint("put another model in its place in `routes:` of the profile"),
        )
    };
    model.targets.iter().filter(|_| model.configured).filter_map(warning).collect()
}

fn view(models: &[Model], hidden: usize, capability: Option<&str>) -> Vec<Block> {
    let mut table = Table::new(&[
        "model",
        "target",
        "key",
        "can",
        "context",
        "output",
        "in USD/M",
        "out USD/M",
        "",
    ]);
    for model in models {
        for (n, target) in model.targets.iter().enumerate() {
            let name = if n == 0 { model.name.clone() } else { String::new() };
            table.rows.push(row(name, model, target));
        }
    }
    let mut view = Vec::new();
    if models.is_empty() {
        view.push(Block::text(match capability {
            Some(word) => format!("no model that is configured is known for `{word}`"),
            None => {
                "no model is configured: a provider needs a key (ultra keys set openai)".to_owned()
            }
        }));
    } else {
        view.push(Block::Table(table));
    }
    if hidden > 0 {
        let more = words::count(hidden as u64, "model");
        view.push(Block::text(format!(
            "{more} of providers without a key: ultra models list --all"
        )));
    }
    view
}

fn row(name: String, model: &Model, target: &Target) -> Vec<(String, Tone)> {
    let tone = if target.available { Tone::Plain } else { Tone::Faint };
    let price = |which: fn(&registry::PriceOf) -> Option<u64>| {
        let price = target.known.price.as_ref().and_then(which);
        // A micro-dollar is a thousand nano-dollars.
        price.map_or_else(|| "-".to_owned(), |micro| usd(i128::from(micro) * 1000))
    };
    let count = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let caps = target.known.capabilities;
    let can: Vec<&str> = registry::Capabilities::WORDS
        .into_iter()
        .filter(|word| caps.has(word) == Some(true))
        .collect();
    let share = total(model).zip(target.share).map(|(all, share)| format!(" ({share} of {all})"));
    let keys: Vec<&str> = target.keys.iter().map(|key| key.state.as_str()).collect();
    let keys = if keys.is_empty() { "-".to_owned() } else { keys.join(", ") };
    let good = match (target.available, target.known.deprecated.is_some()) {
        (false, _) => Tone::Bad,
        (true, true) => Tone::Warn,
        (true, false) => Tone::Plain,
    };
    vec![
        (name, tone),
        (format!("{}/{}{}", target.provider, target.model, share.unwrap_or_default()), tone),
        (keys, good),
        (can.join(" "), tone),
        (count(target.known.context_tokens), tone),
        (count(target.known.max_output_tokens), tone),
        (price(|price| price.input_microusd_per_mtok), tone),
        (price(|price| price.output_microusd_per_mtok), tone),
        (note(model, target), good),
    ]
}

/// The shares of all targets, where the first to be asked is drawn.
fn total(model: &Model) -> Option<u64> {
    model
        .targets
        .iter()
        .map(|target| target.share)
        .try_fold(0_u64, |all, share| Some(all.saturating_add(share?)))
}

/// What is worth knowing of a target.
fn note(model: &Model, target: &Target) -> String {
    let mut notes: Vec<String> = target.reason.iter().cloned().collect();
    if let Some(date) = target.known.deprecation_date.as_ref()
        && target.known.deprecated.is_some()
    {
        notes.push(format!("deprecated {date}"));
    }
    if let Some(seconds) = model.cache_ttl_seconds
        && model.targets.first().is_some_and(|first| std::ptr::eq(first, target))
    {
        notes.push(format!(
            "answers are kept for {}",
            human(i64::try_from(seconds).unwrap_or(i64::MAX))
        ));
    }
    notes.extend(
        target.breaker.iter().filter(|state| *state != "closed").map(|s| format!("breaker {s}")),
    );
    if target.listed == Some(false) {
        notes.push("the provider does not list it".to_owned());
    } else if target.keys.is_empty() {
        notes.extend(model.note.clone());
    }
    notes.join("; ")
}
