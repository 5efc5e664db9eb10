//! `ultra models test NAME`: a real, tiny request.

use super::asking::{ANSWER, gateway, over, question, through};
use super::judging::answer;
use super::seen::{Files, Server, in_files};
use crate::gateway::keys;
use crate::gateway::registry::Model;
use crate::provider::prices::usd;
use crate::report::{Console, Fault, Problem, Report};
use crate::settings::profile::Mode;
use crate::settings::{SecretSource, Workspace};
use std::time::Instant;

/// The question has no more tokens, whoever counts.
const QUESTION: u64 = 40;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The model.
    pub(crate) name: String,
    /// The server that sends it; the profile's own keys do if left out.
    pub(crate) server: Option<Server>,
}

/// Sends it.
///
/// # Errors
/// There is no such model (2), the profile does not hold or no endpoint is for the model (3), nobody
/// agrees (6), the server does not tell or does not let the key ask (5). That the model does not answer is a report.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::failure(Problem::error("runtime", "cannot ask").why(e)))?;
    match &request.server {
        Some(server) => {
            let (model, mock) = runtime.block_on(server.model(&request.name))?;
            let mode = if mock { Mode::Mock } else { Mode::Real };
            let asked = question(&model)?;
            let estimate = agree(&model, mode, &server.label(), console)?;
            let began = Instant::now();
            let reply = runtime.block_on(over(server, asked))?;
            answer(&model, mode, began.elapsed(), estimate, reply, workspace, Some(server))
        }
        None => {
            let (gateway, prices, resolution, mode) = gateway(workspace, secrets)?;
            let sight = Files { resolution: &resolution, secrets, now: workspace.clock.now() };
            let model = in_files(&request.name, &gateway, &prices, &sight)?;
            let asked = question(&model)?;
            let to = format!("profile `{}`", workspace.profile);
            let estimate = agree(&model, mode, &to, console)?;
            // Not before: whoever says no has opened nothing.
            let opened = keys::load(&gateway.table(), &resolution, secrets, Instant::now());
            for problem in &opened.problems {
                if model
                    .targets
                    .iter()
                    .any(|t| t.keys.iter().any(|k| problem.what.contains(&k.variable)))
                {
                    console.warn(problem);
                }
            }
            let began = Instant::now();
            let reply = runtime.block_on(through(&gateway, &model, asked, mode));
            answer(&model, mode, began.elapsed(), estimate, reply, workspace, None)
        }
    }
}

/// Says what it may cost and asks; the most that it may cost in nano-dollars, if that is known.
///
/// # Errors
/// Nobody agrees (6).
fn agree(
    model: &Model,
    mode: Mode,
    whose: &str,
    console: &dyn Console,
) -> Result<Option<i128>, Fault> {
    let estimate = estimate(model);
    if mode == Mode::Mock {
        console.note("the mock answers: that costs nothing, and says nothing of a provider");
        return Ok(estimate);
    }
    let cost = match estimate {
        Some(nano) => format!("at most {} USD", usd(nano)),
        None => "an amount that nobody knows, for a target has no price".to_owned(),
    };
    let question = format!(
        "ask `{}` for at most {ANSWER} tokens, with the keys of {whose}? It costs {cost}",
        model.name
    );
    match console.confirm(&question) {
        Ok(true) => Ok(estimate),
        Ok(false) => Err(Fault::refused(Problem::error("not-confirmed", "nothing was sent"))),
        Err(unanswered) => Err(unanswered.fault(&question, "pass `--yes`")),
    }
}

/// The dearest target decides.
fn estimate(model: &Model) -> Option<i128> {
    let mut most = 0;
    for target in &model.targets {
        let price = target.known.price.as_ref()?;
        let (input, output) = (price.input_microusd_per_mtok?, price.output_microusd_per_mtok?);
        // A micro-dollar per million tokens is a pico-dollar a token.
        let pico =
            u128::from(QUESTION) * u128::from(input) + u128::from(ANSWER) * u128::from(output);
        most = most.max(pico.div_ceil(1000));
    }
    i128::try_from(most).ok()
}
