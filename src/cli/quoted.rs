//! Every command line of `ultra` that the product quotes (hints, help, documents, templates,
//! scripts) exists: its subcommands and flags are looked up in the clap tree.
//!
//! What counts as quoted: in Rust, a string literal or a span in backticks within one that begins
//! with `ultra `, and what follows a colon, a semicolon or `$(` in one; in help texts and documents, spans in backticks; in code
//! blocks, scripts and templates, `ultra` wherever a word can stand. Words in capitals and with
//! braces, dots or the like stand for values.

mod text;

use super::Cli;
use clap::{Command, CommandFactory as _};
use std::path::{Path, PathBuf};
use text::{Language, Quote, command_lines, quotes};

/// Texts that begin like a command line and are none: labels of keys, a prompt, prose.
const NO_COMMANDS: &[&str] = &[
    "ultra jwt key id v1",
    "ultra local key v1: {usage}",
    "ultra passes it on.",
    "ultra readiness probe",
    "ultra seal v1",
    "ultra service key",
];

/// Behind these the sentence around a command line goes on.
const ENDS: [char; 4] = [',', ';', ')', ':'];

/// Looks up one command line; the error says which word is wrong and why.
fn look_up(root: &Command, line: &str) -> Result<(), String> {
    let mut path = vec![root];
    let mut words = line.split_whitespace();
    // Whether all words so far were names of commands.
    let mut names_only = true;
    while let Some(word) = words.next() {
        let here = *path.last().unwrap();
        if word == "|" {
            // `list | show` are names beside each other; a pipe goes to a command with arguments.
            let rest: Vec<&str> = words.collect();
            let beside = rest.iter().skip(1).step_by(2).all(|w| *w == "|");
            let parent = path.iter().rev().nth(1).filter(|_| beside && names_only);
            return parent.map_or(Ok(()), |parent| {
                rest.iter().step_by(2).try_for_each(|name| subcommand(parent, name).map(drop))
            });
        }
        if matches!(word, "--" | "&" | "&&" | "||" | "#" | ";" | "\\")
            || word.starts_with(['>', '('])
        {
            return Ok(());
        }
        let bare = word.trim_matches(['[', ']', '"', '\'', ')', ',', ';', ':', '.', '…']);
        if bare.starts_with('-') && bare != "-" {
            names_only = false;
            for flag in bare.split('|') {
                let Some(arg) = flag_of(here, flag) else {
                    return Err(format!("`{}` has no flag `{flag}`", name_of(&path)));
                };
                let value = arg.get_action().takes_values()
                    && arg.get_num_args().is_some_and(|n| n.min_values() > 0);
                let apart =
                    if flag.starts_with("--") { !flag.contains('=') } else { flag.len() == 2 };
                if value && apart && words.next().is_none_or(|v| v.ends_with(ENDS)) {
                    return Ok(());
                }
            }
        } else if here.has_subcommands() {
            if !bare.split('|').all(is_name) {
                // A value in the place of a name: what follows cannot be looked up.
                return Ok(());
            }
            let mut next = here;
            for name in bare.split('|') {
                next = subcommand(here, name)?;
            }
            path.push(next);
        } else if is_name(bare) && here.get_positionals().next().is_none() {
            return Err(format!("`{}` takes no `{bare}`", name_of(&path)));
        } else {
            names_only = false;
        }
        if word.ends_with(ENDS) {
            return Ok(());
        }
    }
    Ok(())
}

fn name_of(path: &[&Command]) -> String {
    path.iter().map(|command| command.get_name()).collect::<Vec<_>>().join(" ")
}

/// Whether a word can be the name of a command; others stand for values.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_')
}

fn subcommand<'a>(parent: &'a Command, name: &str) -> Result<&'a Command, String> {
    parent
        .find_subcommand(name)
        .ok_or_else(|| format!("`{}` has no subcommand `{name}`", parent.get_name()))
}

/// The argument that a flag as it is written gives; of short ones in a row, the first.
fn flag_of<'a>(command: &'a Command, flag: &str) -> Option<&'a clap::Arg> {
    let name = |flag: &str| -> String {
        flag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
    };
    if let Some(long) = flag.strip_prefix("--") {
        let long = name(long);
        command.get_arguments().find(|arg| {
            arg.get_long_and_visible_aliases().is_some_and(|names| names.contains(&long.as_str()))
        })
    } else {
        let short = flag.chars().nth(1);
        command.get_arguments().find(|arg| arg.get_short().is_some() && arg.get_short() == short)
    }
}

/// The help texts of a command and of those below it.
fn helps(command: &Command, found: &mut Vec<String>) {
    let own = [
        command.get_about(),
        command.get_long_about(),
        command.get_before_help(),
        command.get_before_long_help(),
        command.get_after_help(),
        command.get_after_long_help(),
    ];
    let args = command.get_arguments().flat_map(|arg| [arg.get_help(), arg.get_long_help()]);
    found.extend(own.into_iter().chain(args).flatten().map(ToString::to_string));
    command.get_subcommands().for_each(|sub| helps(sub, found));
}

fn tree() -> Command {
    let mut root = Cli::command();
    root.build();
    root
}

/// How many command lines the quotes hold; what is wrong with them goes to `wrong`.
fn judge(root: &Command, from: &str, quotes: &[Quote], wrong: &mut Vec<String>) -> usize {
    let mut count = 0;
    for (line, quote) in quotes.iter().filter(|(_, quote)| !NO_COMMANDS.contains(&quote.as_str())) {
        for command in command_lines(quote) {
            count += 1;
            if let Err(why) = look_up(root, command) {
                wrong.push(format!("{from}:{line}: `ultra {command}`: {why}"));
            }
        }
    }
    count
}

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<_> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| files(entry, found));
    } else {
        found.push(path.to_owned());
    }
}

