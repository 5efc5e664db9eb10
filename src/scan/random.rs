//! How random a text looks, and whether it is a stand-in for a secret.
//!
//! A secret drawn from an alphabet of n characters has about as many distinct characters as the
//! birthday problem predicts, mixes the classes of its alphabet in proportion to their sizes, and
//! rarely repeats the letter pairs that words are made of. Each of the three gives a likelihood in
//! bits against "somebody wrote this"; their sum decides.

/// Letter pairs that make up most of English words and of names in code.
const PAIRS: &str = "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha \
    as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho \
    pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na \
    ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty \
    op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc \
    gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au ck ew \
    mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu ph og ms ye ud mb ip ub oi rl gu dr hr cc tw \
    ft wn nu af hu nn eo vo rv nf xp gn sm fl iz ok nl my gl aw ju oa eq sy sl ps jo lf nv je nk kn \
    gs dy hy ze ks xt bs ik dd pt rp sk xi oe oy ws lv dl rf eu dg wr xa yi nm eb rb tm xc eh tc gy \
    ja hn yp za gg ym sw bj lm cs ii ix xe oh lk nt id ey db ui ur pi px id";

/// Whether `value` looks like it was drawn at random: long enough, and unlike words.
pub(super) fn looks_random(value: &str) -> bool {
    let length = value.chars().count();
    length >= 12 && bits(value) > 0.0
}

/// Evidence for randomness in bits: positive for random, negative for written text.
fn bits(value: &str) -> f64 {
    let bytes = value.as_bytes();
    let length = bytes.len() as f64;
    distinct_bits(bytes, length) + class_bits(bytes, length) + pair_bits(value, length)
}

/// The size of the alphabet that the characters seem to come from.
fn alphabet(bytes: &[u8]) -> f64 {
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    if hex {
        return 16.0;
    }
    let any = |test: fn(&u8) -> bool| bytes.iter().any(test);
    let mut size = 0.0;
    if any(u8::is_ascii_digit) {
        size += 10.0;
    }
    if any(u8::is_ascii_lowercase) {
        size += 26.0;
    }
    if any(u8::is_ascii_uppercase) {
        size += 26.0;
    }
    if any(u8::is_ascii_punctuation) {
        size += 4.0;
    }
    f64::max(size, 2.0)
}

/// Distinct characters against the n·(1-(1-1/n)^k) that k draws from n would give: each missing
/// one speaks against chance.
fn distinct_bits(bytes: &[u8], length: f64) -> f64 {
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let distinct = seen.iter().filter(|s| **s).count() as f64;
    let size = alphabet(bytes);
    let expected = size * (1.0 - (1.0 - 1.0 / size).powf(length));
    let short = (expected - distinct) / expected.sqrt();
    1.0 - 1.6 * short.max(0.0)
}

/// Changes between letters, digits and case: chance changes class all the time, words seldom.
fn class_bits(bytes: &[u8], length: f64) -> f64 {
    let class = |b: &u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let changes = bytes.windows(2).filter(|w| matches!(w, [a, b] if class(a) != class(b))).count();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count() as f64;
    let rate = changes as f64 / (length - 1.0).max(1.0);
    // Long runs of letters without any digit are names; separators alone do not make a key.
    let words =
        bytes.iter().filter(|b| matches!(b, b'-' | b'_' | b'.' | b' ' | b'/')).count() as f64;
    8.0 * (rate - 0.28) + if digits > 0.0 { 1.5 } else { -2.5 } - 18.0 * words / length
}

/// Pairs of letters that words are made of: about one in three random pairs is one by chance,
/// nearly all in words.
fn pair_bits(value: &str, length: f64) -> f64 {
    let lower = value.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let (mut pairs, mut common) = (0.0, 0.0);
    for pair in bytes.windows(2) {
        if pair.iter().all(u8::is_ascii_lowercase) {
            pairs += 1.0;
            if PAIRS.as_bytes().windows(2).step_by(3).any(|known| known == pair) {
                common += 1.0;
            }
        }
    }
    if pairs < 3.0 {
        return 1.0;
    }
    let share: f64 = common / pairs;
    (0.62 - share) * 14.0 * (pairs / length).max(0.3)
}

/// Words that stand in for a secret.
const STAND_INS: &[&str] = &[
    "change",
    "your",
    "replace",
    "example",
    "placeholder",
    "dummy",
    "sample",
    "fake",
    "canary",
    "xxxx",
    "todo",
    "insert",
    "secret-here",
    "redacted",
    "masked",
    "notasecret",
    "not-a-secret",
    "not_a_secret",
    "undefined",
    "null",
    "none",
    "goes-here",
    "goes_here",
    "1234567",
    "abcdef",
    "test-only",
    "for-tests",
];

/// Whether the text is a stand-in, a reference or a template and no secret itself.
pub(super) fn is_stand_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let distinct = {
        let mut bytes: Vec<u8> = lower.bytes().collect();
        bytes.sort_unstable();
        bytes.dedup();
        bytes.len()
    };
    distinct <= 3
        || STAND_INS.iter().any(|word| lower.contains(word))
        || is_reference(value)
        || lower.chars().all(|c| matches!(c, '*' | '.' | 'x' | '-' | '_'))
}

/// Whether the text names where the value comes from instead of being it.
fn is_reference(value: &str) -> bool {
    const OPENERS: &[&str] = &[
        "$", "<", "{", "%", "[", "vault:", "env:", "file:", "op://", "sops:", "ref+", "!", "@",
        "enc[",
    ];
    OPENERS.iter().any(|opener| value.starts_with(opener))
        || value.contains("${")
        || value.contains("{{")
        || value.contains("process.env")
        || value.contains("os.environ")
        || value.contains("getenv")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values drawn from an alphabet by a fixed multiplicative generator, so that no secret-like
    /// text stands in this file.
    fn drawn(alphabet: &str, length: usize, seed: u64) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let mut state = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
                letters[(state >> 33) as usize % letters.len()]
            })
            .collect()
    }

    const BASE62: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    #[test]
    fn drawn_values_look_random() {
        for (alphabet, length) in [(BASE62, 32), (BASE62, 20), ("0123456789abcdef", 32)] {
            let found = (0..200).filter(|n| looks_random(&drawn(alphabet, length, *n))).count();
            assert!(found >= 190, "{alphabet} {length}: {found} of 200");
        }
    }

    #[test]
    fn written_texts_do_not() {
        for text in [
            "the_quick_brown_fox_jumps",
            "authentication_error_handler",
            "https://docs.example.org/getting-started",
            "my-application-service",
            "AuthenticationProviderFactory",
            "com.acme.platform.security",
            "application/json",
            "DatabaseConnectionPool",
            "password_reset_request",
        ] {
            assert!(!looks_random(text), "{text}: {}", bits(text));
        }
    }

    #[test]
    fn stand_ins_and_references_are_known() {
        for text in ["change-me-please", "${DB_PASSWORD}", "<your-key>", "xxxxxxxx", "vault:openai"]
        {
            assert!(is_stand_in(text), "{text}");
        }
        assert!(!is_stand_in("correct-horse-battery"));
    }
}
