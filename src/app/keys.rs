//! `keys`: from the command line to requests.

use super::Context;
use crate::cli::OutputFormat;
use crate::cli::import::IntakeArgs;
use crate::cli::keys::{Backend, EndingArgs, KeysArgs, KeysCommand, SpanArgs};
use crate::commands::env::import;
use crate::commands::keys::{
    Desk, Ending, Spans, allow, audit, disable, doctor, list, migrate, publish, remove, rollback,
    rotate, set, shared, show, status, take_published, value_as_argument, verify,
};
use crate::report::{Console as _, Fault, Level, Problem, Report};
use crate::secrets::migrate::Migration;
use crate::secrets::{BackendKind, Freshness, VaultSource};
use crate::settings::{Workspace, load};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};

/// `ultra keys`.
pub(super) fn keys(args: KeysArgs, context: &Context) -> Result<Report, Fault> {
    // Before there is any secret in memory: a command that waits for a value can be made to dump
    // core by a key.
    super::keep_memory_private()?;
    no_surplus(&args.command)?;
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
        settings: loaded.settings.as_ref(),
        explicit: context.global.profile.is_some(),
        console: &context.console,
    };
    let writes = matches!(
        args.command,
        KeysCommand::Set(_)
            | KeysCommand::Rotate(_)
            | KeysCommand::Rollback(_)
            | KeysCommand::Disable(_)
            | KeysCommand::Remove(_)
            | KeysCommand::Allow(_)
            | KeysCommand::Migrate(_)
    );
    if writes {
        workspace.prepare_state_dir()?;
    }
    // What is done next goes by the index. Settled while the layers were looked up, perhaps, with
    // nothing in it: they are looked up again.
    // The latter two write too, if only now and then.
    let may_write =
        writes || matches!(args.command, KeysCommand::Verify(_) | KeysCommand::Import(_));
    let mut unsettled = Vec::new();
    if may_write {
        match settled(&args.command, &vault, context)? {
            Settled::Rebuilt => return keys(args, context),
            Settled::Left(problems) => unsettled = problems,
        }
    }
    let tells = matches!(args.command, KeysCommand::Migrate(_) | KeysCommand::Doctor(_));
    if !tells {
        let left = vault.migration();
        for problem in
            left.map_or_else(|f| f.problems, |left| left.iter().map(Migration::problem).collect())
        {
            context.console.warn(&problem);
        }
    }
    let takes = matches!(&args.command, KeysCommand::Doctor(args) if args.take_published);
    let may_write = may_write || takes;
    let before = if may_write { publish::generation(&desk) } else { 0 };
    let others = if may_write { shared::others(&desk, &workspace) } else { Vec::new() };
    let ends = match &args.command {
        KeysCommand::Rotate(args) => Some(args.name.clone()),
        KeysCommand::Rollback(args) => Some(Some(args.name.clone())),
        KeysCommand::Disable(args) => Some(Some(args.ending.name.clone())),
        KeysCommand::Remove(args) => Some(Some(args.ending.name.clone())),
        _ => None,
    };
    if let Some(name) = ends {
        shared::warn(&desk, &others, name.as_deref());
    }
    let imports = matches!(args.command, KeysCommand::Import(_));
    let outcome = run(args.command, &desk, &workspace, context);
    warn_besides(unsettled, outcome.as_ref().err(), context);
    if may_write {
        // Who only looked, and opened nothing for that, is not asked for the identity now.
        let done = outcome.is_ok() && (writes || vault.is_unlocked());
        if imports {
            publish::imported(before, done, &desk, &workspace);
        } else {
            publish::changed_since(before, done, &desk);
        }
        shared::hand_over(before, &desk, &others);
    }
    outcome
}

/// Refuses what stands where a value would.
fn no_surplus(command: &KeysCommand) -> Result<(), Fault> {
    let surplus = match command {
        KeysCommand::Set(args) => &*args.surplus,
        KeysCommand::Rotate(args) => &*args.surplus,
        KeysCommand::Rollback(args) => &*args.surplus,
        KeysCommand::Disable(args) => &*args.ending.surplus,
        KeysCommand::Remove(args) => &*args.ending.surplus,
        _ => &[],
    };
    if surplus.is_empty() { Ok(()) } else { Err(value_as_argument()) }
}

/// Warns of problems. What ends the command is not said twice.
fn warn_besides(problems: Vec<Problem>, ended: Option<&Fault>, context: &Context) {
    for problem in problems {
        let same = |p: &Problem| (p.code, &p.what) == (problem.code, &problem.what);
        if !ended.is_some_and(|fault| fault.problems.iter().any(same)) {
            context.console.warn(&Problem { level: Level::Warning, ..problem });
        }
    }
}

/// What came of settling the index.
enum Settled {
    /// It did not say what is in the vault and does now.
    Rebuilt,
    /// It is as it was, and why.
    Left(Vec<Problem>),
}

