//! Whatever is written, however it is cut.

use super::forms::ways;
use super::{Pattern, Redaction, SHORTEST, Stream, Value};
use crate::base::Secret;
use data_encoding::{BASE64, BASE64URL};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every form of a value but its lines, on one line.
fn forms(value: &str) -> BTreeSet<Vec<u8>> {
    let forms = ways().map(|way| way.write(value)).map(String::into_bytes);
    forms.filter(|form| form.len() >= SHORTEST).collect()
}

fn redaction(secrets: &[&str]) -> Arc<Redaction> {
    let patterns: Vec<Pattern> = secrets
        .iter()
        .enumerate()
        .map(|(n, value)| Pattern {
            name: format!("N{n}"),
            value: Value::Text(Secret::new(*value)),
        })
        .collect();
    Arc::new(Redaction::new(&patterns))
}

fn in_chunks(redaction: &Arc<Redaction>, text: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut stream = Stream::new(Arc::clone(redaction));
    let mut out = Vec::new();
    let (mut rest, mut sizes) = (text, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| (*size).clamp(1, rest.len()));
        let (chunk, behind) = rest.split_at(size);
        stream.push(chunk, &mut out);
        rest = behind;
    }
    stream.finish(&mut out);
    out
}

fn whole(secrets: &[&str], text: &str) -> String {
    String::from_utf8(in_chunks(&redaction(secrets), text.as_bytes(), &[])).unwrap()
}

#[test]
fn a_secret_becomes_its_name() {
    assert_eq!(whole(&["hunter22"], "pw=hunter22!"), "pw=[redacted:N0]!");
    assert_eq!(whole(&["hunter22"], "hunter22hunter22"), "[redacted:N0][redacted:N0]");
    assert_eq!(whole(&["hunter22", "hunter22-more"], "hunter22-more"), "[redacted:N1]");
    assert_eq!(whole(&["abcdef", "defghi"], "_abcdefghi_"), "_[redacted:N0]_");
    assert_eq!(whole(&["abcdefgh", "cdefgh"], "abcdefg cdefgh"), "abcdefg [redacted:N1]");
    assert_eq!(whole(&["short"], "short"), "short");
    assert_eq!(whole(&[], "anything"), "anything");
}

#[test]
fn the_forms_of_other_programs_are_known() {
    let secret = "p@ss/w\"or d\n\\'é<&😀";
    let json = serde_json::to_string(secret).unwrap();
    for form in [
        secret.to_owned(),
        json.clone(),
        serde_json::to_string(&json).unwrap(),
        "p@ss\\/w\\\"or d\\n\\\\'\\u00e9<&\\ud83d\\ude00".to_owned(),
        "p@ss/w\\\"or d\\n\\\\'\\u00E9\\u003C\\u0026\\uD83D\\uDE00".to_owned(),
        "p%40ss%2Fw%22or%20d%0A%5C%27%C3%A9%3C%26%F0%9F%98%80".to_owned(),
        "p%40ss%2fw%22or+d%0a%5c%27%c3%a9%3c%26%f0%9f%98%80".to_owned(),
        "p%40ss%2Fw%22or%20d%0A%5C'%C3%A9%3C%26%F0%9F%98%80".to_owned(),
        BASE64.encode(secret.as_bytes()),
        BASE64URL.encode(secret.as_bytes()),
        BASE64.encode(&json.as_bytes()[1..json.len() - 1]),
        "p%2540ss%252Fw%2522or%2520d%250A%255C%2527%25C3%25A9%253C%2526%25F0%259F%2598%2580"
            .to_owned(),
        "p@ss/w\"or d\n\\'\\''é<&😀".to_owned(),
        "p@ss/w&quot;or d\n\\&#x27;é&lt;&amp;😀".to_owned(),
    ] {
        let out = whole(&[secret], &format!("[{form}]"));
        let rest = out.replace("[redacted:N0]", "");
        assert!(out.contains("[redacted:N0]") && rest.len() <= 8, "{form} became {out}");
    }
}

#[test]
fn long_values_are_found_in_wrapped_base64_and_line_by_line() {
    let secret = (0..9).map(|n| format!("line {n} of a key that is long\n")).collect::<String>();
    let encoded = BASE64.encode(secret.as_bytes());
    for width in [64, 76] {
        let lines: Vec<String> =
            encoded.as_bytes().chunks(width).map(|l| String::from_utf8_lossy(l).into()).collect();
        let out = whole(&[&secret], &lines.join("\n"));
        assert_eq!(out, "[redacted:N0]", "{width}");
    }
    let out = whole(&[&secret], "> line 4 of a key that is long\n");
    assert_eq!(out, "> [redacted:N0]\n");
    let out = whole(&["one\n  short \nline too"], "one, short! line too");
    assert_eq!(out, "one, short! [redacted:N0]");
}

