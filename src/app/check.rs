//! `ultra check`.

use super::Context;
use crate::base::{Secret, file};
use crate::check::Stage;
use crate::check::select::Selection;
use crate::check::target::Target;
use crate::cli::check::{CheckCommand, GateArg, ReadinessArgs, SecretsArg, StageArg};
use crate::commands::check::{explain, list, readiness, scan, smoke, status};
use crate::report::{Fault, Place, Problem, Report};
use crate::settings::Workspace;
use crate::settings::profile::Gate;
use std::sync::Arc;

/// Runs a command of the group.
pub(super) fn run(command: CheckCommand, context: &Context) -> Result<Report, Fault> {
    match command {
        CheckCommand::List(args) => list::run(args.only),
        CheckCommand::Explain(args) => explain::run(&args.id),
        CheckCommand::Readiness(args) => judge(args, context),
        CheckCommand::Status(args) => {
            let workspace = context.workspace(Default::default())?;
            let key = service_key(&workspace)?;
            status::run(args.url, key, &workspace)
        }
        CheckCommand::Smoke(args) => {
            let workspace = context.workspace(Default::default())?;
            let request = smoke::Request {
                key: service_key(&workspace)?,
                url: args.url,
                wait: args.wait,
                expect_version: args.expect_version,
                model: args.model,
                profile: context.global.profile.is_some().then(|| workspace.profile.clone()),
            };
            smoke::run(request, &workspace, &context.secrets(&workspace), &context.console)
        }
        CheckCommand::Scan(args) => {
            let workspace = context.workspace(Default::default())?;
            scan::run(args.path, &workspace, &context.console)
        }
    }
}

fn judge(args: ReadinessArgs, context: &Context) -> Result<Report, Fault> {
    let selection = Selection {
        only: args.only,
        skip: args.skip,
        stages: args.stage.into_iter().map(stage).collect(),
    };
    let workspace = context.workspace(Default::default())?;
    let profile = workspace.known_profile(&workspace.profile)?;
    let target = match args.url {
        Some(url) => Target::Running { url, key: service_key(&workspace)? },
        None => Target::Spawned {
            program: std::env::current_exe().map_err(|e| {
                Fault::failure(Problem::error("program", "cannot find this program").why(e))
            })?,
            dir: context.global.dir.clone(),
            profile: profile.clone(),
        },
    };
    let request = readiness::Request {
        selection,
        profile,
        target,
        gate: args.gate.map(gate),
        fail_on_warn: args.fail_on.is_some(),
        declared_only: args.secrets == SecretsArg::Declared,
        verbose: context.global.verbose,
    };
    let vault = Arc::new(context.secrets(&workspace));
    readiness::run(request, workspace, vault, &context.console)
}

fn stage(arg: StageArg) -> Stage {
    match arg {
        StageArg::Static => Stage::Static,
        StageArg::Config => Stage::Config,
        StageArg::Live => Stage::Live,
        StageArg::Drill => Stage::Drill,
    }
}

fn gate(arg: GateArg) -> Gate {
    match arg {
        GateArg::P0 => Gate::P0,
        GateArg::P1 => Gate::P1,
        GateArg::P2 => Gate::P2,
    }
}

/// The service key of `ULTRA_SERVICE_KEY` or `ULTRA_SERVICE_KEY_FILE`.
pub(super) fn service_key(workspace: &Workspace) -> Result<Option<Secret>, Fault> {
    let get = |name: &str| workspace.environment.get(name).filter(|v| !v.is_empty());
    match (get("ULTRA_SERVICE_KEY"), get("ULTRA_SERVICE_KEY_FILE")) {
        (Some(_), Some(_)) => Err(Fault::does_not_hold(vec![
            Problem::error(
                "name-and-file",
                "`ULTRA_SERVICE_KEY` and `ULTRA_SERVICE_KEY_FILE` are both set",
            )
            .hint("unset one of them"),
        ])),
        (Some(key), None) => Ok(Some(Secret::new(key))),
        (None, Some(path)) => {
            let path = workspace.current_dir.join(path);
            file::read_secret(&path).map(Some).map_err(|why| {
                Fault::unreachable(
                    Problem::error("service-key", "cannot read the file of the service key")
                        .at(Place::file(&path))
                        .why(why),
                )
            })
        }
        (None, None) => Ok(None),
    }
}
