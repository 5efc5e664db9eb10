//! Code for Nushell: `ultra env export --shell nu | save -f env.nu`, then `source env.nu`.
//!
//! Nushell has no code that is made while it runs, so what is replaced is kept as a list in
//! `$env.__ultra_state`; a list never reaches another program's environment.

use super::{Line, Value};
use std::fmt::Write as _;

/// Takes the last export back, if there is one.
const RESTORE: &str = "for it in ($env.__ultra_state? | default []) {\n\
    if ($env | get --optional $it.name) == $it.new {\n\
    if $it.had { load-env {$it.name: $it.old} } else { hide-env --ignore-errors $it.name }\n\
    }\n\
    }\n\
    hide-env --ignore-errors __ultra_state\n";

/// Code that takes the last export back.
pub(super) fn undo() -> String {
    format!(
        "if '__ultra_state' not-in $env {{ print --stderr 'ultra: this shell has no export to undo' }}\n\
         {RESTORE}"
    )
}

/// Adds the code.
pub(super) fn export(out: &mut String, lines: &[Line<'_>]) {
    out.push_str(RESTORE);
    out.push_str("$env.__ultra_state = []\n");
    for Line { name, value, .. } in lines {
        let value = match value {
            Value::Text(text) => quote(text),
            Value::File(path) => {
                format!(
                    "(open --raw {} | decode utf-8 | str replace --regex '\\r?\\n\\z' '')",
                    quote(path)
                )
            }
            Value::Variable(other) => format!("$env.{other}"),
        };
        out.push_str(&format!(
            "$env.__ultra_state = ($env.__ultra_state | append \
             {{name: '{name}', had: ('{name}' in $env), old: $env.{name}?, new: {value}}})\n\
             $env.{name} = {value}\n"
        ));
    }
}

/// `text` in double quotes with its escapes.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
