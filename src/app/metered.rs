//! `ultra usage`.

use super::Context;
use crate::cli::OutputFormat;
use crate::cli::usage::{ByArg, UsageCommand};
use crate::commands::usage::{self, Request};
use crate::report::{Fault, Report};

/// Runs a command of the group.
pub(super) fn run(command: UsageCommand, context: &Context) -> Result<Report, Fault> {
    let UsageCommand::Report(args) = command;
    let workspace = context.workspace(Default::default())?;
    let request = Request {
        by: match args.by {
            ByArg::Key => "key",
            ByArg::User => "user",
            ByArg::Model => "model",
            ByArg::Provider => "provider",
            ByArg::Day => "day",
        },
        since: args.since,
        until: args.until,
        model: args.model,
        key: args.key,
        csv: context.global.output == OutputFormat::Csv,
    };
    usage::report(&request, &workspace, &context.secrets(&workspace))
}
