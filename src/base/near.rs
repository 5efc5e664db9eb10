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
    names
        .into_iter()
        .filter_map(|name| {
            let other = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&folded, &other);
            let longer = folded.chars().count().max(other.chars().count());
            let prefix =
                folded.len() >= 3 && (other.starts_with(&folded) || folded.starts_with(&other));
            (distance * 3 <= longer || prefix).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The hint for an unknown name: the nearest one, or all of them if they are few.
pub(crate) fn hint<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(name) = nearest(wanted, names.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<&str> = names.into_iter().collect();
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
    }
}
