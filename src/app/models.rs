//! `ultra models`.

use super::Context;
use crate::base::Secret;
use crate::cli::models::ModelsCommand;
use crate::commands::models::{Server, list, test};
use crate::report::{Fault, Report};
use crate::settings::{Workspace, service_key};
use url::Url;

/// Runs a command of the group.
pub(super) fn run(command: ModelsCommand, context: &Context) -> Result<Report, Fault> {
    let workspace = context.workspace(Default::default())?;
    let secrets = context.secrets(&workspace);
    match command {
        ModelsCommand::List(args) => {
            let server = server(args.url, &workspace)?;
            let request = list::Request { all: args.all, capability: args.capability, server };
            list::run(&request, &workspace, &secrets, &context.console)
        }
        ModelsCommand::Test(args) => {
            let server = server(args.url, &workspace)?;
            if server.is_none() {
                // Before there is any key in memory.
                super::keep_memory_private()?;
            }
            let request = test::Request { name: args.name, server };
            test::run(&request, &workspace, &secrets, &context.console)
        }
    }
}

fn server(url: Option<Url>, workspace: &Workspace) -> Result<Option<Server>, Fault> {
    let Some(url) = url else { return Ok(None) };
    let key: Option<Secret> = service_key::for_server(&url, workspace)?.map(|key| key.secret);
    Ok(Some(Server { url, key }))
}
