//! `ultra keys rotate` of a value that a file feeds: it is tested, the command that stores it is
//! said, and it is waited for until the file and every running server have it. The file is written
//! by whoever feeds it, never from here.

use super::around::Servers;
use super::names::{self, Key};
use super::storing::{command_that_stores, is_projected, storing};
use super::times::{Spans, Times};
use super::winner::{self, Feeder};
use super::{Desk, publish, rotate, set};
use crate::base::{Secret, file};
use crate::provider::KeyVerdict;
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::{Acknowledgement, Awaited, Fed, Rotation};
use crate::settings::SecretSource as _;
use serde_json::json;
use std::time::Duration;

/// A rotation of `key` by whoever feeds `fed`.
///
/// # Errors
/// A value that cannot be right, is the same or is refused (3), a provider or server that cannot
/// be reached, or a file or server that does not have the new value in time (5), another value that
/// is waited for, a root that is not trusted, a protected profile without confirmation (6).
pub(super) fn run(
    request: &rotate::Request,
    desk: &Desk<'_>,
    key: &Key,
    fed: &winner::Fed,
    times: Times,
) -> Result<Report, Fault> {
    meant(&request.spans)?;
    desk.may_send(key)?;
    desk.may_change(&format!("Rotate `{}`", key.name))?;
    let wanted = {
        // For as long as something is written only: whoever waits keeps nobody from other keys.
        let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
        if let Some(journal) = rotation.unfinished()? {
            return Err(rotation.pending(&journal));
        }
        begin(request, desk, key, fed)?
    };
    for line in storing(&wanted) {
        desk.console.note(&line);
    }
    wait(desk, key, &wanted, times.wait_for_feeder())
}

/// What to do with a value that is waited for already.
///
/// # Errors
/// As [`run`]; another value is refused (6).
pub(super) fn under_way(
    request: &rotate::Request,
    desk: &Desk<'_>,
    key: &Key,
    known: &Fed,
    times: Times,
) -> Result<Report, Fault> {
    if request.abort {
        return abort(desk, key, known);
    }
    if request.resume {
        desk.announce();
        for line in storing(known) {
            desk.console.note(&line);
        }
        return wait(desk, key, known, times.wait_for_feeder());
    }
    match winner::feeder(desk, key, request.shadowed, winner::Unasked::Fails)? {
        // The same value again is no other rotation.
        Feeder::File(fed) => run(request, desk, key, &fed, times),
        Feeder::Vault => Err(pending(known)),
    }
}

/// Goes on waiting, for a timer.
///
/// # Errors
/// As [`run`].
pub(super) fn go_on(desk: &Desk<'_>, key: &Key, known: &Fed, times: Times) -> Result<(), Fault> {
    wait(desk, key, known, times.wait).map(|_| ())
}

/// Spans that mean nothing to a value of which nobody keeps versions.
fn meant(spans: &Spans) -> Result<(), Fault> {
    let flags = [("--grace", &spans.grace), ("--drain", &spans.drain)];
    let problems: Vec<Problem> = flags
        .into_iter()
        .filter(|(_, text)| text.is_some())
        .map(|(flag, _)| {
            Problem::error("meaningless-flag", format!("`{flag}` means nothing for this key"))
                .why("a file feeds it, so its versions are not kept here")
                .hint(format!("leave out `{flag}`"))
        })
        .collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Fault::new(crate::exit::ExitStatus::Usage, problems)),
    }
}

/// Asks for the new value, has it tested, and puts on record that it is waited for.
fn begin(
    request: &rotate::Request,
    desk: &Desk<'_>,
    key: &Key,
    fed: &winner::Fed,
) -> Result<Fed, Fault> {
    let known = Fed::read(desk.state_dir, desk.profile(), &key.name)?;
    let new = set::ask_for_test(desk, key)?;
    let fingerprint = desk.vault.fingerprint(&new).map_err(Fault::unreachable)?;
    match known {
        Some(mut known) if known.fingerprint == fingerprint => {
            known.value = Some(new);
            return Ok(known);
        }
        Some(known) => return Err(pending(&known)),
        None => {}
    }
    let now = desk.vault.clock().now();
    let mut wanted = Fed::new(desk.profile(), &key.name, &fed.variable, now);
    wanted.file.clone_from(&fed.file);
    wanted.here = fed.here;
    wanted.fingerprint = fingerprint;
    wanted.value = Some(new.clone());
    wanted.destination = key.provider.as_ref().map(names::Provider::destination);
    wanted.compromised = request.compromised;
    not_in_use(desk, key, &wanted, &new)?;
    test(desk, key, &new)?;
    // On record before the audit tells of it, so that nothing is told that cannot be gone on with.
    wanted.write(desk.state_dir)?;
    let detail = wanted.destination.as_deref().unwrap_or("nobody can be asked");
    wanted.note(desk.vault, "tested", Some(detail.to_owned()))?;
    Ok(wanted)
}

