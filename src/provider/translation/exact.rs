//! Numbers in the arguments of tool calls, digit for digit as they were written.
//!
//! Documents are read into values whose numbers have 64 bits: `12345678901234567890123` and `1e400`
//! would come out as others, or not at all, and a tool that takes the number of an account would get
//! that of another. So a number that would not be written again as it stands is put into a text with
//! a mark before the document is read, and is taken out of it when a document is written. The mark
//! is made anew by every process, and nobody outside sees it.

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

/// The fields that hold arguments as an object, in all APIs.
const HOLD: [&[u8]; 3] = [b"input", b"args", b"arguments"];

/// Schemas are read as they are, whatever their fields are called.
const TOOLS: &[u8] = b"tools";

static MARK: LazyLock<String> =
    LazyLock::new(|| format!("ultra-number-{}-", uuid::Uuid::new_v4().simple()));

/// A document whose arguments of tool calls keep their numbers when it is read.
pub(crate) fn guarded(document: &[u8]) -> Cow<'_, [u8]> {
    let has = |name: &&[u8]| memmem::find(document, &[b"\"", *name, b"\""].concat()).is_some();
    let any = HOLD.iter().any(has);
    any.then(|| guard(document, false)).flatten().map_or(Cow::Borrowed(document), Cow::Owned)
}

/// Arguments from their text; `None` if they are no object.
pub(crate) fn object(text: &str) -> Option<Map<String, Value>> {
    match guard(text.as_bytes(), true) {
        Some(guarded) => serde_json::from_slice(&guarded).ok(),
        None => serde_json::from_str(text).ok(),
    }
}

/// Arguments as text.
pub(crate) fn text(arguments: &Map<String, Value>) -> String {
    let text = serde_json::to_string(arguments).unwrap_or_default();
    restored(text)
}

/// A document, written.
pub(crate) fn written(document: &Value) -> Bytes {
    Bytes::from(restored(document.to_string()))
}

/// Where a text ends that begins at `from`: at its closing quote, or with the document.
fn text_end(json: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = json.get(at..).unwrap_or_default();
        let Some(next) = memchr::memchr2(b'"', b'\\', rest) else { return json.len() };
        if rest.get(next) == Some(&b'"') {
            return at + next;
        }
        at += next + 2;
    }
}

/// Puts numbers into texts: all, or those of arguments. `None` if that changes nothing.
fn guard(json: &[u8], all: bool) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut copied, mut depth) = (0, 0, 0_usize);
    let mut name: Option<&[u8]> = None;
    // How deep the arguments are nested that are being read.
    let mut within = None;
    let mut is_of_tools = false;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => {
                let end = text_end(json, at + 1);
                let rest = json.get(end + 1..).unwrap_or_default();
                let is_name = rest.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
                name = json.get(at + 1..end).filter(|_| is_name);
                if depth == 1 && is_name {
                    is_of_tools = name == Some(TOOLS);
                }
                at = end;
            }
            b'{' | b'[' => {
                depth += 1;
                let holds = byte == b'{' && name.is_some_and(|name| HOLD.contains(&name));
                if within.is_none() && holds && !is_of_tools {
                    within = Some(depth);
                }
                name = None;
            }
            b'}' | b']' => {
                if within == Some(depth) {
                    within = None;
                }
                depth = depth.saturating_sub(1);
                name = None;
            }
            b',' => name = None,
            b'-' | b'0'..=b'9' => {
                let is_part = |b: &u8| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let rest = json.get(at..).unwrap_or_default();
                let length = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
                let token = rest.get(..length).unwrap_or_default();
                if (all || within.is_some()) && !is_kept(token) {
                    let out = out.get_or_insert_default();
                    out.extend_from_slice(json.get(copied..at).unwrap_or_default());
                    out.extend([b"\"", MARK.as_bytes(), token, b"\""].concat());
                    copied = at + length;
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    let mut out = out?;
    out.extend_from_slice(json.get(copied..).unwrap_or_default());
    Some(out)
}

/// Whether a number is written as it was read; so is what is none, which nobody will read.
fn is_kept(token: &[u8]) -> bool {
    if token.len() <= 15 && token.iter().all(u8::is_ascii_digit) {
        return true;
    }
    let Ok(text) = std::str::from_utf8(token) else { return true };
    if !is_number(text) {
        return true;
    }
    text.parse::<Number>().is_ok_and(|number| number.to_string() == text)
}

/// Whether a text is a number of JSON (RFC 8259 §6), of whatever size.
fn is_number(text: &str) -> bool {
    fn digits(text: &str) -> (usize, &str) {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        (text.len() - rest.len(), rest)
    }
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, mut rest) = digits(text);
    if whole == 0 || whole > 1 && text.starts_with('0') {
        return false;
    }
    if let Some(after) = rest.strip_prefix('.') {
        let (count, after) = digits(after);
        if count == 0 {
            return false;
        }
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        let (count, after) = digits(after.strip_prefix(['+', '-']).unwrap_or(after));
        return count > 0 && after.is_empty();
    }
    rest.is_empty()
}

