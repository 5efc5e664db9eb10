//! Two sides, and what differs between them.

use super::side::{Exact, Held, Side};
use crate::base::Secret;
use crate::settings::secret::SecretSource;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Values this short are the same by chance: `true`, `8080`, `prod`. They tell no renaming.
const TELLING: usize = 8;

/// Whether fingerprints to be shown may be made where there is no key for them yet. The first one
/// makes the key, which is a file in the state directory. What is compared does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prints {
    /// They may.
    Make,
    /// Nothing is written: without a key none is shown.
    WriteNothing,
}

/// How a variable differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The second side alone has it.
    Added,
    /// The first side alone has it.
    Removed,
    /// Both have it, with different values.
    Changed,
    /// Both have the value, under different names.
    Renamed,
    /// Whether the values differ cannot be said.
    Unknown,
}

/// A variable that differs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    /// How.
    pub(crate) kind: Kind,
    /// The variable; after a renaming, its name on the second side.
    pub(crate) name: String,
    /// Whether the value is kept from view.
    pub(crate) secret: bool,
    /// What the first side says.
    pub(crate) before: Option<Told>,
    /// What the second side says.
    pub(crate) after: Option<Told>,
    /// Why it cannot be said whether they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<&'static str>,
}

/// What a side says, as far as it may be told.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    /// The name it is written under.
    pub(crate) name: String,
    /// The value, with credentials of a URL masked; `None` for a secret.
    pub(crate) value: Option<String>,
    /// The keyed fingerprint of what `value` does not show, where there is one.
    pub(crate) fingerprint: Option<String>,
    /// Whether the value can be read at all.
    pub(crate) readable: bool,
    /// The layer or file, and the line.
    pub(crate) from: String,
}

/// A piece of the profile's structure that differs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shape {
    /// How; never by a renaming.
    pub(crate) kind: Kind,
    /// Its dotted key.
    pub(crate) key: String,
    /// What the first side says, with credentials of a URL masked: both sides may show the same.
    pub(crate) before: Option<String>,
    /// What the second side says, likewise.
    pub(crate) after: Option<String>,
}

/// What a comparison of two values comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    Differ,
    Unknown(&'static str),
}

/// Every variable that differs, by name. Defaults count where both sides have them.
pub(crate) fn differences(
    a: &Side,
    b: &Side,
    secrets: &dyn SecretSource,
    prints: Prints,
) -> Vec<Difference> {
    let judge = Judge { a, b, secrets, prints };
    let names: BTreeSet<&str> = a.held.keys().chain(b.held.keys()).map(String::as_str).collect();
    let mut found: Vec<Difference> =
        names.into_iter().filter_map(|name| judge.variable(name)).collect();
    judge.pair_renamed(&mut found);
    found.sort_by(|x, y| x.name.cmp(&y.name));
    found
}

/// Every piece of the structure that differs; none where a side has no structure.
pub(crate) fn shapes(a: &Side, b: &Side, secrets: &dyn SecretSource) -> Vec<Shape> {
    let judge = Judge { a, b, secrets, prints: Prints::WriteNothing };
    let (Some(a), Some(b)) = (&a.structure, &b.structure) else { return Vec::new() };
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let shape = |key: &String| {
        let (before, after) = (a.get(key), b.get(key));
        let kind = match (before, after) {
            (Some(x), Some(y)) => match judge.compare(x, y) {
                Verdict::Same => return None,
                Verdict::Differ => Kind::Changed,
                Verdict::Unknown(_) => Kind::Unknown,
            },
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
        };
        let shown = |held: Option<&Held>| held.and_then(|held| held.shown.clone());
        Some(Shape { kind, key: key.clone(), before: shown(before), after: shown(after) })
    };
    keys.into_iter().filter_map(shape).collect()
}

struct Judge<'a> {
    a: &'a Side,
    b: &'a Side,
    secrets: &'a dyn SecretSource,
    prints: Prints,
}