/// Text broken into lines of this width, with this between them.
fn broken(text: &str, width: usize, between: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n > 0 && n % width == 0 {
            out.push_str(between);
        }
        out.push(c);
    }
    out
}

/// What encoders put between two lines, raw, indented, and inside of JSON.
const BETWEEN: [&str; 6] = ["\n", "\r\n", "\n    ", "\r\n\t", "\\n", "\\\\r\\\\n"];

#[test]
fn what_is_broken_into_lines_is_found_wherever_it_lies() {
    let secret = "sk-a?>b~c0123456789-_0123456789/xyz";
    for before in 0..80 {
        let longer = format!("{}{secret}{}", "x".repeat(before), "y".repeat(50));
        for between in BETWEEN {
            let encoded = BASE64.encode(longer.as_bytes());
            let hidden = broken(&encoded, 76, between);
            let out = whole(&[secret], &hidden);
            let survived = out.replace(between, "").replace("[redacted:N0]", "").len();
            // Characters that hold bits of a neighbour, and two before a line end.
            let hidden = secret.len() * 8 / 6 - 1 - 2;
            assert!(encoded.len() - survived >= hidden, "{before} {between:?}: {out}");
        }
    }
    let hex = data_encoding::HEXLOWER.encode(secret.as_bytes());
    assert_eq!(whole(&[secret], &broken(&hex, 60, "\n")), "[redacted:N0]");
    let php = BASE64.encode(secret.as_bytes()).replace('/', "\\/");
    assert_eq!(whole(&[secret], &format!("\"{php}\"")), "\"[redacted:N0]\"");
}

#[test]
fn a_line_is_not_held_back_for_what_it_ends_with() {
    let first = BASE64.encode(b"hunter22").chars().take(2).collect::<String>();
    let mut stream = Stream::new(redaction(&["hunter22"]));
    let mut out = Vec::new();
    for line in [format!("{first}\n"), format!("{}\n", BASE64.encode(b"hunter22"))] {
        stream.push(line.as_bytes(), &mut out);
        assert!(out.ends_with(b"\n"), "{line:?} is held back");
    }
    // What is a line end for one reader is a backslash for another.
    let secret = "\u{9e}\u{eb}-a-long-secret";
    let text = format!("nuC\\{}", BASE64.encode(secret.as_bytes()));
    assert!(whole(&[secret], &text).ends_with("\\[redacted:N0]"));
}

#[test]
fn only_what_may_be_a_secret_is_held_back() {
    let redaction = redaction(&["hunter22"]);
    let mut stream = Stream::new(redaction);
    let mut out = Vec::new();
    stream.push(b"Password: ", &mut out);
    assert_eq!(out, b"Password: ");
    stream.push(b"hunt", &mut out);
    assert_eq!(out, b"Password: ");
    stream.push(b"s", &mut out);
    assert_eq!(out, b"Password: hunts");
    stream.push(b"hunter2", &mut out);
    stream.finish(&mut out);
    assert_eq!(out, b"Password: huntshunter2");
}

fn secret() -> impl Strategy<Value = String> {
    // A digit and a `%` keep a secret from being part of a mark.
    "[a-cA-C/+ \"'\\\\\n$é😀&<]{0,12}7%[a-c/+ \"'\\\\\n$é😀]{4,24}"
}

/// A piece of text: noise, or a form of a secret, whole or cut short.
fn piece() -> impl Strategy<Value = (u8, usize, usize, String)> {
    (0..10_u8, 0..64_usize, 0..40_usize, "[a-cA-C7%/+ \"é]{0,6}")
}

/// A value whose forms are not in the automaton as a whole; some repeat themselves.
fn long_secret() -> impl Strategy<Value = String> {
    ("[a-c/+ \"'\n$é😀&]{1,9}", 20..40_usize, "7%[a-c/\"\n é]{0,30}").prop_map(|(part, n, end)| {
        let mut text = part.repeat(n.max(130 / part.len() + 1));
        text.push_str(&end);
        text.push_str(&part.repeat(3));
        text
    })
}

