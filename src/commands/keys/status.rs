//! `ultra keys status`: the vault, its backend, rotations under way and keys that are due.

use super::around::{Seen, Servers};
use super::rows::{self, Policy, Row};
use super::{Desk, fed, service};
use crate::commands::service_keys;
use crate::report::{Block, Fault, Level, Problem, Report};
use crate::rotation::fleet::ReplicaSlot;
use crate::rotation::{Fed, Has, Journal, Replica, acknowledged};
use crate::secrets::{Form, Freshness, Overview};
use serde_json::json;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Whether the vault may be opened for the address of the store.
    pub(crate) open: bool,
}

/// Says how the keys stand. Opens nothing, unless that is asked for.
///
/// # Errors
/// The index or a journal cannot be read (5).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    desk.announce();
    let journals = Journal::all(desk.state_dir)?;
    let awaited = Fed::all(desk.state_dir)?;
    let rows = rows::rows(desk, &journals)?;
    let overview = desk.vault.overview()?;
    let now = desk.vault.clock().now();
    let index = overview.index.as_ref();
    let mut problems: Vec<Problem> = freshness(&overview).into_iter().collect();
    problems.extend(journals.iter().map(unfinished));
    problems.extend(awaited.iter().map(fed::unfinished));
    problems.extend(rows.iter().filter_map(|row| due(row, desk.profile())));
    problems.extend(rows.iter().filter_map(|row| over(row, desk.profile())));
    let servers = Servers::seen(desk, request.open);
    match &servers {
        Some(Seen::Unknown(fault)) => {
            problems.extend(fault.problems.iter().cloned().map(as_warning));
        }
        Some(Seen::All(replicas) | Seen::Beside(replicas)) => {
            problems.extend(rejected(replicas, &rows, desk.profile()));
            problems.extend(behind(replicas, &rows, desk.profile()));
        }
        None => {}
    }
    // A store that did not answer about servers is not waited for again.
    let service = match &servers {
        Some(Seen::Unknown(_)) => None,
        _ => service::rows(desk, request.open),
    };
    match &service {
        Some(Err(fault)) => problems.extend(fault.problems.iter().cloned().map(as_warning)),
        Some(Ok(rows)) => problems.extend(service_keys::problems(rows, desk.profile())),
        None => {}
    }
    let service = service.and_then(Result::ok);

    let backend = index.map_or("not chosen yet", |i| i.backend.word());
    let mut view = vec![Block::pairs([
        ("profile", desk.profile().to_owned()),
        ("vault", desk.vault.vault_path().display().to_string()),
        ("backend", backend.to_owned()),
        ("generation", overview.generation.to_string()),
        ("servers", told(servers.as_ref(), desk.profile())),
    ])];
    if !rows.is_empty() {
        view.push(rows::table(&rows, now));
        view.extend(rows::others(&rows, now));
    }
    let follows = desk.vault.follows()?;
    view.extend(follows.map(self::follows));
    view.extend(service.as_deref().and_then(|service| service::table(service, now)));
    view.extend(problems.iter().cloned().map(Block::Finding));
    Report::new(
        "ultra.keys.status/1",
        json!({
            "profile": desk.profile(),
            "vault": {
                "path": desk.vault.vault_path(),
                "freshness": overview.freshness,
                "generation": overview.generation,
                "follows": follows,
                "backend": index.map(|i| i.backend),
                "id": index.map(|i| i.vault.clone()),
                "recipient": index.map(|i| i.recipient.clone()),
            },
            "keys": rows,
            "service_keys": service,
            "rotations": under_way(&journals, &awaited),
            "replicas": match &servers {
                Some(Seen::All(replicas) | Seen::Beside(replicas)) => Some(replicas),
                Some(Seen::Unknown(_)) | None => None,
            },
            "replicas_asked": match &servers {
                Some(Seen::All(_)) => "all",
                Some(Seen::Beside(_)) => "this-machine",
                Some(Seen::Unknown(_)) | None => "none",
            },
            "problems": problems,
        }),
        view,
    )
}

/// What is under way, as data.
fn under_way(journals: &[Journal], awaited: &[Fed]) -> Vec<serde_json::Value> {
    let of_vault = journals.iter().map(|j| {
        json!({
            "profile": j.profile, "name": j.name, "kind": j.kind, "step": j.step,
            "from": j.from, "to": j.to, "started_at": j.started_at, "stopped": j.stopped,
            "aborting": j.aborting,
        })
    });
    let of_files = awaited.iter().map(|f| {
        json!({
            "profile": f.profile, "name": f.name, "kind": "rotate", "step": "tested",
            "source": "file", "file": f.file, "started_at": f.started_at, "stopped": f.stopped,
        })
    });
    of_vault.chain(of_files).collect()
}

/// The servers in words, and who was not asked.
fn told(servers: Option<&Seen>, profile: &str) -> String {
    let running = |count: usize| match count {
        0 => "none runs".to_owned(),
        1 => "1 runs".to_owned(),
        n => format!("{n} run"),
    };
    match servers {
        Some(Seen::All(replicas)) => running(replicas.len()),
        Some(Seen::Beside(replicas)) => format!(
            "{} on this machine; others not asked: the store's address is in the vault, which \
             `ultra keys status --profile {profile} --open` opens",
            running(replicas.len())
        ),
        Some(Seen::Unknown(_)) => "not known".to_owned(),
        None => "not asked: the settings of the profile cannot be read".to_owned(),
    }
}

