//! Code for fish: `ultra env export --shell fish | source`.

use super::{Line, Value};

/// Takes the last export back.
pub(super) const UNDO: &str = "if functions -q __ultra_undo; __ultra_undo; \
    else; echo 'ultra: this shell has no export to undo' >&2; end\n";

/// Adds the code. What is replaced is kept as the list that it is, with its scope.
pub(super) fn export(out: &mut String, lines: &[Line<'_>]) {
    out.push_str("functions -q __ultra_undo; and __ultra_undo\n");
    for Line { name, value, .. } in lines {
        let value = match value {
            Value::Text(text) => quote(text),
            Value::File(path) => format!("(cat -- {} | string collect)", quote(path)),
            Value::Variable(other) => format!("${other}"),
        };
        out.push_str(&format!(
            "set -qg {name}; and set -g __ultra_old_{name} ${name}\n\
             set -g __ultra_how_{name} (set -qgx {name}; and echo -gx; or echo -gu)\n\
             set -gx {name} {value}\n\
             set -g __ultra_new_{name} \"${name}\"\n"
        ));
    }
    out.push_str("function __ultra_undo\n");
    for Line { name, .. } in lines {
        out.push_str(&format!(
            "if set -qg {name}; and test \"x${name}\" = \"x$__ultra_new_{name}\"\n\
             set -eg {name}\n\
             set -qg __ultra_old_{name}; and set $__ultra_how_{name} {name} $__ultra_old_{name}\n\
             end\n\
             set -eg __ultra_old_{name}; set -eg __ultra_how_{name}; set -eg __ultra_new_{name}\n"
        ));
    }
    out.push_str("functions -e __ultra_undo\nend\n");
}

/// `text` in single quotes, in which fish knows two escapes.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