/// Has the index say what is in the vault. Whoever moves the identity does that by the index as it
/// is, and what is not in the vault can be asked about without it.
fn settled(
    command: &KeysCommand,
    vault: &VaultSource,
    context: &Context,
) -> Result<Settled, Fault> {
    let freshness = vault.overview()?.freshness;
    let asks = matches!(command, KeysCommand::Verify(_));
    match freshness {
        Freshness::NoVault | Freshness::Fresh => return Ok(Settled::Left(Vec::new())),
        Freshness::Lost if asks => return Ok(Settled::Left(Vec::new())),
        _ if matches!(command, KeysCommand::Migrate(_)) => return Ok(Settled::Left(Vec::new())),
        Freshness::Lost | Freshness::Stale | Freshness::NoIndex => {}
    }
    let told = match vault.settle_index() {
        Ok(warnings) => warnings,
        Err(fault) if asks => return Ok(Settled::Left(fault.problems)),
        Err(fault) => return Err(fault),
    };
    for problem in told {
        context.console.warn(&Problem { level: Level::Warning, ..problem });
    }
    Ok(Settled::Rebuilt)
}

/// The command with its request.
fn run(
    command: KeysCommand,
    desk: &Desk<'_>,
    workspace: &Workspace,
    context: &Context,
) -> Result<Report, Fault> {
    match command {
        KeysCommand::List => list::run(desk),
        KeysCommand::Status(args) => status::run(&status::Request { open: args.open }, desk),
        KeysCommand::Audit(args) => {
            let (verify, open) = (args.verify, args.open);
            audit::run(&audit::Request { verify, open, limit: args.limit }, desk)
        }
        KeysCommand::Migrate(args) => {
            migrate::run(&migrate::Request { to: backend(args.to) }, desk)
        }
        KeysCommand::Import(args) => import::run(&intake(args.intake), workspace, desk),
        KeysCommand::Doctor(args) if args.take_published => take_published::run(desk),
        KeysCommand::Doctor(args) => {
            doctor::run(doctor::Request { open: args.open }, desk, workspace)
        }
        KeysCommand::Set(args) => set::run(
            &set::Request {
                name: args.name,
                replace: args.replace,
                generate: args.generate,
                verify: !args.no_verify,
                shadowed: args.shadowed,
                backend: args.backend.map(backend),
            },
            desk,
        ),
        KeysCommand::Show(args) => {
            let people = context.global.output == OutputFormat::Human;
            let to_terminal = people && io::stdout().is_terminal();
            show::run(&show::Request { name: args.name, reveal: args.reveal, to_terminal }, desk)
        }
        KeysCommand::Verify(args) => {
            let request = verify::Request { name: args.name, old: args.old, url: args.url };
            verify::run(&request, desk, workspace)
        }
        KeysCommand::Rotate(args) => rotate::run(
            &rotate::Request {
                name: args.name,
                resume: args.resume,
                abort: args.abort,
                all_due: args.all_due,
                compromised: args.compromised,
                paste: args.paste,
                shadowed: args.shadowed,
                spans: spans(args.spans),
            },
            desk,
        ),
        KeysCommand::Allow(args) => {
            allow::run(&allow::Request { name: args.name, host: args.host }, desk)
        }
        KeysCommand::Rollback(args) => {
            let request = rollback::Request {
                name: args.name,
                version: args.version,
                shadowed: args.shadowed,
                spans: spans(args.spans),
            };
            rollback::run(&request, desk)
        }
        KeysCommand::Disable(args) => disable::run(&ending(args.ending, args.version), desk),
        KeysCommand::Remove(args) => remove::run(&ending(args.ending, args.version), desk),
    }
}

/// The keys of a file, and nothing else of it. `ultra env import` takes over more.
pub(super) fn intake(args: IntakeArgs) -> import::Request {
    import::Request {
        source: match args.file.as_os_str() == "-" {
            true => import::Source::Stdin,
            false => import::Source::File(args.file),
        },
        into: None,
        except: args.except,
        keep_unused: false,
        keep_names: false,
        replace: args.replace,
        verify: !args.no_verify,
        shadowed: args.shadowed,
        backend: args.backend.map(backend),
        remove_source: args.remove_source,
        dry_run: args.dry_run,
        keys_only: true,
    }
}

fn ending(args: EndingArgs, version: Option<u32>) -> Ending {
    Ending { name: args.name, version, spans: Spans { wait: args.wait, ..Spans::default() } }
}

fn spans(args: SpanArgs) -> Spans {
    Spans { grace: args.grace, drain: args.drain, wait: args.wait }
}

fn backend(backend: Backend) -> BackendKind {
    match backend {
        Backend::Keyring => BackendKind::Keyring,
        Backend::IdentityFile => BackendKind::IdentityFile,
        Backend::Passphrase => BackendKind::Passphrase,
    }
}