/// What is to be said of an index that does not tell what is in the vault.
pub(super) fn freshness(overview: &Overview) -> Option<Problem> {
    let (what, hint) = match overview.freshness {
        Freshness::NoVault | Freshness::Fresh => return None,
        Freshness::Stale => return Some(unlike(overview.form)),
        Freshness::NoIndex => (
            "the index of the vault is gone",
            "`ultra keys verify` makes it anew, as does any change of a key; both need the identity",
        ),
        Freshness::Lost => (
            "the vault is gone, and what is shown is what was in it",
            "restore `vault.age` from a backup, or from `published/vault.age` in the state \
             directory of a server that was handed it",
        ),
    };
    Some(Problem::warning("vault-index", what).hint(hint))
}

/// That the vault of this machine is written elsewhere, and what is here of it.
pub(super) fn follows(generation: u64) -> Block {
    Block::text(format!(
        "the vault of this machine is written elsewhere, and a server here follows it (generation \
         {generation}): what is shown is the local vault only, which is empty. `ultra keys list` on \
         the machine that writes it shows the keys; if that is gone, `ultra keys doctor \
         --take-published` takes its vault"
    ))
}

/// The vault is not the one that was written last. What came over it only opening it tells for sure.
fn unlike(form: Form) -> Problem {
    let code = "vault-index";
    match form {
        Form::Damaged => Problem::warning(code, "the vault is damaged")
            .why("its beginning is not that of an age file")
            .hint("what is shown is what was there before; restore `vault.age` from a backup"),
        Form::Later => Problem::warning(code, "the vault is of a later version")
            .why("it is an age file of a version that this ultra does not know")
            .hint("what is shown is what was there before; use the version of ultra that wrote it"),
        Form::Age => Problem::warning(code, "the vault is not the one that was written last")
            .why("it is damaged, of a later version, or was put back from a backup")
            .hint(
                "what is shown is what was there before; `ultra keys doctor --open` tells which it \
                 is, and `ultra keys verify` takes in what was put back",
            ),
    }
}

pub(super) fn unfinished(journal: &Journal) -> Problem {
    let rotate = format!("ultra keys rotate {} --profile {}", journal.name, journal.profile);
    Problem::warning(
        "rotation-pending",
        format!("a {} of `{}/{}` is under way", journal.kind.noun(), journal.profile, journal.name),
    )
    .why(journal.standing())
    .hint(format!("`{rotate} --resume` or `{rotate} --abort`"))
}

/// A version whose grace is over and that nobody ended.
fn over(row: &Row, profile: &str) -> Option<Problem> {
    let other = row.others.iter().find(|other| other.due)?;
    let what = format!("the grace of version {} of `{}` is over", other.version, row.name);
    Some(
        Problem::warning("grace-over", what)
            .hint(format!("ultra keys rotate --all-due --profile {profile}")),
    )
}

/// Values in use that a provider rejects on some server.
fn rejected(replicas: &[Replica], rows: &[Row], profile: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for row in rows {
        let (Some(variable), Some(fingerprint)) = (&row.variable, &row.fingerprint) else {
            continue;
        };
        let told = acknowledged(replicas, variable, fingerprint, Has::AtWork);
        if !told.rejected.is_empty() {
            let what = format!("the provider rejects `{}` on a server", row.name);
            problems.push(
                Problem::warning("key-rejected", what)
                    .why(format!("rejected on {}", told.rejected.join(", ")))
                    .hint(format!("ultra keys rollback {} --profile {profile}", row.name)),
            );
        }
    }
    problems
}

/// Values in use that a server which takes them from the vault does not work with.
fn behind(replicas: &[Replica], rows: &[Row], profile: &str) -> Vec<Problem> {
    let behind = |row: &Row| {
        let (variable, fingerprint) = (row.variable.as_ref()?, row.fingerprint.as_ref()?);
        let from_vault = |replica: &&Replica| {
            let of = |slot: &&ReplicaSlot| slot.variable == *variable;
            let slots: Vec<&ReplicaSlot> = replica.slots.iter().filter(of).collect();
            !slots.is_empty() && slots.iter().all(|s| s.source.as_deref() == Some("vault"))
        };
        let of: Vec<Replica> = replicas.iter().filter(from_vault).cloned().collect();
        let told = acknowledged(&of, variable, fingerprint, Has::AtWork);
        (!told.waiting.is_empty()).then(|| {
            let what =
                format!("{} of {} servers work with the `{}` in use", told.on, told.of, row.name);
            Problem::warning("servers-lag", what)
                .why(format!("not seen on {}", told.waiting.join(", ")))
                .hint(format!("`ultra keys doctor --profile {profile}`; look at their logs"))
        })
    };
    rows.iter().filter_map(behind).collect()
}

fn as_warning(problem: Problem) -> Problem {
    Problem { level: Level::Warning, ..problem }
}

fn due(row: &Row, profile: &str) -> Option<Problem> {
    let what = match row.policy {
        Policy::Over => format!("`{}` is older than it may be", row.name),
        Policy::Due => format!("`{}` is due to be rotated", row.name),
        Policy::None | Policy::Ok => return None,
    };
    let hint = format!("ultra keys rotate {} --profile {profile}", row.name);
    Some(Problem::warning("key-age", what).hint(hint))
}
