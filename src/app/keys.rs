//! `keys`: from the command line to requests.

use super::Context;
use crate::cli::OutputFormat;
use crate::cli::keys::{Backend, KeysArgs, KeysCommand};
use crate::commands::keys::{
    Desk, allow, list, rollback, rotate, set, show, status, value_as_argument, verify,
};
use crate::report::{Fault, Report};
use crate::secrets::BackendKind;
use crate::settings::load;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

/// `ultra keys`.
pub(super) fn keys(args: KeysArgs, context: &Context) -> Result<Report, Fault> {
    let surplus = match &args.command {
        KeysCommand::Set(args) => &*args.surplus,
        KeysCommand::Rotate(args) => &*args.surplus,
        KeysCommand::Rollback(args) => &*args.surplus,
        _ => &[],
    };
    if !surplus.is_empty() {
        return Err(value_as_argument());
    }
    let workspace = context.workspace(BTreeMap::new())?;
    let vault = context.secrets(&workspace);
    let loaded = load(&workspace, &workspace.profile, &vault);
    // A profile that does not hold yet may be so for want of the very key that is set here.
    let Some(resolution) = &loaded.resolution else {
        return Err(Fault::does_not_hold(loaded.problems));
    };
    let desk = Desk {
        vault: &vault,
        state_dir: &workspace.state_dir,
        resolution,
        explicit: context.global.profile.is_some(),
        console: &context.console,
    };
    let writes = matches!(
        args.command,
        KeysCommand::Set(_)
            | KeysCommand::Rotate(_)
            | KeysCommand::Rollback(_)
            | KeysCommand::Allow(_)
    );
    if writes {
        workspace.prepare_state_dir()?;
    }
    match args.command {
        KeysCommand::List => list::run(&desk),
        KeysCommand::Status => status::run(&desk),
        KeysCommand::Set(args) => set::run(
            &set::Request {
                name: args.name,
                replace: args.replace,
                generate: args.generate,
                shadowed: args.shadowed,
                backend: args.backend.map(backend),
            },
            &desk,
        ),
        KeysCommand::Show(args) => {
            let people = context.global.output == OutputFormat::Human;
            let to_terminal = people && io::stdout().is_terminal();
            show::run(&show::Request { name: args.name, reveal: args.reveal, to_terminal }, &desk)
        }
        KeysCommand::Verify(args) => verify::run(&verify::Request { name: args.name }, &desk),
        KeysCommand::Rotate(args) => rotate::run(
            &rotate::Request {
                name: args.name,
                resume: args.resume,
                abort: args.abort,
                shadowed: args.shadowed,
            },
            &desk,
        ),
        KeysCommand::Allow(args) => {
            allow::run(&allow::Request { name: args.name, host: args.host }, &desk)
        }
        KeysCommand::Rollback(args) => {
            let request = rollback::Request { name: args.name, shadowed: args.shadowed };
            rollback::run(&request, &desk)
        }
    }
}

pub(super) fn backend(backend: Backend) -> BackendKind {
    match backend {
        Backend::Keyring => BackendKind::Keyring,
        Backend::IdentityFile => BackendKind::IdentityFile,
        Backend::Passphrase => BackendKind::Passphrase,
    }
}
