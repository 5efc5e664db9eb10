//! `ultra env`.

use super::Context;
use crate::cli::env::EnvCommand;
use crate::commands::{env, history, switch, trust, undo};
use crate::report::{Fault, Report};

/// Runs a command of the group.
pub(super) fn run(command: EnvCommand, context: &Context) -> Result<Report, Fault> {
    let workspace = context.workspace(Default::default())?;
    let secrets = context.secrets(&workspace);
    match command {
        EnvCommand::List => env::list::run(&workspace),
        EnvCommand::Current => env::current::run(&workspace),
        EnvCommand::Show(args) => {
            let request = env::show::Request { name: args.name };
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
        EnvCommand::Switch(args) => {
            let request = switch::Request {
                target: args.target,
                dry_run: args.dry_run,
                adopt: args.adopt,
                no_dotenv: args.no_dotenv,
                wait: args.wait,
            };
            switch::run(&request, &workspace, &secrets, &context.console)
        }
        EnvCommand::Undo(args) => {
            let request = undo::Request {
                steps: usize::from(args.steps),
                dry_run: args.dry_run,
                no_dotenv: args.no_dotenv,
                wait: args.wait,
            };
            undo::run(&request, &workspace, &secrets, &context.console)
        }
        EnvCommand::History => history::run(&workspace),
        EnvCommand::Trust => trust::run(&workspace, &context.console),
    }
}
