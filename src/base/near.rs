//! Did-you-mean: the nearest of a list of names.

/// Longer texts are nobody's slip of the pen, and comparing them takes the product of both lengths
/// in time and memory.
const LONGEST: usize = 256;

/// The name nearest to `wanted`, if one is near enough to be what was meant.
///
/// Near enough is an edit distance (Damerau-Levenshtein) of at most a third of the longer name,
/// or one name being the beginning of the other.
pub(crate) fn nearest<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if wanted.len() > LONGEST {
        return None;
    }
    let folded = wanted.to_lowercase();
    let length = folded.chars().count();
    let mut best: Option<(usize, &'a str)> = None;
    for name in names {
        let other = name.to_lowercase();
        let prefix =
            folded.len() >= 3 && (other.starts_with(&folded) || folded.starts_with(&other));
        let limit = if prefix { usize::MAX } else { length.max(other.chars().count()) / 3 };
        // Of names that are equally near, the first.
        let limit = best.map_or(limit, |(distance, _)| limit.min(distance.saturating_sub(1)));
        if let Some(distance) = distance_within(&folded, &other, limit)
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// The edit distance (Damerau-Levenshtein) of two texts, if it is at most `limit`. Texts that are
/// plainly further apart are told so without comparing them letter by letter: whoever looks for a
/// slip compares every name of a file with every name that is known.
pub(crate) fn distance_within(a: &str, b: &str, limit: usize) -> Option<usize> {
    // An edit changes the count of at most two letters.
    let letters = (letters(a) ^ letters(b)).count_ones() as usize;
    if letters > limit.saturating_mul(2) || chars(a).abs_diff(chars(b)) > limit {
        return None;
    }
    Some(strsim::damerau_levenshtein(a, b)).filter(|distance| *distance <= limit)
}

fn chars(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// Which letters a text has, at least: several share a bit.
fn letters(text: &str) -> u64 {
    text.chars().fold(0, |bits, c| bits | 1 << (u32::from(c) % 64))
}

/// The hint for an unknown name: the nearest one, or all of them if they are few.
pub(crate) fn hint<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(name) = nearest(wanted, names.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let mut all: Vec<&str> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    (!all.is_empty() && all.len() <= 12).then(|| format!("known names: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["dev", "test", "staging", "prod"];
        assert_eq!(nearest("prdo", names), Some("prod"));
        assert_eq!(nearest("STAGING", names), Some("staging"));
        assert_eq!(nearest("stag", names), Some("staging"));
        assert_eq!(nearest("qwertyui", names), None);
        let long = format!("prod{}", "x".repeat(LONGEST));
        assert_eq!(nearest(&long, names), None);
        assert_eq!(hint("x", ["app", "app"]).as_deref(), Some("known names: app"));
        assert_eq!(nearest("aat", ["cat", "bat"]), Some("cat"), "the first of the equally near");
    }

    proptest::proptest! {
        #[test]
        fn a_distance_within_a_limit_is_the_distance(
            a in "[ab_é]{0,7}", b in "[ab_éz]{0,7}", limit in 0..8_usize,
        ) {
            let distance = strsim::damerau_levenshtein(&a, &b);
            let expected = (distance <= limit).then_some(distance);
            proptest::prop_assert_eq!(distance_within(&a, &b, limit), expected);
        }
    }
}