/// Takes numbers out of their texts again. Within a text that is itself in a text their quotes are
/// escaped, once for each.
fn restored(text: String) -> String {
    let mark = MARK.as_str();
    if memmem::find(text.as_bytes(), mark.as_bytes()).is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(mark) {
        let bare = before.strip_suffix('"').map(|before| before.trim_end_matches('\\'));
        out.push_str(bare.unwrap_or(before));
        let (number, quote) = after.split_at(after.find(['"', '\\']).unwrap_or(after.len()));
        out.push_str(number);
        let quote = quote.trim_start_matches('\\');
        rest = quote.strip_prefix('"').unwrap_or(quote);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ODD: &str = r#"{"a":123456789012345678901234567890,"b":[1.10,-0,1e400,0.1000000000000000055511151231257827,1E5],"c":{"d":9007199254740993,"e":"1.10"},"f":-1.5}"#;

    #[test]
    fn arguments_keep_every_digit() {
        let read = object(ODD).unwrap();
        assert_eq!(text(&read), ODD);
        assert_eq!(read["c"]["d"], 9_007_199_254_740_993_u64, "what fits is a number");
        assert_eq!(read["f"], -1.5);
        // In a text, and in a text in a text.
        let once = json!({"arguments": text(&read)});
        assert_eq!(written(&once), format!(r#"{{"arguments":{}}}"#, json!(ODD)));
        let inner = json!({"arguments": Value::Object(read.clone()).to_string()}).to_string();
        let twice = written(&json!({ "again": inner }));
        let back: Value = serde_json::from_slice(&twice).unwrap();
        let back: Value = serde_json::from_str(back["again"].as_str().unwrap()).unwrap();
        assert_eq!(back["arguments"], ODD);
    }

    #[test]
    fn only_arguments_are_guarded_in_a_document() {
        let document = format!(
            r#"{{"temperature":0.10,"tools":[{{"input":{{"minimum":1.10}}}}],"messages":[{{"input":{ODD},"n":1.10}},{{"input":[1.10]}}]}}"#
        );
        let read: Value = serde_json::from_slice(&guarded(document.as_bytes())).unwrap();
        assert_eq!(read["temperature"], 0.1);
        assert_eq!(read["tools"][0]["input"]["minimum"], 1.1);
        assert_eq!(read["messages"][0]["n"], 1.1);
        assert_eq!(read["messages"][1]["input"][0], 1.1);
        assert_eq!(text(read["messages"][0]["input"].as_object().unwrap()), ODD);
        let plain = br#"{"input":{"a":1,"b":"1.10"}}"#;
        assert!(matches!(guarded(plain), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_no_number_stays_what_it_is() {
        for odd in [
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":1e}"#,
            r#"{"a":.5}"#,
            "",
            "1.10",
            "[",
            "\"\\",
        ] {
            assert_eq!(object(odd), None, "{odd}");
            let _ = guarded(odd.as_bytes());
        }
    }
}
