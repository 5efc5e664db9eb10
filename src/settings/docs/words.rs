//! How declarations read as prose: shared by all documents.

use crate::settings::catalogue::{Consumer, Need, Reload, VarSpec};

/// The doc comment as one paragraph: its lines joined by blanks.
pub(crate) fn paragraph(doc: &str) -> String {
    doc.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// When the variable must be set, in words; `None` for never.
pub(crate) fn need(need: Need) -> Option<String> {
    match need {
        Need::Optional => None,
        Need::Protected => Some("required in protected profiles".to_owned()),
        Need::When { var, is } => Some(format!("required when `{var}={is}`")),
    }
}

/// When a running server takes a new value, in words; `None` where no server reads it.
pub(crate) fn reload(spec: &VarSpec) -> Option<&'static str> {
    match (spec.consumer, spec.reload) {
        (Consumer::Cli, _) => None,
        (_, Reload::Restart) => Some("at the next start of the server"),
        (_, Reload::Live) => Some("while the server runs, on SIGHUP or by itself"),
    }
}

/// Who reads it, in words.
pub(crate) fn consumer(consumer: Consumer) -> &'static str {
    match consumer {
        Consumer::Server => "`ultra serve`",
        Consumer::Cli => "commands other than `ultra serve`",
        Consumer::Both => "all commands",
    }
}

/// A text that stands for a secret and is refused as a value: `<openai-api-key>`.
pub(super) fn placeholder(spec: &VarSpec) -> String {
    format!("<{}>", spec.name.to_ascii_lowercase().replace('_', "-"))
}

/// `text` in lines of at most `width` characters, each behind `prefix`.
pub(super) fn wrap(text: &str, prefix: &str, width: usize) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let room = width.saturating_sub(prefix.chars().count());
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            out.push_str(&format!("{prefix}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        out.push_str(&format!("{prefix}{line}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", "# ", 9), "# one two\n# three\n");
        assert_eq!(wrap("", "# ", 9), "");
        assert_eq!(wrap("unbreakable", "# ", 4), "# unbreakable\n");
    }
}
