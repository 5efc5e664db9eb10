//! The forms in which programs write a value: as it is, and encoded or escaped for another
//! language.

use super::SHORTEST;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The shortest line of a value of several lines that is looked for by itself.
const LINE: usize = 16;

/// Where encoders break their lines.
const WRAPS: [usize; 2] = [64, 76];

/// What encoders of URLs leave as it is, beside letters and digits: RFC 3986,
/// `encodeURIComponent`, `encodeURI`, forms, Python's `quote`.
const KEPT_IN_URLS: [&str; 5] = ["-_.~", "-_.!~*'()", "-_.!~*'();/?:@&=+$,#", "*-._", "-_.~/"];

/// Every form of a value, each at least [`SHORTEST`] bytes.
pub(super) fn of(value: &str) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    let mut add = |form: String| {
        if form.len() >= SHORTEST {
            forms.insert(form.into_bytes());
        }
    };
    add(value.to_owned());
    add(value.replace('\n', "\r\n"));
    for line in value.lines().filter(|line| line.len() >= LINE && !line.starts_with("-----")) {
        add(line.to_owned());
    }
    add(HEXLOWER.encode(value.as_bytes()));
    add(HEXUPPER.encode(value.as_bytes()));
    for encoding in [BASE64_NOPAD, BASE64URL_NOPAD] {
        base64(value, &encoding, &mut add);
    }
    for kept in KEPT_IN_URLS {
        for upper in [true, false] {
            let encoded = percent(value, kept, upper);
            add(encoded.replace("%20", "+"));
            add(encoded);
        }
    }
    json(value, &mut add);
    shell(value, &mut add);
    html(value, &mut add);
    forms
}

/// Base64, alone or inside the encoding of a longer text. Three bytes become four characters, so
/// there are three ways in which the value can lie in these; characters that also hold bits of
/// what stands before or behind are left out.
fn base64(value: &str, encoding: &Encoding, add: &mut impl FnMut(String)) {
    for before in 0..3_usize {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value.as_bytes());
        let text = encoding.encode(&bytes);
        let own = (bytes.len() * 8) / 6;
        let inside: String = text.chars().take(own).skip((before * 8).div_ceil(6)).collect();
        // The last character, where nothing stands behind.
        let ending: String = text.chars().skip(own).collect();
        let padding = "=".repeat((4 - text.len() % 4) % 4);
        let alone = format!("{inside}{ending}");
        let padded = format!("{alone}{padding}");
        if before == 0 {
            for wrap in WRAPS.into_iter().filter(|wrap| text.len() > *wrap) {
                for newline in ["\n", "\r\n"] {
                    add(wrapped(&inside, wrap, newline));
                    add(wrapped(&padded, wrap, newline));
                }
            }
        }
        add(inside);
        add(alone);
        add(padded);
    }
}

fn wrapped(text: &str, width: usize, newline: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / width * newline.len());
    for (n, c) in text.chars().enumerate() {
        if n > 0 && n % width == 0 {
            out.push_str(newline);
        }
        out.push(c);
    }
    out
}

fn percent(value: &str, kept: &str, upper: bool) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        let c = char::from(byte);
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

/// As strings of JSON, and of JSON inside a string of JSON.
fn json(value: &str, add: &mut impl FnMut(String)) {
    for bits in 0..32_u8 {
        let on = |bit: u8| bits >> bit & 1 == 1;
        let style = Json { slash: on(0), ascii: on(1), html: on(2), long: on(3), upper: on(4) };
        let once = json_escaped(value, style);
        let twice = json_escaped(&once, style);
        add(once);
        add(twice);
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

/// As shells quote: in single quotes, in double quotes, and each character by itself.
fn shell(value: &str, add: &mut impl FnMut(String)) {
    add(value.replace('\'', "'\\''"));
    add(value.replace('\'', "'\"'\"'"));
    // Fish, Python and JavaScript in single quotes.
    let single = value.replace('\\', "\\\\").replace('\'', "\\'");
    add(single.replace('\n', "\\n"));
    add(single);
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
    add(escape(|c| matches!(c, '"' | '\\' | '$' | '`')));
    add(escape(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:@%+,=\n".contains(c)));
    add(escape(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:@%+=\n".contains(c)));
}

fn html(value: &str, add: &mut impl FnMut(String)) {
    let base = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for (double, single) in [
        ("\"", "'"),
        ("&quot;", "'"),
        ("&quot;", "&#39;"),
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
    ] {
        add(base.replace('"', double).replace('\'', single));
    }
}
