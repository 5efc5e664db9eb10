//! `ultra env trust`: shows which secrets the root's files want, where its profiles and dotenv
//! files would have them sent, which of their variables are known to make a command run code or send
//! elsewhere what it sends, and writes down that the user agrees.

use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::settings::Workspace;
use crate::settings::dotenv;
use crate::settings::trust::{self, Claims, Destination, Extends, Hook, TrustStatus};
use crate::settings::trust_claims::{self, Agreement};
use std::collections::BTreeSet;
use std::path::Path;

/// Shows and asks.
pub(crate) fn run(workspace: &Workspace, console: &dyn Console) -> Result<Report, Fault> {
    // Without a root there may still be a `.env` here.
    let root = workspace.dotenv_dir().ok_or_else(|| {
        let problem =
            Problem::error("no-root", "there is no root here, and no dotenv file is read");
        Fault::usage(workspace.no_dotenv_dir(problem.hint("ultra env trust --dir ROOT")))
    })?;
    let agreement = Agreement::of(workspace, &workspace.profile);
    let status = agreement.status().map_err(Fault::unreachable)?;
    let claims = agreement.claims;
    // What there is nothing to take in for now may be there elsewhere: below `env run`, say.
    let status = match status {
        TrustStatus::NotNeeded if !claims.wanted.is_empty() => {
            let store = trust::store_path(&workspace.environment);
            trust::agreed(store.as_deref(), root, &claims).map_err(Fault::unreachable)?
        }
        status => status,
    };
    if status.may_resolve() {
        let text = match status {
            TrustStatus::NotNeeded => {
                "the files of this root reference no secrets, send no keys anywhere and set no \
                 variable that is known to make a command run code or send elsewhere what it sends"
            }
            _ => "this root is trusted",
        };
        return answer(root, status, &claims, Block::Toned(Tone::Good, text.to_owned()));
    }
    let Some(store) = trust::store_path(&workspace.environment) else {
        return Err(Fault::unreachable(
            Problem::error("no-home", "nowhere to write down the agreement")
                .why("neither `XDG_CONFIG_HOME` nor `HOME` is set")
                .hint("set `HOME` to the home directory of the user that runs `ultra`"),
        ));
    };
    if console.interactive() {
        for line in lines(&claims) {
            console.note(&line);
        }
    }
    let question = format!("Trust the files of {}", root.display());
    match console.confirm(&question) {
        Ok(true) => {}
        Ok(false) => {
            return Err(Fault::refused(Problem::error(
                "not-confirmed",
                "not confirmed, the root is not trusted",
            )));
        }
        Err(unanswered) => {
            return Err(unanswered.unless_interrupted(|| {
                Fault::refused(
                    Problem::error(
                        "needs-confirmation",
                        "trust is given by a person, and there is no terminal to ask on",
                    )
                    .why(lines(&claims).join("; "))
                    .hint("ultra env trust --yes"),
                )
            }));
        }
    }
    trust::grant(&store, root, &claims, workspace.clock.now()).map_err(Fault::unreachable)?;
    let done = Block::Toned(Tone::Good, "this root is trusted from now on".to_owned());
    answer(root, TrustStatus::Trusted, &claims, done)
}

fn answer(
    root: &Path,
    status: TrustStatus,
    claims: &Claims,
    headline: Block,
) -> Result<Report, Fault> {
    let mut view = vec![headline];
    if !claims.wanted.is_empty() {
        let mut table = Table::new(&["said by", "secret", "from"]);
        for w in &claims.wanted {
            table.row([w.said_by().to_owned(), w.variable.clone(), dotenv::told(&w.reference)]);
        }
        view.extend([Block::heading("Secrets that the files want"), Block::Table(table)]);
    }
    if !claims.destinations.is_empty() {
        let mut table = Table::new(&["said by", "name", "address", "keys sent there"]);
        for d in &claims.destinations {
            let said_by = d.said_by().to_owned();
            table.row([said_by, d.name.clone(), trust_claims::shown(d), keys(d, "-")]);
        }
        view.extend([Block::heading("Addresses in the files"), Block::Table(table)]);
    }
    if !claims.hooks.is_empty() {
        let mut table = Table::new(&["at", "name", "value"]);
        for hook in &claims.hooks {
            table.row([hook.place.clone(), hook.name.clone(), hook.shown.clone()]);
        }
        let heading = "Variables that can make a command run code or send elsewhere what it sends";
        view.extend([Block::heading(heading), Block::Table(table)]);
    }
    if !claims.taken_in.is_empty() {
        let mut table = Table::new(&["at", "name", "value"]);
        for said in &claims.taken_in {
            table.row([said.place.clone(), said.name.clone(), said.shown.clone()]);
        }
        let heading = "What other lines say of variables that these take in";
        view.extend([Block::heading(heading), Block::Table(table)]);
    }
    if !claims.extends.is_empty() {
        let mut table = Table::new(&["at", "profile", "extends"]);
        for Extends { profile, other, place } in &claims.extends {
            table.row([place.clone(), profile.clone(), dotenv::told(other)]);
        }
        let heading = "Profiles that take in what others say";
        view.extend([Block::heading(heading), Block::Table(table)]);
    }
    let lines = |hooks: &BTreeSet<Hook>| -> Vec<serde_json::Value> {
        hooks
            .iter()
            .map(|h| serde_json::json!({"profile": h.profile, "place": h.place, "name": h.name, "value": h.shown}))
            .collect()
    };
    let destinations: Vec<serde_json::Value> = claims
        .destinations
        .iter()
        .map(|d| serde_json::json!({"profile": d.profile, "file": d.file, "name": d.name, "url": trust_claims::shown(d), "keys": d.keys}))
        .collect();
    let data = serde_json::json!({
        "root": root,
        "status": status,
        "wanted": claims.wanted,
        "destinations": destinations,
        "hooks": lines(&claims.hooks),
        "taken_in": lines(&claims.taken_in),
        "extends": claims.extends,
    });
    Report::new("ultra.env.trust/1", data, view)
}

/// The keys that are sent there, or `none`.
fn keys(to: &Destination, none: &str) -> String {
    if to.keys.is_empty() { none.to_owned() } else { to.keys.join(", ") }
}

/// What would be sent where, a line each.
fn lines(claims: &Claims) -> Vec<String> {
    let wanted = claims.wanted.iter().map(|w| {
        format!("`{}` wants {} as `{}`", w.said_by(), dotenv::told(&w.reference), w.variable)
    });
    let to = claims.destinations.iter().map(|d| {
        let (by, what) = (d.said_by(), keys(d, "no key"));
        format!("`{by}` sends {what} to {} ({})", trust_claims::shown(d), d.name)
    });
    let hooks = claims.hooks.iter().map(|h| {
        format!(
            "{} sets `{}`, which can run code or send elsewhere what is sent, to {}",
            h.place, h.name, h.shown
        )
    });
    let taken_in = claims.taken_in.iter().map(|said| {
        format!("{} sets `{}`, which these take in, to {}", said.place, said.name, said.shown)
    });
    let extends = claims.extends.iter().map(|Extends { profile, other, place }| {
        format!("{place}: `{profile}` takes in what `{}` says", dotenv::told(other))
    });
    wanted.chain(to).chain(hooks).chain(taken_in).chain(extends).collect()
}
