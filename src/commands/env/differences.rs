//! Differences between two sides, for people: the same for `env diff` and the preview of
//! `env switch`.

use crate::report::{Block, Table, Tone};
use crate::settings::compare::{Difference, Kind, Shape, Told};

/// What a table cell shows at most; JSON has the whole.
const LONGEST: usize = 160;

/// Behind two values that look alike.
const MASKED_DIFFERS: &str = " (what is masked differs)";

/// The differences side by side, and their number; `origins` says where each value comes from.
pub(super) fn view(found: &[Difference], shapes: &[Shape], origins: bool) -> Vec<Block> {
    let mut view = Vec::new();
    if !found.is_empty() {
        let mut table = Table::new(&["", "variable", "before", "after"]);
        for difference in found {
            let (mark, tone) = mark(difference.kind);
            let cell = |told: &Option<Told>| (shown(told.as_ref(), difference), Tone::Plain);
            table.rows.push(vec![
                (mark.to_owned(), tone),
                (difference.name.clone(), tone),
                cell(&difference.before),
                cell(&difference.after),
            ]);
            if origins {
                let from = |told: &Option<Told>| told.as_ref().map(|told| told.from.clone());
                let sides = [&difference.before, &difference.after].map(from);
                let beside = [String::new(), String::new()].into_iter();
                table.row(beside.chain(sides.map(Option::unwrap_or_default)));
            }
        }
        view.push(Block::Fitted(table));
    }
    if !shapes.is_empty() {
        view.push(Block::heading("Providers, routes and policy"));
        let mut table = Table::new(&["", "key", "before", "after"]);
        for shape in shapes {
            let (mark, tone) = mark(shape.kind);
            let masked = shape.kind == Kind::Changed && shape.before == shape.after;
            let cell = |text: &Option<String>| {
                let text = text.as_deref().map_or_else(String::new, elided);
                if masked { text + MASKED_DIFFERS } else { text }
            };
            table.rows.push(vec![
                (mark.to_owned(), tone),
                (shape.key.clone(), tone),
                (cell(&shape.before), Tone::Plain),
                (cell(&shape.after), Tone::Plain),
            ]);
        }
        view.push(Block::Fitted(table));
    }
    view.push(Block::text(counted(found, shapes)));
    view
}

/// The mark and tone of a kind, as in a diff.
fn mark(kind: Kind) -> (&'static str, Tone) {
    match kind {
        Kind::Added => ("+", Tone::Good),
        Kind::Removed => ("-", Tone::Bad),
        Kind::Changed => ("~", Tone::Warn),
        Kind::Renamed => (">", Tone::Warn),
        Kind::Unknown => ("?", Tone::Warn),
    }
}

fn shown(told: Option<&Told>, of: &Difference) -> String {
    let Some(told) = told else { return String::new() };
    let mut text = match (&told.value, &told.fingerprint) {
        _ if !told.readable => "(not readable)".to_owned(),
        (Some(value), Some(print)) => format!("{} (masked: {print})", elided(value)),
        (Some(value), None) => elided(value),
        (None, Some(print)) => format!("(secret {print})"),
        (None, None) => "(secret)".to_owned(),
    };
    let value = |told: &Option<Told>| told.as_ref().and_then(|told| told.value.clone());
    let alike = value(&of.before).is_some() && value(&of.before) == value(&of.after);
    if alike && of.kind == Kind::Changed && told.fingerprint.is_none() {
        text.push_str(MASKED_DIFFERS);
    }
    if told.name != of.name {
        text = format!("{} = {text}", told.name);
    }
    text
}

/// A value for a table: control characters escaped, the middle of a long one left out.
fn elided(value: &str) -> String {
    let mut safe = String::new();
    let length = value.chars().count();
    let (head, tail) = if length > LONGEST { (LONGEST - 40, 20) } else { (length, 0) };
    let escape = |c: char, into: &mut String| {
        if c.is_control() {
            into.extend(c.escape_default());
        } else {
            into.push(c);
        }
    };
    value.chars().take(head).for_each(|c| escape(c, &mut safe));
    if tail > 0 {
        safe.push_str(&format!("…({} more)…", length - head - tail));
        value.chars().skip(length - tail).for_each(|c| escape(c, &mut safe));
    }
    if safe.is_empty() { "(empty)".to_owned() } else { safe }
}

fn counted(found: &[Difference], shapes: &[Shape]) -> String {
    let words = [
        (Kind::Added, "added"),
        (Kind::Removed, "removed"),
        (Kind::Changed, "changed"),
        (Kind::Renamed, "renamed"),
        (Kind::Unknown, "cannot be compared"),
    ];
    let mut parts: Vec<String> = words
        .into_iter()
        .map(|(kind, word)| (found.iter().filter(|d| d.kind == kind).count(), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    if !shapes.is_empty() {
        parts.push(format!("{} in providers, routes or policy", shapes.len()));
    }
    parts.join(", ")
}
