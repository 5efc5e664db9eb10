//! A command line that cannot be parsed: said as `-o` asks, and without repeating a key that was
//! pasted where none belongs.

use crate::cli::OutputFormat;
use crate::report::{Fault, Problem};
use crate::settings::dotenv;
use crate::settings::secretish;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// The format that the arguments ask for, as far as can be told without parsing them. The last one
/// counts; what follows `--` is not ours.
pub(super) fn format(args: &[OsString]) -> OutputFormat {
    let mut format = OutputFormat::Human;
    let texts: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    for (n, arg) in texts.iter().enumerate().skip(1) {
        if *arg == "--" {
            break;
        }
        let next = || texts.get(n + 1).copied().unwrap_or_default();
        let value = if let Some(rest) = arg.strip_prefix("--output") {
            if rest.is_empty() { next() } else { rest.strip_prefix('=').unwrap_or_default() }
        } else if let Some(rest) = short(arg) {
            if rest.is_empty() { next() } else { rest.strip_prefix('=').unwrap_or(rest) }
        } else {
            continue;
        };
        match value {
            "json" => format = OutputFormat::Json,
            "csv" => format = OutputFormat::Csv,
            "human" | "table" => format = OutputFormat::Human,
            _ => {}
        }
    }
    format
}

/// What follows `-o` in a word of short flags, such as `-qojson`.
fn short(arg: &str) -> Option<&str> {
    let flags = arg.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
    flags.trim_start_matches(['q', 'v', 'y']).strip_prefix('o')
}

/// The text of clap, with what may be a secret left out.
pub(super) fn text(error: &clap::Error, args: &[OsString]) -> String {
    let mut text = masked(error.render().to_string(), args);
    for word in unfit(error, args) {
        text = text.replace(&format!("'{word}'"), "'…'").replace(&format!("'-- {word}'"), "'-- …'");
    }
    let hint = match error.kind() {
        ErrorKind::InvalidSubcommand => habit(args).map(|(_, hint)| hint),
        ErrorKind::InvalidValue => file_for_program(error),
        _ => None,
    };
    match hint {
        Some(hint) if error.kind() == ErrorKind::InvalidValue => {
            text.replacen("\n\nFor more", &format!("\n\n  tip: {hint}\n\nFor more"), 1)
        }
        Some(hint) => text.replacen("\n\nUsage:", &format!("\n\n  tip: {hint}\n\nUsage:"), 1),
        None => text,
    }
}

/// The words that an error is about and that it must not repeat. A password may be short and look
/// like anything, so an argument where none belongs is shown only if it is a flag that is missed by
/// a letter; and where keys are handled, so is every other word.
fn unfit<'a>(error: &'a clap::Error, args: &[OsString]) -> Vec<&'a str> {
    let about_keys = args.iter().skip(1).any(|arg| arg == "keys" || arg == "auth");
    let about = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    let near =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .into_iter()
            .any(|kind| error.get(kind).is_some());
    let plain = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let argument = about(ContextKind::InvalidArg)
        .filter(|_| error.kind() == ErrorKind::UnknownArgument)
        .filter(|word| !(near && word.starts_with("--") && plain(word)));
    let words = [ContextKind::InvalidSubcommand, ContextKind::InvalidValue]
        .into_iter()
        .filter_map(about)
        .filter(|word| about_keys && !(near && plain(word)));
    argument.into_iter().chain(words).collect()
}

/// The error as a problem like any other.
pub(super) fn fault(error: &clap::Error, args: &[OsString]) -> Fault {
    let text = text(error, args);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
        let problem = Problem::error("usage", "a subcommand is missing");
        return Fault::usage(problem.maybe_hint(usage.map(str::to_owned)));
    }
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some((word, hint)) = habit(args)
    {
        let what = format!("unrecognized subcommand `{word}`");
        return Fault::usage(Problem::error("usage", what).hint(hint));
    }
    let mut what = String::new();
    let mut why = Vec::new();
    let (mut tips, mut usage) = (Vec::new(), None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("error: ") {
            what = rest.trim_end_matches(':').to_owned();
        } else if let Some(tip) = line.strip_prefix("tip: ") {
            tips.push(tip.to_owned());
        } else if let Some(rest) = line.strip_prefix("Usage: ") {
            usage = Some(rest.to_owned());
        } else if !line.starts_with("For more information") && usage.is_none() {
            why.push(line.trim_matches(['[', ']']).to_owned());
        }
    }
    let quoted = |text: String| text.replace('\'', "`");
    let mut problem = Problem::error("usage", quoted(what));
    if !why.is_empty() {
        problem = problem.why(quoted(why.join(", ")));
    }
    let tips = (!tips.is_empty()).then(|| quoted(tips.join("; ")));
    Fault::usage(problem.maybe_hint(tips.or(usage)))
}

