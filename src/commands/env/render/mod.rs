//! `ultra env render`: fills a template from a profile. A secret never gets into the result as a
//! value: templates know its name and where it comes from, and nothing else.

mod facts;
mod portable;
mod quoting;

use super::unagreed;
use crate::base::{file, near};
use crate::report::{Block, Console, Fault, Place, Problem, Report, Table};
use crate::settings::secretish::name_for_message;
use crate::settings::{SecretSource, Workspace, load};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::io;
use std::path::{Path, PathBuf};

/// The longest template, and the longest file that is compared.
const LIMIT: u64 = 1 << 20;
/// How many steps a template may take: far above any, and an end to one that has none.
const STEPS: u64 = 2_000_000;

/// A template of ours: its name, what it makes, its text.
const BUILT_IN: &[(&str, &str, &str)] = &[
    (
        "compose",
        "a Docker Compose file; secrets by `secrets:` from the environment",
        include_str!("../../../../templates/render/compose.yaml"),
    ),
    (
        "systemd",
        "a systemd unit; secrets by `LoadCredential=`",
        include_str!("../../../../templates/render/systemd.service"),
    ),
    (
        "systemd-env",
        "a file for `EnvironmentFile=` of a systemd unit",
        include_str!("../../../../templates/render/systemd.env"),
    ),
    (
        "kubernetes",
        "a ConfigMap and a Deployment; secrets by `secretKeyRef`",
        include_str!("../../../../templates/render/kubernetes.yaml"),
    ),
    (
        "rotate-service",
        "a systemd unit for keys that are due; named `ultra-rotate.service`",
        include_str!("../../../../templates/render/rotate.service"),
    ),
    (
        "rotate-timer",
        "the timer of that unit; named `ultra-rotate.timer`",
        include_str!("../../../../templates/render/rotate.timer"),
    ),
    (
        "rotate-cronjob",
        "a CronJob for keys that are due",
        include_str!("../../../../templates/render/rotate-cronjob.yaml"),
    ),
    (
        "dotenv",
        "a dotenv file for tools that read one",
        include_str!("../../../../templates/render/dotenv"),
    ),
];

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name of a template, or the path of one; `None` to list them.
    pub(crate) template: Option<String>,
    /// Where the result goes; the answer itself if nobody said.
    pub(crate) output: Option<PathBuf>,
    /// Whether a file that is there and differs may be replaced.
    pub(crate) replace: bool,
}

/// Fills a template, or lists them.
///
/// # Errors
/// An unknown template (2), a profile that cannot be read or a template that asks for what there is
/// not (3), a file that cannot be read or written (5) or is there (6).
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let Some(wanted) = &request.template else { return list() };
    let (name, text) = template(wanted, workspace)?;
    let loaded = load(workspace, &workspace.profile, secrets);
    let (Some(resolution), false) = (&loaded.resolution, loaded.misread) else {
        return Err(Fault::does_not_hold(loaded.problems));
    };
    let (says, agreement) = (facts::says(resolution), loaded.agreement.as_deref());
    let withheld = unagreed::not_agreed_to(says, workspace, agreement, "rendered")?;
    withheld.values().for_each(|problem| console.warn(problem));
    let facts = facts::of(resolution, &withheld.into_keys().collect());
    let rendered = fill(&name, &text, &facts)?;
    let written = match &request.output {
        Some(path) => Some(write(&workspace.current_dir.join(path), path, &rendered, request)?),
        None => None,
    };
    let view = match (&request.output, written) {
        (Some(path), Some(true)) => vec![Block::text(format!("wrote `{}`", path.display()))],
        (Some(path), _) => vec![Block::text(format!("`{}` is up to date", path.display()))],
        (None, _) => vec![Block::Verbatim(rendered.clone())],
    };
    Report::new(
        "ultra.env.render/1",
        serde_json::json!({
            "profile": workspace.profile,
            "template": name,
            "output": request.output,
            "written": written,
            "secrets": facts.secrets,
            "text": rendered,
        }),
        view,
    )
}

/// The names of the templates that are built in, with what each makes.
pub(crate) fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUILT_IN.iter().map(|(name, makes, _)| (*name, *makes))
}

fn list() -> Result<Report, Fault> {
    let mut table = Table::new(&["template", "makes"]);
    for (name, makes, _) in BUILT_IN {
        table.row([*name, *makes]);
    }
    let rows: Vec<_> = BUILT_IN
        .iter()
        .map(|(name, makes, _)| serde_json::json!({"name": name, "makes": makes}))
        .collect();
    Report::new(
        "ultra.env.templates/1",
        serde_json::json!({"templates": rows}),
        vec![Block::Table(table)],
    )
}

