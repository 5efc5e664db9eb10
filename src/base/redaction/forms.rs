//! The forms in which programs write a value: as it is, and encoded or escaped for another
//! language.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};
use std::borrow::Cow;
use std::fmt::Write as _;

/// What encoders of URLs leave as it is, beside letters and digits: RFC 3986,
/// `encodeURIComponent`, `encodeURI`, forms, Python's `quote`.
const KEPT_IN_URLS: [&str; 5] = ["-_.~", "-_.!~*'()", "-_.!~*'();/?:@&=+$,#", "*-._", "-_.~/"];

/// One way to write a value. Each writes it from the front to the back, so what a value begins with
/// decides what its form begins with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// As it is.
    Plain,
    /// With CR and LF at the ends of its lines.
    CrLf,
    /// In hexadecimal.
    Hex { upper: bool },
    /// In base64, with this many bytes (0 to 2) before it.
    Base64 { inner: Inner, url: bool, before: usize, part: Part },
    /// Percent-encoded, these characters and what is alphanumeric left as they are; also as part
    /// of a URL that is encoded once more.
    Percent { kept: &'static str, upper: bool, plus: bool, twice: bool },
    /// As a string of JSON, or of JSON inside a string of JSON.
    Json { style: u8, twice: bool },
    /// As shells quote.
    Shell(Shell),
    /// For HTML, with these for the two quotes.
    Html { double: &'static str, single: &'static str },
}

/// What is encoded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Inner {
    /// The value as it is.
    Plain,
    /// As it stands in a string of JSON.
    Json,
    /// The same with `\u` for what is not ASCII.
    JsonAscii,
}

/// What of base64 is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Only characters that hold nothing of what stands before or behind.
    Inside,
    /// Also the last one, where nothing stands behind.
    Alone,
    /// With `=`.
    Padded,
}

/// How a shell quotes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shell {
    /// In single quotes, `'\\''` for a quote.
    Single,
    /// In single quotes, `'"'"'` for a quote.
    SingleByDouble,
    /// In single quotes as fish, Python and JavaScript have them.
    Escaped,
    /// The same on one line.
    EscapedLine,
    /// In double quotes.
    Double,
    /// Each character by itself.
    Bare,
    /// Each character by itself, the comma too.
    BareComma,
}

/// All ways.
pub(super) fn ways() -> impl Iterator<Item = Way> {
    const BOTH: [bool; 2] = [false, true];
    let hex = BOTH.map(|upper| Way::Hex { upper });
    let base64 = BOTH.into_iter().flat_map(|url| {
        [Inner::Plain, Inner::Json, Inner::JsonAscii].into_iter().flat_map(move |inner| {
            (0..3).flat_map(move |before| {
                [Part::Inside, Part::Alone, Part::Padded].map(|part| Way::Base64 {
                    inner,
                    url,
                    before,
                    part,
                })
            })
        })
    });
    let percent = KEPT_IN_URLS.into_iter().flat_map(|kept| {
        BOTH.into_iter().flat_map(move |upper| {
            BOTH.into_iter()
                .flat_map(move |plus| BOTH.map(|twice| Way::Percent { kept, upper, plus, twice }))
        })
    });
    let json = (0..32).flat_map(|style| BOTH.map(|twice| Way::Json { style, twice }));
    let shell = [
        Shell::Single,
        Shell::SingleByDouble,
        Shell::Escaped,
        Shell::EscapedLine,
        Shell::Double,
        Shell::Bare,
        Shell::BareComma,
    ];
    let html = [
        ("\"", "'"),
        ("&quot;", "'"),
        ("&quot;", "&#39;"),
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
    ];
    [Way::Plain, Way::CrLf]
        .into_iter()
        .chain(hex)
        .chain(base64)
        .chain(percent)
        .chain(json)
        .chain(shell.map(Way::Shell))
        .chain(html.map(|(double, single)| Way::Html { double, single }))
}

impl Inner {
    fn written(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => Cow::Borrowed(value),
            Self::Json => Cow::Owned(json_escaped(value, Json::of(0))),
            Self::JsonAscii => Cow::Owned(json_escaped(value, Json::of(2))),
        }
    }
}

impl Way {
    /// Whether programs break what is written so into lines, wherever a line is full.
    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Hex { .. } | Self::Base64 { .. })
    }

    /// The value written so.
    pub(super) fn write(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::CrLf => value.replace('\n', "\r\n"),
            Self::Hex { upper } => hex(value.as_bytes(), upper),
            Self::Base64 { inner, url, before, part } => {
                base64(inner.written(value).as_bytes(), url, before, part)
            }
            Self::Percent { kept, upper, plus, twice } => {
                percent_encoded(value.as_bytes(), kept, upper, plus, twice)
            }
            Self::Json { style, twice } => {
                let style = Json::of(style);
                let once = json_escaped(value, style);
                if twice { json_escaped(&once, style) } else { once }
            }
            Self::Shell(shell) => shell.quoted(value),
            Self::Html { double, single } => {
                let base = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                base.replace('"', double).replace('\'', single)
            }
        }
    }

    /// Bytes that are no text written so; `None` if only texts are written so.
    pub(super) fn write_bytes(self, value: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Plain => Some(value.to_vec()),
            Self::CrLf => {
                let lines: Vec<&[u8]> = value.split(|byte| *byte == b'\n').collect();
                Some(lines.join(&b"\r\n"[..]))
            }
            Self::Hex { upper } => Some(hex(value, upper).into_bytes()),
            Self::Base64 { inner: Inner::Plain, url, before, part } => {
                Some(base64(value, url, before, part).into_bytes())
            }
            Self::Percent { kept, upper, plus, twice } => {
                Some(percent_encoded(value, kept, upper, plus, twice).into_bytes())
            }
            Self::Base64 { .. } | Self::Json { .. } | Self::Shell(_) | Self::Html { .. } => None,
        }
    }
}

