//! `generate`, `completions` and `man`: what is made from the command line's own declaration, and
//! the documents made from the catalogue.

use super::{Context, complete};
use crate::cli::Cli;
use crate::cli::completions::CompletionsArgs;
use crate::cli::generate::GenerateArgs;
use crate::cli::man::ManArgs;
use crate::commands::generate::{Folder, Generated};
use crate::commands::{self, man};
use crate::report::{Fault, Problem, Report};
use crate::settings::{docs, root};
use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::{Generator as _, Shell};

/// The first line of every manual page of ours.
const MAN_MARK: &str = ".\\\" Written by `ultra generate` from src/cli; edit that.\n";

/// `ultra generate`.
pub(super) fn generate(args: GenerateArgs, context: &Context) -> Result<Report, Fault> {
    let here = std::env::current_dir().map_err(|e| {
        Fault::failure(Problem::error("current-dir", "cannot tell the current directory").why(e))
    })?;
    let (root, _) = root::find(&here, &context.environment, context.global.dir.as_deref())?;
    let root = root.unwrap_or(here);
    commands::generate::run(&commands::generate::Request {
        root,
        files: files()?,
        folders: vec![Folder { path: "docs/man", mark: MAN_MARK }],
        only: args.paths,
        check: args.check,
    })
}

/// `ultra completions`.
pub(super) fn completions(args: &CompletionsArgs) -> Result<Report, Fault> {
    let script = complete::script(args.shell)
        .ok_or_else(|| Fault::bug(format!("there is no script for {}", args.shell)))?;
    commands::completions::run(&args.shell.to_string(), script.to_owned())
}

/// `ultra man`.
pub(super) fn man(args: ManArgs) -> Result<Report, Fault> {
    let request = match args.out {
        Some(folder) => man::Request::All(folder),
        None => man::Request::Page(args.page),
    };
    man::run(&request, &pages()?)
}

/// Every generated file of a repository.
fn files() -> Result<Vec<Generated>, Fault> {
    let mut files = vec![
        text(".env.example", docs::env_example()),
        text("docs/configuration.md", docs::configuration()),
        text("docs/dotenv-compat.md", docs::dotenv_compat()),
        text("profiles/profile.schema.json", docs::profile_schema()),
    ];
    for shell in Shell::value_variants() {
        let path = format!("completions/{}", shell.file_name("ultra"));
        files.extend(complete::script(*shell).map(|script| text(&path, script.to_owned())));
    }
    for page in pages()? {
        files.push(Generated { path: format!("docs/man/{}", page.path), ..page });
    }
    Ok(files)
}

fn text(path: &str, content: String) -> Generated {
    Generated { path: path.to_owned(), content: content.into_bytes() }
}

/// The manual pages of all commands, named as files.
fn pages() -> Result<Vec<Generated>, Fault> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    page(&command, "ultra", &mut pages)
        .map_err(|e| Fault::bug(format!("a manual page cannot be written: {e}")))?;
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(pages)
}

fn page(
    command: &clap::Command,
    name: &str,
    pages: &mut Vec<Generated>,
) -> Result<(), std::io::Error> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        page(sub, &format!("{name}-{}", sub.get_name()), pages)?;
    }
    let mut content = MAN_MARK.as_bytes().to_vec();
    let titled = command.clone().name(name.to_owned()).display_name(name.to_owned());
    clap_mangen::Man::new(titled).render(&mut content)?;
    pages.push(Generated { path: format!("{name}.1"), content });
    Ok(())
}
