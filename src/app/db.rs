//! `ultra db`.

use super::Context;
use crate::cli::db::DbCommand;
use crate::commands::db;
use crate::report::{Fault, Report};

/// Runs a command of the group.
pub(super) fn run(command: &DbCommand, context: &Context) -> Result<Report, Fault> {
    let workspace = context.workspace(Default::default())?;
    let secrets = context.secrets(&workspace);
    match command {
        DbCommand::Migrate => db::migrate(&workspace, &secrets, &context.console),
        DbCommand::Status => db::status(&workspace, &secrets),
    }
}
