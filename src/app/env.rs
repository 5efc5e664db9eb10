//! `ultra env`.

use super::{Answer, Context, run};
use crate::cli::env::EnvCommand;
use crate::cli::fmt::FmtArgs;
use crate::cli::import::ImportArgs;
use crate::cli::init::{self, InitArgs};
use crate::cli::lint::{CompatArg, LintArgs};
use crate::cli::switch::{MannerArgs, UndoArgs};
use crate::commands::env;
use crate::commands::keys::{Desk, publish};
use crate::report::{Fault, Problem, Report};
use crate::secrets::VaultSource;
use crate::settings::dotenv::compat::Tool;
use crate::settings::{Workspace, load, root};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// Runs a command of the group.
pub(super) fn run(command: EnvCommand, context: &Context) -> Result<Answer, Fault> {
    // A project that is being started has no profile yet that could be named wrongly.
    if let EnvCommand::Init(args) = command {
        return start(args, context).map(Answer::Report);
    }
    let environment = &context.environment;
    let (environment, files) = match &command {
        EnvCommand::Run(args) => (environment.clone(), args.what.file.clone()),
        // What the last export set here is not what the shell says.
        EnvCommand::Export(args) => (environment.before_export(), args.what.file.clone()),
        EnvCommand::Validate(args) => (environment.clone(), args.file.clone()),
        _ => (environment.clone(), Vec::new()),
    };
    let workspace = context.workspace_with(environment, Default::default(), files)?;
    let secrets = context.secrets(&workspace);
    let report = match command {
        EnvCommand::Run(args) => {
            return run::run(args, &workspace, &secrets, &context.console).map(Answer::Ended);
        }
        EnvCommand::Export(args) => run::export(args, &workspace, &secrets, &context.console),
        EnvCommand::Lint(args) => lint(args, &workspace),
        EnvCommand::List => env::list::run(&workspace),
        EnvCommand::Current => env::current::run(&workspace),
        EnvCommand::Show(args) => {
            let request = env::show::Request { name: args.name, origins: args.origins };
            env::show::run(&request, &workspace, &secrets, &context.console)
        }
        EnvCommand::Validate(args) => {
            let request = env::validate::Request { profile: args.target };
            env::validate::run(&request, &workspace, &secrets)
        }
        EnvCommand::Explain(args) => {
            let request = env::explain::Request { name: args.name };
            env::explain::run(&request, &workspace, &secrets, &context.console)
        }
        EnvCommand::Diff(args) => {
            let key = match &args.url {
                Some(url) => env::diff::key(url, &workspace)?,
                None => None,
            };
            let request = env::diff::Request {
                a: args.a,
                b: args.b,
                url: args.url,
                key,
                origins: args.origins,
                exit_code: args.exit_code,
            };
            env::diff::run(&request, &workspace, &secrets, &context.console)
        }
        EnvCommand::Fmt(args) => fmt(args, &workspace),
        EnvCommand::Switch(args) => {
            let request = env::switch::Request {
                target: args.target,
                adopt: args.adopt,
                manner: manner(&args.manner),
            };
            env::switch::run(&request, &workspace, &secrets, &context.console)
        }
        EnvCommand::Undo(args) => {
            env::undo::run(&undo(&args), &workspace, &secrets, &context.console)
        }
        EnvCommand::History(args) => {
            let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
            env::history::run(limit, &workspace)
        }
        EnvCommand::Trust => env::trust::run(&workspace, &context.console),
        EnvCommand::Init(args) => start(args, context),
        EnvCommand::Render(args) => {
            let request = env::render::Request {
                template: args.template,
                output: args.out,
                replace: args.replace,
            };
            env::render::run(&request, &workspace, &secrets, &context.console)
        }
        EnvCommand::Import(args) => import(args, context, &workspace, &secrets),
    };
    report.map(Answer::Report)
}

/// `ultra env undo`.
fn undo(args: &UndoArgs) -> env::undo::Request {
    env::undo::Request {
        how: match args.to {
            Some(generation) => env::undo::How::To(generation),
            None => env::undo::How::Steps(usize::try_from(args.steps).unwrap_or(usize::MAX)),
        },
        manner: manner(&args.manner),
    }
}

