//! The process: parse → resolve → run → render → exit code.

mod auth;
mod check;
mod child;
mod complete;
mod db;
mod env;
mod generate;
mod keys;
mod metered;
mod models;
mod relay;
mod run;
mod serve;
mod usage;

use crate::base::{SystemClock, process};
use crate::cli::{Cli, Command, Global, OutputFormat};
use crate::commands;
use crate::exit::ExitStatus;
use crate::render::{self, Format, Terminal, TerminalOptions};
use crate::report::{Console, Fault, Problem, Report, Unanswered};
use crate::secrets::{BackendOptions, VaultSource};
use crate::settings::dotenv::compat;
use crate::settings::environment::Environment;
use crate::settings::workspace::Flags;
use crate::settings::{Workspace, switch};
use clap::{CommandFactory as _, Parser as _};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What the dispatch of a subcommand has at hand.
pub(crate) struct Context {
    /// The global flags.
    pub(crate) global: Global,
    /// The process environment.
    pub(crate) environment: Environment,
    /// The people in front of the command.
    pub(crate) console: Terminal,
    /// The time.
    pub(crate) clock: Arc<SystemClock>,
}

impl Context {
    /// Root, state directory and profile, with the flags of the command line.
    ///
    /// # Errors
    /// As [`Workspace::discover`].
    pub(crate) fn workspace(
        &self,
        variables: BTreeMap<&'static str, String>,
    ) -> Result<Workspace, Fault> {
        self.workspace_with(self.environment.clone(), variables, Vec::new())
    }

    /// The same, with this process environment and further dotenv files as a layer.
    ///
    /// # Errors
    /// A file that is not there (2), and as [`Workspace::discover`].
    pub(crate) fn workspace_with(
        &self,
        environment: Environment,
        variables: BTreeMap<&'static str, String>,
        files: Vec<PathBuf>,
    ) -> Result<Workspace, Fault> {
        let missing: Vec<Problem> = files
            .iter()
            .filter(|file| {
                std::fs::metadata(file).is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
            })
            .map(|file| {
                Problem::error("no-file", format!("there is no file `{}`", file.display()))
                    .why("`--file` names it")
            })
            .collect();
        if !missing.is_empty() {
            return Err(Fault::new(ExitStatus::Usage, missing));
        }
        let (profile, dir) = (self.global.profile.clone(), self.global.dir.clone());
        let flags = Flags { profile, dir, variables, files };
        let before = environment.exported_profile().map(|_| environment.before_export());
        let mut workspace = Workspace::discover(environment, flags.clone(), self.clock.clone())?;
        // Values of another profile, which an export left in this shell, would win over those of
        // the profile that is wanted.
        if let Some(before) = before
            && let Some(exported) = workspace.environment.exported_profile()
            && exported != workspace.profile
        {
            self.tell_taken_back(exported, &before, &workspace.profile);
            workspace = Workspace::discover(before, flags, self.clock.clone())?;
        }
        if let Some(note) = workspace.root_note() {
            self.console.note(&note);
        }
        if let Some(note) = workspace.shut_state_dir() {
            self.console.note(&note);
        }
        // A switch that was killed after its commit is finished by whoever comes next.
        if let Some(root) = &workspace.root
            && let Some(warning) = switch::complete(root, &workspace.state_dir)
        {
            self.console.warn(&warning);
        }
        Ok(workspace)
    }

    /// Says that an export is not counted, and which variables the shell had a value of its own
    /// for, which is not to be had from here.
    fn tell_taken_back(&self, exported: &str, before: &Environment, profile: &str) {
        self.console.note(&format!(
            "the export of profile `{exported}` in this shell does not count for `{profile}`"
        ));
        let decides = |name: &str| matches!(name, "ULTRA_PROFILE" | "ENVIRONMENT");
        let lost: Vec<String> = before
            .taken_back()
            .filter(|(name, own)| *own && !decides(name))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if !lost.is_empty() {
            self.console.warn(
                &Problem::warning(
                    "replaced-by-export",
                    format!("{} had a value of the shell's own before the export", lost.join(", ")),
                )
                .why("only the shell knows it; it counts as unset here")
                .hint("eval \"$(ultra env export --undo)\""),
            );
        }
    }

