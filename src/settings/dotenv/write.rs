//! Values to dotenv text that reads back as the same values.

/// `value` as it stands behind `NAME=`. Plain if every reader agrees on it, in single quotes if
/// they can hold it, else in double quotes with escapes. A value with NUL cannot be written; it
/// cannot stand in an environment either.
pub(crate) fn quote(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    let single = !value.contains(['\'', '\n', '\r']) && !value.ends_with('\\');
    if single {
        return format!("'{value}'");
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' | '"' | '$' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
