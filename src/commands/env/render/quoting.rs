//! Values as each kind of file holds them.

use std::fmt::Write as _;

/// A YAML scalar in double quotes (YAML 1.2 §5.7): the same text whatever it looks like.
pub(super) fn yaml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The same for Docker Compose, which replaces `$` references in every value.
pub(super) fn compose(text: &str) -> String {
    yaml(&text.replace('$', "$$"))
}

/// A word of a systemd unit (systemd.syntax, "Quoting"): in double quotes with C escapes, `%` doubled
/// for want of being a specifier. Assignments of `Environment=` know no other references.
pub(super) fn unit(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '%' => out.push_str("%%"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value of an `EnvironmentFile=` (systemd.exec): in double quotes as a shell has them, where
/// lines may end.
pub(super) fn env_file(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// A name as Kubernetes takes them: small letters, digits and dashes.
pub(super) fn k8s_name(text: &str) -> String {
    let small = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    };
    text.chars().map(small).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_file_has_its_own_escapes() {
        let text = "a\"b\\c$d%e\nf";
        assert_eq!(yaml(text), r#""a\"b\\c$d%e\nf""#);
        assert_eq!(compose(text), r#""a\"b\\c$$d%e\nf""#);
        assert_eq!(unit(text), r#""a\"b\\c$d%%e\nf""#);
        assert_eq!(env_file(text), "\"a\\\"b\\\\c\\$d%e\nf\"");
        assert_eq!(k8s_name("ultra-My_Profile"), "ultra-my-profile");
    }

    proptest::proptest! {
        #[test]
        fn what_is_quoted_for_yaml_reads_back(text in "\\PC*|[\\x00-\\x7f\u{85}\u{2028}\u{feff}]*") {
            let back: String = serde_yaml::from_str(&yaml(&text)).unwrap();
            proptest::prop_assert_eq!(back, text);
        }
    }
}