    /// The vault of the workspace. Nothing is opened until a value is asked for.
    pub(crate) fn secrets(&self, workspace: &Workspace) -> VaultSource {
        let path = |name: &str| {
            let text = workspace.environment.get(name).filter(|v| !v.is_empty())?;
            Some(workspace.current_dir.join(text))
        };
        let options = BackendOptions {
            identity_file: path("ULTRA_VAULT_IDENTITY_FILE"),
            passphrase_file: path("ULTRA_VAULT_PASSPHRASE_FILE"),
            root: workspace.root.clone(),
        };
        let console = self.console;
        VaultSource::new(&workspace.state_dir, options, self.clock.clone()).asking(
            move |question| {
                // What is on stdin is the answer to another question.
                if console.interactive() {
                    console.secret(question)
                } else {
                    Err(Unanswered::NobodyThere)
                }
            },
        )
    }
}

/// What came of a command that did its work.
pub(crate) enum Answer {
    /// Something to write.
    Report(Report),
    /// The exit code of another program, which wrote for itself.
    Ended(ExitCode),
}

/// Keeps secrets out of core dumps and away from debuggers, in commands that have some of their
/// own and start no program of others.
///
/// # Errors
/// What the operating system says (1).
fn keep_memory_private() -> Result<(), Fault> {
    process::keep_memory_private().map_err(|e| {
        Fault::failure(
            Problem::error("memory", "cannot keep secrets out of core dumps")
                .why(e)
                .hint("ulimit -c 0"),
        )
    })
}

/// Tells of a panic by its place alone: what it says may hold anything.
fn tell_panics_by_place(format: Format) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let fault = Fault::bug(format!("stopped by a bug at {place}"));
        let _ = render::fault(&mut io::stderr().lock(), &fault, format, false);
    }));
}

/// Runs the process and says how it ends.
pub(crate) fn main() -> ExitCode {
    let format = match usage::format(&std::env::args_os().collect::<Vec<_>>()) {
        OutputFormat::Human | OutputFormat::Csv => Format::Human,
        OutputFormat::Json => Format::Json,
    };
    tell_panics_by_place(format);
    // Whoever began to unwind has told of it.
    std::panic::catch_unwind(begin).unwrap_or_else(|_| ExitStatus::Failure.into())
}

fn begin() -> ExitCode {
    // Without it everything works but under a limit of file sizes.
    let _ = process::outlive_file_limits();
    let args = help_asked(std::env::args_os().collect());
    if args.len() == 3 && args.iter().skip(1).eq(compat::CHILD.iter()) {
        return asked_for_dotenvy();
    }
    if let Some(ready) = child::asked(&args) {
        return ready.map_or_else(Into::into, |ready| child::start(&ready, &plain(Format::Human)));
    }
    if let Some(candidates) = complete::asked(args.iter().cloned()) {
        // Whoever asks is a shell in the middle of a line: there is nobody to tell of an error.
        let _ = io::stdout().lock().write_all(candidates.as_bytes());
        return ExitStatus::Holds.into();
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(e) => return clap_answer(&e, &args).into(),
    };
    let environment = Environment::of_process();
    let console = Terminal::new(TerminalOptions {
        format: match cli.global.output {
            OutputFormat::Human | OutputFormat::Csv => Format::Human,
            OutputFormat::Json => Format::Json,
        },
        quiet: cli.global.quiet,
        no_color: cli.global.no_color || environment.get("NO_COLOR").is_some_and(|v| !v.is_empty()),
        yes: cli.global.yes,
        no_input: cli.global.no_input,
    });
    let context =
        Context { global: cli.global, environment, console, clock: Arc::new(SystemClock) };
    match dispatch(cli.command, &context) {
        Ok(Answer::Ended(code)) => code,
        Ok(Answer::Report(report)) => finish(&Ok(report), &context.console).into(),
        Err(fault) => finish(&Err(fault), &context.console).into(),
    }
}