/// The text of a template of ours by its name, or of a file by its path.
fn template(wanted: &str, workspace: &Workspace) -> Result<(String, String), Fault> {
    if let Some((name, _, text)) = BUILT_IN.iter().find(|(name, _, _)| *name == wanted) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let path = workspace.current_dir.join(wanted);
    let shown = workspace.shown(&path);
    let unreadable = |why: String| {
        Fault::unreachable(
            Problem::error("unreadable-template", "cannot read the template")
                .at(Place::file(&shown))
                .why(why),
        )
    };
    match file::read_bounded(&path, LIMIT) {
        Ok(Some(bytes)) => {
            let text =
                String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
            Ok((shown.display().to_string(), text))
        }
        Ok(None) => {
            let names = BUILT_IN.iter().map(|(name, _, _)| *name);
            Err(Fault::usage(
                Problem::error(
                    "unknown-template",
                    format!("there is no template and no file {}", name_for_message(wanted)),
                )
                .maybe_hint(near::hint(wanted, names)),
            ))
        }
        Err(e) => Err(unreadable(e.to_string())),
    }
}

/// The filled template, with one newline at its end.
fn fill(name: &str, text: &str, facts: &facts::Facts) -> Result<String, Fault> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(STEPS));
    // What there is not is written as nothing, and not as the word `none`.
    environment.set_formatter(|out, state, value| {
        let nothing = minijinja::Value::from("");
        minijinja::escape_formatter(out, state, if value.is_none() { &nothing } else { value })
    });
    environment.add_filter("yaml", |text: String| quoting::yaml(&text));
    environment.add_filter("compose", |text: String| quoting::compose(&text));
    environment.add_filter("unit", |text: String| quoting::unit(&text));
    environment.add_filter("envfile", |text: String| quoting::env_file(&text));
    let unwritten = portable::Unwritten::default();
    environment.add_filter("dotenv", portable::filter(facts, &unwritten));
    environment.add_filter("k8s_name", |text: String| quoting::k8s_name(&text));
    let value = minijinja::Value::from(minijinja::value::Serde(facts));
    let mut rendered = environment.render_named_str(name, text, value).map_err(|e| {
        let line = e.line().and_then(|line| u32::try_from(line).ok());
        let column = line.map(|_| column(&e, text));
        let why = e.detail().map_or_else(|| e.kind().to_string(), |d| format!("{}: {d}", e.kind()));
        Fault::does_not_hold(vec![
            Problem::error("bad-template", "the template cannot be filled")
                .at(Place { file: PathBuf::from(name), line, column })
                .why(why)
                .hint("templates know `profile`, `version`, `port`, `vars` and `secrets`; see docs/templates.md"),
        ])
    })?;
    let unwritten = unwritten.problems();
    if !unwritten.is_empty() {
        return Err(Fault::does_not_hold(unwritten));
    }
    while rendered.ends_with('\n') {
        rendered.pop();
    }
    rendered.push('\n');
    Ok(rendered)
}

/// The column of an error, counted in characters from 1.
fn column(error: &minijinja::Error, text: &str) -> u32 {
    let Some(at) = error.range().map(|range| range.start) else { return 1 };
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    u32::try_from(line.chars().count() + 1).unwrap_or(1)
}

/// Writes the result; `false` if it was there already.
fn write(path: &Path, shown: &Path, text: &str, request: &Request) -> Result<bool, Fault> {
    if path.is_dir() {
        let e = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(crate::commands::generate::unwritable(shown, &e));
    }
    let there = file::read_with_mode(path, LIMIT).map_err(|e| {
        let what = format!("cannot read what is at `{}`", shown.display());
        Fault::unreachable(Problem::unreadable_named(what, shown, &e))
    })?;
    // A file that only some may read stays so.
    let mode = there.as_ref().map_or(0o644, |(_, mode)| mode & 0o644);
    match there {
        Some((bytes, _)) if bytes == text.as_bytes() => return Ok(false),
        Some(_) if !request.replace => {
            return Err(Fault::refused(
                Problem::error(
                    "file-exists",
                    format!("`{}` is there and differs", shown.display()),
                )
                .at(Place::file(shown))
                .hint("look at it, then add `--replace`"),
            ));
        }
        _ => {}
    }
    file::write_atomic(path, text.as_bytes(), mode)
        .map_err(|e| crate::commands::generate::unwritable(shown, &e))?;
    Ok(true)
}