/// The language of a file of ours; none for tests, and for what is made from other files.
fn language(path: &Path) -> Option<Language> {
    let test = path.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        matches!(&*name, "tests" | "tests.rs" | "quoted.rs" | "man") || name.ends_with("_tests.rs")
    });
    let top = path.components().next()?.as_os_str().to_str()?;
    match (path.extension().and_then(|e| e.to_str()), top) {
        _ if test => None,
        (Some("rs"), "src") => Some(Language::Rust),
        (_, "src") => None,
        (Some("md"), _) => Some(Language::Markdown),
        (_, "docs") => None,
        _ => Some(Language::Script),
    }
}

#[test]
fn every_quoted_command_line_exists() {
    let root = tree();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for top in ["src", "docs", "templates", "profiles", "scripts", "Dockerfile", "Makefile"] {
        files(&repository.join(top), &mut paths);
    }
    for top in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ".env.example"] {
        files(&repository.join(top), &mut paths);
    }
    let (mut wrong, mut labels) = (Vec::new(), Vec::<&str>::new());
    let (mut in_code, mut in_texts) = (0, 0);
    for path in paths {
        let relative = path.strip_prefix(repository).unwrap();
        let Some(language) = language(relative) else { continue };
        let quotes = quotes(&std::fs::read_to_string(&path).unwrap(), language);
        labels.extend(
            quotes.iter().filter_map(|(_, q)| NO_COMMANDS.iter().find(|l| *l == q).copied()),
        );
        let count = judge(&root, &relative.display().to_string(), &quotes, &mut wrong);
        *(if language == Language::Rust { &mut in_code } else { &mut in_texts }) += count;
    }
    let mut texts = Vec::new();
    helps(&root, &mut texts);
    for text in &texts {
        judge(&root, "help", &quotes(text, Language::Markdown), &mut wrong);
    }
    assert!(wrong.is_empty(), "no such command:\n{}", wrong.join("\n"));
    // Far fewer would mean that the extractor went blind.
    assert!(in_code > 60 && in_texts > 120, "{in_code} in code, {in_texts} in texts");
    labels.sort();
    assert_eq!(labels, NO_COMMANDS, "labels that are there");
}

/// How many command lines a text holds, and what is wrong with them, one a line.
fn wrong_in(text: &str, language: Language) -> (usize, String) {
    let mut wrong = Vec::new();
    let count = judge(&tree(), "", &quotes(text, language), &mut wrong);
    (count, wrong.join("\n"))
}

#[test]
fn what_exists_is_accepted() {
    let rust = r##"
        hint("ultra keys set openai --profile {}", 'x', '"'); // "ultra nothing"
        let a: &'static str = "say `ultra env switch {target} --no-dotenv`, \
            or `ultra env lint FILE.. --compat`";
        let b = r#"`ultra env "nothing"` is no "`ultra serve [--mock|--real]`" "#;
        let c = "ultra auth service-key create, then set `X`";
        let d = "an ultra server is no command; ultra env validate {profile}";
        #[cfg(test)]
        mod tests { }
    "##
    .replace("`ultra env \"nothing\"`", "`x`");
    assert_eq!(wrong_in(&rust, Language::Rust), (6, String::new()));
    let markdown = "\
`ultra env list | current |\nshow` and `ultra env export --shell fish \\| source`, `ultra check …`

```console
$ ultra keys {verb} --anything
$ eval \"$(ultra env export --undo)\"     # and back
$ A=b ultra env run --only A -- ultra-thing --nothing
$ ultra check \\
    smoke --url=U -o json
```
";
    assert_eq!(wrong_in(markdown, Language::Markdown), (7, String::new()));
    let script = "\
# Prose with `ultra serve --real`, and
#   ultra env run --profile X -- docker compose up
\t$(ULTRA) serve --profile dev
CMD [\"ultra\", \"check\", \"status\", \"--url\", \"http://127.0.0.1\", \"--quiet\"]
";
    assert_eq!(wrong_in(script, Language::Script), (4, String::new()));
}

#[test]
fn what_does_not_exist_is_found() {
    for (text, language, why) in [
        ("f(\"ultra env swich {}\")", Language::Rust, "`env` has no subcommand `swich`"),
        (
            "f(\"say `ultra keys set X --forse`\")",
            Language::Rust,
            "`ultra keys set` has no flag `--forse`",
        ),
        ("f(r\"say `ultra login`\")", Language::Rust, "`ultra` has no subcommand `login`"),
        ("`ultra env list |\nshow | lst`", Language::Markdown, "`env` has no subcommand `lst`"),
        ("`ultra serve [--mock|--reel]`", Language::Markdown, "`ultra serve` has no flag `--reel`"),
        ("`ultra db status now`", Language::Markdown, "`ultra db status` takes no `now`"),
        ("f(\"to mend: ultra env fmd x\")", Language::Rust, "`env` has no subcommand `fmd`"),
        ("say `ultra -z env`", Language::Markdown, "`ultra` has no flag `-z`"),
        ("\t$(ULTRA) chek\n", Language::Script, "`ultra` has no subcommand `chek`"),
        (
            "CMD [\"ultra\", \"serve\", \"--prot\"]",
            Language::Script,
            "`ultra serve` has no flag `--prot`",
        ),
        ("#  x\n# as `ultra env\n# trst` says", Language::Script, "`env` has no subcommand `trst`"),
    ] {
        let (count, wrong) = wrong_in(text, language);
        assert_eq!((count, wrong.lines().count()), (1, 1), "{text}: {wrong:?}");
        assert!(wrong.ends_with(why), "{text}: {wrong:?}");
    }
}