/// `ultra help COMMAND` and `ultra env help COMMAND` as clap has them: with `--help`.
fn help_asked(mut args: Vec<OsString>) -> Vec<OsString> {
    let is = |n: usize, word: &str| args.get(n).is_some_and(|arg| arg == word);
    let group = || {
        let name = args.get(1)?.to_str()?;
        let mut cli = Cli::command();
        cli.build();
        cli.find_subcommand(name).map(clap::Command::has_subcommands)
    };
    let at = match (is(1, "help"), is(2, "help")) {
        (true, _) => 1,
        (_, true) if group() == Some(true) => 2,
        _ => return args,
    };
    args.remove(at);
    args.push("--help".into());
    args
}

/// We are a child process of ours, which wants to know what the crate `dotenvy` reads.
fn asked_for_dotenvy() -> ExitCode {
    finish(&commands::env::dotenvy::run(), &plain(Format::Json)).into()
}

/// What a process of ours writes to that another of ours started.
fn plain(format: Format) -> Terminal {
    Terminal::new(TerminalOptions {
        format,
        quiet: true,
        no_color: true,
        yes: false,
        no_input: true,
    })
}

/// Help and version go to stdout and hold; everything else is a usage error on stderr, as text or
/// as the document that `-o json` asks for.
fn clap_answer(error: &clap::Error, args: &[OsString]) -> ExitStatus {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitStatus::Holds;
    }
    let mut err = io::stderr().lock();
    let _ = match usage::format(args) {
        OutputFormat::Json => {
            render::fault(&mut err, &usage::fault(error, args), Format::Json, false)
        }
        OutputFormat::Human | OutputFormat::Csv => {
            err.write_all(usage::text(error, args).as_bytes())
        }
    };
    ExitStatus::Usage
}

/// Hands the command to the file of its group.
fn dispatch(command: Command, context: &Context) -> Result<Answer, Fault> {
    if context.global.output == OutputFormat::Csv && !matches!(command, Command::Usage(_)) {
        let what = "`-o csv` is for `ultra usage report` alone";
        return Err(Fault::usage(Problem::error("output-format", what).hint("-o json")));
    }
    let report = match command {
        Command::Models(group) => models::run(group.command, context),
        Command::Usage(group) => metered::run(group.command, context),
        Command::Check(group) => check::run(group.command, context),
        Command::Env(group) => return env::run(group.command, context),
        Command::Keys(args) => keys::keys(args, context),
        Command::Serve(args) => serve::serve(args, context),
        Command::Auth(group) => auth::run(group.command, context),
        Command::Db(group) => db::run(&group.command, context),
        Command::Generate(args) => generate::generate(args, context),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(args),
    };
    report.map(Answer::Report)
}

/// Writes the answer, or why there is none. A closed pipe is quiet: whoever closed it has seen
/// enough.
fn finish(outcome: &Result<Report, Fault>, console: &Terminal) -> ExitStatus {
    let (written, status) = match outcome {
        Ok(report) => {
            let mut bytes = Vec::new();
            let drawn = render::report(&mut bytes, report, console.format(), console.colour_out());
            let mut out = io::stdout().lock();
            (drawn.and_then(|()| out.write_all(&bytes)).and_then(|()| out.flush()), report.status)
        }
        Err(fault) => {
            let colour = console.colour_err();
            (render::fault(&mut io::stderr().lock(), fault, console.format(), colour), fault.status)
        }
    };
    match written {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            console.warn(&Problem::error("output", "cannot write the answer").why(e));
            ExitStatus::Failure
        }
        _ => status,
    }
}
