//! Code for dash, bash, zsh and other POSIX shells: `eval "$(ultra env export)"`.

use super::{Line, Value};

/// Takes the last export back.
pub(super) const UNDO: &str = "if command -v __ultra_undo >/dev/null 2>&1; then __ultra_undo; \
    else echo 'ultra: this shell has no export to undo' >&2; fi\n";

/// Adds the code.
pub(super) fn export(out: &mut String, lines: &[Line<'_>]) {
    out.push_str("command -v __ultra_undo >/dev/null 2>&1 && __ultra_undo\n");
    for Line { name, value, .. } in lines {
        let value = match value {
            Value::Text(text) => quote(text),
            Value::File(path) => format!("\"$(cat -- {})\"", quote(path)),
            Value::Variable(other) => format!("\"${other}\""),
        };
        out.push_str(&format!(
            "__ultra_had_{name}=${{{name}+x}} __ultra_old_{name}=${{{name}-}}\n\
             export {name}={value}\n\
             __ultra_new_{name}=${name}\n"
        ));
    }
    out.push_str("__ultra_undo() {\n");
    for Line { name, exported, .. } in lines {
        // Without its attribute a variable that was not exported would come back exported.
        let bare = if *exported { "" } else { "unset -v NAME; " }.replace("NAME", name);
        out.push_str(&format!(
            "if [ \"${{{name}+x}}\" = x ] && [ \"x${name}\" = \"x$__ultra_new_{name}\" ]; then\n\
             if [ -z \"$__ultra_had_{name}\" ]; then unset -v {name}; \
             else {bare}{name}=$__ultra_old_{name}; fi\n\
             fi\n\
             unset -v __ultra_had_{name} __ultra_old_{name} __ultra_new_{name}\n"
        ));
    }
    out.push_str("unset -f __ultra_undo\n}\n");
}

/// `text` in single quotes, in which a shell changes nothing.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