/// Base64, alone or inside the encoding of a longer text. Three bytes become four characters, so
/// there are three ways in which the value can lie in these; characters that also hold bits of
/// what stands before or behind are left out.
fn base64(value: &[u8], url: bool, before: usize, part: Part) -> String {
    let encoding: Encoding = if url { BASE64URL_NOPAD } else { BASE64_NOPAD };
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(value);
    let mut text = encoding.encode(&bytes);
    let length = text.len();
    if part == Part::Inside {
        text.truncate((bytes.len() * 8) / 6);
    }
    text.drain(..(before * 8).div_ceil(6).min(text.len()));
    if part == Part::Padded {
        text.push_str(&"=".repeat((4 - length % 4) % 4));
    }
    text
}

fn hex(value: &[u8], upper: bool) -> String {
    if upper { HEXUPPER.encode(value) } else { HEXLOWER.encode(value) }
}

fn percent_encoded(value: &[u8], kept: &str, upper: bool, plus: bool, twice: bool) -> String {
    let encoded = percent(value, kept, upper);
    let encoded = if plus { encoded.replace("%20", "+") } else { encoded };
    if twice { percent(encoded.as_bytes(), kept, upper) } else { encoded }
}

fn percent(value: &[u8], kept: &str, upper: bool) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value {
        let c = char::from(*byte);
        if c.is_ascii_alphanumeric() || kept.contains(c) {
            out.push(c);
        } else if upper {
            let _ = write!(out, "%{byte:02X}");
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

/// The bytes of a text in which `%` and two hexadecimal digits stand for a byte.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        if let [b'%', high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            out.push(high << 4 | low);
            rest = after;
            continue;
        }
        out.push(*byte);
        rest = behind;
    }
    out
}

/// How one writer of JSON escapes.
#[derive(Clone, Copy)]
struct Json {
    /// `\/` for `/`.
    slash: bool,
    /// `\u00e9` for what is not ASCII.
    ascii: bool,
    /// `\u003c` for `<`, `>` and `&`.
    html: bool,
    /// `\u000a` for what has a short escape.
    long: bool,
    /// `\u00E9` for `\u00e9`.
    upper: bool,
}

impl Json {
    fn of(bits: u8) -> Self {
        let on = |bit: u8| bits >> bit & 1 == 1;
        Self { slash: on(0), ascii: on(1), html: on(2), long: on(3), upper: on(4) }
    }
}

fn json_escaped(value: &str, style: Json) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        let short = match c {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '/' if style.slash => Some("\\/"),
            '\n' if !style.long => Some("\\n"),
            '\r' if !style.long => Some("\\r"),
            '\t' if !style.long => Some("\\t"),
            '\u{8}' if !style.long => Some("\\b"),
            '\u{c}' if !style.long => Some("\\f"),
            _ => None,
        };
        let escaped = c < ' '
            || (style.ascii && !c.is_ascii())
            || (style.html && matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'));
        if let Some(short) = short {
            out.push_str(short);
        } else if escaped {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = match style.upper {
                    true => write!(out, "\\u{unit:04X}"),
                    false => write!(out, "\\u{unit:04x}"),
                };
            }
        } else {
            out.push(c);
        }
    }
    out
}

impl Shell {
    fn quoted(self, value: &str) -> String {
        const KEPT: &str = "_-./:@%+=\n";
        let escape = |set: fn(char) -> bool| {
            let mut out = String::with_capacity(value.len());
            for c in value.chars() {
                if set(c) {
                    out.push('\\');
                }
                out.push(c);
            }
            out
        };
        fn special(c: char) -> bool {
            c.is_ascii() && !c.is_ascii_alphanumeric() && !KEPT.contains(c)
        }
        match self {
            Self::Single => value.replace('\'', "'\\''"),
            Self::SingleByDouble => value.replace('\'', "'\"'\"'"),
            Self::Escaped => value.replace('\\', "\\\\").replace('\'', "\\'"),
            Self::EscapedLine => Self::Escaped.quoted(value).replace('\n', "\\n"),
            Self::Double => escape(|c| matches!(c, '"' | '\\' | '$' | '`')),
            Self::Bare => escape(|c| c != ',' && special(c)),
            Self::BareComma => escape(special),
        }
    }
}
