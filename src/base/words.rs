//! Words of messages.

use std::fmt;
use std::path::Path;

/// A number of things: `1 file`, `3 files`, `2 switches`.
pub(crate) fn count<N: fmt::Display + PartialEq + From<u8> + Copy>(n: N, one: &str) -> String {
    let ending = match n == N::from(1) {
        true => "",
        false if ["s", "x", "ch", "sh"].iter().any(|end| one.ends_with(end)) => "es",
        false => "s",
    };
    format!("{n} {one}{ending}")
}

/// A file as an argument of a command that is pasted into a shell: in single quotes if it has more
/// than what no shell changes.
pub(crate) fn argument(file: &Path) -> String {
    let text = file.to_string_lossy();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn a_file_is_quoted_only_where_a_shell_would_change_it() {
        let argument = |text: &str| super::argument(Path::new(text));
        assert_eq!(argument("../a/.env.local"), "../a/.env.local");
        assert_eq!(argument("my $file's"), "'my $file'\\''s'");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|n| super::count(n, "file")), ["0 files", "1 file", "2 files"]);
        assert_eq!([1, 2].map(|n: u64| super::count(n, "switch")), ["1 switch", "2 switches"]);
    }
}
