//! `ultra env`.

use super::Context;
use crate::cli::env::EnvCommand;
use crate::commands::{history, switch, trust, undo};
use crate::report::{Fault, Report};

/// Runs a command of the group.
pub(super) fn run(command: EnvCommand, context: &Context) -> Result<Report, Fault> {
    let workspace = context.workspace(Default::default())?;
    let secrets = context.secrets(&workspace);
    match command {
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
