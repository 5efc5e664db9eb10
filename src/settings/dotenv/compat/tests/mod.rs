//! The models against the real programs.

mod generate;
mod rows;
pub(in crate::settings::dotenv) mod tools;

use super::examples::EXAMPLES;
use super::reading::{LARGEST, steps};
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
fn judge(file: &[u8], model: &Reading, seen: &Seen) -> Result<(), String> {
    let stop = model.stop.as_ref();
    let unknown = stop.filter(|stop| stop.reach == Reach::Unknown);
    if unknown.is_some() && seen.values.is_none() {
        return Ok(());
    }
    // What is not known from some line on may still assign again what stands above.
    let below = unknown.map_or(Vec::new(), |stop| {
        let lines = file.split_inclusive(|b| *b == b'\n');
        lines.skip(usize::try_from(stop.line).unwrap() - 1).collect::<Vec<_>>().concat()
    });
    let sure = |name: &[u8]| memchr::memmem::find(&below, name).is_none();
    let refused = stop.is_some_and(|stop| stop.reach == Reach::Whole);
    let Some(values) = &seen.values else {
        return if refused { Ok(()) } else { Err("the program refuses the file".into()) };
    };
    if refused {
        return Err("the program takes the file".into());
    }
    for (name, item) in model.values.iter().filter(|(name, _)| sure(name)) {
        let shown = String::from_utf8_lossy(name);
        match (&item.value, values.get(name)) {
            (Value::Text(text), Some(real)) if text == real => {}
            (Value::Text(text), real) => {
                let (text, real) =
                    (String::from_utf8_lossy(text), real.map(|r| String::from_utf8_lossy(r)));
                return Err(format!("{shown}: model {text:?}, program {real:?}"));
            }
            (Value::Varies(why), None) if why.starts_with("set or not") => {}
            (Value::Varies(_) | Value::Runs(_), Some(_)) => {}
            (Value::Varies(_) | Value::Runs(_), None) => {
                return Err(format!("only the model has {shown}"));
            }
        }
    }
    let mut others = values.iter().filter(|(name, _)| unknown.is_none() || sure(name));
    if let Some((name, value)) = others.find(|(name, _)| !model.values.contains_key(*name)) {
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
        match judge(file, &model, seen) {
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
fn what_has_no_end_is_not_followed() {
    for tool in Tool::ALL.into_iter().filter(|tool| *tool != Tool::Dotenvy) {
        for (n, file) in rows::endless().iter().enumerate() {
            let reading = model(tool)(file);
            let size = |item: &super::reading::Item| match &item.value {
                Value::Text(text) => text.len(),
                _ => 0,
            };
            let size: usize = reading.values.values().map(size).sum();
            assert!(size <= LARGEST + file.len(), "{} {n}: {size}", tool.name());
        }
        let reading = model(tool)(&rows::endless()[0]);
        let expands = !matches!(tool, Tool::Motdotla | Tool::Node);
        let stop = reading.stop.map(|stop| (stop.reach, stop.why));
        let large = (Reach::Unknown, super::reading::TOO_LARGE);
        assert_eq!(stop, expands.then_some(large), "{}", tool.name());
    }
}

/// A program, and a text for it in any size.
type Shape = (Tool, fn(usize) -> String);

#[test]
fn models_take_steps_in_proportion_to_the_size() {
    let shapes: [Shape; 6] = [
        (Tool::Bash, |n| "A=1 ".repeat(n)),
        (Tool::Bash, |n| format!("{}B=1\n", "A=1&& ".repeat(n))),
        (Tool::Bash, |n| "A=${A:-\"$(x)\"}\n".repeat(n)),
        (Tool::Compose, |n| format!("A={}", "${A:-1}".repeat(n))),
        (Tool::Compose, |n| format!("A={}", "${A:-".repeat(n))),
        (Tool::Python, |n| format!("A={}:x}}", "${".repeat(n))),
    ];
    for (n, (tool, shape)) in shapes.into_iter().enumerate() {
        let cost = |size: usize| {
            let text = shape(size);
            steps(|| drop(model(tool)(text.as_bytes()))) as f64 / text.len() as f64
        };
        let (small, large) = (cost(1_000), cost(8_000));
        assert!(small > 0.0 && large <= small * 1.2, "{n}: {small} and {large} steps for a byte");
    }
}

#[test]
fn a_value_of_several_lines_has_the_line_of_its_name() {
    let file = b"\n# c\nA=1\nX=\"a\n\nb\"\nY='c\nd' # e\n\nZ=${A}\n";
    for tool in Tool::ALL.into_iter().filter(|tool| *tool != Tool::Dotenvy) {
        let reading = model(tool)(file);
        let lines: Vec<_> = reading.values.values().map(|item| item.line).collect();
        assert_eq!((reading.values.len(), lines), (4, vec![3, 4, 7, 10]), "{}", tool.name());
    }
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
