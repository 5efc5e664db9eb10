//! The models against the real programs.

mod generate;
mod rows;
pub(in crate::settings::dotenv) mod tools;

use super::examples::EXAMPLES;
use super::reading::{Reach, Reading, Tool, Value};
use super::{bash, compose, motdotla, node, python};
use std::collections::BTreeMap;
use tools::{Real, Seen};

/// A model of a program.
pub(in crate::settings::dotenv) fn model(tool: Tool) -> fn(&[u8]) -> Reading {
    match tool {
        Tool::Motdotla => motdotla::read,
        Tool::Python => python::read,
        Tool::Node => node::read,
        Tool::Compose => compose::read,
        Tool::Bash => bash::read,
        Tool::Dotenvy => |bytes| {
            // The crate itself, without the process environment: no file of the tests has a
            // reference to a variable that a process is likely to have.
            let mut out = Reading::default();
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            for (name, value) in dotenvy::from_read_iter(text).map_while(Result::ok) {
                if !out.values.contains_key(name.as_bytes()) {
                    out.set(name.as_bytes(), 1, value.into_bytes());
                }
            }
            out
        },
    }
}

/// Whether the model says what the program did; what is wrong if not.
fn judge(model: &Reading, seen: &Seen) -> Result<(), String> {
    let stop = model.stop.as_ref();
    if stop.is_some_and(|stop| stop.reach == Reach::Unknown) {
        return Ok(());
    }
    let refused = stop.is_some_and(|stop| stop.reach == Reach::Whole);
    let Some(values) = &seen.values else {
        return if refused { Ok(()) } else { Err("the program refuses the file".into()) };
    };
    if refused {
        return Err("the program takes the file".into());
    }
    for (name, item) in &model.values {
        let shown = String::from_utf8_lossy(name);
        match (&item.value, values.get(name)) {
            (Value::Text(text), Some(real)) if text == real => {}
            (Value::Text(text), real) => {
                let (text, real) =
                    (String::from_utf8_lossy(text), real.map(|r| String::from_utf8_lossy(r)));
                return Err(format!("{shown}: model {text:?}, program {real:?}"));
            }
            (Value::Varies(_) | Value::Runs(_), _) => {}
        }
    }
    if let Some((name, value)) = values.iter().find(|(name, _)| !model.values.contains_key(*name)) {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        return Err(format!("only the program has {name:?} = {value:?}"));
    }
    Ok(())
}

/// Judges all files; how many agree. The first disagreements are printed.
fn agreeing(tool: Tool, files: &[Vec<u8>]) -> Option<usize> {
    let Real(seen) = tools::run(tool, files)?;
    assert_eq!(seen.len(), files.len());
    let mut agreeing = 0;
    let mut shown = 0;
    for (file, seen) in files.iter().zip(&seen) {
        let model = model(tool)(file);
        match judge(&model, seen) {
            Ok(()) => agreeing += 1,
            Err(why) if shown < 30 => {
                shown += 1;
                println!("{}: {:?}: {why}", tool.name(), String::from_utf8_lossy(file));
            }
            Err(_) => {}
        }
    }
    println!("{}: {agreeing} of {} agree", tool.version(), files.len());
    Some(agreeing)
}

fn hold(tool: Tool, files: &[Vec<u8>]) {
    if let Some(agreeing) = agreeing(tool, files) {
        assert_eq!(agreeing, files.len(), "the model of {} disagrees", tool.name());
    }
}

macro_rules! held {
    ($($name:ident $tool:ident),*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn every_row_is_read_as_the_program_does() {
                hold(Tool::$tool, &rows::files());
            }

            #[test]
            fn generated_lines_are_read_as_the_program_does() {
                hold(Tool::$tool, &generate::files(500, 0x5eed));
            }
        })*
    };
}

held!(with_motdotla Motdotla, with_python Python, with_node Node, with_compose Compose, with_bash Bash);

#[test]
fn the_model_of_bash_follows_nearly_all_generated_lines() {
    let files = generate::files(500, 0x5eed);
    let unknown =
        |file: &&Vec<u8>| bash::read(file).stop.is_some_and(|stop| stop.reach == Reach::Unknown);
    let unknown = files.iter().filter(unknown).count();
    assert!(unknown < 25, "{unknown}");
}

#[test]
fn the_rows_say_what_each_program_reads() {
    for (n, (line, expected)) in EXAMPLES.iter().enumerate() {
        let file = rows::file(line);
        for (tool, expected) in Tool::ALL.into_iter().zip(expected) {
            let reading = model(tool)(&file);
            let found = match reading.values.get(rows::name(line).as_bytes()).map(|i| &i.value) {
                None => "∅".to_owned(),
                Some(Value::Text(text)) => String::from_utf8_lossy(text).into_owned(),
                Some(Value::Runs(command)) => format!("<runs {command}>"),
                Some(Value::Varies(_)) => "<varies>".to_owned(),
            };
            assert_eq!(&found, expected, "row {n} {line:?} {}", tool.name());
        }
    }
}

/// For tests that compare maps.
pub(in crate::settings::dotenv) type Map = BTreeMap<Vec<u8>, Vec<u8>>;