/// Refuses the value that is in use everywhere. One that the file holds and a server lacks is
/// waited for.
fn not_in_use(desk: &Desk<'_>, key: &Key, wanted: &Fed, new: &Secret) -> Result<(), Fault> {
    let held = match &wanted.file {
        Some(path) if wanted.here => {
            file::read_secret(path).is_ok_and(|before| before.same_as(new))
        }
        _ => true,
    };
    if !held || !wanted.look(desk.vault, &Servers::of(desk))?.is_over() {
        return Ok(());
    }
    Err(Fault::does_not_hold(vec![
        Problem::error("same-value", format!("this is the value of `{}` that is in use", key.name))
            .why(format!("{} holds it; nothing was changed", place(wanted)))
            .hint("make a new key with the provider and paste that one"),
    ]))
}

/// Tests the new value, with the new value itself.
fn test(desk: &Desk<'_>, key: &Key, new: &Secret) -> Result<(), Fault> {
    let Some(provider) = &key.provider else { return set::connects(desk, key, new) };
    let destination = provider.destination();
    let untested = |why: String| {
        Fault::unreachable(
            Problem::error(
                "key-unverified",
                format!("the new value of `{}` could not be tested and is not used", key.name),
            )
            .why(format!("{why}; nothing was changed"))
            .hint(format!("`{}` when it can be reached", desk.command("rotate", key))),
        )
    };
    match desk.ask(provider, new) {
        KeyVerdict::Accepted { .. } => Ok(()),
        KeyVerdict::Refused { status } => Err(Fault::does_not_hold(vec![
            Problem::error(
                "key-refused",
                format!("the provider refuses the new value of `{}`", key.name),
            )
            .why(format!("{destination} answers {status}; nothing was changed"))
            .hint(format!(
                "`{}` with a value that the provider accepts",
                desk.command("rotate", key)
            )),
        ])),
        KeyVerdict::RateLimited { retry_after } => {
            let when = retry_after.map_or(String::new(), |s| format!(", in {s} s"));
            Err(untested(format!("{destination} asks to come back later{when}")))
        }
        KeyVerdict::Unverified { why } => Err(untested(format!("{destination}: {why}"))),
    }
}

/// Waits for file and servers, and says what came of it.
fn wait(desk: &Desk<'_>, key: &Key, wanted: &Fed, patience: Duration) -> Result<Report, Fault> {
    let servers = Servers::of(desk);
    let progress = desk.console.progress(&format!("`{}`", key.name));
    let awaited = wanted.wait(desk.vault, &servers, patience, &|text| progress.say(text));
    drop(progress);
    let awaited = awaited?;
    let _rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    let now = Fed::read(desk.state_dir, desk.profile(), &key.name)?;
    let Some(mut known) = now.filter(|known| known.fingerprint == wanted.fingerprint) else {
        return Err(Fault::does_not_hold(vec![
            Problem::error(
                "rotation-aborted",
                format!("the rotation of `{}` was settled by another command", key.name),
            )
            .hint(format!("ultra keys status --profile {}", desk.profile())),
        ]));
    };
    if awaited.is_over() {
        known.note(desk.vault, "acknowledged", Some(everywhere(&known, &awaited)))?;
        known.end(desk.state_dir)?;
        return report(desk, key, &known, &awaited.servers);
    }
    let fault = missing(&known, &awaited);
    known.stopped = fault.problems.first().and_then(|problem| problem.why.clone());
    known.write(desk.state_dir)?;
    Err(fault)
}

/// What is still missing, and the way on.
fn missing(known: &Fed, awaited: &Awaited) -> Fault {
    let ways = ways_on(known);
    if !awaited.servers.rejected.is_empty() {
        let problem = Problem::error(
            "key-rejected",
            format!("the provider rejects the new value of `{}` on a server", known.name),
        )
        .why(format!("rejected on {}", awaited.servers.rejected.join(", ")))
        .hint(format!(
            "store the value before in {} again, then `{} --abort`",
            place(known),
            command(known)
        ));
        return Fault::does_not_hold(vec![problem]);
    }
    let store = match &known.file {
        Some(path) if awaited.file.is_some() && !is_projected(path) => {
            format!("store it with `{}`; ", command_that_stores(path))
        }
        _ => String::new(),
    };
    Fault::unreachable(
        Problem::error(
            "value-awaited",
            format!("the new value of `{}` is not in use everywhere yet", known.name),
        )
        .why(awaited.text())
        .hint(format!("{store}{ways}")),
    )
}