fn manner(args: &MannerArgs) -> env::Manner {
    env::Manner { dry_run: args.dry_run, no_dotenv: args.no_dotenv, wait: args.wait }
}

/// `ultra env fmt`.
fn fmt(args: FmtArgs, workspace: &Workspace) -> Result<Report, Fault> {
    let request = env::fmt::Request {
        files: args.files,
        check: args.check,
        stdout: args.stdout,
        terminal: std::io::stdout().is_terminal(),
    };
    env::fmt::run(&request, workspace)
}

/// `ultra env init`.
fn start(args: InitArgs, context: &Context) -> Result<Report, Fault> {
    let here = std::env::current_dir().map_err(|e| {
        Fault::failure(Problem::error("current-dir", "cannot tell the current directory").why(e))
    })?;
    let named = args.folder.or_else(|| context.global.dir.clone());
    let shown = named.clone().unwrap_or_else(|| PathBuf::from("."));
    let above = match &named {
        Some(_) => None,
        None => root::find(&here, &context.environment, None)?.0.filter(|root| *root != here),
    };
    let home = context.environment.get("HOME").map(Path::new).filter(|home| home.is_absolute());
    let request = env::init::Request {
        dir: here.join(&shown),
        home: home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned())),
        above,
        shown,
        profile_set: match args.profile_set {
            init::ProfileSet::All => env::init::ProfileSet::All,
            init::ProfileSet::Small => env::init::ProfileSet::Small,
        },
        providers: (!args.provider.is_empty()).then_some(args.provider),
        database: args.database.map(|database| match database {
            init::Database::Postgres => env::init::Database::Postgres,
            init::Database::Sqlite => env::init::Database::Sqlite,
        }),
        cache: args.cache.map(|cache| match cache {
            init::Cache::Redis => env::init::Cache::Redis,
            init::Cache::Memory => env::init::Cache::Memory,
        }),
        yes: context.global.yes,
        dry_run: args.dry_run,
        quiet: context.global.quiet,
    };
    env::init::run(&request, &context.console)
}

/// `ultra env import`.
fn import(
    args: ImportArgs,
    context: &Context,
    workspace: &Workspace,
    vault: &VaultSource,
) -> Result<Report, Fault> {
    let loaded = load(workspace, &workspace.profile, vault);
    // A profile that does not hold yet may be so for want of what is imported.
    let Some(resolution) = &loaded.resolution else {
        return Err(Fault::does_not_hold(loaded.problems));
    };
    let desk = Desk {
        vault,
        state_dir: &workspace.state_dir,
        resolution,
        settings: loaded.settings.as_ref(),
        explicit: context.global.profile.is_some(),
        console: &context.console,
    };
    let request = env::import::Request {
        into: args.into,
        keep_unused: args.keep_unused,
        keep_names: args.keep_names,
        keys_only: false,
        ..super::keys::intake(args.intake)
    };
    let before = publish::generation(&desk);
    let outcome = env::import::run(&request, workspace, &desk);
    publish::imported(before, false, &desk, workspace);
    outcome
}

fn lint(args: LintArgs, workspace: &Workspace) -> Result<Report, Fault> {
    let mut tools: Vec<Tool> = Tool::ALL.to_vec();
    tools.retain(|tool| {
        args.compat.iter().any(|arg| match arg {
            CompatArg::All => true,
            CompatArg::Dotenvy => *tool == Tool::Dotenvy,
            CompatArg::Motdotla => *tool == Tool::Motdotla,
            CompatArg::Python => *tool == Tool::Python,
            CompatArg::Node => *tool == Tool::Node,
            CompatArg::Compose => *tool == Tool::Compose,
            CompatArg::Bash => *tool == Tool::Bash,
        })
    });
    let request =
        env::lint::Request { files: args.files, tools, fail_on_warn: args.fail_on.is_some() };
    env::lint::run(&request, workspace)
}
