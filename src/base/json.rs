//! JSON for what is written once a request: straight into a buffer, without a tree or a formatter.

use super::Timestamp;
use std::cell::Cell;
use std::io::Write as _;

/// Writes a string with its quotes (RFC 8259 §7).
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    inner(out, text);
    out.push(b'"');
}

/// Writes the inside of a string.
pub(crate) fn inner(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = special(rest) {
        let (plain, after) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = after.split_first() else { return };
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            // A `Vec` takes whatever is written to it.
            other => drop(write!(out, "\\u{other:04x}")),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Where the first byte stands that cannot stand in a string as it is.
fn special(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // The high bit of a byte that is below `limit`, and perhaps of one behind it.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, _) = text.as_chunks::<8>();
    let plain = words.iter().take_while(|bytes| {
        let word = u64::from_le_bytes(**bytes);
        below(word, b' ') | is(word, b'"') | is(word, b'\\') == 0
    });
    let from = 8 * plain.count();
    let one = |b: &u8| *b < b' ' || *b == b'"' || *b == b'\\';
    text.get(from..)?.iter().position(one).map(|at| from + at)
}

/// Writes a number.
pub(crate) fn number(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(digits(n, &mut [0; LONGEST_NUMBER]));
}

/// The most digits that a number has.
pub(crate) const LONGEST_NUMBER: usize = 20;

/// The digits of a number, in `room`.
pub(crate) fn digits(n: u64, room: &mut [u8; LONGEST_NUMBER]) -> &[u8] {
    let mut rest = n;
    let mut from = room.len();
    for place in room.iter_mut().rev() {
        *place = digit(rest % 10);
        rest /= 10;
        from -= 1;
        if rest == 0 {
            break;
        }
    }
    room.get(from..).unwrap_or_default()
}

/// Writes an instant as RFC 3339 in UTC, to the nanosecond.
pub(crate) fn instant(out: &mut Vec<u8>, at: Timestamp) {
    to_digits::<9>(out, at);
}

/// Writes an instant as RFC 3339 in UTC, to the microsecond.
pub(crate) fn micros(out: &mut Vec<u8>, at: Timestamp) {
    to_digits::<6>(out, at);
}

fn to_digits<const DIGITS: usize>(out: &mut Vec<u8>, at: Timestamp) {
    /// `YYYY-MM-DDThh:mm:ss`
    const SECOND: usize = 19;
    thread_local! {
        // One second has many requests.
        static LAST: Cell<(i64, [u8; SECOND])> = const { Cell::new((i64::MIN, [0; SECOND])) };
    }
    let (second, nanos) = (at.as_second(), u32::try_from(at.subsec_nanosecond()));
    let (mut known, mut shown) = LAST.get();
    if known != second {
        let written = format!("{at:.0}");
        if let Some((text, b"Z")) = written.as_bytes().split_first_chunk() {
            (known, shown) = (second, *text);
            LAST.set((known, shown));
        }
    }
    match nanos {
        Ok(nanos) if known == second => {
            out.extend_from_slice(&shown);
            let mut fraction = [b'0'; 9];
            let mut rest = u64::from(nanos);
            for place in fraction.iter_mut().rev() {
                *place = digit(rest);
                rest /= 10;
            }
            out.push(b'.');
            out.extend_from_slice(fraction.get(..DIGITS).unwrap_or(&fraction));
            out.push(b'Z');
        }
        // Before 1970, or in a year of more than four digits.
        _ => drop(write!(out, "{at:.DIGITS$}")),
    }
}

fn digit(n: u64) -> u8 {
    b'0' + u8::try_from(n % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_read_again_whatever_is_in_them() {
        for sample in ["", "plain", "a\"b\\c", "\u{0}\n\r\t\u{1f}\u{7f}", "é \u{1f600} \u{2028}"] {
            let json = written(|out| text(out, sample));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), sample, "{json}");
            assert!(!json.contains('\n'));
        }
    }

    #[test]
    fn a_byte_that_must_be_escaped_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'x'; length];
                    text[at] = byte;
                    let must = byte < b' ' || byte == b'"' || byte == b'\\';
                    assert_eq!(special(&text), must.then_some(at), "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn numbers_have_all_their_digits() {
        for n in [0, 7, 10, 99, 100, 18_446_744_073_709_551_615] {
            assert_eq!(written(|out| number(out, n)), n.to_string());
        }
    }

    #[test]
    fn instants_are_read_again_to_the_nanosecond() {
        for nanos in [
            0,
            1_790_000_000_123_456_789,
            1_790_000_000_000_000_001,
            1_790_000_001_999_999_999,
            -1,
            -62_135_596_800_000_000_000,
            253_370_764_800_000_000_000,
        ] {
            let at = Timestamp::from_nanosecond(nanos).unwrap();
            let text = written(|out| instant(out, at));
            assert_eq!(text.parse::<Timestamp>().unwrap(), at, "{text}");
        }
    }
}
