//! What is asked for, from the words of a command line or a query.

use crate::base::{Timestamp, near};
use crate::settings::value::Value as _;
use crate::store::UsageBy;
use std::time::Duration;

/// How far back is looked if nobody says.
const USUAL: Duration = Duration::from_secs(30 * 86_400);

/// What was said, unread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words<'a> {
    /// What rows are brought together by; models if left out.
    pub(crate) by: Option<&'a str>,
    /// From when on: a span back from now, a date, or a time.
    pub(crate) since: Option<&'a str>,
    /// Until when; a date is meant with its whole day.
    pub(crate) until: Option<&'a str>,
    /// Only this model.
    pub(crate) model: Option<&'a str>,
    /// Only this key.
    pub(crate) key: Option<&'a str>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What rows are brought together by.
    pub(crate) by: UsageBy,
    /// From this time on.
    pub(crate) since: Timestamp,
    /// Before this time.
    pub(crate) until: Timestamp,
    /// Only of this model, as clients ask for it.
    pub(crate) model: Option<String>,
    /// Only of the keys with this id or name.
    pub(crate) key: Option<String>,
}

/// A word that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// Which: `by`, `since` or `until`.
    pub(crate) name: &'static str,
    /// What it must be; never quotes what it is.
    pub(crate) what: &'static str,
    /// A word that may have been meant.
    pub(crate) hint: Option<String>,
}

impl Wanted {
    /// What the words say.
    ///
    /// # Errors
    /// All that cannot be understood.
    pub(crate) fn read(words: &Words<'_>, now: Timestamp) -> Result<Self, Vec<Bad>> {
        let mut bad = Vec::new();
        let by = words.by.map_or(Some(UsageBy::Model), UsageBy::parse);
        if by.is_none() {
            let known = UsageBy::ALL.map(UsageBy::word);
            bad.push(Bad {
                name: "by",
                what: "must be `key`, `user`, `model`, `provider` or `day`",
                hint: words.by.and_then(|word| near::hint(word, known)),
            });
        }
        const TIME: &str = "must be a span back from now such as `7d`, a date such as `2026-11-01`, \
                            or a time such as `2026-11-01T12:00:00Z`";
        let mut read = |name, word: Option<&str>, usual: Timestamp, end: bool| {
            let Some(word) = word else { return usual };
            time(word, now, end).unwrap_or_else(|| {
                bad.push(Bad { name, what: TIME, hint: None });
                usual
            })
        };
        // What is written while it is read belongs to it.
        let soon = now.checked_add(Duration::from_secs(1)).unwrap_or(now);
        let until = read("until", words.until, soon, true);
        let usual = until.checked_sub(USUAL).unwrap_or(Timestamp::UNIX_EPOCH);
        let since = read("since", words.since, usual, false);
        if bad.is_empty() && since >= until {
            let what = match words.until {
                Some(_) => "must lie before the end that is asked for",
                None => "must not lie in the future",
            };
            bad.push(Bad { name: "since", what, hint: None });
        }
        match by {
            Some(by) if bad.is_empty() => Ok(Self {
                by,
                since,
                until,
                model: words.model.map(str::to_owned),
                key: words.key.map(str::to_owned),
            }),
            _ => Err(bad),
        }
    }
}

/// The time of a word; where a date is an `end`, its day is over.
fn time(word: &str, now: Timestamp, end: bool) -> Option<Timestamp> {
    if let Some(span) = Duration::parse(word) {
        // Nothing was used before.
        return Some(now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH));
    }
    let day = word.len() == 10 && word.parse::<jiff::civil::Date>().is_ok();
    if !day {
        return word.contains('T').then(|| word.parse().ok()).flatten();
    }
    let begin: Timestamp = format!("{word}T00:00:00Z").parse().unwrap_or(Timestamp::MAX);
    let length = Duration::from_secs(if end { 86_400 } else { 0 });
    // The last day of all has no end.
    Some(begin.checked_add(length).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn read(since: Option<&str>, until: Option<&str>) -> Option<(String, String)> {
        let words = Words { since, until, ..Words::default() };
        let wanted = Wanted::read(&words, now()).ok()?;
        Some((wanted.since.to_string(), wanted.until.to_string()))
    }

    #[test]
    fn spans_dates_and_times_are_read() {
        for (since, until, expected) in [
            (None, None, ("2026-10-22T12:00:01Z", "2026-11-21T12:00:01Z")),
            (Some("7d"), None, ("2026-11-14T12:00:00Z", "2026-11-21T12:00:01Z")),
            (
                Some("2026-11-01"),
                Some("2026-11-01"),
                ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
            ),
            (
                Some("2026-11-01T02:00:00+02:00"),
                Some("1h"),
                ("2026-11-01T00:00:00Z", "2026-11-21T11:00:00Z"),
            ),
        ] {
            let expected = Some((expected.0.to_owned(), expected.1.to_owned()));
            assert_eq!(read(since, until), expected, "{since:?} {until:?}");
        }
        let last = read(Some("99999999d"), Some("9999-12-31")).unwrap();
        assert_eq!(last.0, "1970-01-01T00:00:00Z");
        assert!(last.1.starts_with("9999-12-30"), "{last:?}");
        let what = |since, until| {
            let words = Words { since: Some(since), until, ..Words::default() };
            Wanted::read(&words, now()).unwrap_err().first().unwrap().what
        };
        assert_eq!(what("2030-01-01", None), "must not lie in the future");
        assert!(what("2d", Some("3d")).contains("the end that is asked for"));
        for since in ["", "7", "yesterday", "2026-13-01", "2026-11-1", "20261101", "2026-11-22"] {
            assert_eq!(read(Some(since), None), None, "{since}");
        }
        assert_eq!(read(Some("1d"), Some("2d")), None, "it would be over before it begins");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let words =
            Words { by: Some("modl"), since: Some("x"), until: Some("y"), ..Words::default() };
        let bad = Wanted::read(&words, now()).unwrap_err();
        let names: Vec<&str> = bad.iter().map(|bad| bad.name).collect();
        assert_eq!(names, ["by", "until", "since"]);
        assert!(bad[0].hint.as_deref().is_some_and(|hint| hint.contains("`model`")));
    }
}
