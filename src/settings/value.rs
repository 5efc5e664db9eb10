//! The types of values: how a text of the environment becomes one, strictly.

use super::resolution::Resolution;
use super::secret::SecretRef;
use super::secretish::value_for_message;
use crate::report::Problem;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What values a variable takes, for documentation, schema, completion and checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number within bounds.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A TCP port, or `auto` for a free one.
    Port,
    /// An IP address.
    Address,
    /// A time span: a number with `ms`, `s`, `m`, `h` or `d`.
    Duration,
    /// A number of bytes, with `KiB`, `MiB` or `GiB` if wanted.
    Size,
    /// An absolute `http` or `https` URL.
    Url,
    /// A path.
    Path,
    /// Texts separated by commas.
    List,
}

impl Kind {
    /// What is expected, as words that fit after "expected".
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Choice(words) => {
                format!(
                    "one of {}",
                    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
                )
            }
            Self::Port => "a port from 1 to 65535, or `auto`".to_owned(),
            Self::Address => "an IP address such as `127.0.0.1`".to_owned(),
            Self::Duration => "a time span such as `500ms`, `30s`, `10m`, `1h` or `90d`".to_owned(),
            Self::Size => "a number of bytes such as `1024`, `64KiB` or `10MiB`".to_owned(),
            Self::Url => "an absolute `http` or `https` URL".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::List => "texts separated by commas".to_owned(),
        }
    }

    /// Whether `text` is such a value.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        let ok = match self {
            Self::Text | Self::List => true,
            Self::Boolean => bool::parse(text).is_some(),
            Self::Integer { min, max } => integer(text).is_some_and(|n| n >= min && n <= max),
            Self::Choice(words) => words.contains(&text),
            Self::Port => Port::parse(text).is_some(),
            Self::Address => IpAddr::parse(text).is_some(),
            Self::Duration => Duration::parse(text).is_some(),
            Self::Size => Size::parse(text).is_some(),
            Self::Url => <Url as Value>::parse(text).is_some(),
            Self::Path => PathBuf::parse(text).is_some(),
        };
        if ok { Ok(()) } else { Err(self.expected()) }
    }
}

/// A type that a text of the environment can become.
pub(crate) trait Value: Sized {
    /// What texts it takes.
    const KIND: Kind;

    /// The value, or `None` if `text` is not one. Nothing is guessed: `yes` is no boolean and
    /// `0x10` no number.
    fn parse(text: &str) -> Option<Self>;
}

/// A field of a settings group: a value with a default, an optional value, or a secret.
pub(crate) trait Field: Sized {
    /// What texts it takes.
    const KIND: Kind;
    /// Whether it is a secret.
    const SECRET: bool;

    /// The field from what won for the variable `name`; on an error `None`, with the problem told.
    fn read(name: &str, resolution: &Resolution, problems: &mut Vec<Problem>) -> Option<Self>;
}

impl<T: Value> Field for T {
    const KIND: Kind = T::KIND;
    const SECRET: bool = false;

    fn read(name: &str, resolution: &Resolution, problems: &mut Vec<Problem>) -> Option<Self> {
        match Option::<T>::read(name, resolution, problems)? {
            Some(value) => Some(value),
            None => {
                problems.push(Problem::error(
                    "missing-variable",
                    format!("`{name}` is not set and has no default"),
                ));
                None
            }
        }
    }
}

impl<T: Value> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const SECRET: bool = false;

    fn read(name: &str, resolution: &Resolution, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some((text, origin)) = resolution.text(name) else { return Some(None) };
        if let Some(value) = T::parse(text) {
            return Some(Some(value));
        }
        problems.push(
            Problem::error(
                "malformed-value",
                format!("`{name}` cannot take {}", value_for_message(text)),
            )
            .at(origin.place.clone())
            .why(format!("expected {}, set by {origin}", T::KIND.expected())),
        );
        None
    }
}

impl Field for Option<SecretRef> {
    const KIND: Kind = Kind::Text;
    const SECRET: bool = true;

    fn read(name: &str, resolution: &Resolution, _: &mut Vec<Problem>) -> Option<Self> {
        Some(resolution.secret(name))
    }
}

/// A TCP port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// Any free one.
    Auto,
    /// This one.
    Fixed(u16),
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

/// Texts separated by commas; blanks around them are dropped, empty ones too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List(pub(crate) Vec<String>);

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u64, const MAX: u64>(pub(crate) u64);

fn integer(text: &str) -> Option<u64> {
    // `parse` takes a leading plus; a number in a file does not have one.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `text` as a number and the unit behind it.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((integer(number)?, unit))
}

impl Value for String {
    const KIND: Kind = Kind::Text;
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for bool {
    const KIND: Kind = Kind::Boolean;
    fn parse(text: &str) -> Option<Self> {
        match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

impl<const MIN: u64, const MAX: u64> Value for Count<MIN, MAX> {
    const KIND: Kind = Kind::Integer { min: MIN, max: MAX };
    fn parse(text: &str) -> Option<Self> {
        integer(text).filter(|n| (MIN..=MAX).contains(n)).map(Self)
    }
}

impl Value for Port {
    const KIND: Kind = Kind::Port;
    fn parse(text: &str) -> Option<Self> {
        if text == "auto" {
            return Some(Self::Auto);
        }
        integer(text).and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0).map(Self::Fixed)
    }
}

impl Value for IpAddr {
    const KIND: Kind = Kind::Address;
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for Duration {
    const KIND: Kind = Kind::Duration;
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.checked_mul(millis).map(Self::from_millis)
    }
}

impl Value for Size {
    const KIND: Kind = Kind::Size;
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let bytes = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(bytes).map(Self)
    }
}

impl Value for Url {
    const KIND: Kind = Kind::Url;
    fn parse(text: &str) -> Option<Self> {
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    }
}

impl Value for PathBuf {
    const KIND: Kind = Kind::Path;
    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| Self::from(text))
    }
}

impl Value for List {
    const KIND: Kind = Kind::List;
    fn parse(text: &str) -> Option<Self> {
        Some(Self(
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        ))
    }
}

/// Declares an enum whose variants are words of the environment.
macro_rules! choice {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $vdoc:literal])+ $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        pub(crate) enum $name { $($(#[doc = $vdoc])+ #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word in the environment.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::settings::value::Value for $name {
            const KIND: $crate::settings::value::Kind = $crate::settings::value::Kind::Choice(&[$($word),+]);
            fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use choice;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_strict() {
        assert_eq!(bool::parse("yes"), None);
        assert_eq!(Port::parse("0"), None);
        assert_eq!(Port::parse("70000"), None);
        assert_eq!(Port::parse("+80"), None);
        assert_eq!(Port::parse("auto"), Some(Port::Auto));
        assert_eq!(Duration::parse("90d"), Some(Duration::from_secs(90 * 86_400)));
        assert_eq!(Duration::parse("5"), None);
        assert_eq!(Duration::parse("-5s"), None);
        assert_eq!(Size::parse("10MiB"), Some(Size(10 << 20)));
        assert_eq!(Size::parse("10MB"), None);
        assert_eq!(<Url as Value>::parse("ftp://h"), None);
        assert_eq!(List::parse(" a, ,b"), Some(List(vec!["a".into(), "b".into()])));
        assert_eq!(Count::<1, 5>::parse("6"), None);
    }
}
