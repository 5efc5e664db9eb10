//! Values that stand for values.

use super::Rule;
use super::view::View;
use crate::report::Problem;
use crate::settings::origin::Layer;

pub(super) const RULE: Rule = Rule {
    id: "placeholder",
    doc: "No value is a placeholder that somebody forgot to replace.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    for name in view.resolution.names() {
        let Some(winner) = view.resolution.winner(name) else { continue };
        if winner.origin.layer == Layer::Default {
            continue;
        }
        let text = match view.opened.get(name) {
            Some(secret) => secret.expose(),
            None => match view.text(name) {
                Some((text, _)) => text,
                None => continue,
            },
        };
        if is_placeholder(text) {
            problems.push(
                view.problem(&RULE, format!("`{name}` is a placeholder"))
                    .at(winner.origin.place.clone())
                    .why(format!("set by {}", winner.origin))
                    .hint("replace it by the value it stands for"),
            );
        }
    }
}

/// Whether a text stands for a value: the forms that templates use.
pub(crate) fn is_placeholder(text: &str) -> bool {
    const WITHIN: &[&str] = &[
        "change-me",
        "change_me",
        "changeme",
        "replace_with",
        "replace-with",
        "replaceme",
        "replace_me",
        "replace-me",
        "default-dev",
        "placeholder",
        "xxxx",
    ];
    const BEFORE: &[&str] = &["your-", "your_", "insert-", "insert_", "todo"];
    let text = text.trim().to_lowercase();
    let bracketed = text.len() > 2 && text.starts_with('<') && text.ends_with('>');
    let crosses =
        text.split(['-', '_']).any(|part| part.len() >= 3 && part.bytes().all(|b| b == b'x'));
    let after_separator =
        |begin: &str| text.split(['/', '@', ':', '=']).any(|part| part.starts_with(begin));
    let example = text
        .split(['/', '@', ':', ',', ' '])
        .any(|part| part == "example.com" || part.ends_with(".example.com"));
    bracketed
        || crosses
        || example
        || WITHIN.iter().any(|mark| text.contains(mark))
        || BEFORE.iter().any(|begin| after_separator(begin))
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn placeholders_are_told_from_values() {
        for text in [
            "change-me",
            "CHANGE_ME_NOW",
            "your-api-key",
            "postgres://u:your_password@h/db",
            "replace_with_64_random_bytes",
            "xxx",
            "XXXXXXXX",
            "sk-xxxxxxxx",
            "sk-xxx",
            "<openai key>",
            "https://api.example.com",
            "default-dev-secret",
            "TODO",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in
            ["sk-proj-abc", "https://api.acme.io", "<>", "info,ultra=debug", "x", "mastodon"]
        {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
