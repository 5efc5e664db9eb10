//! Whatever is written, however it is cut.

use super::{Pattern, Redaction, Stream, forms};
use crate::base::Secret;
use data_encoding::{BASE64, BASE64URL};
use proptest::prelude::*;
use std::sync::Arc;

fn redaction(secrets: &[&str]) -> Arc<Redaction> {
    let patterns: Vec<Pattern> = secrets
        .iter()
        .enumerate()
        .map(|(n, value)| Pattern { name: format!("N{n}"), value: Secret::new(*value) })
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
    (0..8_u8, 0..64_usize, 0..40_usize, "[a-cA-C7%/+ \"é]{0,6}")
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
            kind => {
                let all: Vec<Vec<u8>> = forms::of(secret).into_iter().collect();
                let form = &all[which % all.len()];
                let cut = if *kind == 7 { (*cut).min(form.len()) } else { 0 };
                text.extend_from_slice(&form[..form.len() - cut]);
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

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
        for form in secrets.iter().flat_map(|secret| forms::of(secret)) {
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
        for form in secrets.iter().flat_map(|secret| forms::of(secret)) {
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