fn built(secrets: &[String], pieces: &[(u8, usize, usize, String)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (kind, which, cut, noise) in pieces {
        let secret = &secrets[which % secrets.len()];
        match kind {
            0 | 1 => text.extend_from_slice(noise.as_bytes()),
            2 => {
                let longer = format!("{noise}{secret}{noise}");
                text.extend_from_slice(BASE64.encode(longer.as_bytes()).as_bytes());
            }
            3 => {
                let longer = format!("{noise}{secret}");
                text.extend_from_slice(BASE64URL.encode(longer.as_bytes()).as_bytes());
            }
            8 | 9 => {
                let longer = format!("{noise}{secret}{noise}");
                let between = BETWEEN[which % BETWEEN.len()];
                let encoded = broken(&BASE64.encode(longer.as_bytes()), cut + 1, between);
                text.extend_from_slice(encoded.as_bytes());
            }
            kind => {
                let all: Vec<Vec<u8>> = forms(secret).into_iter().collect();
                let form = &all[which % all.len()];
                let cut = if *kind == 7 { (*cut).min(form.len()) } else { 0 };
                text.extend_from_slice(&form[..form.len() - cut]);
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_cut_changes_what_comes_out_and_nothing_survives(
        secrets in prop::collection::vec(secret(), 1..4),
        pieces in prop::collection::vec(piece(), 0..12),
        sizes in prop::collection::vec(1..40_usize, 1..8),
    ) {
        let refs: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let redaction = redaction(&refs);
        let text = built(&secrets, &pieces);
        let expected = in_chunks(&redaction, &text, &[]);
        for sizes in [&sizes[..], &[1], &[2, 3]] {
            prop_assert_eq!(&in_chunks(&redaction, &text, sizes), &expected);
        }
        for form in secrets.iter().flat_map(|secret| forms(secret)) {
            let survives = expected.windows(form.len()).any(|window| window == form);
            prop_assert!(!survives, "{:?} in {:?}", String::from_utf8_lossy(&form),
                String::from_utf8_lossy(&expected));
        }
    }

    #[test]
    fn long_values_are_found_as_short_ones_are(
        secrets in prop::collection::vec(long_secret(), 1..3),
        short in secret(),
        pieces in prop::collection::vec(piece(), 0..6),
        sizes in prop::collection::vec(1..400_usize, 1..8),
    ) {
        let secrets = [secrets, vec![short]].concat();
        let refs: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let redaction = redaction(&refs);
        let text = built(&secrets, &pieces);
        let expected = in_chunks(&redaction, &text, &[]);
        for sizes in [&sizes[..], &[1]] {
            prop_assert_eq!(&in_chunks(&redaction, &text, sizes), &expected);
        }
        for form in secrets.iter().flat_map(|secret| forms(secret)) {
            let survives = expected.windows(form.len()).any(|window| window == form);
            prop_assert!(!survives, "{:?} in {:?}", String::from_utf8_lossy(&form),
                String::from_utf8_lossy(&expected));
        }
    }

    #[test]
    fn text_without_secrets_stays_as_it_is(
        text in prop::collection::vec(any::<u8>(), 0..400),
        sizes in prop::collection::vec(1..40_usize, 1..8),
    ) {
        let redaction = redaction(&["correct-horse-battery-staple", "sk-0123456789abcdef"]);
        prop_assert_eq!(in_chunks(&redaction, &text, &sizes), text);
    }
}

#[test]
fn what_is_no_text_is_found_as_it_is_encoded_and_decoded() {
    let of = |value: &[u8], text: &[u8]| {
        let value = Value::Bytes(crate::base::SecretBytes::new(value.to_vec()));
        let pattern = Pattern { name: "B".to_owned(), value };
        String::from_utf8(in_chunks(&Arc::new(Redaction::new(&[pattern])), text, &[])).unwrap()
    };
    for length in [1, 40] {
        let secret = b"hunter\xe922\xff".repeat(length);
        let decoded = String::from_utf8_lossy(&secret).into_owned();
        let percent: String = secret.iter().map(|byte| format!("%{byte:02X}")).collect();
        for form in [
            secret.clone(),
            data_encoding::HEXLOWER.encode(&secret).into_bytes(),
            BASE64.encode(&secret).into_bytes(),
            percent.replace("%68%75%6E%74%65%72", "hunter").replace("%32", "2").into_bytes(),
            decoded.replace('\u{fffd}', "\\ufffd").into_bytes(),
            decoded.clone().into_bytes(),
        ] {
            let text = [b"pw=", form.as_slice(), b"!"].concat();
            assert_eq!(of(&secret, &text), "pw=[redacted:B]!", "{length} {form:?}");
        }
    }
    assert_eq!(of(b"first-\xe9\nsecond-line", b"second-line"), "[redacted:B]");
}
