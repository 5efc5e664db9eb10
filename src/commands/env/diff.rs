//! `ultra env diff A B`: what differs between two profiles, files, or a running server.

use super::differences;
use crate::base::{Secret, near, redact};
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Problem, Report, Tone};
use crate::settings::compare::{self, Described, Difference, Kind, Prints, Shape, Side};
use crate::settings::profile::canonical;
use crate::settings::secretish::name_for_message;
use crate::settings::{SecretSource, Workspace, load, service_key};
use crate::smoke::{Call, Client};
use std::time::Duration;
use url::Url;

/// How long the server may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The first side, by name or path.
    pub(crate) a: Option<String>,
    /// The second side.
    pub(crate) b: Option<String>,
    /// The server that is the second side.
    pub(crate) url: Option<Url>,
    /// The key to ask it with.
    pub(crate) key: Option<Secret>,
    /// Whether to say where each value comes from.
    pub(crate) origins: bool,
    /// Whether a difference is exit 3.
    pub(crate) exit_code: bool,
}

/// Compares.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let mut notes = Vec::new();
    let mut local = |name: &str| side(name, workspace, secrets, &mut notes);
    let mut sides = Vec::new();
    let mut wrong: Option<Fault> = None;
    for name in [&request.a, &request.b].into_iter().flatten() {
        match (local(name), &mut wrong) {
            (Ok(side), _) => sides.push(side),
            (Err(fault), None) => wrong = Some(fault),
            (Err(fault), Some(wrong)) => wrong.problems.extend(fault.problems),
        }
    }
    if let Some(fault) = wrong {
        return Err(fault);
    }
    if sides.len() + usize::from(request.url.is_some()) < 2 {
        sides.insert(0, local(&workspace.profile)?);
    }
    if let Some(url) = &request.url {
        sides.push(server(url, request.key.clone())?);
    }
    let [a, b] = <[Side; 2]>::try_from(sides)
        .map_err(|sides| Fault::bug(format!("{} sides to compare", sides.len())))?;
    for note in &notes {
        console.warn(note);
    }
    let found = compare::differences(&a, &b, secrets, Prints::WriteNothing);
    let shapes = compare::shapes(&a, &b, secrets);
    let count = |kind: Kind| found.iter().filter(|d| d.kind == kind).count();
    let unsaid = shapes.iter().filter(|shape| shape.kind == Kind::Unknown).count();
    let unknown = count(Kind::Unknown) + unsaid;
    let differs = found.len() + shapes.len() > unknown;
    let status = match (request.exit_code, differs, unknown) {
        (false, ..) | (true, false, 0) => ExitStatus::Holds,
        (true, true, _) => ExitStatus::DoesNotHold,
        (true, false, _) => ExitStatus::Unreachable,
    };
    let view = view(&a, &b, &found, &shapes, request.origins);
    let told = |side: &Side| {
        serde_json::json!({
            "name": side.label,
            "kind": side.kind,
            "fingerprint_key": side.prints,
        })
    };
    let data = serde_json::json!({
        "a": told(&a),
        "b": told(&b),
        "same": !differs && unknown == 0,
        "added": count(Kind::Added),
        "removed": count(Kind::Removed),
        "changed": count(Kind::Changed),
        "renamed": count(Kind::Renamed),
        "unknown": unknown,
        "variables": found,
        "structure": shapes,
    });
    Ok(Report::new("ultra.env.diff/1", data, view)?.status(status))
}

/// The side that `name` means: a profile before a file.
fn side(
    name: &str,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    notes: &mut Vec<Problem>,
) -> Result<Side, Fault> {
    let profile = canonical(name);
    if workspace.profile_exists(profile) {
        let loaded = load(workspace, profile, secrets);
        let (errors, others): (Vec<_>, Vec<_>) =
            loaded.problems.into_iter().partition(Problem::is_error);
        let Some(resolution) = loaded.resolution.filter(|_| !loaded.misread) else {
            return Err(Fault::does_not_hold(errors));
        };
        // What does not hold is for `env validate` to say; this changes what is compared.
        notes.extend(
            errors.into_iter().chain(others).filter(|problem| problem.code == "untrusted-root"),
        );
        return Ok(Side::of_resolution(profile.to_owned(), &resolution, secrets));
    }
    let path = workspace.current_dir.join(name);
    if looks_like_a_path(name) || path.symlink_metadata().is_ok() {
        let (side, warnings) = compare::of_file(&path, name, workspace, secrets)?;
        notes.extend(warnings);
        return Ok(side);
    }
    let names = workspace.profile_names();
    Err(Fault::usage(
        Problem::error(
            "unknown-side",
            format!("{} is neither a profile nor a file", name_for_message(name)),
        )
        .maybe_hint(near::hint(profile, names.iter().map(String::as_str))),
    ))
}

/// The key to ask the server at `url` with.
///
/// # Errors
/// As [`service_key::for_server`].
pub(crate) fn key(url: &Url, workspace: &Workspace) -> Result<Option<Secret>, Fault> {
    Ok(service_key::for_server(url, workspace)?.map(|key| key.secret))
}

fn looks_like_a_path(name: &str) -> bool {
    name.contains('/') || name.starts_with('.') || name.ends_with(".yaml") || name.ends_with(".yml")
}

/// What the server at `url` says it runs with.
fn server(url: &Url, key: Option<Secret>) -> Result<Side, Fault> {
    let label = redact::url(url.as_str()).trim_end_matches('/').to_owned();
    let failed = |why: String, hint: Option<&str>| {
        Fault::unreachable(
            Problem::error(
                "no-configuration",
                format!("`{label}` does not tell what it runs with"),
            )
            .why(why)
            .maybe_hint(hint.map(str::to_owned)),
        )
    };
    let keyed = key.is_some();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::failure(Problem::error("runtime", "cannot ask").why(e)))?;
    let call = Call::get("/api/admin/config").within(DEADLINE);
    let call = if keyed { call.with_key() } else { call };
    let client = Client::new(url.clone(), key).map_err(|e| failed(e.to_string(), None))?;
    let answer = runtime.block_on(client.send(&call)).map_err(|e| failed(e.to_string(), None))?;
    match answer.status {
        200 => {}
        401 if !keyed => {
            return Err(failed(
                "it tells only who shows a service key with the scope `admin`".to_owned(),
                Some("set ULTRA_SERVICE_KEY_FILE to a file with the key"),
            ));
        }
        401 => return Err(failed("it does not accept the service key (401)".to_owned(), None)),
        403 => {
            return Err(failed(
                "the service key lacks the scope `admin` (403)".to_owned(),
                Some("ultra auth service-key create --scope admin"),
            ));
        }
        404 => return Err(failed("it is of a version that cannot (404)".to_owned(), None)),
        status => return Err(failed(format!("it answered {status}"), None)),
    }
    // What serde says may quote the answer.
    let described: Option<Described> =
        answer.json().and_then(|json| serde_json::from_value(json.get("config")?.clone()).ok());
    described
        .map(|described| described.into_side(label.clone()))
        .ok_or_else(|| failed("its answer is not understood".to_owned(), None))
}

fn view(a: &Side, b: &Side, found: &[Difference], shapes: &[Shape], origins: bool) -> Vec<Block> {
    if found.is_empty() && shapes.is_empty() {
        return vec![Block::Toned(
            Tone::Good,
            format!("`{}` and `{}` do not differ", a.label, b.label),
        )];
    }
    let mut view = vec![Block::text(format!("from `{}` to `{}`", a.label, b.label))];
    view.extend(differences::view(found, shapes, origins));
    view
}
