//! `ultra usage report`: requests, tokens and cost, summed up from the store of a profile.

use super::backing::{options, with_store};
use crate::base::{csv, words};
use crate::gateway::usage::{Bad, Figures, Sum, Wanted, Words, figures};
use crate::provider::prices::usd;
use crate::report::{Block, Fault, Problem, Report, Table, Tone};
use crate::settings::{SecretSource, Workspace};
use crate::store::{DatabaseOptions, UsageBy, UsageSum};
use serde::Serialize;
use std::time::Duration;

/// Nobody is kept waiting by a report but who asked for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is wanted, as it was said.
#[derive(Debug)]
pub(crate) struct Request {
    /// What rows are brought together by.
    pub(crate) by: &'static str,
    /// From when on.
    pub(crate) since: Option<String>,
    /// Until when.
    pub(crate) until: Option<String>,
    /// Only this model.
    pub(crate) model: Option<String>,
    /// Only this key.
    pub(crate) key: Option<String>,
    /// Whether the answer is wanted as comma-separated values.
    pub(crate) csv: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    profile: &'a str,
    #[serde(flatten)]
    figures: &'a Figures,
}

/// Sums it up. Writes nothing; a store that was never made holds no usage.
///
/// # Errors
/// A time that cannot be understood (2); the store's errors.
pub(crate) fn report(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
) -> Result<Report, Fault> {
    let said = Words {
        by: Some(request.by),
        since: request.since.as_deref(),
        until: request.until.as_deref(),
        model: request.model.as_deref(),
        key: request.key.as_deref(),
    };
    let now = workspace.clock.now();
    let wanted = Wanted::read(&said, now).map_err(|bad| misunderstood(&bad))?;
    let (settings, options) = options(workspace, secrets)?;
    let profile = &settings.profile.name;
    let figures = if options.is_absent() {
        Figures::none(&wanted)
    } else {
        let options = DatabaseOptions { timeout: options.timeout.max(PATIENCE), ..options.clone() };
        with_store(&options, None, async |store| figures(&*store, &wanted, None).await)?
    };
    let view = if request.csv {
        vec![Block::Verbatim(comma_separated(&figures))]
    } else {
        shown(&figures, profile)
    };
    Report::new("ultra.usage.report/1", Answer { profile, figures: &figures }, view)
}

fn misunderstood(bad: &[Bad]) -> Fault {
    let problem = |bad: &Bad| {
        Problem::error("bad-time", format!("`--{}` {}", bad.name, bad.what))
            .maybe_hint(bad.hint.clone())
    };
    Fault::new(crate::exit::ExitStatus::Usage, bad.iter().map(problem).collect())
}

fn shown(figures: &Figures, profile: &str) -> Vec<Block> {
    let time = |at: crate::base::Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    let (since, until) = (time(figures.since), time(figures.until));
    let window = format!("usage of profile `{profile}` from {since} to {until} UTC");
    if figures.rows.is_empty() {
        return vec![Block::text(format!("no {window}"))];
    }
    let mut table = Table::new(&[
        figures.by.word(),
        "requests",
        "attempts",
        "input",
        "cached",
        "cache writes",
        "output",
        "reasoning",
        "cost USD",
        "unpriced",
    ]);
    for row in &figures.rows {
        let group = row.group.clone().unwrap_or_else(|| "-".to_owned());
        let label = match &row.name {
            Some(name) => format!("{name} ({group})"),
            None => group,
        };
        table.rows.push(cells(label, &row.sum, Tone::Plain));
    }
    table.rows.push(cells("total".to_owned(), &figures.total, Tone::Strong));
    let mut view = vec![Block::text(window), Block::Table(table)];
    view.extend(notes(&figures.total.0).map(Block::text));
    if figures.truncated {
        view.push(Block::text(format!(
            "only the first {} are shown; the total is that of all",
            figures.rows.len()
        )));
    }
    view
}

/// What the figures leave out, said rather than left to be found.
fn notes(total: &UsageSum) -> impl Iterator<Item = String> {
    let unpriced = (total.unpriced > 0).then(|| {
        let attempts = words::count(total.unpriced, "attempt");
        format!("{attempts} may have cost something that nobody knows, which is not in the cost")
    });
    let uncounted = (total.uncounted > 0).then(|| {
        let attempts = words::count(total.uncounted, "attempt");
        format!(
            "of {attempts} not all tokens are known: the answer was cut, or came without counts"
        )
    });
    unpriced.into_iter().chain(uncounted)
}

fn cells(label: String, sum: &Sum, tone: Tone) -> Vec<(String, Tone)> {
    let sum = &sum.0;
    let number = |n: Option<i128>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let written = match (sum.cache_write_5m, sum.cache_write_1h) {
        (Some(five), Some(hour)) => Some(five.saturating_add(hour)),
        (five, hour) => five.or(hour),
    };
    let unpriced = if sum.unpriced > 0 { Tone::Warn } else { tone };
    vec![
        (label, tone),
        (sum.requests.to_string(), tone),
        (sum.attempts.to_string(), tone),
        (number(sum.input), tone),
        (number(sum.cached), tone),
        (number(written), tone),
        (number(sum.output), tone),
        (number(sum.reasoning), tone),
        (sum.cost_nano_usd.map_or_else(|| "-".to_owned(), usd), tone),
        (sum.unpriced.to_string(), unpriced),
    ]
}

/// A line for every group, without the total: whoever reads it adds up by itself.
fn comma_separated(figures: &Figures) -> String {
    let by = figures.by.word();
    let name = if figures.by == UsageBy::Key { ",name" } else { "" };
    let mut out = format!(
        "{by}{name},requests,attempts,failed,uncounted,unpriced,input_tokens,cached_tokens,\
         cache_write_5m_tokens,cache_write_1h_tokens,output_tokens,reasoning_tokens,cost_usd\n"
    );
    for row in &figures.rows {
        let sum = &row.sum.0;
        let number = |n: Option<i128>| n.map(|n| n.to_string()).unwrap_or_default();
        let mut cells = vec![csv::text(row.group.as_deref().unwrap_or_default())];
        if figures.by == UsageBy::Key {
            cells.push(csv::text(row.name.as_deref().unwrap_or_default()));
        }
        let counts = [sum.requests, sum.attempts, sum.failed, sum.uncounted, sum.unpriced];
        cells.extend(counts.map(|n| n.to_string()));
        let tokens = [sum.input, sum.cached, sum.cache_write_5m, sum.cache_write_1h];
        cells.extend(tokens.map(number));
        cells.extend([sum.output, sum.reasoning].map(number));
        cells.push(sum.cost_nano_usd.map(usd).unwrap_or_default());
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}
