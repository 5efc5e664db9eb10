//! Words of messages.

/// A number of things: `1 file`, `3 files`.
pub(crate) fn count(n: usize, one: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{n} {one}{ending}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|n| super::count(n, "file")), ["0 files", "1 file", "2 files"]);
    }
}