impl Judge<'_> {
    fn variable(&self, name: &str) -> Option<Difference> {
        let (before, after) = (self.a.held.get(name), self.b.held.get(name));
        let (kind, why) = match (before, after) {
            (Some(x), Some(y)) => match self.compare(x, y) {
                Verdict::Same if x.written_as == y.written_as => return None,
                Verdict::Same => (Kind::Renamed, None),
                Verdict::Differ => (Kind::Changed, None),
                Verdict::Unknown(why) => (Kind::Unknown, Some(why)),
            },
            // What nobody set is missing from no file.
            (Some(only), None) | (None, Some(only)) if only.by_default => return None,
            (Some(_), None) => (Kind::Removed, None),
            (None, Some(_)) => (Kind::Added, None),
            (None, None) => return None,
        };
        let secret = [before, after].into_iter().flatten().any(|held| held.shown.is_none());
        Some(Difference {
            kind,
            name: name.to_owned(),
            secret,
            before: before.map(|held| self.told(name, held, self.a, secret)),
            after: after.map(|held| self.told(name, held, self.b, secret)),
            why,
        })
    }

    fn compare(&self, x: &Held, y: &Held) -> Verdict {
        let verdict = |same: bool| if same { Verdict::Same } else { Verdict::Differ };
        match (&x.exact, &y.exact) {
            (Exact::Unreadable, _) | (_, Exact::Unreadable) => {
                Verdict::Unknown("a value cannot be read")
            }
            (Exact::Missing, Exact::Missing) => Verdict::Same,
            (Exact::Missing, _) | (_, Exact::Missing) => Verdict::Differ,
            (Exact::Text(a) | Exact::Open(a), Exact::Text(b) | Exact::Open(b)) => {
                verdict(a.same_as(b))
            }
            // What is shown of a URL may differ already.
            _ if x.shown.is_some() && y.shown.is_some() && x.shown != y.shown => Verdict::Differ,
            _ => match (self.print(x, self.a), self.print(y, self.b)) {
                (Some((key, a)), Some((other, b))) if key == other => verdict(a == b),
                _ => Verdict::Unknown("the fingerprints are made with different keys"),
            },
        }
    }

    /// The fingerprint of a value and the key it was made with.
    fn print(&self, held: &Held, side: &Side) -> Option<(String, String)> {
        match &held.exact {
            Exact::Print(print) => Some((side.prints.clone()?, print.clone())),
            Exact::Text(value) | Exact::Open(value) => self.own_print(value),
            Exact::Missing | Exact::Unreadable => None,
        }
    }

    /// The fingerprint of a value that is known here, if there is a key for it: none is made.
    fn own_print(&self, value: &Secret) -> Option<(String, String)> {
        let key = self.secrets.fingerprint_key_id().ok()??;
        Some((key, self.secrets.fingerprint(value).ok()?))
    }

    /// The fingerprint of a value that is known here, to be shown.
    fn shown_print(&self, value: &Secret) -> Option<String> {
        match self.prints {
            Prints::Make => self.secrets.fingerprint(value).ok(),
            Prints::WriteNothing => self.own_print(value).map(|(_, print)| print),
        }
    }

    fn told(&self, name: &str, held: &Held, side: &Side, secret: bool) -> Told {
        let value = held.shown.clone().filter(|_| !secret);
        let fingerprint = match &held.exact {
            Exact::Print(print) => Some(print.clone()),
            // Masked parts of a URL are not told by what is shown.
            Exact::Open(text) | Exact::Text(text) if value.as_deref() != Some(text.expose()) => {
                self.shown_print(text)
            }
            _ => None,
        };
        debug_assert!(side.held.contains_key(name));
        Told {
            name: held.written_as.clone().unwrap_or_else(|| name.to_owned()),
            value,
            fingerprint,
            readable: !matches!(held.exact, Exact::Missing | Exact::Unreadable),
            from: held.from.clone(),
        }
    }

    /// Makes one renaming of what was removed and what was added with the same value, where only
    /// these two have it.
    fn pair_renamed(&self, found: &mut Vec<Difference>) {
        let of = |kind: Kind, side: &Side| {
            let mut by_value: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for difference in found.iter().filter(|d| d.kind == kind) {
                if let Some(held) = side.held.get(&difference.name)
                    && let Some(mark) = self.mark(held, side)
                {
                    by_value.entry(mark).or_default().push(difference.name.clone());
                }
            }
            by_value
        };
        let (removed, added) = (of(Kind::Removed, self.a), of(Kind::Added, self.b));
        let mut pairs: BTreeMap<String, String> = BTreeMap::new();
        for (mark, old) in removed {
            if let ([old], Some([new])) = (old.as_slice(), added.get(&mark).map(Vec::as_slice)) {
                pairs.insert(old.clone(), new.clone());
            }
        }
        let news: BTreeSet<&String> = pairs.values().collect();
        let (gone, rest): (Vec<_>, Vec<_>) = std::mem::take(found)
            .into_iter()
            .partition(|d| d.kind == Kind::Removed && pairs.contains_key(&d.name));
        let (come, rest): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|d| d.kind == Kind::Added && news.contains(&d.name));
        *found = rest;
        let mut come: BTreeMap<String, Difference> =
            come.into_iter().map(|d| (d.name.clone(), d)).collect();
        for gone in gone {
            let Some(come) = pairs.get(&gone.name).and_then(|new| come.remove(new)) else {
                continue;
            };
            found.push(Difference {
                kind: Kind::Renamed,
                secret: gone.secret || come.secret,
                before: gone.before.map(|told| cloaked(told, come.secret)),
                after: come.after.map(|told| cloaked(told, gone.secret)),
                name: come.name,
                why: None,
            });
        }
    }

    /// What tells a value from others: a fingerprint, or the text of one that is no secret and
    /// long enough to be no chance.
    fn mark(&self, held: &Held, side: &Side) -> Option<String> {
        match &held.exact {
            Exact::Text(text) | Exact::Open(text) if text.expose().len() < TELLING => None,
            // Both sides have the value here: it marks itself, and goes nowhere.
            Exact::Text(text) | Exact::Open(text) if self.own_print(text).is_none() => {
                Some(format!("={}", text.expose()))
            }
            _ => self.print(held, side).map(|(key, print)| format!("{key} {print}")),
        }
    }
}