/// `--compat` takes the word behind it: a file there was meant as one.
fn file_for_program(error: &clap::Error) -> Option<String> {
    let argument = error.get(ContextKind::InvalidArg)?.to_string();
    let hint = "name the files first: ultra env lint FILE.. --compat";
    argument.starts_with("--compat").then(|| hint.to_owned())
}

/// What people write who know other tools, `ultra env get NAME` and `ultra env set NAME=VALUE`, and
/// what does the same here. The value is not repeated: it may be a secret.
fn habit(args: &[OsString]) -> Option<(&'static str, String)> {
    let words: Vec<&str> = args.iter().skip(1).map_while(|arg| arg.to_str()).collect();
    let at = words.windows(2).position(|pair| matches!(pair, ["env", "get" | "set"]))?;
    let name = words.iter().skip(at + 2).find(|word| !word.starts_with('-'));
    let name = name.map_or("NAME", |word| word.split('=').next().unwrap_or_default());
    let name = if dotenv::is_name(name) && !secretish::perhaps(name) { name } else { "NAME" };
    Some(if words.get(at + 1) == Some(&"get") {
        ("get", format!("ultra env show {name}"))
    } else {
        let hint = format!(
            "values stand in files: `{name}=…` in `.env.local` for this machine, `{name}: …` under \
             `vars:` of profiles/PROFILE.yaml for all; `ultra keys set {name}` keeps a secret"
        );
        ("set", hint)
    })
}

/// Leaves out every argument, and every value of a flag, that may be a secret.
fn masked(mut text: String, args: &[OsString]) -> String {
    let words = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    for word in words {
        let value = word.split_once('=').map(|(_, value)| value);
        for part in value.into_iter().chain(std::iter::once(&*word)) {
            if secretish::perhaps(part) {
                text = text.replace(part, "…");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_output_option_is_found_in_every_spelling() {
        for line in [
            "ultra -o json env",
            "ultra env -ojson",
            "ultra env -o=json lst",
            "ultra env --output json",
            "ultra --output=json --nope",
            "ultra -qo json",
            "ultra -o human -o json",
        ] {
            assert_eq!(format(&args(line)), OutputFormat::Json, "{line}");
        }
        for line in ["ultra", "ultra -o", "ultra -o jsn", "ultra -- -o json", "ultra --out json"] {
            assert_eq!(format(&args(line)), OutputFormat::Human, "{line}");
        }
    }

    #[test]
    fn a_near_miss_is_the_hint_and_a_secret_is_left_out() {
        for (line, what, hint) in [
            ("ultra env lst", "unrecognized subcommand `lst`", "`list`"),
            ("ultra env list --profil x", "unexpected argument `--profil` found", "`--profile`"),
            ("ultra keys set", "required arguments were not provided", "ultra keys set"),
            ("ultra env", "subcommand", "ultra env"),
            ("ultra env get ULTRA_PORT", "subcommand `get`", "ultra env show ULTRA_PORT"),
            ("ultra --profile dev env set -q A=1", "subcommand `set`", "`A=…` in `.env.local`"),
        ] {
            let args = args(line);
            let fault = fault(&Cli::try_parse_from(&args).unwrap_err(), &args);
            let problem = fault.problems.first().unwrap();
            assert!(problem.what.contains(what), "{line}: {problem:?}");
            assert!(problem.hint.as_ref().unwrap().contains(hint), "{line}: {problem:?}");
        }
        for secret in ["sk-canary-12345678", "0123456789abcdef0123456789abcdef"] {
            for line in [format!("ultra keys list {secret}"), format!("ultra --key={secret}")] {
                let args = args(&line);
                let error = Cli::try_parse_from(&args).unwrap_err();
                assert!(!text(&error, &args).contains(secret), "{line}");
            }
        }
    }

    #[test]
    fn a_password_that_looks_like_any_word_is_left_out() {
        for (line, password) in [
            (&["auth", "service-key", "create", "x", "correct horse"][..], "horse"),
            (&["keys", "set", "openai", "--S3cr3tPw"], "S3cr3t"),
            (&["keys", "set", "openai", "--password:hunter2"], "hunter2"),
            (&["keys", "hunter"], "hunter"),
            (&["keys", "set", "openai", "--backend", "hunter"], "hunter"),
            (&["env", "list", "hunter"], "hunter"),
        ] {
            let args: Vec<OsString> =
                std::iter::once("ultra").chain(line.iter().copied()).map(OsString::from).collect();
            let error = Cli::try_parse_from(&args).unwrap_err();
            assert!(!text(&error, &args).contains(password), "{}", text(&error, &args));
            let told = format!("{:?}", fault(&error, &args));
            assert!(!told.contains(password), "{told}");
        }
        let args = args("ultra keys set openai --backend keyrng");
        let error = Cli::try_parse_from(&args).unwrap_err();
        assert!(text(&error, &args).contains("'keyrng'"), "{}", text(&error, &args));
    }
}