/// What was done.
fn report(
    desk: &Desk<'_>,
    key: &Key,
    known: &Fed,
    servers: &Acknowledgement,
) -> Result<Report, Fault> {
    let tested = match &known.destination {
        Some(destination) => format!("accepted by {destination}"),
        None => "not tested by a provider: none can be asked about a key of this kind".to_owned(),
    };
    let mut next = vec![match servers.of {
        0 => "no running server says that it uses it; one that starts reads it from there".into(),
        _ => format!("the new value is on {}", servers.in_words("replica")),
    }];
    if key.provider.is_some() {
        let why = if known.compromised { ": others may know it" } else { "" };
        next.push(format!("disable the value before at the provider now{why}"));
    }
    next.push(format!(
        "to go back, while the provider accepts it: `{}` with the value before",
        desk.command("rotate", key)
    ));
    let view = vec![
        Block::text(format!(
            "`{}` is rotated in profile `{}`: {} holds the new value",
            key.name,
            desk.profile(),
            place(known)
        )),
        Block::text(format!("the new value is {tested}; fingerprint {}", known.fingerprint)),
        Block::List(next),
    ];
    Report::new("ultra.keys.rotate/1", data(desk, known, "current", Some(servers)), view)
}

fn data(
    desk: &Desk<'_>,
    known: &Fed,
    state: &str,
    servers: Option<&Acknowledgement>,
) -> serde_json::Value {
    json!({
        "profile": desk.profile(),
        "name": known.name,
        "kind": "rotate",
        "state": state,
        "source": "file",
        "file": known.file,
        "from": null,
        "to": null,
        "fingerprint": known.fingerprint,
        "destination": known.destination,
        "tested": known.destination.is_some(),
        "generation": publish::generation(desk),
        "replicas": servers,
        "compromised": known.compromised,
    })
}

/// Waits no more. The file is as it is: it says which value that is.
fn abort(desk: &Desk<'_>, key: &Key, known: &Fed) -> Result<Report, Fault> {
    desk.may_change(&format!("Abort the rotation of `{}`", key.name))?;
    let _rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    let holds = match &known.file {
        Some(path) if known.here => match file::read_secret(path) {
            Ok(value) => {
                let found = desk.vault.fingerprint(&value).map_err(Fault::unreachable)?;
                Some(found == known.fingerprint)
            }
            Err(_) => None,
        },
        _ => None,
    };
    known.note(desk.vault, "aborted", Some("aborted by the operator".to_owned()))?;
    known.end(desk.state_dir)?;
    let text = match holds {
        Some(false) => {
            format!("{} holds another value than the new one, and stays so", place(known))
        }
        Some(true) => format!(
            "{} holds the new value, and servers use it: store the value before to go back",
            place(known)
        ),
        None => format!("look at {}: what it holds is what servers use", place(known)),
    };
    let view =
        vec![Block::text(format!("the rotation of `{}` is given up", key.name)), Block::text(text)];
    Report::new("ultra.keys.rotate/1", data(desk, known, "aborted", None), view)
}

/// A value that is waited for, as `status` says it.
pub(super) fn unfinished(known: &Fed) -> Problem {
    Problem::warning(
        "rotation-pending",
        format!("a rotation of `{}/{}` is under way", known.profile, known.name),
    )
    .why(known.stopped.clone().unwrap_or_else(|| format!("{} is to hold it", place(known))))
    .hint(ways_on(known))
}

fn pending(known: &Fed) -> Fault {
    let problem = unfinished(known);
    let error = Problem::error("rotation-pending", problem.what).maybe_hint(problem.hint);
    Fault::refused(match problem.why {
        Some(why) => error.why(why),
        None => error,
    })
}

fn command(known: &Fed) -> String {
    format!("ultra keys rotate {} --profile {}", known.name, known.profile)
}

fn ways_on(known: &Fed) -> String {
    let rotate = command(known);
    format!("go on with `{rotate} --resume`, or give up with `{rotate} --abort`")
}

/// Where the value is, in words.
fn place(known: &Fed) -> String {
    match &known.file {
        Some(path) => format!("`{}`", path.display()),
        None => format!("the file that `{}_FILE` names", known.variable),
    }
}

/// How far the new value came, for the audit.
fn everywhere(known: &Fed, awaited: &Awaited) -> String {
    let on = awaited.servers.in_words("server");
    format!("{}, {on}", place(known).replace('`', ""))
}
