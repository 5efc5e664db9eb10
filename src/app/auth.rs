//! `ultra auth`.

use super::Context;
use crate::cli::auth::{AuthCommand, ServiceKeyCommand, TokenCommand};
use crate::commands::auth::{rotate, service_key, token};
use crate::report::{Fault, Report};

/// Runs a command of the group.
pub(super) fn run(command: AuthCommand, context: &Context) -> Result<Report, Fault> {
    let workspace = context.workspace(Default::default())?;
    let secrets = context.secrets(&workspace);
    match command {
        AuthCommand::ServiceKey(ServiceKeyCommand::Create(args)) => {
            let request = service_key::CreateRequest {
                name: args.name,
                scopes: args.scopes,
                expires: args.expires,
                rate: args.rate,
            };
            service_key::create(&request, &workspace, &secrets, &context.console)
        }
        AuthCommand::ServiceKey(ServiceKeyCommand::List) => service_key::list(&workspace, &secrets),
        AuthCommand::ServiceKey(ServiceKeyCommand::Rotate(args)) => {
            let request =
                rotate::Request { key: args.key, grace: args.grace, expires: args.expires };
            rotate::run(&request, &workspace, &secrets, &context.console)
        }
        AuthCommand::ServiceKey(ServiceKeyCommand::Revoke(args)) => {
            service_key::revoke(&args.key, &workspace, &secrets, &context.console)
        }
        AuthCommand::Token(TokenCommand::Create(args)) => {
            let request =
                token::CreateRequest { subject: args.subject, scopes: args.scopes, ttl: args.ttl };
            token::create(&request, &workspace, &secrets, &context.console)
        }
    }
}
