//! `docs/dotenv-compat.md`: what six programs and `ultra` read on the same lines.

use crate::settings::dotenv::compat::{EXAMPLES, Tool};
use crate::settings::dotenv::{Outside, expand, parse};
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "\
<!-- Written by `ultra generate` from src/settings/dotenv/compat; edit that. -->

# The same line, seven readings

`ultra env lint FILE --compat` names every line of a dotenv file that another program reads
differently from `ultra`, with that program's reading:

```console
ultra env lint .env --compat                    # all six programs
ultra env lint .env --compat compose,node       # some
ultra env lint .env --compat -o json --fail-on warn
```

A difference is a warning: exit 0, or 4 with `--fail-on warn`. Errors of the file itself are exit 3.
Every program is taken as if it were started with an empty environment, so a reference to a variable
that the file does not set above is empty. Nothing is run, and values that may be secrets are
described (cut short, quotes kept, a carriage return added) and never shown.

The crate `dotenvy` is asked itself, in a child process with an empty environment. The other five
are models, one file each in `src/settings/dotenv/compat/`; the tests run the real programs on
every line below and on 500 generated ones, and one disagreement fails them. `bash` is followed as
far as the file is a list of assignments and commands; where it turns into a program (`if`,
functions, here-documents) the report says that the rest is not known. So it does for every program
where references make values larger than 64 MiB or stand deeper in each other than a model follows
(32 in compose, 200 in bash), and where `dotenvy` itself runs out of the 2 GiB that it is given.

| name | program |
|---|---|
";

const TABLE: &str = "
## Lines on which they differ

What differs from `ultra` is bold; nothing is where `ultra` refuses the line. Each line stands below `PLAIN=abc` and above `LATER=later`; `NOPE` and `FROMENV` are not set. `∅`:
there is no such variable. `↵` is a line end, `⇥` a tab, `␍` a carriage return.

";

/// The page.
pub(crate) fn dotenv_compat() -> String {
    let mut out = HEAD.to_owned();
    for tool in Tool::ALL {
        let _ = writeln!(out, "| `{}` | {} |", tool.name(), tool.version());
    }
    out.push_str(TABLE);
    out.push_str("| line | ultra |");
    for tool in Tool::ALL {
        let _ = write!(out, " {} |", tool.name());
    }
    out.push_str("\n|---|---|---|---|---|---|---|---|\n");
    for (line, readings) in EXAMPLES {
        let ours = ours(line);
        let _ = write!(out, "| {} | {} |", code(line), cell(&ours));
        for reading in readings {
            let strong = if *reading == ours || ours == "<error>" { "" } else { "**" };
            let _ = write!(out, " {strong}{}{strong} |", cell(reading));
        }
        out.push('\n');
    }
    out
}

/// What `ultra` reads, or that it refuses the line.
fn ours(line: &str) -> String {
    let (mark, rest) = line.strip_prefix('\u{feff}').map_or(("", line), |rest| ("\u{feff}", rest));
    let file = format!("{mark}PLAIN=abc\n{rest}\nLATER=later\n");
    let mut problems = Vec::new();
    let document = parse(Path::new(".env"), file.as_bytes(), &mut problems);
    let found = expand(&document, &Outside::NOTHING, &mut problems);
    if problems.iter().any(crate::report::Problem::is_error) {
        return "<error>".to_owned();
    }
    let value = found.into_iter().find(|entry| entry.name == "X");
    value.map_or_else(|| "∅".to_owned(), |entry| entry.text)
}

fn cell(reading: &str) -> String {
    match reading {
        "" => "empty".to_owned(),
        "∅" => "∅".to_owned(),
        "<error>" => "refused".to_owned(),
        "<varies>" => "varies".to_owned(),
        _ => match reading.strip_prefix("<runs ").and_then(|rest| rest.strip_suffix('>')) {
            Some(command) => format!("runs {}", code(command)),
            None => code(reading),
        },
    }
}

fn code(text: &str) -> String {
    let mut out = String::from("<code>");
    for c in text.chars() {
        match c {
            '\n' => out.push('↵'),
            '\t' => out.push('⇥'),
            '\r' => out.push('␍'),
            '\u{feff}' => out.push_str("(BOM)"),
            '|' | '`' | '<' | '>' | '&' | '*' | '_' | '\\' | '~' | '[' | ']' | '$' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push_str("</code>");
    out
}
