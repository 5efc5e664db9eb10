//! `ultra check`.

use super::Context;
use crate::base::Secret;
use crate::check::Stage;
use crate::check::select::Selection;
use crate::check::target::Target;
use crate::cli::check::{CheckCommand, GateArg, ReadinessArgs, SecretsArg, StageArg};
use crate::commands::check::{explain, list, readiness, scan, smoke, status};
use crate::report::{Fault, Problem, Report};
use crate::settings::profile::Gate;
use crate::settings::{Workspace, service_key};
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
            identity: None,
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

/// The service key that the caller names.
pub(super) fn service_key(workspace: &Workspace) -> Result<Option<Secret>, Fault> {
    Ok(service_key::given(workspace)?.map(|key| key.secret))
}
