//! The secret type: a value that cannot be printed by accident and is wiped when dropped.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text. `Debug` and `Display` print a fixed mark; the value leaves only through
/// [`Secret::expose`], so that every use can be found by searching for that word.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret(String);

/// What is printed in the place of a secret.
pub(crate) const MASK: &str = "[secret]";

impl Secret {
    /// Takes ownership of `value`; the caller keeps no copy.
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. Never pass the result to anything that formats, logs or stores it openly.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing is in it: an empty secret counts as unset everywhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in time that does not depend on where the two differ.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// A secret as it was read from a line or a file: exactly one trailing newline (`\n` or
    /// `\r\n`) is stripped, everything else is kept.
    pub(crate) fn from_line(mut text: String) -> Self {
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// A secret that may be no text.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes ownership of `value`; the caller keeps no copy.
    pub(crate) fn new(value: Vec<u8>) -> Self {
        Self(value)
    }

    /// The value itself, as of [`Secret::expose`].
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("canary-7f3a");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "[secret] [secret] Some([secret])"
        );
    }

    #[test]
    fn exactly_one_trailing_newline_is_stripped() {
        assert_eq!(Secret::from_line("a\n".into()).expose(), "a");
        assert_eq!(Secret::from_line("a\r\n".into()).expose(), "a");
        assert_eq!(Secret::from_line("a\n\n".into()).expose(), "a\n");
        assert_eq!(Secret::from_line(" a ".into()).expose(), " a ");
    }

    #[test]
    fn comparison_is_by_value() {
        assert!(Secret::new("a").same_as(&Secret::new("a")));
        assert!(!Secret::new("a").same_as(&Secret::new("ab")));
    }
}