/// The same without its value, if the other side keeps it from view.
fn cloaked(told: Told, hide: bool) -> Told {
    if hide { Told { value: None, ..told } } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Problem;
    use crate::settings::catalogue;
    use crate::settings::origin::{Layer, Origin};
    use crate::settings::profile::{Policy, Profile};
    use crate::settings::resolution::{Candidate, Resolution};
    use crate::settings::secret::{SecretFacts, ValueRef};

    /// An empty vault whose fingerprints are lengths.
    #[derive(Debug)]
    struct Lengths;

    impl SecretSource for Lengths {
        fn facts(&self, _: &str, _: &str) -> Result<Option<SecretFacts>, Problem> {
            Ok(None)
        }
        fn open(&self, _: &str, _: &str) -> Result<Option<Secret>, Problem> {
            Ok(None)
        }
        fn fingerprint(&self, value: &Secret) -> Result<String, Problem> {
            Ok(format!("length {}", value.expose().len()))
        }
    }

    fn resolution(said: &[(&str, &str)]) -> Resolution {
        let mut resolution = Resolution::defaults(Profile {
            name: "p".to_owned(),
            extends: Vec::new(),
            protected: false,
            place: None,
            secrets: Default::default(),
            providers: Default::default(),
            routes: Default::default(),
            policy: Policy::default(),
        });
        for (name, text) in said {
            let value = match catalogue::find(name) {
                Some(spec) if spec.secret => ValueRef::Literal(Secret::new(*text)),
                _ => ValueRef::Text((*text).to_owned()),
            };
            let origin = Origin::of(Layer::DotenvLocal);
            resolution.add(name, Candidate { origin, value });
        }
        resolution
    }

    fn compared(said: [&[(&str, &str)]; 2], prints: Prints) -> Vec<Difference> {
        let [a, b] =
            said.map(|said| Side::of_resolution("p".to_owned(), &resolution(said), &Lengths));
        differences(&a, &b, &Lengths, prints)
    }

    #[test]
    fn secrets_are_compared_and_never_shown() {
        let before = [
            ("OPENAI_API_KEY", "canary-one"),
            ("GROQ_API_KEY", "canary-same"),
            ("STRIPE_API_KEY", "canary-a"),
            ("ULTRA_PORT", "1"),
        ];
        let after = [
            ("OPENAI_API_KEY", "canary-three"),
            ("GROQ_API_KEY", "canary-same"),
            ("STRIPE_API_KEY", "canary-bb"),
            ("ULTRA_PORT", "2"),
            ("CALLBACK", "https://user:canary@h/x"),
        ];
        for (prints, shown) in [(Prints::Make, Some("length 12")), (Prints::WriteNothing, None)] {
            let found = compared([&before, &after], prints);
            let names: Vec<&str> = found.iter().map(|d| d.name.as_str()).collect();
            assert_eq!(names, ["CALLBACK", "OPENAI_API_KEY", "STRIPE_API_KEY", "ULTRA_PORT"]);
            assert_eq!(found[1].after.as_ref().unwrap().fingerprint.as_deref(), shown);
            assert!(found[1].secret && found[2].secret && !found[3].secret);
            assert!(!format!("{found:?}").contains("canary"), "{found:?}");
        }
    }

    #[test]
    fn a_url_that_differs_only_where_it_is_masked_is_changed() {
        let url = |password: &str| format!("https://h.example/x?version={password}");
        let (one, other) = (url("canary-1"), url("canary-22"));
        let found =
            compared([&[("OPENAI_BASE_URL", &one)], &[("OPENAI_BASE_URL", &other)]], Prints::Make);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kind, Kind::Changed);
        let told = [&found[0].before, &found[0].after].map(|told| told.as_ref().unwrap());
        assert_eq!(told[0].value, told[1].value);
        assert_eq!(told[0].value.as_deref(), Some("https://h.example/x?version=***"));
        assert_ne!(told[0].fingerprint, told[1].fingerprint);
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
        assert!(
            compared([&[("OPENAI_BASE_URL", &one)], &[("OPENAI_BASE_URL", &one)]], Prints::Make)
                .is_empty()
        );
    }
}
